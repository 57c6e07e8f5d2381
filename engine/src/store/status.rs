//! What can be seen of a store from outside, as numbers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::ClockVerdict;
use crate::commit::CommitStatus;
use crate::compaction::plan::{Debt, debt};
use crate::error::{JobError, Poison};
use crate::inspect::{self, Progress, SegmentInspection, Verification};
use crate::model::{ErasureState, Region};
use crate::purge::plan::{OVERDUE_DAYS, overdue};
use crate::segment::SegmentError;
use crate::view::Unreadable;

use super::{PurgeHistory, Store};

/// A store at one moment.
#[derive(Clone, Debug)]
pub struct Status {
    /// Where it is.
    pub region: Region,
    /// How often the manifest has been replaced.
    pub manifest_edition: u64,
    /// Live segments.
    pub segments: usize,
    /// Their bytes.
    pub segment_bytes: u64,
    /// Events in them.
    pub segment_events: u64,
    /// Snapshots.
    pub snapshots: usize,
    /// Bytes of segments that only snapshots list.
    pub snapshot_bytes: u64,
    /// Bytes of memory that hold what is not in segments yet.
    pub memtable_bytes: u64,
    /// Most of them; beyond, appends are turned away as busy.
    pub memtable_limit_bytes: u64,
    /// Events in memory.
    pub memtable_events: u64,
    /// Queue, log and windows.
    pub log: CommitStatus,
    /// Free bytes of the disk, if it says.
    pub free_bytes: Option<u64>,
    /// Bytes that are kept free.
    pub reserve_bytes: u64,
    /// Events that were counted on `host/(other)` since the store was opened.
    pub events_moved_to_other: u64,
    /// How flushing goes.
    pub flush: FlushStatus,
    /// How compaction goes.
    pub compaction: Compaction,
    /// How erasures and purges go.
    pub erasures: ErasureStatus,
    /// Segments that cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// Segments in which damage was found while merging, and which are left alone since.
    pub damaged: BTreeMap<u64, Arc<SegmentError>>,
    /// Why nothing is accepted any more, and what to do.
    pub poison: Option<Arc<Poison>>,
    /// What is thought of the clock. Unless it is steady nothing expires, until it is accepted.
    pub clock: ClockVerdict,
}

/// How erasures and purges go.
#[derive(Clone, Debug, Default)]
pub struct ErasureStatus {
    /// Erasures that are neither done nor called off.
    pub open: usize,
    /// Those of them that wait for a deleted site's grace.
    pub in_grace: usize,
    /// Unix ms of the oldest open request.
    pub oldest_ms: Option<u64>,
    /// Open ones that are older than each of `purge::plan::OVERDUE_DAYS`; the last have missed their deadline.
    pub overdue: [usize; OVERDUE_DAYS.len()],
    /// Certified ones.
    pub certified: usize,
    /// Unix ms at which the last old version at a backup target is gone that an open one waits for.
    pub versions_gone_ms: Option<u64>,
    /// How the last purges went.
    pub purges: PurgeHistory,
}

/// How flushing goes.
#[derive(Clone, Debug, Default)]
pub struct FlushStatus {
    /// Unix ms of the last one that worked, of this process.
    pub done_ms: Option<u64>,
    /// Why the last one failed, until one has worked.
    pub error: Option<Arc<JobError>>,
    /// Bytes written since the store was opened.
    pub bytes: u64,
    /// Events written since the store was opened.
    pub events: u64,
    /// Time spent, in ms.
    pub spent_ms: u64,
}

/// How compaction goes.
#[derive(Clone, Debug, Default)]
pub struct Compaction {
    /// What is due.
    pub debt: Debt,
    /// Bytes read by merges since the store was opened.
    pub read_bytes: u64,
    /// Bytes written by merges since the store was opened.
    pub written_bytes: u64,
    /// Time spent, in ms.
    pub spent_ms: u64,
    /// Bytes written to segments for each byte that was flushed; `None` before the first flush.
    pub write_amplification: Option<f64>,
}

impl Store {
    /// The store at this moment.
    #[must_use]
    pub fn status(&self) -> Status {
        let core = &self.core;
        let (manifest, state) = (core.live.manifest(), core.live.read());
        let memtables = || [Some(&state.active), state.frozen.as_ref()].into_iter().flatten();
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (flushed, merged) = (of(&core.counters.flushed_bytes), of(&core.counters.merged_bytes));
        let last = core.last_flush.lock().clone();
        Status {
            region: manifest.region,
            manifest_edition: manifest.edition,
            segments: manifest.segments.len(),
            segment_bytes: manifest.segments.iter().map(|entry| entry.length_bytes).sum(),
            segment_events: manifest.segments.iter().map(|entry| entry.events).sum(),
            snapshots: manifest.snapshots.len(),
            snapshot_bytes: manifest.pinned.iter().map(|entry| entry.length_bytes).sum(),
            memtable_bytes: core.memtable_bytes(),
            memtable_limit_bytes: core.memtable_limit_bytes(),
            memtable_events: memtables().map(|memtable| memtable.events()).sum(),
            log: core.log.status(),
            free_bytes: core.disk.free_bytes().ok(),
            reserve_bytes: core.options.reserve_bytes,
            events_moved_to_other: core.moved_events(),
            flush: FlushStatus {
                done_ms: last.done_ms,
                error: last.error,
                bytes: flushed,
                events: of(&core.counters.flushed_events),
                spent_ms: of(&core.counters.flush_ms),
            },
            compaction: Compaction {
                debt: debt(&core.candidates(), &core.calendar(&core.unmergeable()), &core.options.compaction),
                read_bytes: of(&core.counters.read_bytes),
                written_bytes: merged,
                spent_ms: of(&core.counters.merge_ms),
                write_amplification: (flushed > 0).then(|| (flushed + merged) as f64 / flushed as f64),
            },
            erasures: self.erasure_status(),
            unreadable: state.segments.unreadable().to_vec(),
            damaged: core.damaged.lock().clone(),
            poison: core.poison(),
            clock: core.clock_verdict(),
        }
    }

    /// Why nothing may be written any more, if so: cheaper to ask than `status`.
    #[must_use]
    pub fn poison(&self) -> Option<Arc<Poison>> {
        self.core.poison()
    }

    fn erasure_status(&self) -> ErasureStatus {
        let (core, now_ms) = (&self.core, self.core.now_ms());
        let mut status = ErasureStatus { purges: core.purges.lock().clone(), ..ErasureStatus::default() };
        for erasure in core.ledger.all() {
            status.certified += usize::from(erasure.state() == ErasureState::Certified);
            if !erasure.is_open() {
                continue;
            }
            status.open += 1;
            status.in_grace += usize::from(erasure.is_in_grace());
            status.versions_gone_ms = status.versions_gone_ms.max(erasure.versions_gone_ms);
            status.oldest_ms = status.oldest_ms.or(Some(erasure.requested_ms()));
            status.overdue.iter_mut().take(overdue(&erasure, now_ms)).for_each(|count| *count += 1);
        }
        status
    }

    /// What each live segment holds, by month. Those that cannot be opened are in `status` only.
    #[must_use]
    pub fn inspect(&self) -> Vec<Result<SegmentInspection, SegmentError>> {
        self.core.live.read().segments.iter().map(|segment| inspect::segment(segment)).collect()
    }

    /// Reads every segment again, and every checksum of it, while the store goes on. The log is left out.
    pub fn verify(&self, progress: &mut dyn FnMut(Progress)) -> Verification {
        inspect::verify(&self.core.disk, self.core.options.access, true, progress)
    }
}
