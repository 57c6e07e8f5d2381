//! Flush: a frozen memtable becomes level-0 segments, one for each month it touches.
//!
//! Nothing here makes them live. That is one manifest edit, which also moves `wal_floor`: the invariant of "never
//! lost, never counted twice".

use crate::disk::{Disk, DiskError};
use crate::format::names::{Directory, FileName};
use crate::memtable::Memtable;
use crate::model::{Month, Region, Tombstone};
use crate::segment::{SegmentEntry, SegmentError, SegmentHeader, SegmentWriter, Unthrottled};

/// What the segments of a flush have in common.
pub struct FlushPlan<'a> {
    /// Where the store is.
    pub region: &'a Region,
    /// Gives a file number that was never given before, and random bytes that tell the file from every other.
    pub next_file: &'a dyn Fn() -> (u64, [u8; 16]),
}

/// Writes the segments of a frozen memtable, durable but not yet live.
///
/// # Errors
/// When one of them could not be written. Those that were are removed again, as far as the disk lets them be.
pub fn run(
    disk: &dyn Disk,
    memtable: &Memtable,
    plan: &FlushPlan<'_>,
) -> Result<Vec<SegmentEntry>, SegmentError> {
    let mut entries = Vec::new();
    for month in memtable.months() {
        match write_month(disk, memtable, month, plan) {
            Ok(entry) => entries.extend(entry),
            Err(error) => {
                discard(disk, &entries);
                return Err(error);
            }
        }
    }
    Ok(entries)
}

/// Removes segments that never became live. What cannot be removed is an orphan, and goes at the next open.
pub fn discard(disk: &dyn Disk, entries: &[SegmentEntry]) {
    let removed = |entry: &SegmentEntry| disk.remove(FileName::Segment(entry.number));
    let _: Result<(), DiskError> = entries
        .iter()
        .try_for_each(removed)
        .and_then(|()| if entries.is_empty() { Ok(()) } else { disk.sync_directory(Directory::Segments) });
}

fn write_month(
    disk: &dyn Disk,
    memtable: &Memtable,
    month: Month,
    plan: &FlushPlan<'_>,
) -> Result<Option<SegmentEntry>, SegmentError> {
    let (number, uuid) = (plan.next_file)();
    let seq_hi = memtable.seq_hi().unwrap_or_default();
    let header = SegmentHeader {
        uuid,
        region: plan.region.clone(),
        month,
        seq_lo: memtable.seq_lo().unwrap_or_default(),
        seq_hi,
        purged_through: Tombstone::applied_before(seq_hi),
        key_id: [0; 16],
        aead: 0,
    };
    let mut writer = SegmentWriter::create(disk, number, header, &Unthrottled)?;
    let mut scratch = Vec::new();
    for site in memtable.sites() {
        memtable.read_site(site, |rows| {
            let Some(rows) = rows else { return Ok(()) };
            // What has no rows in this month leaves no trace in its segment.
            writer.begin_site(site);
            for (text, page) in rows.sorted_pages() {
                writer.begin_page(text)?;
                page.sorted_rows(month.days(), &mut scratch, |run| writer.rows(run))?;
                writer.hours(&page.sorted_hours(month.days()));
            }
            writer.end_site()
        })?;
    }
    writer.seal()
}
