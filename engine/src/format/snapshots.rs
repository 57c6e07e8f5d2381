//! The snapshots of a manifest: section 3. `docs/FORMAT.md`, section "Manifest".

use std::collections::HashSet;

use super::frame::{Cursor, FormatError, put_counted, put_varint};
use super::segment::SegmentEntry;
use super::segment_entry::SEGMENT_ENTRY_BYTES;
use crate::model::limits::SNAPSHOTS;
use crate::model::{CopyName, Seq};

/// Fewest bytes of a snapshot: the text of its name, origin, three numbers, and a list of nothing.
const SNAPSHOT_BYTES: usize = 28;

/// A named list of segments, live or not, that stay as they are for as long as it lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What it is called; no two of a store are called the same.
    pub name: CopyName,
    /// Who made it.
    pub origin: SnapshotOrigin,
    /// Unix ms when it was made.
    pub created_ms: u64,
    /// How many entries the ledger had.
    pub ledger_position: u64,
    /// The last batch that is in it.
    pub through: Seq,
    /// Numbers of its segments, ascending.
    pub segments: Vec<u64>,
}

/// Who made a snapshot. The number is the code on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SnapshotOrigin {
    /// Somebody asked for it.
    Asked = 0,
    /// The schedule: the oldest of these go when there are more than are to be kept.
    Schedule = 1,
    /// A restore, before it changed anything.
    Restore = 2,
    /// A backup, which reads from it and deletes it in the end.
    Backup = 3,
}

impl SnapshotOrigin {
    const ALL: [SnapshotOrigin; 4] =
        [SnapshotOrigin::Asked, SnapshotOrigin::Schedule, SnapshotOrigin::Restore, SnapshotOrigin::Backup];
}

/// Appends the payload of the section; entries and snapshots are put in order.
pub(super) fn put_snapshots(target: &mut Vec<u8>, pinned: &[SegmentEntry], snapshots: &[Snapshot]) {
    let mut entries: Vec<&SegmentEntry> = pinned.iter().collect();
    entries.sort_unstable_by_key(|entry| entry.number);
    put_varint(target, entries.len() as u64);
    entries.iter().for_each(|entry| entry.encode(target));

    let mut by_name: Vec<&Snapshot> = snapshots.iter().collect();
    by_name.sort_unstable_by_key(|snapshot| snapshot.name);
    put_varint(target, by_name.len() as u64);
    for snapshot in by_name {
        put_counted(target, snapshot.name.as_str().as_bytes());
        target.push(snapshot.origin as u8);
        target.extend_from_slice(&snapshot.created_ms.to_le_bytes());
        target.extend_from_slice(&snapshot.ledger_position.to_le_bytes());
        target.extend_from_slice(&snapshot.through.0.to_le_bytes());
        put_numbers(target, &snapshot.segments);
    }
}

/// Each number as its distance from the one before; the first from 0.
fn put_numbers(target: &mut Vec<u8>, numbers: &[u64]) {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    put_varint(target, numbers.len() as u64);
    let mut before = 0;
    for number in numbers {
        put_varint(target, number.wrapping_sub(before));
        before = number;
    }
}

/// Reads the payload of the section. `live` are the numbers of the segments that section 2 lists.
///
/// # Errors
/// When it is damaged, or says what no store has: a segment that is live and pinned, that no snapshot lists, or that
/// is listed and nowhere described; snapshots out of order.
pub(super) fn take_snapshots(
    cursor: &mut Cursor<'_>,
    live: &HashSet<u64>,
) -> Result<(Vec<SegmentEntry>, Vec<Snapshot>), FormatError> {
    let mut pinned: Vec<SegmentEntry> = Vec::new();
    for _ in 0..cursor.count(usize::MAX, SEGMENT_ENTRY_BYTES)? {
        let entry = SegmentEntry::decode(cursor)?;
        let ascends = pinned.last().is_none_or(|last| last.number < entry.number);
        if !ascends || live.contains(&entry.number) {
            return Err(cursor.invalid(entry.number));
        }
        pinned.push(entry);
    }
    let mut not_listed: HashSet<u64> = pinned.iter().map(|entry| entry.number).collect();
    let known: HashSet<u64> = live.union(&not_listed).copied().collect();

    let count = cursor.count(SNAPSHOTS, SNAPSHOT_BYTES)?;
    if count == 0 {
        // Without a snapshot there is no such section.
        return Err(cursor.invalid(0));
    }
    let mut snapshots: Vec<Snapshot> = Vec::with_capacity(count);
    for _ in 0..count {
        let snapshot = take_snapshot(cursor)?;
        let ascends = snapshots.last().is_none_or(|last| last.name < snapshot.name);
        if !ascends || !snapshot.segments.iter().all(|number| known.contains(number)) {
            return Err(cursor.invalid(snapshot.created_ms));
        }
        not_listed.retain(|number| snapshot.segments.binary_search(number).is_err());
        snapshots.push(snapshot);
    }
    match not_listed.into_iter().min() {
        Some(number) => Err(cursor.invalid(number)),
        None => Ok((pinned, snapshots)),
    }
}

fn take_snapshot(cursor: &mut Cursor<'_>) -> Result<Snapshot, FormatError> {
    let name = cursor.text(CopyName::MAX_BYTES)?;
    let name = CopyName::new(name).map_err(|_| cursor.invalid(name.len() as u64))?;
    let code = cursor.u8()?;
    let origin = SnapshotOrigin::ALL.get(usize::from(code)).ok_or_else(|| cursor.invalid(u64::from(code)))?;
    Ok(Snapshot {
        name,
        origin: *origin,
        created_ms: cursor.u64()?,
        ledger_position: cursor.u64()?,
        through: Seq(cursor.u64()?),
        segments: take_numbers(cursor)?,
    })
}

fn take_numbers(cursor: &mut Cursor<'_>) -> Result<Vec<u64>, FormatError> {
    let count = cursor.count(usize::MAX, 1)?;
    let mut numbers: Vec<u64> = Vec::with_capacity(count);
    for _ in 0..count {
        let distance = cursor.varint()?;
        let number = match numbers.last() {
            None => Some(distance),
            Some(_) if distance == 0 => None,
            Some(before) => before.checked_add(distance),
        };
        numbers.push(number.ok_or_else(|| cursor.invalid(distance))?);
    }
    Ok(numbers)
}
