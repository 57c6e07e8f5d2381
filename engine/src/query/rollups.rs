//! Totals of a whole site, from roll-ups as far as they answer.
//!
//! A roll-up knows day, kind, device and country. What it cannot tell apart (pages that a mask covers, fixed targets
//! that were not asked for) is read from the rows and taken off.

use std::collections::{BTreeMap, HashMap};

use super::filter::{RowFilter, day_bits};
use super::memory::MemoryRow;
use super::scan::{PagePiece, SitePiece};
use super::source::{Meter, Source};
use super::{Pages, QueryError, Selection};
use crate::model::{Country, CountrySet, CountryTotals, Device, Fixed, Kind, KindSet, LayerSelection, Month};
use crate::segment::Rollup;
use crate::view::{Covered, CoveredSums};

/// Events of a site on one day, of one kind, device and country. The same place may be given several times.
pub(super) struct SiteSum {
    pub(super) month: Month,
    /// Day of the month, 0 to 30.
    pub(super) of_month: u8,
    pub(super) kind: Kind,
    pub(super) device: Device,
    /// As stored, rare or not.
    pub(super) country: Country,
    /// At least 1.
    pub(super) count: u64,
}

/// What is taken off roll-ups, by day of the month, kind, device and country.
type TakenOff = HashMap<(u8, Kind, Device, Country), u64>;

impl Source<'_> {
    /// Gives the sums of the whole site to `f`, over layers for which `plan::is_of_rollups` holds.
    pub(super) fn site_sums(
        &self,
        meter: &mut Meter<'_>,
        layers: &LayerSelection,
        countries: Option<&CountrySet>,
        f: &mut impl FnMut(SiteSum),
    ) -> Result<(), QueryError> {
        let filter_of = |month| self.filter(month, countries);
        self.site_pieces(meter, filter_of, &mut |meter, piece| sums_of_piece(meter, piece, layers, f))?;
        let (days, countries) = (self.days.days, countries.copied());
        let selection = Selection { pages: Pages::Site, layers: *layers, countries, days };
        self.memory_rows(meter, &selection, &mut |MemoryRow { month, of_month, row, .. }| {
            let (layer, country) = (row.key.layer(), row.key.country());
            let (kind, device) = (layer.kind(), layer.viewport().device());
            f(SiteSum { month, of_month, kind, device, country, count: u64::from(row.count) });
        })
    }

    /// What the site has from each country in each month of the answer: over the whole month, as far as it is kept.
    pub(super) fn country_totals(
        &self,
        meter: &mut Meter<'_>,
    ) -> Result<BTreeMap<Month, CountryTotals>, QueryError> {
        let mut months = BTreeMap::<Month, CountryTotals>::new();
        let kept = self.days.kept;
        let filter_of = |month| RowFilter::of_days(day_bits(month, &kept));
        self.site_pieces(meter, filter_of, &mut |meter, piece| {
            let totals = months.entry(piece.month).or_default();
            if piece.rules.of_site().is_empty() && kept.covers(&piece.month.days()) {
                let covered = piece.covered()?;
                let sums = covered_sums(meter, piece, &covered)?;
                for (country, events) in piece.extent.country_totals()? {
                    let left = events.saturating_sub(sums.of_country(*country));
                    if left > 0 {
                        totals.add(*country, left);
                    }
                }
                return Ok(());
            }
            let every = LayerSelection::of_kinds(KindSet::all());
            sums_of_piece(meter, piece, &every, &mut |sum| totals.add(sum.country, sum.count))
        })?;
        let answered: Vec<Month> = self.days.days.months().collect();
        for memtable in self.view.memtables() {
            memtable.read_site(self.site, |rows| {
                let days = rows.into_iter().flat_map(|rows| rows.country_days());
                for (day, country, events) in days.filter(|(day, ..)| kept.contains(*day)) {
                    let month = day.month();
                    if answered.binary_search(&month).is_ok() {
                        months.entry(month).or_default().add(country, events);
                    }
                }
            });
        }
        Ok(months)
    }
}

