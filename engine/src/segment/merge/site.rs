//! Merges what the inputs have of one site.

use std::ops::ControlFlow;

use crate::model::{CountrySet, HourRow, PageMask, SiteId, SiteMask};
use crate::segment::extent_writer::{ExtentWriter, MadeExtent};
use crate::segment::{Extent, PageIndex, Scratch, SegmentError, SegmentWriter, Strip};

use super::MergeStats;
use super::kept::Kept;
use super::mask::{PageRules, touches};
use super::strip::{StripInput, merge_strips};

/// Is told what has been done so far, and may stop it.
pub(super) type Watch<'w> = dyn FnMut(&MergeStats) -> ControlFlow<()> + 'w;

/// What one input has of a site.
pub(super) struct SitePart<'a> {
    extent: Extent<'a>,
    mask: Option<SiteMask>,
    next_page: u32,
}

impl<'a> SitePart<'a> {
    pub(super) fn new(extent: Extent<'a>, mask: Option<SiteMask>) -> SitePart<'a> {
        SitePart { extent, mask, next_page: 0 }
    }

    /// The text of the next page.
    fn page_text(&self) -> Result<Option<&str>, SegmentError> {
        if self.next_page == self.extent.page_count() {
            return Ok(None);
        }
        self.extent.page_text(PageIndex(self.next_page)).map(Some)
    }

    /// Goes to the next page; gives the one that was it.
    fn take_page(&mut self) -> PageIndex {
        self.next_page += 1;
        PageIndex(self.next_page - 1)
    }

    /// The hour totals of a page that stay.
    fn hours(
        &self,
        page: PageIndex,
        mask: Option<&PageMask>,
        scratch: &mut Scratch,
    ) -> Result<Vec<HourRow>, SegmentError> {
        let mut hours = self.extent.hours(page, scratch)?;
        if let Some(mask) = mask {
            hours.retain(|hour| !mask.covers_hours(hour.hour.day()));
        }
        Ok(hours)
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

/// A site that is to be merged.
pub(super) struct SiteTask<'a> {
    site: SiteId,
    parts: Vec<SitePart<'a>>,
    recode: CountrySet,
}

impl<'a> SiteTask<'a> {
    pub(super) fn new(site: SiteId, parts: Vec<SitePart<'a>>, recode: CountrySet) -> SiteTask<'a> {
        SiteTask { site, parts, recode }
    }

    /// Bytes of its extents.
    pub(super) fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.extent.length_bytes()).sum()
    }

    /// Whether it has one extent, of which every byte stays as it is.
    pub(super) fn is_kept(&self) -> Result<bool, SegmentError> {
        match &self.parts[..] {
            [only] => only.is_kept(&self.recode),
            _ => Ok(false),
        }
    }

    /// Its extents.
    pub(super) fn into_extents(self) -> impl Iterator<Item = Extent<'a>> {
        self.parts.into_iter().map(|part| part.extent)
    }

    /// Merges it into the segment that is being written.
    pub(super) fn write(
        self,
        writer: &mut SegmentWriter<'_>,
        scratches: &mut [Scratch],
        stats: &mut MergeStats,
        watch: &mut Watch<'_>,
    ) -> Result<(), SegmentError> {
        if self.is_kept()? {
            self.into_extents().try_for_each(|extent| writer.copy_extent(&extent))?;
            stats.sites_copied += 1;
            return stop_if_told(watch, stats);
        }
        writer.begin_site(self.site);
        self.merge(&mut SiteMerge { writer: writer.extents(), scratches, stats, watch })?;
        writer.end_site()
    }

    /// Merges it in memory. `None` when nothing of it is left.
    pub(super) fn make(
        self,
        writer: &mut ExtentWriter<'_>,
        scratches: &mut Vec<Scratch>,
        stats: &mut MergeStats,
    ) -> Result<Option<MadeExtent>, SegmentError> {
        scratches.resize_with(scratches.len().max(self.parts.len()), Scratch::new);
        let watch: &mut Watch<'_> = &mut |_| ControlFlow::Continue(());
        writer.begin_site(self.site);
        let merged = self.merge(&mut SiteMerge { writer, scratches, stats, watch });
        merged.and_then(|()| writer.end_made())
    }

