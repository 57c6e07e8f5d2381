//! What the store's threads and its callers share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex, RwLock};

use crate::accounts::Accounts;
use crate::backup::BackupTarget;
use crate::clock::{Clock, ClockGuard, ClockVerdict};
use crate::commit::{Commit, Frozen};
use crate::disk::Disk;
use crate::error::{JobError, Poison};
use crate::format::names::{Directory, FileName};
use crate::ledger::Ledger;
use crate::manifest::{ClockMark, Edit, Released};
use crate::options::Options;
use crate::segment::SegmentError;
use crate::throttle::{MachinePace, TokenBucket};

use super::erasing::{Blocks, blocks_of};
use super::jobs::Jobs;
use super::live::Live;
use super::pages::PageBudgets;
use super::purging::PurgeHistory;

/// How old the manifest's mark of the clock may become, in ms.
const MARK_MS: u64 = 3 * 3_600_000;

pub(super) struct Core {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) options: Options,
    pub(super) live: Arc<Live>,
    pub(super) log: Commit,
    pub(super) accounts: Accounts,
    pub(super) ledger: Ledger,
    /// Held for writing when more is blocked, for reading by each append.
    pub(super) blocks: RwLock<Blocks>,
    /// Held by the request at work: one at a time.
    pub(super) erasing: Mutex<()>,
    /// Held by the purge at work.
    pub(super) purging: Mutex<()>,
    pub(super) purges: Mutex<PurgeHistory>,
    pub(super) pages: PageBudgets,
    pub(super) jobs: Jobs,
    pub(super) throttle: TokenBucket<MachinePace>,
    pub(super) signals: Arc<Signals>,
    pub(super) counters: Counters,
    /// Held by the flush at work. What is in it was frozen and is not in segments yet.
    pub(super) flushing: Mutex<Option<Frozen>>,
    /// Held by who changes what is at targets: a backup, a prune, a purge.
    pub(super) backing: Mutex<()>,
    /// Targets that purges reach.
    pub(super) targets: RwLock<Vec<Arc<dyn BackupTarget>>>,
    /// Held by the merge at work: one at a time, so that what it costs is bounded.
    pub(super) merging: Mutex<()>,
    /// Whether the last merge failed. Flushing does not wait for merges then: it would wait for ever.
    pub(super) merges_fail: AtomicBool,
    pub(super) last_flush: Mutex<LastFlush>,
    /// Segments that a merge found damaged, and how. They are left alone until the store is opened again.
    pub(super) damaged: Mutex<BTreeMap<u64, Arc<SegmentError>>>,
    guard: Mutex<(ClockGuard, ClockVerdict)>,
    /// Unix ms of the last time that retention looked at everything.
    pub(super) expired_ms: AtomicU64,
}

/// How the last flush went.
#[derive(Clone, Debug, Default)]
pub(super) struct LastFlush {
    /// Unix ms when it was done.
    pub(super) done_ms: Option<u64>,
    /// Why the last one failed, until one has worked.
    pub(super) error: Option<Arc<JobError>>,
}

/// What has been written since the store was opened.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) flushed_bytes: AtomicU64,
    pub(super) flushed_events: AtomicU64,
    pub(super) merged_bytes: AtomicU64,
    pub(super) read_bytes: AtomicU64,
    pub(super) moved_events: AtomicU64,
    pub(super) flush_ms: AtomicU64,
    pub(super) merge_ms: AtomicU64,
}

pub(super) fn add(counter: &AtomicU64, value: u64) {
    counter.fetch_add(value, Ordering::Relaxed);
}

/// How the threads wake each other. Nothing here is a promise: whoever wakes looks at what is to be done.
#[derive(Default)]
pub(super) struct Signals {
    pub(super) flush: Signal,
    pub(super) work: Signal,
    /// There may be room for more batches.
    pub(super) room: Signal,
}

/// Counts how often something happened, for whoever waits for the next time.
#[derive(Default)]
pub(super) struct Signal(Mutex<u64>, Condvar);

impl Signal {
    pub(super) fn raise(&self) {
        *self.0.lock() += 1;
        self.1.notify_all();
    }

    /// How often it has been raised.
    pub(super) fn count(&self) -> u64 {
        *self.0.lock()
    }

    /// Waits until it has been raised more often than `seen`, or for as long as `most`.
    pub(super) fn wait(&self, seen: u64, most: std::time::Duration) {
        let mut count = self.0.lock();
        if *count == seen {
            self.1.wait_for(&mut count, most);
        }
    }
}

