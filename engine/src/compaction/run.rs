//! Merges segments of one month into one that is durable but not yet live.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::disk::Disk;
use crate::model::{CountrySet, SiteId, SiteMask, Tombstone};
use crate::segment::{
    Lanes, MergeInput, Segment, SegmentEntry, SegmentError, SegmentHeader, SegmentWriter, Throttle, merge,
};

/// One merge: what comes in, what is left out, and what the output is called.
pub struct MergeTask<'a> {
    /// Segments of one month.
    pub inputs: &'a [Arc<Segment>],
    /// File number of the output, never given before.
    pub number: u64,
    /// Random bytes that tell the output from every other file.
    pub uuid: [u8; 16],
    /// Level of the output.
    pub level: u8,
    /// What of a site in an input is left out: by every tombstone that there is by now.
    pub mask: &'a dyn Fn(&SegmentHeader, SiteId) -> Option<SiteMask>,
    /// Sites that are left out as a whole.
    pub skip: &'a dyn Fn(SiteId) -> bool,
    /// Countries of a site that become `ZZ`.
    pub recode: &'a dyn Fn(SiteId) -> CountrySet,
    /// Where sites are merged at the same time.
    pub lanes: &'a dyn Lanes,
}

/// Merges, and seals the output. `None` when nothing is left: there is no file then.
///
/// `watch` is told from time to time how many bytes have been read, and may stop the merge.
///
/// # Errors
/// When an input is damaged, the disk said no, or `watch` has stopped it; there is no output then.
///
/// # Panics
/// Without an input.
pub fn run(
    disk: &dyn Disk,
    task: &MergeTask<'_>,
    throttle: &dyn Throttle,
    watch: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<Option<SegmentEntry>, SegmentError> {
    let headers = || task.inputs.iter().map(|input| &input.entry().header);
    let first = headers().next().expect("a merge has an input");
    let seq_hi = headers().map(|header| header.seq_hi).max().unwrap_or(first.seq_hi);
    let header = SegmentHeader {
        uuid: task.uuid,
        region: first.region.clone(),
        month: first.month,
        seq_lo: headers().map(|header| header.seq_lo).min().unwrap_or(first.seq_lo),
        seq_hi,
        purged_through: Tombstone::applied_before(seq_hi),
        key_id: first.key_id,
        aead: first.aead,
    };
    let masks: Vec<_> = task
        .inputs
        .iter()
        .map(|input| move |site: SiteId| (task.mask)(&input.entry().header, site))
        .collect();
    let inputs: Vec<MergeInput<'_>> = task
        .inputs
        .iter()
        .zip(&masks)
        .map(|(segment, mask)| MergeInput { segment, mask, skip: task.skip })
        .collect();
    let mut writer = SegmentWriter::create(disk, task.number, header, throttle)?;
    merge(&inputs, &mut writer, task.recode, task.lanes, &mut |stats| watch(stats.bytes_read))?;
    Ok(writer.seal()?.map(|entry| SegmentEntry { level: task.level, ..entry }))
}