    fn merge(mut self, merge: &mut SiteMerge<'_, '_>) -> Result<(), SegmentError> {
        let mut kept = None;
        if let ([only], [scratch, ..]) = (&self.parts[..], &mut *merge.scratches)
            && let Some(mask) = &only.mask
            && !only.is_recoded(&self.recode)?
        {
            kept = Kept::of(&only.extent, mask, scratch)?;
        }
        if let ([only], Some(kept)) = (&self.parts[..], &kept) {
            merge.writer.expect_blocks(only.extent.month(), kept.countries(&only.extent)?);
        }
        loop {
            let mut text: Option<&str> = None;
            for part in &self.parts {
                text = [text, part.page_text()?].into_iter().flatten().min();
            }
            let Some(text) = text.map(str::to_owned) else { break };
            merge.writer.begin_page(&text)?;
            match (&mut kept, &mut self.parts[..]) {
                (Some(kept), [only]) => merge.kept_page(&text, only, kept)?,
                (_, parts) => merge.page(&text, parts, &self.recode)?,
            }
            stop_if_told(merge.watch, merge.stats)?;
        }
        if let Some(kept) = kept {
            merge.writer.know_sums(kept.into_sums());
        }
        merge.stats.sites_merged += 1;
        Ok(())
    }
}

/// Tells what has been done.
pub(super) fn stop_if_told(watch: &mut Watch<'_>, stats: &MergeStats) -> Result<(), SegmentError> {
    match watch(stats) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(SegmentError::Stopped),
    }
}

/// What a site is merged with.
struct SiteMerge<'m, 'd> {
    writer: &'m mut ExtentWriter<'d>,
    /// One for each part.
    scratches: &'m mut [Scratch],
    stats: &'m mut MergeStats,
    watch: &'m mut Watch<'m>,
}

impl SiteMerge<'_, '_> {
    /// Writes the page of this text out of the parts that have it.
    fn page(
        &mut self,
        text: &str,
        parts: &mut [SitePart<'_>],
        recode: &CountrySet,
    ) -> Result<(), SegmentError> {
        let SiteMerge { writer, scratches, stats, .. } = self;
        let mut inputs = Vec::with_capacity(parts.len());
        for (part, scratch) in parts.iter_mut().zip(&mut **scratches) {
            if part.page_text()? != Some(text) {
                continue;
            }
            let page = part.take_page();
            let mask = part.mask.as_ref().map(|mask| mask.page(text));
            let hours = part.hours(page, mask.as_ref(), scratch)?;
            writer.hours(&hours);
            let strips = part.extent.strips(page, scratch)?;
            let rules = PageRules::new(mask.as_ref(), &part.extent, recode)?;
            inputs.push(PageInput { extent: &part.extent, scratch, rules, strips });
        }
        merge_page(&mut inputs, writer, stats)
    }

    /// Writes a page of the only part: strips that nothing is left out of with the blocks that they stand in.
    fn kept_page(
        &mut self,
        text: &str,
        part: &mut SitePart<'_>,
        kept: &mut Kept,
    ) -> Result<(), SegmentError> {
        let SiteMerge { writer, scratches, stats, .. } = self;
        let page = part.take_page();
        let mask = part.mask.as_ref().map(|mask| mask.page(text));
        let hours = part.hours(page, mask.as_ref(), &mut scratches[0])?;
        writer.hours(&hours);
        let (extent, scratch) = (&part.extent, &mut scratches[0]);
        let strips = extent.strips(page, scratch)?;
        if !kept.touches(page) {
            return strips.iter().try_for_each(|strip| kept.write(extent, strip, scratch, writer, stats));
        }
        let rules = PageRules::new(mask.as_ref(), extent, &CountrySet::new())?;
        for strip in &strips {
            if rules.cover(strip) {
                stats.rows_masked += strip.rows;
            } else if rules.touch(strip) {
                let input = StripInput::new(extent, scratch, &rules, strip);
                merge_strips(strip.layer, vec![input], writer, stats)?;
            } else {
                kept.write(extent, strip, scratch, writer, stats)?;
            }
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

/// Merges the strips of one page, layer by layer.
fn merge_page(
    inputs: &mut [PageInput<'_, '_>],
    writer: &mut ExtentWriter<'_>,
    stats: &mut MergeStats,
) -> Result<(), SegmentError> {
    let mut layers: Vec<_> =
        inputs.iter().flat_map(|input| input.strips.iter().map(|strip| strip.layer)).collect();
    layers.sort_unstable();
    layers.dedup();
    for layer in layers {
        let mut of_layer = Vec::with_capacity(inputs.len());
        for input in &mut *inputs {
            let PageInput { extent, scratch, rules, strips } = input;
            match strips.iter().find(|strip| strip.layer == layer) {
                Some(strip) if rules.cover(strip) => stats.rows_masked += strip.rows,
                Some(strip) => of_layer.push(StripInput::new(extent, scratch, rules, strip)),
                None => {}
            }
        }
        merge_strips(layer, of_layer, writer, stats)?;
    }
    Ok(())
}
