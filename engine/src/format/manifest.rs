//! A manifest's bytes. `docs/FORMAT.md`, section "Manifest".
//!
//! Sections of type, length and payload between a header and one checksum over everything before it. A section of
//! an unknown type is an error, not skipped: who skips it would write the next manifest without it.

use std::collections::HashSet;

use super::frame::{Cursor, FormatError, put_counted};
use super::segment::SegmentEntry;
use super::segment_entry::SEGMENT_ENTRY_BYTES;
use super::snapshots::{put_snapshots, take_snapshots};
use super::version::MANIFEST_MAGIC;
use super::whole;
use crate::model::{CopyName, Region, Seq};

pub use super::snapshots::{Snapshot, SnapshotOrigin};

/// Most bytes of a manifest: a quarter of a million segments, while compaction keeps some dozens a month.
pub const MANIFEST_BYTES: usize = 32 << 20;

const WHAT: &str = "manifest";

/// Types of sections, ascending in the file, each once. The last is there if there is a snapshot.
const STORE_SECTION: u16 = 1;
const SEGMENTS_SECTION: u16 = 2;
const SNAPSHOTS_SECTION: u16 = 3;

/// The one truth of what is live in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// How often it has been replaced; the first is 1.
    pub edition: u64,
    /// The store's random identity.
    pub store: [u8; 16],
    /// Where the store is; every segment is of this region.
    pub region: Region,
    /// Batches up to this one are in segments; the WAL's records up to it are skipped.
    pub wal_floor: Seq,
    /// What tombstones up to this one mask is gone from every live segment. 0 in this version, and not looked at: each
    /// segment says it of itself, and the ledger says which erasures are open. The field is kept for a manifest that is
    /// read without a ledger beside it, as several machines over one object store would.
    pub purged_through: Seq,
    /// The number that the next new file gets.
    pub next_file: u64,
    /// What the clock guard knows.
    pub clock: ClockMark,
    /// Keys the hashes of batch ids and idempotency keys, so that a stolen disk does not tell them.
    pub window_key: [u8; 32],
    /// Live segments, ascending by number.
    pub segments: Vec<SegmentEntry>,
    /// Segments that only snapshots list, ascending by number: each has one entry, however many list it.
    pub pinned: Vec<SegmentEntry>,
    /// Snapshots, ascending by name.
    pub snapshots: Vec<Snapshot>,
}

/// The clock as it was last believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockMark {
    /// Unix ms.
    pub last_seen_ms: u64,
}

impl Manifest {
    /// Every segment that any list names, live or not, each once.
    pub fn reachable(&self) -> impl Iterator<Item = &SegmentEntry> {
        self.segments.iter().chain(&self.pinned)
    }

    /// The snapshot of this name.
    #[must_use]
    pub fn snapshot(&self, name: CopyName) -> Option<&Snapshot> {
        self.snapshots.iter().find(|snapshot| snapshot.name == name)
    }

    /// The segments of a snapshot, by number.
    pub fn segments_of(&self, snapshot: &Snapshot) -> impl Iterator<Item = &SegmentEntry> {
        let listed: HashSet<u64> = snapshot.segments.iter().copied().collect();
        self.reachable().filter(move |entry| listed.contains(&entry.number))
    }

    /// Its bytes; segments and snapshots are put in order.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut store = Vec::with_capacity(128);
        store.extend_from_slice(&self.edition.to_le_bytes());
        store.extend_from_slice(&self.store);
        store.extend_from_slice(&self.wal_floor.0.to_le_bytes());
        store.extend_from_slice(&self.purged_through.0.to_le_bytes());
        store.extend_from_slice(&self.next_file.to_le_bytes());
        store.extend_from_slice(&self.clock.last_seen_ms.to_le_bytes());
        store.extend_from_slice(&self.window_key);
        put_counted(&mut store, self.region.as_str().as_bytes());

