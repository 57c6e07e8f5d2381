//! Opening: from what is on disk to a store that answers.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::accounts::Accounts;
use crate::clock::{Clock, ClockGuard};
use crate::commit::{AfterGroup, Commit, CommitParts, Committer, QueueLimits, recover};
use crate::disk::{Access, Disk, DiskError};
use crate::error::OpenError;
use crate::format::names::{Directory, FileName};
use crate::ledger::Ledger;
use crate::manifest::{self, ClockMark, Manifest};
use crate::memtable::Memtable;
use crate::model::{ErasureState, Region, Seq, SiteId, SiteMask};
use crate::options::{Background, Options};
use crate::segment::Segment;
use crate::view::{Masks, SegmentSet, Unreadable};
use crate::wal::{ReplayedRows, WalOptions, WalReport};

use super::core::{Core, Parts, Signals};
use super::erasing::{masks_of, taken_from_memory};
use super::live::{Live, ReadState};

/// What opening found and did.
#[derive(Debug)]
pub struct OpenReport {
    /// Whether there was no store, and one was made.
    pub made: bool,
    /// Files that no manifest lists and that were removed: what a crash left unfinished.
    pub orphans: Vec<FileName>,
    /// Orphans that could not be removed, which costs room and nothing else.
    pub orphans_left: Vec<DiskError>,
    /// Segments that cannot be read. Questions about their months fail and name them; everything else is answered.
    pub unreadable: Vec<Unreadable>,
    /// What was read from the log.
    pub wal: WalReport,
}

/// A store without threads.
pub(super) struct Opened {
    pub(super) core: Core,
    /// To be run by a thread; `None` when callers commit themselves.
    pub(super) committer: Option<Committer>,
    pub(super) report: OpenReport,
}

pub(super) fn open(
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    options: Options,
) -> Result<Opened, OpenError> {
    match disk.open(FileName::Restoring, Access::Read) {
        Ok(_) => Err(OpenError::Restoring),
        Err(error) if error.is_not_found() => open_as(disk, clock, options, None),
        Err(error) => Err(error.into()),
    }
}

/// As `open`; a directory that a backup of the store `restored` is being restored into becomes that store.
pub(super) fn open_as(
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    options: Options,
    restored: Option<[u8; 16]>,
) -> Result<Opened, OpenError> {
    options.snapshots.check()?;
    let found = manifest::load(&*disk)?;
    let made = found.is_none();
    let manifest = match found {
        Some(manifest) => manifest,
        None => make(&*disk, &options.region, clock.now_ms(), restored)?,
    };
    if manifest.region != options.region {
        return Err(OpenError::Region { expected: options.region, got: manifest.region });
    }
    // What the manifest and the accounts are now may be a rename whose sync failed: nothing may be unlinked on the
    // strength of it before it is durable.
    disk.sync_directory(Directory::Root)?;
    let mut orphans = Orphans::remove(&*disk, &manifest)?;
    let (segments, unreadable) = open_segments(&*disk, &manifest, &options);
    let accounts = Accounts::open(Arc::clone(&disk))?;
    let ledger = Ledger::load(Arc::clone(&disk))?;
    follow_deletions(&accounts, &ledger)?;

    let wal_options = WalOptions::of_file_bytes(options.wal_file_bytes);
    let (floor, key) = (manifest.wal_floor, manifest.window_key);
    let taken = taken_from_memory(&ledger);
    let recovered = recover(&disk, &*clock, wal_options, floor, key, &mut |rows| mask_rows(&taken, rows))?;

    let state = ReadState {
        segments: Arc::new(SegmentSet::new(segments).with_unreadable(unreadable.clone())),
        active: Arc::clone(&recovered.memtable),
        frozen: None,
        masks: Arc::new(masks_of(&ledger, ledger.open())),
    };
    let guard = ClockGuard::new(manifest.clock.last_seen_ms);
    let names = (random()?, orphans.next_number);
    let live = Live::new(Arc::clone(&disk), options.access, manifest, names, state, clock.now_ms());
    let signals = Arc::new(Signals::default());
    let parts = CommitParts {
        wal: recovered.wal,
        windows: recovered.windows,
        memtable: recovered.memtable,
        clock: Arc::clone(&clock),
        after_group: after_group(&options, &signals),
    };
    let limits =
        QueueLimits { bytes: options.queue_bytes, batches: options.queue_batches, gather: options.gather };
    let (log, committer) = match options.background {
        Background::Manual => (Commit::inline(parts, limits), None),
        Background::Threads => {
            let (log, committer) = Commit::queued(parts, limits);
            (log, Some(committer))
        }
    };
    let report = OpenReport {
        made,
        orphans: std::mem::take(&mut orphans.removed),
        orphans_left: orphans.left,
        unreadable,
        wal: recovered.report,
    };
    let live = Arc::new(live);
    let core = Core::new(Parts { disk, clock, options, live, log, accounts, ledger, signals, guard });
    Ok(Opened { core, committer, report })
}

