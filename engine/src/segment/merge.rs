//! Joins segments of one month into one: the only routine that leaves rows out or changes their country.

mod kept;
mod mask;
mod strip;

use std::ops::ControlFlow;

use crate::model::{CountrySet, SiteId, SiteMask};

use self::kept::Kept;
use self::mask::{PageRules, touches};
use self::strip::{StripInput, merge_strips};
use super::{Extent, PageIndex, Scratch, Segment, SegmentError, SegmentWriter, Strip};

/// A segment to be merged, and what of it is left out.
pub struct MergeInput<'a> {
    /// The segment.
    pub segment: &'a Segment,
    /// What of a site is left out; per input, because a rule covers only what was written before it.
    pub mask: &'a dyn Fn(SiteId) -> Option<SiteMask>,
    /// Sites that are left out as a whole.
    pub skip: &'a dyn Fn(SiteId) -> bool,
}

/// What a merge has done so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct MergeStats {
    /// Sites that were copied byte by byte.
    pub sites_copied: u64,
    /// Sites whose rows were merged.
    pub sites_merged: u64,
    /// Blocks of these that were copied byte by byte.
    pub blocks_copied: u64,
    /// Bytes of the extents that were copied or merged.
    pub bytes_read: u64,
    /// Rows that were read of the merged sites: of strips of which all is left out, none.
    pub rows_read: u64,
    /// Rows of these that were left out.
    pub rows_masked: u64,
}