        let mut entries: Vec<&SegmentEntry> = self.segments.iter().collect();
        entries.sort_unstable_by_key(|entry| entry.number);
        let mut segments = Vec::with_capacity(entries.len().saturating_mul(SEGMENT_ENTRY_BYTES));
        entries.iter().for_each(|entry| entry.encode(&mut segments));

        let mut bytes = whole::begin(MANIFEST_MAGIC);
        bytes.reserve(segments.len());
        put_section(&mut bytes, STORE_SECTION, &store);
        put_section(&mut bytes, SEGMENTS_SECTION, &segments);
        if !self.snapshots.is_empty() {
            let mut snapshots = Vec::new();
            put_snapshots(&mut snapshots, &self.pinned, &self.snapshots);
            put_section(&mut bytes, SNAPSHOTS_SECTION, &snapshots);
        }
        whole::end(bytes)
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// When it is damaged, of a version that is not known, or says what no store has: a segment twice, of another
    /// region, or with a number not yet given.
    pub fn decode(bytes: &[u8]) -> Result<Manifest, FormatError> {
        let mut cursor = whole::open(WHAT, MANIFEST_MAGIC, bytes)?;
        let mut store = take_section(&mut cursor, STORE_SECTION, "manifest store")?;
        let mut segments = take_section(&mut cursor, SEGMENTS_SECTION, "manifest segments")?;
        let mut snapshots = match cursor.rest() {
            [] => None,
            _ => Some(take_section(&mut cursor, SNAPSHOTS_SECTION, "manifest snapshots")?),
        };
        cursor.finish()?;

        let mut manifest = take_store(&mut store)?;
        store.finish()?;
        while !segments.rest().is_empty() {
            let entry = SegmentEntry::decode(&mut segments)?;
            let ascends = manifest.segments.last().is_none_or(|last| last.number < entry.number);
            if !ascends || entry.number >= manifest.next_file || entry.header.region != manifest.region {
                return Err(segments.invalid(entry.number));
            }
            manifest.segments.push(entry);
        }
        if let Some(cursor) = &mut snapshots {
            let live = manifest.segments.iter().map(|entry| entry.number).collect();
            (manifest.pinned, manifest.snapshots) = take_snapshots(cursor, &live)?;
            cursor.finish()?;
            let elsewhere = |entry: &&SegmentEntry| {
                entry.number >= manifest.next_file || entry.header.region != manifest.region
            };
            if let Some(entry) = manifest.pinned.iter().find(elsewhere) {
                return Err(cursor.invalid(entry.number));
            }
        }
        Ok(manifest)
    }
}

fn take_store(cursor: &mut Cursor<'_>) -> Result<Manifest, FormatError> {
    let edition = cursor.u64()?;
    let store = cursor.array()?;
    let wal_floor = Seq(cursor.u64()?);
    let purged_through = Seq(cursor.u64()?);
    let next_file = cursor.u64()?;
    let clock = ClockMark { last_seen_ms: cursor.u64()? };
    let window_key = cursor.array()?;
    let region = cursor.text(Region::MAX_BYTES)?;
    let region = Region::new(region).map_err(|_| cursor.invalid(region.len() as u64))?;
    Ok(Manifest {
        edition,
        store,
        region,
        wal_floor,
        purged_through,
        next_file,
        clock,
        window_key,
        segments: Vec::new(),
        pinned: Vec::new(),
        snapshots: Vec::new(),
    })
}

fn put_section(target: &mut Vec<u8>, kind: u16, payload: &[u8]) {
    target.extend_from_slice(&kind.to_le_bytes());
    target.extend_from_slice(&[0; 2]);
    // A payload past 4 GiB would make a file that `MANIFEST_BYTES` refuses to be written.
    target.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
    target.extend_from_slice(payload);
}

fn take_section<'a>(
    cursor: &mut Cursor<'a>,
    kind: u16,
    what: &'static str,
) -> Result<Cursor<'a>, FormatError> {
    let got = cursor.u16()?;
    if got != kind {
        return Err(cursor.invalid(u64::from(got)));
    }
    cursor.zeros(2)?;
    let length = cursor.u32()?;
    cursor.part(what, usize::try_from(length).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests;
