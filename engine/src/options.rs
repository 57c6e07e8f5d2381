//! What a store can be told when it is opened. Plain values: whoever reads a file or an environment fills them in.

use std::time::Duration;

use crate::compaction::CompactionOptions;
use crate::disk::Access;
use crate::model::{PURGE_DAYS, Region};
use crate::snapshot::SnapshotOptions;

/// Who does the work that no caller waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    /// Threads of the store: one commits, one flushes, one compacts and expires.
    Threads,
    /// Nobody: appends commit on the caller's thread, and jobs run when they are called for. Deterministic.
    Manual,
}

/// Settings of a store. There is no `Default`: begin with `standard`, which says what each is when nobody chose.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Where the store is. A store of another region is not opened.
    pub region: Region,
    /// Who does the work that no caller waits for.
    pub background: Background,
    /// How segments are read.
    pub access: Access,
    /// The memtable is flushed when it holds this many bytes of memory. As much again can wait to be flushed.
    pub memtable_bytes: u64,
    /// The memtable is flushed when its oldest batch is this old, also on a quiet store.
    pub memtable_age_seconds: u64,
    /// Bytes of one log file, zeroed ahead.
    pub wal_file_bytes: u64,
    /// Encoded bytes of batches that may wait for their commit; more are turned away as busy.
    pub queue_bytes: usize,
    /// Batches that may wait for their commit.
    pub queue_batches: usize,
    /// How long a commit waits, after one of several batches, for as many to come again and share its sync.
    pub gather: Duration,
    /// Free bytes of the disk that flush and compaction leave alone, so that a purge always has room to work.
    pub reserve_bytes: u64,
    /// What compaction and retention may read and write together, in bytes a second.
    pub background_bytes_per_second: u64,
    /// How old the oldest open erasure may become before a purge begins by itself.
    pub purge_every_seconds: u64,
    /// Threads that a purge works with; more while some of them wait for the disk.
    pub purge_lanes: usize,
    /// Pages that are remembered, over all sites, to tell new ones from old ones: about 20 bytes each.
    pub remembered_pages: usize,
    /// When segments are merged.
    pub compaction: CompactionOptions,
    /// When snapshots come and go.
    pub snapshots: SnapshotOptions,
}

impl Options {
    /// What a store has when only its region was chosen.
    #[must_use]
    pub fn standard(region: Region) -> Options {
        Options {
            region,
            background: Background::Threads,
            access: Access::Map,
            memtable_bytes: 64 << 20,
            memtable_age_seconds: 15 * 60,
            wal_file_bytes: 64 << 20,
            queue_bytes: 32 << 20,
            queue_batches: 16_384,
            // Several syncs of a fast disk; while a slow one syncs, batches gather by themselves.
            gather: Duration::from_millis(1),
            reserve_bytes: 512 << 20,
            background_bytes_per_second: 128 << 20,
            purge_every_seconds: PURGE_DAYS * 86_400,
            purge_lanes: 1,
            remembered_pages: 1 << 20,
            compaction: CompactionOptions::standard(),
            snapshots: SnapshotOptions::standard(),
        }
    }
}
