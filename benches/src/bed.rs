//! A store for a bench: a real directory, the sites of the workload, and a clock that stands after its end.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use heatgrid_engine::accounts::NewSite;
use heatgrid_engine::clock::Clock;
use heatgrid_engine::commit::Completion;
use heatgrid_engine::disk::RealDisk;
use heatgrid_engine::model::{BatchId, Day, Region, SiteId, SiteName, SiteSettings};
use heatgrid_engine::options::Options;
use heatgrid_engine::store::Store;

use crate::batches::{Batches, Shape, SiteBatch};
use crate::spool::{self, Spool};
use crate::workload::{SITES, Workload};

/// Events of a batch of a bulk loader.
pub const BULK_EVENTS: u64 = 10_000;
/// Batches of a bulk loader that wait for their commit at a time.
pub const BULK_IN_FLIGHT: usize = 16;

/// Begins on 2026-04-05, when all three months of the workload are closed and March's hour totals are still kept,
/// and goes on as the machine's.
pub struct AfterTheWorkload {
    start_ms: u64,
    since: Instant,
}

impl AfterTheWorkload {
    /// Begins now.
    ///
    /// # Panics
    /// Never: there is such a day.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a clock begins at a moment, not at a default")]
    pub fn new() -> AfterTheWorkload {
        let day = Day::from_civil(2026, 4, 5).expect("a day of the calendar");
        AfterTheWorkload { start_ms: u64::from(day.number()) * 86_400_000, since: Instant::now() }
    }
}

impl Clock for AfterTheWorkload {
    fn now_ms(&self) -> u64 {
        self.start_ms + self.since.elapsed().as_millis() as u64
    }
}

/// The region of every store of a bench.
#[must_use]
pub fn region() -> Region {
    Region::new("eu").expect("two letters")
}

/// Name of a site, by its index.
#[must_use]
pub fn site_name(site: usize) -> String {
    format!("site-{site:06}")
}

/// A store and the ids of its sites.
pub struct Bed {
    /// The store.
    pub store: Store,
    /// By index of the site.
    pub sites: Vec<SiteId>,
    /// How long `Store::open` took.
    pub opened_in: Duration,
    batches: u64,
}

impl Bed {
    /// Opens the store in a directory with standard options. A new one gets `count` sites in one call.
    ///
    /// # Panics
    /// When it cannot be opened.
    #[must_use]
    pub fn open(directory: &Path, count: usize) -> Bed {
        Bed::open_with(directory, count, Options::standard(region()))
    }

    /// As `open`, with other options.
    ///
    /// # Panics
    /// When it cannot be opened.
    #[must_use]
    pub fn open_with(directory: &Path, count: usize, options: Options) -> Bed {
        let disk = Arc::new(RealDisk::open(directory).expect("a directory for a store"));
        let clock = Arc::new(AfterTheWorkload::new());
        let start = Instant::now();
        let store = Store::open(disk, clock, options).expect("a store that opens");
        let opened_in = start.elapsed();
        let name = |site| SiteName::new(&site_name(site)).expect("a good name");
        if store.accounts().by_name(name(0).as_str()).is_none() {
            let new =
                |site| NewSite { name: name(site), region: region(), settings: SiteSettings::standard() };
            store.accounts().create_sites((0..count).map(new).collect(), 0).expect("sites are created");
        }
        let id = |site| store.accounts().by_name(name(site).as_str()).expect("it was created").id;
        let sites = (0..count).map(id).collect();
        Bed { store, sites, opened_in, batches: 0 }
    }

    /// Appends batches, at most `in_flight` of them waiting for their commit at a time, and waits for the last.
    /// Whoever is turned away tries again when the oldest is done. Answers how many events were appended.
    ///
    /// # Panics
    /// When a batch is refused for another reason than that the store is busy.
    pub fn append_all(&mut self, batches: impl Iterator<Item = SiteBatch>, in_flight: usize) -> u64 {
        let mut waiting: VecDeque<Completion> = VecDeque::with_capacity(in_flight);
        let mut events = 0;
        for SiteBatch { site, mut batch } in batches {
            batch.site = self.sites[site];
            batch.id = Some(self.next_id());
            events += batch.events;
            if waiting.len() == in_flight {
                wait(&mut waiting);
            }
            let completion = loop {
                match self.store.append(batch.clone()) {
                    Ok(completion) => break completion,
                    Err(error) if error.is_busy() => {
                        if !wait(&mut waiting) {
                            thread::sleep(Duration::from_millis(1));
                        }
                    }
                    Err(error) => panic!("a batch was refused: {error}"),
                }
            };
            waiting.push_back(completion);
        }
        while wait(&mut waiting) {}
        events
    }

    /// Ids as trackers draw them: random to look at, none twice.
    fn next_id(&mut self) -> BatchId {
        self.batches += 1;
        let id = u128::from(self.batches).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        BatchId(id.to_le_bytes())
    }

    /// Waits until everything is in segments and no merge is due.
    ///
    /// # Panics
    /// When a job fails.
    pub fn settle(&self) {
        self.store.flush().expect("a flush");
        self.store.run_due_jobs().expect("merges");
    }
}

/// Waits for the oldest; says whether there was one.
fn wait(waiting: &mut VecDeque<Completion>) -> bool {
    let Some(oldest) = waiting.pop_front() else { return false };
    oldest.wait().expect("a batch that is stored");
    true
}

/// Batches of the first `events` events of the workload, from a file below `directory` that is made when there is none.
///
/// # Panics
/// When the file cannot be written or read.
#[must_use]
pub fn spooled(directory: &Path, events: u64, shape: Shape, size: u64) -> Spool {
    let path = directory.join(format!("{shape:?}-{size}-of-{events}.batches").to_lowercase());
    if !path.exists() {
        fs::create_dir_all(directory).expect("a directory for batches");
        eprintln!("making {}", path.display());
        spool::write(&path, Batches::new(Workload::new(events), shape, size)).expect("room for batches");
    }
    Spool::open(&path).expect("batches that were written")
}

/// An empty directory for a store, below `directory`.
///
/// # Panics
/// When what was there cannot be removed.
#[must_use]
pub fn fresh(directory: &Path, name: &str) -> PathBuf {
    let path = directory.join(name);
    if path.exists() {
        fs::remove_dir_all(&path).expect("an old store that can be removed");
    }
    fs::create_dir_all(directory).expect("a directory for stores");
    path
}

/// Copies a store that nobody writes to.
///
/// # Panics
/// When there is no room for it.
pub fn copy_store(source: &Path, target: &Path) {
    fs::create_dir_all(target).expect("a directory");
    for entry in fs::read_dir(source).expect("a directory").flatten() {
        let (path, to) = (entry.path(), target.join(entry.file_name()));
        if path.is_dir() {
            copy_store(&path, &to);
        } else if entry.file_name() != "LOCK" {
            fs::copy(path, to).expect("room for a copy");
        }
    }
}

/// The directory of a store that holds `events` events, compacted and closed; made when there is none.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn prepared(directory: &Path, events: u64) -> PathBuf {
    let path = directory.join(format!("store-{events}"));
    if !path.exists() {
        let unfinished = fresh(directory, "store.new");
        eprintln!("making {}", path.display());
        let mut bed = Bed::open(&unfinished, SITES);
        let batches = spooled(directory, events, Shape::Site, BULK_EVENTS);
        assert_eq!(bed.append_all(batches, BULK_IN_FLIGHT), events);
        bed.settle();
        bed.store.compact().expect("a full compaction");
        bed.store.close().expect("a store that closes");
        fs::rename(unfinished, &path).expect("a name that is free");
    }
    path
}
