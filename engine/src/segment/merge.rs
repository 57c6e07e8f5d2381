//! Joins segments of one month into one: the only routine that leaves rows out or changes their country.

mod going;
mod kept;
mod mask;
mod site;
mod strip;
mod wave;

use std::ops::{AddAssign, ControlFlow};

use crate::model::{CountrySet, SiteId, SiteMask};

use self::site::{SitePart, SiteTask};
use self::wave::Wave;
use super::{Lanes, Scratch, Segment, SegmentError, SegmentWriter};

/// Bytes of extents that are merged at the same time, as they were before, while those before are written. What is made of
/// them is held in memory, so that a larger one goes to the file as it comes; and the less it is, the sooner the disk has
/// something to do. Tests have sites for many times.
const WAVE_BYTES: u64 = if cfg!(test) { 2 << 10 } else { 8 << 20 };

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
    /// Rows of the merged sites that were not copied, but for those of strips of which all is left out.
    pub rows_read: u64,
    /// Rows that were left out.
    pub rows_masked: u64,
}

impl AddAssign for MergeStats {
    fn add_assign(&mut self, other: MergeStats) {
        self.sites_copied += other.sites_copied;
        self.sites_merged += other.sites_merged;
        self.blocks_copied += other.blocks_copied;
        self.bytes_read += other.bytes_read;
        self.rows_read += other.rows_read;
        self.rows_masked += other.rows_masked;
    }
}

/// Merges the inputs, all of the writer's month, into `writer`, which is left to be sealed.
///
/// A site that only one input has, of which nothing is left out and nothing recoded, is copied byte by byte. If some of
/// it is left out, so are the blocks that nothing is left out of, and those that whole strips are left out of are taken
/// over without these. All else is made anew from its rows, totals and roll-ups included. `recode`
/// says which countries of a site become `ZZ`; a mask sees the country as it is stored. Sites are merged in `lanes`, and
/// what comes out is the same with any number of them. `watch` is called after each page, or with more than one lane
/// after each site, and may stop the merge.
///
/// # Errors
/// When an input is damaged (the error names it), the disk said no, or `watch` has stopped it.
pub fn merge(
    inputs: &[MergeInput<'_>],
    writer: &mut SegmentWriter<'_>,
    recode: &dyn Fn(SiteId) -> CountrySet,
    lanes: &dyn Lanes,
    watch: &mut dyn FnMut(&MergeStats) -> ControlFlow<()>,
) -> Result<MergeStats, SegmentError> {
    let mut stats = MergeStats::default();
    let mut scratches: Vec<Scratch> = inputs.iter().map(|_| Scratch::new()).collect();
    let mut wave = Wave::new(writer.header().month, lanes);
    let mut sites = Vec::with_capacity(inputs.len());
    for input in inputs {
        sites.push(input.segment.sites()?.peekable());
    }
    while let Some(site) = sites.iter_mut().filter_map(|sites| sites.peek().copied()).min() {
        let mut parts = Vec::new();
        for (input, sites) in inputs.iter().zip(&mut sites) {
            if sites.next_if_eq(&site).is_none() || (input.skip)(site) {
                continue;
            }
            let Some(extent) = input.segment.extent(site)? else { continue };
            let mask = (input.mask)(site);
            stats.bytes_read += extent.length_bytes();
            if mask.as_ref().is_some_and(|mask| mask.covers_month(extent.month())) {
                stats.rows_masked += extent.header().rows;
                continue;
            }
            parts.push(SitePart::new(extent, mask));
        }
        if parts.is_empty() {
            continue;
        }
        let task = SiteTask::new(site, parts, recode(site));
        if lanes.count() == 1 || task.bytes() > WAVE_BYTES {
            wave.finish(writer, &mut stats, watch)?;
            task.write(writer, &mut scratches, &mut stats, watch)?;
        } else if wave.add(task) >= WAVE_BYTES {
            wave.pass(writer, &mut stats, watch)?;
        }
    }
    wave.finish(writer, &mut stats, watch)?;
    Ok(stats)
}
