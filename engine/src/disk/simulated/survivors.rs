//! The disks that a power loss may leave.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use parking_lot::Mutex;

use super::SimulatedDisk;
use super::directory::Entries;
use super::file::{File, FileId};
use super::outcomes::{Manner, Outcomes};
use super::random::Random;
use super::state::State;

/// Every state that a power loss may leave of a disk, each a disk of its own on which everything is synced.
#[derive(Clone, Debug)]
pub struct Survivors {
    /// Sets of directory entries, and how many disks have them.
    entries: Vec<(Entries, u128)>,
    complete: bool,
    files: BTreeMap<FileId, Outcomes>,
    free: Option<u64>,
}

/// Samples that may turn out to be known already, for each that is asked for, before no more are looked for.
const TRIES: usize = 8;

impl Survivors {
    pub(super) fn of(state: &State) -> Survivors {
        let (entries, complete) = state.surviving_entries();
        let ids: BTreeSet<FileId> = entries.iter().flat_map(|entries| entries.values().copied()).collect();
        let files: BTreeMap<FileId, Outcomes> =
            ids.into_iter().map(|id| (id, state.file_of(id).outcomes())).collect();
        let count = |entries: &Entries| {
            let ids: BTreeSet<FileId> = entries.values().copied().collect();
            ids.iter().fold(1_u128, |product, id| product.saturating_mul(files[id].count()))
        };
        let counts: Vec<u128> = entries.iter().map(count).collect();
        let entries = entries.into_iter().zip(counts).collect();
        Survivors { entries, complete, files, free: state.free }
    }

    /// How many distinct ones there are (`u128::MAX` stands for more). When more directory entries were changed than
    /// can be gone through, those of some subsets only.
    #[must_use]
    pub fn count(&self) -> u128 {
        self.entries.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// Whether `count` and `nth` are about all there are.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The `index`th, below `count`. The first is the one of which nothing unsynced is left.
    ///
    /// # Panics
    /// When `index` is not below `count`.
    #[must_use]
    pub fn nth(&self, mut index: u128) -> SimulatedDisk {
        for (entries, count) in &self.entries {
            if index < *count {
                return self.disk(entries, |file| {
                    let contents = file.nth(index % file.count());
                    index /= file.count();
                    contents
                });
            }
            index -= count;
        }
        panic!("an index is below the count");
    }

    /// The one that a kill of the process leaves: everything it did is there.
    #[must_use]
    pub fn everything(&self) -> SimulatedDisk {
        let (entries, _) = self.entries.last().expect("all changes made is one of the outcomes");
        self.disk(entries, Outcomes::everything)
    }

    /// All of them, or, when there are more than `limit`, that many distinct ones (fewer if chance will have it): the
    /// one of which nothing unsynced is left, the one of which everything is, and others as `seed` decides.
    pub fn up_to(&self, limit: usize, seed: u64) -> impl Iterator<Item = SimulatedDisk> + '_ {
        let all = self.complete && self.count() <= limit as u128;
        let few = if all { self.count() } else { 0 };
        let enumerated = (0..few).map(|index| self.nth(index));
        enumerated.chain(self.sampled(if all { 0 } else { limit }, seed))
    }

    fn sampled(&self, limit: usize, seed: u64) -> impl Iterator<Item = SimulatedDisk> + '_ {
        let mut random = Random::new(seed);
        let last = self.entries.len() - 1;
        let extremes = [(0, Some(Manner::Nothing)), (last, Some(Manner::Everything))];
        let mut seen =
            HashSet::from(extremes.map(|(index, manner)| self.sample(&mut random, index, manner).1));
        let others = (0..limit.saturating_mul(TRIES)).filter_map(move |_| {
            let index = random.below(self.entries.len());
            let (disk, choices) = self.sample(&mut random, index, None);
            seen.insert(choices).then_some(disk)
        });
        [self.nth(0), self.everything()].into_iter().chain(others).take(limit)
    }

    /// One by chance among those of the `index`th set of entries, every file in this manner or in one of its own, and
    /// a hash of what was chosen.
    fn sample(&self, random: &mut Random, index: usize, manner: Option<Manner>) -> (SimulatedDisk, u64) {
        let mut choices = DefaultHasher::new();
        index.hash(&mut choices);
        let disk = self.disk(&self.entries[index].0, |file| {
            let manner = manner.unwrap_or_else(|| Manner::by_chance(random));
            file.sample(manner, random, &mut |choice| choice.hash(&mut choices))
        });
        (disk, choices.finish())
    }

    fn disk(&self, entries: &Entries, mut contents: impl FnMut(&Outcomes) -> Arc<Vec<u8>>) -> SimulatedDisk {
        let mut files = BTreeMap::new();
        for id in entries.values() {
            // Two names may stand for one file.
            files.entry(*id).or_insert_with(|| File::synced(contents(&self.files[id])));
        }
        SimulatedDisk(Arc::new(Mutex::new(State::synced(entries.clone(), files, self.free))))
    }
}
