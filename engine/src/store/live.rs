//! What is live: the manifest, and the read set that says the same in memory. Changed together, here and nowhere else.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use crate::compaction::plan::Candidate;
use crate::disk::{Access, Disk};
use crate::error::{EditError, Poison};
use crate::manifest::{self, Edit, Manifest, ManifestError, Released};
use crate::memtable::Memtable;
use crate::model::Region;
use crate::segment::{Segment, SegmentEntry};
use crate::view::{Masks, SegmentSet};

/// Everything a query reads: each batch is in exactly one of them.
#[derive(Clone)]
pub(super) struct ReadState {
    pub(super) segments: Arc<SegmentSet>,
    /// Takes batches.
    pub(super) active: Arc<Memtable>,
    /// Is being flushed, or waits for it.
    pub(super) frozen: Option<Arc<Memtable>>,
    pub(super) masks: Arc<Masks>,
}

/// The manifest and the read set.
pub(super) struct Live {
    disk: Arc<dyn Disk>,
    access: Access,
    /// Random, of this opening: it makes the names of files out of their numbers.
    seed: [u8; 32],
    next_number: AtomicU64,
    truth: Mutex<Truth>,
    /// Beside the truth, which is held while the disk is at work: every append asks.
    poison: OnceLock<Arc<Poison>>,
    state: ArcSwap<ReadState>,
}

struct Truth {
    manifest: Manifest,
    /// Unix ms since when this process knows of a segment.
    added_ms: BTreeMap<u64, u64>,
}

impl Live {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        access: Access,
        manifest: Manifest,
        (seed, next_number): ([u8; 32], u64),
        state: ReadState,
        now_ms: u64,
    ) -> Live {
        let added_ms = manifest.segments.iter().map(|entry| (entry.number, now_ms)).collect();
        Live {
            disk,
            access,
            seed,
            next_number: AtomicU64::new(next_number),
            truth: Mutex::new(Truth { manifest, added_ms }),
            poison: OnceLock::new(),
            state: ArcSwap::from_pointee(state),
        }
    }

    /// The read set of this moment.
    pub(super) fn read(&self) -> Arc<ReadState> {
        self.state.load_full()
    }

    /// Bytes of memory that hold what is not in segments yet.
    pub(super) fn memtable_bytes(&self) -> usize {
        // Asked by every append: a look that counts nothing is enough.
        let state = self.state.load();
        state.active.bytes() + state.frozen.as_ref().map_or(0, |frozen| frozen.bytes())
    }

    /// A file number that was never given before, and bytes that tell the file from every other of any store.
    pub(super) fn next_file(&self) -> (u64, [u8; 16]) {
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let mut uuid = [0; 16];
        uuid.copy_from_slice(&blake3::keyed_hash(&self.seed, &number.to_le_bytes()).as_bytes()[..16]);
        (number, uuid)
    }

    pub(super) fn region(&self) -> Region {
        self.truth.lock().manifest.region.clone()
    }

    /// When the clock was last believed, as the manifest knows.
    pub(super) fn clock_mark_ms(&self) -> u64 {
        self.truth.lock().manifest.clock.last_seen_ms
    }

    /// The manifest as it is.
    pub(super) fn manifest(&self) -> Manifest {
        self.truth.lock().manifest.clone()
    }

    /// Why nothing may be written any more.
    pub(super) fn poison(&self) -> Option<Arc<Poison>> {
        self.poison.get().cloned()
    }

    /// Live segments as compaction sees them, but for those that cannot be read.
    pub(super) fn candidates(&self) -> Vec<Candidate> {
        let truth = self.truth.lock();
        let readable = self.state.load();
        let candidate = |segment: &Arc<Segment>| {
            let entry = segment.entry();
            Candidate {
                number: entry.number,
                month: entry.header.month,
                length_bytes: entry.length_bytes,
                level: entry.level,
                added_ms: truth.added_ms.get(&entry.number).copied().unwrap_or(0),
            }
        };
        readable.segments.iter().map(candidate).collect()
    }

    /// Puts a fresh memtable in the place of the active one, which is frozen. Called between groups.
    pub(super) fn freeze(&self, frozen: &Arc<Memtable>, active: &Arc<Memtable>) {
        self.state.rcu(|state| ReadState {
            active: Arc::clone(active),
            frozen: Some(Arc::clone(frozen)),
            ..ReadState::clone(state)
        });
    }

    /// What is masked from now on.
    pub(super) fn mask(&self, masks: &Arc<Masks>) {
        self.state.rcu(|state| ReadState { masks: Arc::clone(masks), ..ReadState::clone(state) });
    }

    /// Makes one edit durable and visible, or neither. Gives back the files that may be unlinked now.
    ///
    /// # Errors
    /// When a new segment cannot be opened, a snapshot is not as the edit needs it, or the manifest cannot be replaced.
    /// If it cannot be known which manifest the disk has now, the store is poisoned, and no file may be removed any more.
    pub(super) fn edit(&self, edit: Edit<'_>, now_ms: u64) -> Result<Released, EditError> {
        let open = |entry: &SegmentEntry| Segment::open(&*self.disk, entry, self.access).map(Arc::new);
        let new = edit.add.iter().chain(edit.repoint.iter().flat_map(|(_, new)| new));
        let mut opened = new.map(open).collect::<Result<Vec<_>, _>>()?;
        let flushed = edit.wal_floor.is_some();
        let mut truth = self.truth.lock();
        if let Some(poison) = self.poison.get() {
            return Err(EditError::Poisoned(Arc::clone(poison)));
        }
        let mut edited = edit.apply(&truth.manifest)?;
        edited.manifest.next_file = self.next_number.load(Ordering::Relaxed);
        match manifest::replace(&*self.disk, &edited.manifest) {
            Ok(()) => {}
            Err(ManifestError::Uncertain(source)) => {
                let poison = self.poison.get_or_init(|| Arc::new(Poison::Manifest(source)));
                return Err(EditError::Poisoned(Arc::clone(poison)));
            }
            Err(error) => return Err(error.into()),
        }
        for number in &edited.left {
            truth.added_ms.remove(number);
        }
        truth.added_ms.extend(edited.joined.iter().map(|number| (*number, now_ms)));
        truth.manifest = edited.manifest;
        // Those that only snapshots list are not read.
        opened.retain(|segment| edited.joined.contains(&segment.entry().number));
        self.state.rcu(|state| ReadState {
            segments: Arc::new(state.segments.edited(&edited.left, opened.iter().cloned())),
            frozen: if flushed { None } else { state.frozen.clone() },
            active: Arc::clone(&state.active),
            masks: Arc::clone(&state.masks),
        });
        Ok(edited.released)
    }
}
