//! One stretch of the window of batch ids: a set that only grows, and is dropped whole.

/// Slots of an empty set's first table.
const FIRST_SLOTS: usize = 64;
/// Slots from one id that is given to the next.
const STRIDE: usize = 64;
/// Of ten slots so many may be taken; then the table grows.
const LOAD_TENTHS: usize = 8;

/// Ids that were accepted in one stretch of time.
pub(super) struct Generation {
    /// Open addressing, linear probing; 0 is free, and an id of 0 is kept as 1: a chance of 2^-64 more to mix two up.
    slots: Box<[u64]>,
    ids: usize,
    /// Unix ms of the first and the last of them.
    pub(super) oldest_ms: u64,
    pub(super) newest_ms: u64,
}

impl Generation {
    pub(super) fn new(now_ms: u64) -> Generation {
        let slots = vec![0; FIRST_SLOTS].into_boxed_slice();
        Generation { slots, ids: 0, oldest_ms: now_ms, newest_ms: now_ms }
    }

    pub(super) fn len(&self) -> usize {
        self.ids
    }

    pub(super) fn bytes(&self) -> usize {
        self.slots.len() * size_of::<u64>()
    }

    /// Its ids, in an order that is good to insert again: by slot they would all crowd the begin of a table that
    /// still grows, and probing would go past all of them.
    pub(super) fn ids(&self) -> impl Iterator<Item = u64> + '_ {
        (0..STRIDE)
            .flat_map(|first| self.slots.iter().skip(first).step_by(STRIDE).copied())
            .filter(|id| *id != 0)
    }

    pub(super) fn contains(&self, id: u64) -> bool {
        self.slots[self.slot_of(id.max(1))] != 0
    }

    /// Adds an id; the table never holds more than `most`, and never has more slots than they need.
    pub(super) fn insert(&mut self, id: u64, most: usize) {
        let id = id.max(1);
        if (self.ids + 1) * 10 > self.slots.len() * LOAD_TENTHS {
            let needed = (most * 10).div_ceil(LOAD_TENTHS) + 1;
            let larger = vec![0; (self.slots.len() * 2).min(needed.max(self.slots.len() + 1))];
            let old = std::mem::replace(&mut self.slots, larger.into_boxed_slice());
            for id in old.into_iter().filter(|id| *id != 0) {
                let slot = self.slot_of(id);
                self.slots[slot] = id;
            }
        }
        let slot = self.slot_of(id);
        if self.slots[slot] == 0 {
            self.slots[slot] = id;
            self.ids += 1;
        }
    }

    /// Where the id is, or would be. There is always a free slot.
    fn slot_of(&self, id: u64) -> usize {
        // Ids are keyed hashes: their high bits are as good as any hash of them.
        let mut slot = ((u128::from(id) * self.slots.len() as u128) >> 64) as usize;
        while self.slots[slot] != 0 && self.slots[slot] != id {
            slot += 1;
            if slot == self.slots.len() {
                slot = 0;
            }
        }
        slot
    }
}
