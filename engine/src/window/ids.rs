//! The window of batch ids: ten minutes or four million, whichever is shorter.

use std::collections::VecDeque;

use super::generation::Generation;
use crate::format::wal::{CARRIED_IDS_FRAME, CarriedIds, encode_carried_ids};
use crate::model::limits::{BATCH_WINDOW_IDS, BATCH_WINDOW_SECONDS};

/// Generations of a full window. More would waste less of it, and cost a look-up each.
const GENERATIONS: usize = 8;
/// Ids of one carried record: 512 KiB, so that carrying needs little memory.
const PIECE_IDS: usize = 64 << 10;

/// Keyed hashes of the batch ids that were accepted lately, in generations, of which the oldest is dropped whole:
/// the window is between `BATCH_WINDOW_SECONDS` and an eighth more, or `BATCH_WINDOW_IDS` and an eighth less.
pub struct IdWindow {
    generations: VecDeque<Generation>,
    generation_ids: usize,
    generation_ms: u64,
}

impl Default for IdWindow {
    fn default() -> IdWindow {
        IdWindow::bounded(BATCH_WINDOW_IDS, BATCH_WINDOW_SECONDS * 1_000)
    }
}

impl IdWindow {
    pub(super) fn bounded(ids: usize, ms: u64) -> IdWindow {
        IdWindow {
            generations: VecDeque::new(),
            generation_ids: (ids / GENERATIONS).max(1),
            generation_ms: (ms / GENERATIONS as u64).max(1),
        }
    }

    fn window_ms(&self) -> u64 {
        self.generation_ms * GENERATIONS as u64
    }

    /// Whether an id is remembered.
    #[must_use]
    pub fn contains(&self, id: u64, now_ms: u64) -> bool {
        let alive = |generation: &&Generation| !self.is_too_old(generation, now_ms);
        self.generations.iter().rev().take_while(alive).any(|generation| generation.contains(id))
    }

    fn is_too_old(&self, generation: &Generation, now_ms: u64) -> bool {
        now_ms.saturating_sub(generation.newest_ms) > self.window_ms()
    }

    /// Remembers an id. A clock that went back does not make the window longer.
    pub fn insert(&mut self, id: u64, now_ms: u64) {
        let newest_ms = self.generations.back().map_or(0, |last| last.newest_ms);
        let now_ms = now_ms.max(newest_ms);
        let fits = |last: &Generation| {
            last.len() < self.generation_ids && now_ms - last.oldest_ms < self.generation_ms
        };
        if !self.generations.back().is_some_and(fits) {
            self.expire(now_ms);
            self.begin(now_ms);
        }
        if let Some(last) = self.generations.back_mut() {
            last.newest_ms = now_ms;
            last.insert(id, self.generation_ids);
        }
    }

    fn begin(&mut self, now_ms: u64) {
        // A generation ends by time or when full; twice the number is more than there can be of both.
        while self.len() + self.generation_ids > self.generation_ids * GENERATIONS
            || self.generations.len() >= 2 * GENERATIONS + 2
        {
            self.generations.pop_front();
        }
        self.generations.push_back(Generation::new(now_ms));
    }

    /// Drops what is too old.
    pub(super) fn expire(&mut self, now_ms: u64) {
        while self.generations.front().is_some_and(|oldest| self.is_too_old(oldest, now_ms)) {
            self.generations.pop_front();
        }
    }

    /// Remembers a carried piece: the next of the last generation, or the first of the next.
    pub(super) fn restore(&mut self, carried: &CarriedIds) {
        for id in &carried.ids {
            let same_stretch = |last: &Generation| {
                last.oldest_ms == carried.oldest_ms && last.newest_ms == carried.newest_ms
            };
            if self.generations.iter().any(|generation| generation.contains(*id)) {
                continue;
            }
            match self.generations.back() {
                Some(last) if same_stretch(last) && last.len() < self.generation_ids => {}
                Some(last) if last.newest_ms > carried.newest_ms => {
                    // Something newer was read before: it is remembered as if it were as new.
                    self.insert(*id, carried.newest_ms);
                    continue;
                }
                _ => self.begin(carried.oldest_ms),
            }
            if let Some(last) = self.generations.back_mut() {
                last.newest_ms = carried.newest_ms;
                last.insert(*id, self.generation_ids);
            }
        }
    }

    /// All ids as payloads of at most `limit` bytes, oldest generation first.
    pub(super) fn carried(&self, limit: usize) -> impl Iterator<Item = Vec<u8>> + '_ {
        let most = (limit.saturating_sub(CARRIED_IDS_FRAME) / size_of::<u64>()).clamp(1, PIECE_IDS);
        self.generations.iter().flat_map(move |generation| {
            let mut ids = generation.ids();
            std::iter::from_fn(move || {
                let piece: Vec<u64> = ids.by_ref().take(most).collect();
                let encode = || encode_carried_ids(generation.oldest_ms, generation.newest_ms, &piece);
                (!piece.is_empty()).then(encode)
            })
        })
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.generations.iter().map(Generation::len).sum()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn span_ms(&self, now_ms: u64) -> u64 {
        self.generations.front().map_or(0, |oldest| now_ms.saturating_sub(oldest.oldest_ms))
    }

    pub(super) fn bytes(&self) -> usize {
        self.generations.iter().map(Generation::bytes).sum()
    }
}
