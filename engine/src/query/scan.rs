//! Strips of segments: which ones a question is about, and reading each no deeper than it asks.

use std::sync::Arc;

use super::filter::{DayBits, Reading, RowFilter};
use super::source::{Meter, Source};
use super::{Pages, QueryError, Selection};
use crate::model::{Country, Cover, Layer, LayerSelection, MaskRules, Month};
use crate::segment::{Extent, PageIndex, Strip};
use crate::view::{Covered, Masks};

/// Days of the longest month.
pub(super) const MONTH_DAYS: usize = 31;

/// The rows of a site in one segment, as far as they count.
pub(super) struct SitePiece<'a, 's> {
    pub(super) extent: &'a Extent<'s>,
    pub(super) month: Month,
    /// Which rows count, but for `rules`.
    pub(super) filter: &'a RowFilter,
    /// What else does not.
    pub(super) rules: &'a MaskRules,
    /// Where what the rules cover is remembered.
    masks: &'a Masks,
    /// Number of the segment.
    number: u64,
}

/// One page in one segment.
pub(super) struct PagePiece<'a> {
    pub(super) page: PageIndex,
    pub(super) text: &'a str,
    /// Which of its rows count.
    pub(super) filter: &'a RowFilter,
    /// What rules that name it leave out.
    pub(super) named: &'a [Cover],
}

/// One strip in one segment.
pub(super) struct StripPiece<'a, 's> {
    pub(super) extent: &'a Extent<'s>,
    pub(super) month: Month,
    pub(super) strip: &'a Strip,
    /// Which of its rows count.
    pub(super) filter: &'a RowFilter,
}

impl Source<'_> {
    /// How many segments the answered months have, of any site.
    pub(super) fn segment_count(&self) -> usize {
        self.view.segments().months(&self.days.days).map(|(_, segments)| segments.len()).sum()
    }

    /// Gives the site's rows in each segment of the answered months to `f`, with the filter of their month.
    pub(super) fn site_pieces(
        &self,
        meter: &mut Meter<'_>,
        filter_of: impl Fn(Month) -> RowFilter,
        f: &mut dyn FnMut(&mut Meter<'_>, &SitePiece<'_, '_>) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        for (month, segments) in self.view.segments().months(&self.days.days) {
            let filter = filter_of(month);
            if filter.is_empty() {
                continue;
            }
            for segment in segments {
                meter.spent.check()?;
                let Some(extent) = segment.extent(self.site)? else { continue };
                let rules = self.view.masks().rules(self.site, &segment.entry().header);
                let (masks, number) = (self.view.masks(), segment.entry().number);
                let piece =
                    SitePiece { extent: &extent, month, filter: &filter, rules: &rules, masks, number };
                f(meter, &piece)?;
            }
        }
        Ok(())
    }

    /// Gives each strip of the selection that may have rows that count to `f`. What is read of it is up to `f`.
    pub(super) fn strips(
        &self,
        meter: &mut Meter<'_>,
        selection: &Selection,
        f: &mut dyn FnMut(&mut Meter<'_>, &StripPiece<'_, '_>) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        self.pages(meter, selection, &mut |meter, piece, page| {
            piece.strips(meter, page, &selection.layers, f)
        })
    }

    /// Gives each page of the selection in each segment to `f`, with the rows of the site there.
    pub(super) fn pages(
        &self,
        meter: &mut Meter<'_>,
        selection: &Selection,
        f: &mut dyn FnMut(&mut Meter<'_>, &SitePiece<'_, '_>, &PagePiece<'_>) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        let filter_of = |month| self.filter(month, selection.countries.as_ref());
        self.site_pieces(meter, filter_of, &mut |meter, piece| {
            piece.pages(meter, &selection.pages, &mut |meter, page| f(meter, piece, page))
        })
    }
}