/// Gives the sums of a site in one segment to `f`.
fn sums_of_piece(
    meter: &mut Meter<'_>,
    piece: &SitePiece<'_, '_>,
    layers: &LayerSelection,
    f: &mut impl FnMut(SiteSum),
) -> Result<(), QueryError> {
    let filter = piece.filter.without(piece.month, &piece.rules.of_site());
    let taken_off = taken_off(meter, piece, &filter, layers)?;
    let month = piece.month;
    piece.extent.rollups(&mut meter.scratch, &mut |rollup| {
        let Rollup { day: of_month, kind, device, country, count } = rollup;
        let asked = layers.kinds.contains(kind) && layers.viewports.contains(device.lowest_viewport());
        if !asked || !filter.keeps(country.code(), of_month) {
            return;
        }
        let off = taken_off.get(&(of_month, kind, device, country)).copied().unwrap_or(0);
        let count = count.saturating_sub(off);
        if count > 0 {
            f(SiteSum { month, of_month, kind, device, country, count });
        }
    })?;
    Ok(())
}

/// The rows that roll-ups hold but that do not count: of pages that a rule covers, and of fixed targets when they were not
/// asked for.
fn taken_off(
    meter: &mut Meter<'_>,
    piece: &SitePiece<'_, '_>,
    filter: &RowFilter,
    layers: &LayerSelection,
) -> Result<TakenOff, QueryError> {
    let mut taken_off = TakenOff::new();
    let asked = |fixed: bool| layers.fixed == Fixed::Any || (layers.fixed == Fixed::Yes) == fixed;
    let covered = piece.covered()?;
    for ((of_month, kind, device, country, fixed), count) in covered_sums(meter, piece, &covered)?.each() {
        if asked(*fixed) {
            *taken_off.entry((*of_month, *kind, *device, *country)).or_insert(0) += count;
        }
    }
    if layers.fixed == Fixed::Any {
        return Ok(taken_off);
    }
    let every = LayerSelection { fixed: Fixed::Any, ..*layers };
    piece.pages(meter, &Pages::Site, &mut |meter, page| {
        // Every row that the roll-ups hold, covered or not.
        let whole = PagePiece { filter, ..*page };
        piece.strips(meter, &whole, &every, &mut |meter, strip| {
            if layers.contains(strip.layer()) {
                return Ok(());
            }
            let (kind, device) = (strip.layer().kind(), strip.layer().viewport().device());
            strip.rows(meter, &mut |country, of_month, count| {
                *taken_off.entry((of_month, kind, device, country)).or_insert(0) += count;
            })
        })
    })?;
    Ok(taken_off)
}

/// The rows of pages that a rule names, as far as it covers them: read once, and remembered.
fn covered_sums<'c>(
    meter: &mut Meter<'_>,
    piece: &SitePiece<'_, '_>,
    covered: &'c Covered,
) -> Result<&'c CoveredSums, QueryError> {
    if let Some(sums) = covered.sums() {
        return Ok(sums);
    }
    let (month, mut sums) = (piece.month, CoveredSums::default());
    let every = LayerSelection::of_kinds(KindSet::all());
    let all = RowFilter::of_days(day_bits(month, &month.days()));
    for page in covered.pages() {
        let named = covered.naming(page);
        let left = all.without(month, named);
        let whole = PagePiece { page, text: piece.extent.page_text(page)?, filter: &all, named };
        piece.strips(meter, &whole, &every, &mut |meter, strip| {
            let layer = strip.layer();
            let (kind, device, fixed) = (layer.kind(), layer.viewport().device(), layer.fixed());
            strip.rows(meter, &mut |country, of_month, count| {
                if !left.keeps(country.code(), of_month) {
                    sums.add((of_month, kind, device, country, fixed), count);
                }
            })
        })?;
    }
    Ok(covered.know_sums(sums))
}