/// Merges the inputs, all of the writer's month, into `writer`, which is left to be sealed.
///
/// A site that only one input has, of which nothing is left out and nothing recoded, is copied byte by byte. If some of
/// it is left out, so are the blocks that nothing is left out of. All else is made anew from its rows, totals and
/// roll-ups included. `recode` says which countries of a site
/// become `ZZ`; a mask sees the country as it is stored. `watch` is called after each page and may stop the merge.
///
/// # Errors
/// When an input is damaged (the error names it), the disk said no, or `watch` has stopped it.
pub fn merge(
    inputs: &[MergeInput<'_>],
    writer: &mut SegmentWriter<'_>,
    recode: &dyn Fn(SiteId) -> CountrySet,
    watch: &mut dyn FnMut(&MergeStats) -> ControlFlow<()>,
) -> Result<MergeStats, SegmentError> {
    let mut merge = Merge { writer, watch, stats: MergeStats::default() };
    let mut scratches: Vec<Scratch> = inputs.iter().map(|_| Scratch::new()).collect();
    let mut sites = Vec::with_capacity(inputs.len());
    for input in inputs {
        sites.push(input.segment.sites()?.peekable());
    }
    while let Some(site) = sites.iter_mut().filter_map(|sites| sites.peek().copied()).min() {
        let mut parts = Vec::new();
        for ((input, sites), scratch) in inputs.iter().zip(&mut sites).zip(&mut scratches) {
            if sites.next_if_eq(&site).is_none() || (input.skip)(site) {
                continue;
            }
            if let Some(extent) = input.segment.extent(site)? {
                let mask = (input.mask)(site);
                if mask.as_ref().is_some_and(|mask| mask.covers_month(extent.month())) {
                    merge.stats.bytes_read += extent.length_bytes();
                    merge.stats.rows_masked += extent.header().rows;
                    continue;
                }
                parts.push(SitePart { extent, mask, scratch, next_page: 0 });
            }
        }
        merge.site(site, &mut parts, &recode(site))?;
    }
    Ok(merge.stats)
}

struct Merge<'a, 'd> {
    writer: &'a mut SegmentWriter<'d>,
    watch: &'a mut dyn FnMut(&MergeStats) -> ControlFlow<()>,
    stats: MergeStats,
}

/// What one input has of a site.
struct SitePart<'a, 's> {
    extent: Extent<'a>,
    mask: Option<SiteMask>,
    scratch: &'s mut Scratch,
    next_page: u32,
}

impl SitePart<'_, '_> {
    /// The text of the next page.
    fn page_text(&self) -> Result<Option<&str>, SegmentError> {
        if self.next_page == self.extent.page_count() {
            return Ok(None);
        }
        self.extent.page_text(PageIndex(self.next_page)).map(Some)
    }

    /// Whether any of its countries becomes another.
    fn is_recoded(&self, recode: &CountrySet) -> Result<bool, SegmentError> {
        Ok(self.extent.country_totals()?.iter().any(|(country, _)| recode.contains(*country)))
    }

    /// Whether every byte stays as it is.
    fn is_kept(&self, recode: &CountrySet) -> Result<bool, SegmentError> {
        if self.is_recoded(recode)? {
            return Ok(false);
        }
        match &self.mask {
            Some(mask) => Ok(!touches(mask, &self.extent)?),
            None => Ok(true),
        }
    }
}

impl Merge<'_, '_> {
    fn watch(&mut self) -> Result<(), SegmentError> {
        match (self.watch)(&self.stats) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(SegmentError::Stopped),
        }
    }

    fn site(
        &mut self,
        site: SiteId,
        parts: &mut [SitePart<'_, '_>],
        recode: &CountrySet,
    ) -> Result<(), SegmentError> {
        self.stats.bytes_read += parts.iter().map(|part| part.extent.length_bytes()).sum::<u64>();
        match parts {
            [] => return Ok(()),
            [only] if only.is_kept(recode)? => {
                self.writer.copy_extent(&only.extent)?;
                self.stats.sites_copied += 1;
                return self.watch();
            }
            _ => {}
        }
        let mut kept = None;
        if let [only] = parts
            && let Some(mask) = &only.mask
            && !only.is_recoded(recode)?
        {
            kept = Kept::of(&only.extent, mask, only.scratch)?;
        }
        self.writer.begin_site(site);
        if let ([only], Some(kept)) = (&*parts, &mut kept) {
            self.writer.expect_copies(&only.extent, std::mem::take(&mut kept.sums))?;
        }
        loop {
            let mut text: Option<&str> = None;
            for part in &*parts {
                text = [text, part.page_text()?].into_iter().flatten().min();
            }
            let Some(text) = text.map(str::to_owned) else { break };
            self.page(&text, parts, recode, kept.as_ref())?;
            self.watch()?;
        }
        self.stats.sites_merged += 1;
        self.writer.end_site()
    }

    fn page(
        &mut self,
        text: &str,
        parts: &mut [SitePart<'_, '_>],
        recode: &CountrySet,
        kept: Option<&Kept>,
    ) -> Result<(), SegmentError> {
        self.writer.begin_page(text)?;
        let mut inputs = Vec::with_capacity(parts.len());
        for part in parts {
            if part.page_text()? != Some(text) {
                continue;
            }
            let page = PageIndex(part.next_page);
            part.next_page += 1;
            let strips = part.extent.strips(page, part.scratch)?;
            let mut hours = part.extent.hours(page, part.scratch)?;
            let mask = part.mask.as_ref().map(|mask| mask.page(text));
            if let Some(mask) = &mask {
                hours.retain(|hour| !mask.covers_hours(hour.hour.day()));
            }
            self.writer.hours(&hours);
            let rules = PageRules::new(mask.as_ref(), &part.extent, recode)?;
            inputs.push(PageInput { extent: &part.extent, scratch: part.scratch, rules, strips });
        }
        match (kept, &mut inputs[..]) {
            (Some(kept), [only]) => self.strips_of(only, kept),
            _ => self.strips(&mut inputs),
        }
    }

    /// Writes the strips of the only input: those that nothing is left out of with the blocks that they stand in.
    fn strips_of(&mut self, input: &mut PageInput<'_, '_>, kept: &Kept) -> Result<(), SegmentError> {
        let PageInput { extent, scratch, rules, strips } = input;
        for strip in &*strips {
            if rules.cover(strip) {
                self.stats.rows_masked += strip.rows;
            } else if rules.touch(strip) {
                let input = StripInput::new(extent, scratch, rules, strip);
                merge_strips(strip.layer, vec![input], self.writer, &mut self.stats)?;
            } else {
                kept.write(extent, strip, scratch, self.writer, &mut self.stats)?;
            }
        }
        Ok(())
    }

    /// Merges the strips of one page, layer by layer.
    fn strips(&mut self, inputs: &mut [PageInput<'_, '_>]) -> Result<(), SegmentError> {
        let mut layers: Vec<_> =
            inputs.iter().flat_map(|input| input.strips.iter().map(|strip| strip.layer)).collect();
        layers.sort_unstable();
        layers.dedup();
        for layer in layers {
            let mut of_layer = Vec::with_capacity(inputs.len());
            for input in &mut *inputs {
                let PageInput { extent, scratch, rules, strips } = input;
                match strips.iter().find(|strip| strip.layer == layer) {
                    Some(strip) if rules.cover(strip) => self.stats.rows_masked += strip.rows,
                    Some(strip) => of_layer.push(StripInput::new(extent, scratch, rules, strip)),
                    None => {}
                }
            }
            merge_strips(layer, of_layer, self.writer, &mut self.stats)?;
        }
        Ok(())
    }
}

/// What one input has of a page.
struct PageInput<'p, 'a> {
    extent: &'p Extent<'a>,
    scratch: &'p mut Scratch,
    rules: PageRules,
    strips: Vec<Strip>,
}