impl SitePiece<'_, '_> {
    /// Gives the pages that are asked for to `f`.
    pub(super) fn pages(
        &self,
        meter: &mut Meter<'_>,
        pages: &Pages,
        f: &mut dyn FnMut(&mut Meter<'_>, &PagePiece<'_>) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        match pages {
            Pages::Site => {
                let covered = self.covered()?;
                self.extent.all_pages().try_for_each(|page| self.page(meter, page, covered.naming(page), f))
            }
            Pages::Page(text) => match self.extent.find_page(text)? {
                Some(page) => self.page(meter, page, &self.rules.naming(text), f),
                None => Ok(()),
            },
            Pages::Matching(pattern) => {
                let covered = self.covered()?;
                for page in self.extent.pages_from(pattern.prefix())? {
                    if meter.matched.test(pattern, self.extent.page_text(page)?)? {
                        self.page(meter, page, covered.naming(page), f)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// What rules that name pages cover, found once for all queries.
    pub(super) fn covered(&self) -> Result<Arc<Covered>, QueryError> {
        if !self.rules.name_pages() {
            return Ok(Arc::default());
        }
        let site = self.extent.site();
        if let Some(found) = self.masks.found(site, self.number) {
            return Ok(found);
        }
        let found = Arc::new(Covered::find(self.extent, self.rules)?);
        self.masks.remember(site, self.number, &found);
        Ok(found)
    }

    fn page(
        &self,
        meter: &mut Meter<'_>,
        page: PageIndex,
        named: &[Cover],
        f: &mut dyn FnMut(&mut Meter<'_>, &PagePiece<'_>) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        meter.spent.check()?;
        let text = self.extent.page_text(page)?;
        let of_site = self.rules.of_site();
        if named.is_empty() && of_site.is_empty() {
            return f(meter, &PagePiece { page, text, filter: self.filter, named: &[] });
        }
        let filter = self.filter.without(self.month, named.iter().chain(&of_site));
        f(meter, &PagePiece { page, text, filter: &filter, named })
    }

    /// Gives the strips of a page that are of the asked layers to `f`.
    pub(super) fn strips(
        &self,
        meter: &mut Meter<'_>,
        page: &PagePiece<'_>,
        layers: &LayerSelection,
        f: &mut dyn FnMut(&mut Meter<'_>, &StripPiece<'_, '_>) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        let PagePiece { page, filter, .. } = *page;
        if filter.is_empty() {
            return Ok(());
        }
        let asked = |layer| layers.contains(layer);
        for strip in &self.extent.strips_of(page, asked, &mut meter.scratch)? {
            f(meter, &StripPiece { extent: self.extent, month: self.month, strip, filter })?;
            meter.spent.check()?;
        }
        Ok(())
    }
}

impl StripPiece<'_, '_> {
    pub(super) fn layer(&self) -> Layer {
        self.strip.layer
    }

    /// How much of it has to be read for its cells.
    fn reading(&self) -> Reading {
        let kind = self.layer().kind();
        if self.filter.keeps_all(kind, self.month) {
            return Reading::Summary;
        }
        self.filter.weigh(kind, self.strip.day_totals()).reading(self.strip.total)
    }

    /// Gives the cells whose rows count to `f`: codes and counts. Codes ascend, and none repeats within one call.
    pub(super) fn cells(
        &self,
        meter: &mut Meter<'_>,
        f: &mut impl FnMut(&[u32], &[u64]),
    ) -> Result<(), QueryError> {
        let Meter { spent, scratch, .. } = meter;
        match self.reading() {
            Reading::Nothing => {}
            Reading::Summary => self.extent.scan_summary(self.strip, scratch, spent, f)?,
            Reading::Detail => {
                let countries = self.extent.country_totals()?.iter();
                let keep: Vec<DayBits> =
                    countries.map(|(country, _)| self.filter.days_of(*country)).collect();
                self.extent.scan_kept(self.strip, &keep, scratch, spent, f)?;
            }
        }
        Ok(())
    }

    /// How many of its events count on each day of the month. Reads no block when totals decide.
    pub(super) fn day_counts(&self, meter: &mut Meter<'_>) -> Result<[u64; MONTH_DAYS], QueryError> {
        let kind = self.layer().kind();
        let mut counts = [0_u64; MONTH_DAYS];
        if self.filter.weigh(kind, self.strip.day_totals()).undecided == 0 {
            for (day, total) in self.strip.day_totals().filter(|(day, _)| self.filter.keeps_day(kind, *day)) {
                counts[usize::from(day)] = total;
            }
        } else {
            self.rows(meter, &mut |_, day, count| counts[usize::from(day)] += count)?;
        }
        Ok(counts)
    }

    /// How many of its events count. Reads no block when totals decide.
    pub(super) fn count(&self, meter: &mut Meter<'_>) -> Result<u64, QueryError> {
        let weight = self.filter.weigh(self.layer().kind(), self.strip.day_totals());
        if weight.undecided == 0 {
            return Ok(weight.counted);
        }
        let mut total = 0_u64;
        self.rows(meter, &mut |_, _, count| total += count)?;
        Ok(total)
    }

    /// Cells of it, whether they count or not.
    pub(super) fn cell_count(&self) -> u64 {
        self.strip.cells
    }

    /// Gives country as stored, day of the month and count of its rows that count to `f`.
    pub(super) fn rows(
        &self,
        meter: &mut Meter<'_>,
        f: &mut impl FnMut(Country, u8, u64),
    ) -> Result<(), QueryError> {
        if self.reading() == Reading::Nothing {
            return Ok(());
        }
        let Meter { spent, scratch, .. } = meter;
        self.extent.scan_detail(self.strip, scratch, spent, &mut |rows| {
            for ((country, day), count) in rows.countries.iter().zip(rows.days).zip(rows.counts) {
                if self.filter.keeps(country.code(), *day) {
                    f(*country, *day, u64::from(*count));
                }
            }
        })?;
        Ok(())
    }
}