/// The narrow parts that `Core` is made of.
pub(super) struct Parts {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) options: Options,
    pub(super) live: Arc<Live>,
    pub(super) log: Commit,
    pub(super) accounts: Accounts,
    pub(super) ledger: Ledger,
    pub(super) signals: Arc<Signals>,
    pub(super) guard: ClockGuard,
}

impl Core {
    pub(super) fn new(parts: Parts) -> Core {
        let Parts { disk, clock, options, live, log, accounts, ledger, signals, mut guard } = parts;
        let verdict = guard.look(clock.now_ms());
        Core {
            pages: PageBudgets::new(options.remembered_pages),
            throttle: TokenBucket::new(options.background_bytes_per_second, MachinePace::start()),
            disk,
            clock,
            options,
            live,
            log,
            accounts,
            blocks: RwLock::new(blocks_of(&ledger)),
            ledger,
            erasing: Mutex::default(),
            purging: Mutex::default(),
            purges: Mutex::default(),
            signals,
            jobs: Jobs::default(),
            counters: Counters::default(),
            flushing: Mutex::default(),
            backing: Mutex::default(),
            targets: RwLock::default(),
            merging: Mutex::default(),
            merges_fail: AtomicBool::new(false),
            last_flush: Mutex::default(),
            damaged: Mutex::default(),
            guard: Mutex::new((guard, verdict)),
            expired_ms: AtomicU64::new(0),
        }
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Looks at the clock.
    pub(super) fn look_at_clock(&self) -> ClockVerdict {
        let mut guard = self.guard.lock();
        guard.1 = guard.0.look(self.clock.now_ms());
        guard.1
    }

    /// What the last look said.
    pub(super) fn clock_verdict(&self) -> ClockVerdict {
        self.guard.lock().1
    }

    pub(super) fn accept_clock(&self) {
        let mut guard = self.guard.lock();
        guard.0.accept(self.clock.now_ms());
        guard.1 = ClockVerdict::Steady;
    }

    /// When the clock was last believed, Unix ms.
    pub(super) fn clock_mark_ms(&self) -> u64 {
        self.guard.lock().0.last_seen_ms()
    }

    /// Whether the manifest knows of too old a look at the clock: a store that is quiet for long and then restarted
    /// would doubt a clock that is right.
    pub(super) fn clock_mark_is_old(&self) -> bool {
        self.clock_mark_ms().abs_diff(self.live.clock_mark_ms()) >= MARK_MS
    }

    /// Has the manifest remember when the clock was last believed.
    pub(super) fn save_clock(&self) -> Result<(), JobError> {
        let clock = ClockMark { last_seen_ms: self.clock_mark_ms() };
        let released = self.live.edit(Edit { clock: Some(clock), ..Edit::default() }, self.now_ms())?;
        self.unlink(&released)
    }

    /// Unlinks the files that an edit has let go. Those that cannot be unlinked now are orphans, and go at the next open.
    pub(super) fn unlink(&self, released: &Released) -> Result<(), JobError> {
        let Released(numbers) = released;
        if numbers.is_empty() {
            return Ok(());
        }
        let remove = |number: &u64| match self.disk.remove(FileName::Segment(*number)) {
            Err(error) if error.is_not_found() => Ok(()),
            removed => removed,
        };
        numbers.iter().try_for_each(remove)?;
        Ok(self.disk.sync_directory(Directory::Segments)?)
    }

    /// Whether what cannot be undone may be decided by the clock.
    pub(super) fn clock_is_steady(&self) -> bool {
        self.look_at_clock() == ClockVerdict::Steady
    }

    /// Why nothing may be written any more.
    pub(super) fn poison(&self) -> Option<Arc<Poison>> {
        let of_log = || self.log.status().poisoned.map(|error| Arc::new(Poison::Log(error)));
        self.live.poison().or_else(of_log)
    }

    /// Bytes of memory that hold what is not in segments yet.
    pub(super) fn memtable_bytes(&self) -> u64 {
        self.live.memtable_bytes() as u64
    }

    /// Most of them: one memtable that is flushed, and one that takes batches meanwhile.
    pub(super) fn memtable_limit_bytes(&self) -> u64 {
        self.options.memtable_bytes.saturating_mul(2)
    }

    /// Whether `needed_bytes` can be written and the reserve is still free.
    pub(super) fn check_room(&self, needed_bytes: u64) -> Result<(), JobError> {
        let (free_bytes, reserve_bytes) = (self.disk.free_bytes()?, self.options.reserve_bytes);
        match free_bytes.checked_sub(reserve_bytes) {
            Some(usable) if usable >= needed_bytes => Ok(()),
            _ => Err(JobError::NoRoom { free_bytes, needed_bytes, reserve_bytes }),
        }
    }
}