/// Closes sites that are deleted, and opens those of which that was called off. The accounts may say otherwise: a crash
/// came between the ledger and them, or they are older and came from a backup.
fn follow_deletions(accounts: &Accounts, ledger: &Ledger) -> Result<(), OpenError> {
    let mut is_deleted: BTreeMap<SiteId, bool> = BTreeMap::new();
    for erasure in ledger.all().iter().filter(|erasure| erasure.deletes_site) {
        *is_deleted.entry(erasure.site).or_default() |= erasure.state() != ErasureState::Cancelled;
    }
    let differing = |(site, is_deleted): (&SiteId, &bool)| {
        accounts.get(*site).filter(|account| account.closed != *is_deleted).map(|account| account.id)
    };
    let (close, open): (Vec<SiteId>, Vec<SiteId>) =
        is_deleted.iter().filter_map(differing).partition(|site| is_deleted[site]);
    // In this order: a site that was called off may have its name from one that is deleted.
    for site in close {
        accounts.close(site)?;
    }
    for site in open {
        accounts.reopen(site)?;
    }
    Ok(())
}

/// Leaves out of a batch that is read from the log again what an erasure has covered since.
fn mask_rows(masks: &Masks, rows: &mut ReplayedRows) {
    let rules = masks.open_from(rows.site, rows.seq);
    if rules.is_empty() {
        return;
    }
    let mask = SiteMask::of_rules(rules);
    rows.pages.retain_mut(|page| {
        let of_page = mask.page(&page.page);
        page.rows.retain(|row| !of_page.covers_row(row.key.day(), row.key.country()));
        page.hours.retain(|hour| !of_page.covers_hours(hour.hour.day()));
        !page.rows.is_empty() || !page.hours.is_empty()
    });
}

/// Makes the manifest of a new store. It comes before every other file, so that a directory that has others has lost it.
fn make(
    disk: &dyn Disk,
    region: &Region,
    now_ms: u64,
    restored: Option<[u8; 16]>,
) -> Result<Manifest, OpenError> {
    for directory in Directory::ALL {
        for (file, _) in disk.list(directory)? {
            // What a restore brings beside the data, or leaves as it was: accounts, ledger, evidence.
            let is_kept = restored.is_some() && matches!(directory, Directory::Root | Directory::Evidence);
            if !is_kept && !matches!(file, FileName::Lock | FileName::ManifestNew | FileName::Manifest) {
                return Err(OpenError::NoManifest { found: file });
            }
        }
    }
    let manifest = Manifest {
        edition: 1,
        store: restored.map_or_else(random, Ok)?,
        region: region.clone(),
        wal_floor: Seq(0),
        purged_through: Seq(0),
        next_file: 1,
        clock: ClockMark { last_seen_ms: now_ms },
        window_key: random()?,
        segments: Vec::new(),
        pinned: Vec::new(),
        snapshots: Vec::new(),
    };
    manifest::replace(disk, &manifest)?;
    Ok(manifest)
}

fn random<const N: usize>() -> Result<[u8; N], OpenError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(OpenError::Random)?;
    Ok(bytes)
}

/// Files that are nobody's: unfinished ones, and segments that never became live or no longer are.
struct Orphans {
    removed: Vec<FileName>,
    left: Vec<DiskError>,
    /// Above every number that is in use.
    next_number: u64,
}

impl Orphans {
    fn remove(disk: &dyn Disk, manifest: &Manifest) -> Result<Orphans, DiskError> {
        let listed: HashSet<u64> = manifest.reachable().map(|entry| entry.number).collect();
        let mut orphans = Orphans { removed: Vec::new(), left: Vec::new(), next_number: manifest.next_file };
        for (file, _) in disk.list(Directory::Segments)? {
            if let FileName::Segment(number) | FileName::SegmentNew(number) = file {
                orphans.next_number = orphans.next_number.max(number.saturating_add(1));
                if matches!(file, FileName::SegmentNew(_)) || !listed.contains(&number) {
                    orphans.try_remove(disk, file);
                }
            }
        }
        if !orphans.removed.is_empty()
            && let Err(error) = disk.sync_directory(Directory::Segments)
        {
            orphans.left.push(error);
        }
        Ok(orphans)
    }

    fn try_remove(&mut self, disk: &dyn Disk, file: FileName) {
        match disk.remove(file) {
            Ok(()) => self.removed.push(file),
            Err(error) => self.left.push(error),
        }
    }
}

fn open_segments(
    disk: &dyn Disk,
    manifest: &Manifest,
    options: &Options,
) -> (Vec<Arc<Segment>>, Vec<Unreadable>) {
    let (mut segments, mut unreadable) = (Vec::new(), Vec::new());
    for entry in &manifest.segments {
        match Segment::open(disk, entry, options.access) {
            Ok(segment) => segments.push(Arc::new(segment)),
            Err(error) => unreadable.push(Unreadable { entry: entry.clone(), error: Arc::new(error) }),
        }
    }
    (segments, unreadable)
}

/// Wakes who waits for room after each group, and the flusher once for each memtable that is large enough.
fn after_group(options: &Options, signals: &Arc<Signals>) -> AfterGroup {
    let (signals, flush_at) = (Arc::clone(signals), options.memtable_bytes);
    let woken_for = Mutex::new(Weak::<Memtable>::new());
    Box::new(move |active| {
        signals.room.raise();
        if active.bytes() as u64 >= flush_at {
            let mut woken_for = woken_for.lock();
            if !std::ptr::eq(woken_for.as_ptr(), Arc::as_ptr(active)) {
                *woken_for = Arc::downgrade(active);
                signals.flush.raise();
            }
        }
    })
}
