//! A commit on a simulated disk, with a clock that a test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;

use crate::clock::Clock;
use crate::commit::{Commit, CommitParts, QueueLimits, Recovered, recover};
use crate::disk::Disk;
use crate::disk::simulated::SimulatedDisk;
use crate::memtable::{Memtable, SiteRows};
use crate::model::{
    Batch, BatchBuilder, BatchId, Cell, Country, Day, Event, HourOfSite, IdempotencyKey, Kind, Seq, SiteId,
    Viewport,
};
use crate::wal::{WalOptions, WalReport};

const LIMITS: QueueLimits = QueueLimits { bytes: 1 << 20, batches: 100, gather: Duration::from_micros(100) };

pub(super) struct TestClock(AtomicU64);

impl TestClock {
    fn new() -> Arc<TestClock> {
        Arc::new(TestClock(AtomicU64::new(1_000_000)))
    }

    pub(super) fn pass(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

pub(super) struct Harness {
    pub(super) disk: SimulatedDisk,
    pub(super) clock: Arc<TestClock>,
    pub(super) log: Arc<Commit>,
    /// What a reader sees: frozen ones and the active one.
    pub(super) memtables: Arc<Mutex<Vec<Arc<Memtable>>>>,
    pub(super) report: WalReport,
    /// The committer's, then the one that makes spares.
    pub(super) threads: Vec<JoinHandle<()>>,
}

impl Harness {
    /// Opens what is on a disk; with threads, or on the caller's.
    pub(super) fn open(disk: SimulatedDisk, floor: Seq, threaded: bool) -> Harness {
        Harness::open_at(disk, floor, threaded, LIMITS, TestClock::new())
    }

    /// With threads, and a committer that waits for this long for writers to come again.
    pub(super) fn gathering(gather: Duration) -> Harness {
        let limits = QueueLimits { gather, ..LIMITS };
        Harness::open_at(SimulatedDisk::new(), Seq(0), true, limits, TestClock::new())
    }

    fn open_at(
        disk: SimulatedDisk,
        floor: Seq,
        threaded: bool,
        limits: QueueLimits,
        clock: Arc<TestClock>,
    ) -> Harness {
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let options = WalOptions { file_bytes: 16_384, first_file_bytes: 4_096 };
        let Recovered { wal, windows, memtable, report } =
            recover(&shared, &*clock, options, floor, [7; 32], &mut |_| {}).unwrap();
        let memtables = Arc::new(Mutex::new(vec![memtable.clone()]));
        let parts =
            CommitParts { wal, windows, memtable, clock: clock.clone(), after_group: Box::new(|_| {}) };
        let mut threads = Vec::new();
        let log = if threaded {
            let (log, committer) = Commit::queued(parts, limits);
            let shelf = log.shelf();
            threads.push(thread::spawn(move || committer.run()));
            threads.push(thread::spawn(move || shelf.run()));
            log
        } else {
            Commit::inline(parts, limits)
        };
        Harness { disk, clock, log: Arc::new(log), memtables, report, threads }
    }

    pub(super) fn close(&mut self) {
        self.log.close();
        for thread in self.threads.drain(..) {
            thread.join().expect("neither thread panics");
        }
    }

    /// Closes it, and opens what is on the disk.
    pub(super) fn reopen(mut self, floor: Seq, threaded: bool) -> Harness {
        self.close();
        Harness::open_at(self.disk.clone(), floor, threaded, LIMITS, self.clock.clone())
    }

    /// What a flush does; the manifest's edit is the caller's to remember.
    pub(super) fn flush(&self) -> Option<(Arc<Memtable>, Seq)> {
        let memtables = self.memtables.clone();
        let frozen = self.log.freeze(move |frozen, active| {
            let mut memtables = memtables.lock();
            assert!(memtables.iter().any(|memtable| Arc::ptr_eq(memtable, frozen)));
            memtables.push(active.clone());
        });
        frozen.unwrap().map(|frozen| (frozen.memtable, frozen.floor))
    }

    /// Events that a reader sees.
    pub(super) fn visible(&self) -> u64 {
        self.memtables.lock().iter().map(|memtable| events(memtable)).sum()
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        self.close();
    }
}

/// Events in a memtable.
pub(super) fn events(memtable: &Memtable) -> u64 {
    let of_site = |site| {
        memtable.read_site(site, |rows| {
            let pages = rows.into_iter().flat_map(SiteRows::pages);
            pages.flat_map(|(_, page)| page.rows()).map(|row| u64::from(row.count)).sum::<u64>()
        })
    };
    memtable.sites().into_iter().map(of_site).sum()
}

/// A batch of `events` views of one page.
pub(super) fn batch(site: u64, events: u32) -> Batch {
    with(site, events, None, None)
}

/// The batch of an id.
pub(super) fn with_id(site: u64, id: u64) -> Batch {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&id.to_le_bytes());
    with(site, 1, Some(BatchId(bytes)), None)
}

/// The batch of an idempotency key and a body.
pub(super) fn with_key(site: u64, key: &str, body: u8, answer: &str) -> Batch {
    let key = IdempotencyKey { key: key.into(), body: [body; 16], answer: answer.as_bytes().to_vec().into() };
    with(site, 1, None, Some(key))
}

fn with(site: u64, events: u32, id: Option<BatchId>, key: Option<IdempotencyKey>) -> Batch {
    let mut builder = BatchBuilder::new(SiteId(site));
    let hour = HourOfSite::new(Day::from_number(20_000), 5);
    for event in 0..events {
        let event = Event {
            kind: Kind::Click,
            viewport: Viewport::of_px(1_280),
            fixed: false,
            cell: Cell::at_px(8 * (event % 100), 8 * event).unwrap(),
            hour,
            country: Country::ZZ,
            count: 1,
        };
        builder.add("shop.example/", event).unwrap();
    }
    builder.build(id, key)
}
