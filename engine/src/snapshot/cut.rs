//! Cuts a site out of a segment, or all others: extents are copied byte by byte, so that nothing is counted anew.

use std::ops::ControlFlow;

use crate::disk::Disk;
use crate::model::{CountrySet, SiteId};
use crate::segment::{
    MergeInput, OneLane, Segment, SegmentEntry, SegmentError, SegmentHeader, SegmentWriter, Throttle, merge,
};

/// One cut: what comes in, and what the output is called.
pub struct Cut<'a> {
    /// The segment.
    pub segment: &'a Segment,
    /// File number of the output, never given before.
    pub number: u64,
    /// Random bytes that tell the output from every other file.
    pub uuid: [u8; 16],
    /// Level of the output.
    pub level: u8,
    /// Sites that are in the output.
    pub keep: &'a dyn Fn(SiteId) -> bool,
}

/// Writes the output, durable and not live. `None` when nothing is left: there is no file then.
///
/// It is of the same batches as the input, and what was applied to that is applied to it. `watch` is told how many
/// bytes have been copied, and may stop.
///
/// # Errors
/// When the input is damaged, the disk said no, or `watch` has stopped it; there is no output then.
pub fn run(
    disk: &dyn Disk,
    cut: &Cut<'_>,
    throttle: &dyn Throttle,
    watch: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<Option<SegmentEntry>, SegmentError> {
    let header = SegmentHeader { uuid: cut.uuid, ..cut.segment.entry().header.clone() };
    let input = MergeInput { segment: cut.segment, mask: &|_| None, skip: &|site: SiteId| !(cut.keep)(site) };
    let mut writer = SegmentWriter::create(disk, cut.number, header, throttle)?;
    merge(&[input], &mut writer, &|_| CountrySet::new(), &OneLane, &mut |stats| watch(stats.bytes_read))?;
    Ok(writer.seal()?.map(|entry| SegmentEntry { level: cut.level, ..entry }))
}
