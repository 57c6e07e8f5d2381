//! A dense sheet of counters that costs what is touched: tiles of one column by 512 rows, made when first needed.
//!
//! Between two queries every counter is zero, so nothing has to be cleared before the next one; sheets are kept in a
//! pool, because the page faults of fresh memory would cost more than the sums.

use wide::u8x16;

use super::pool::Pool;
use crate::model::Cell;

const TILE_BITS: u32 = 9;
const TILE_ROWS: usize = 1 << TILE_BITS;
/// Tiles of one sheet: 4 MiB. A sheet that is full is drained and begun again.
const SHEET_TILES: usize = 8_192;
/// Carried sums from which on those of one cell are put together: 1 MiB.
const MANY_CARRIED: usize = 1 << 16;

static POOL: Pool<Sheet> = Pool::new();

/// Counters by cell code.
pub(super) struct Sheet {
    /// By `code >> TILE_BITS`: the tile's place in `tiles` plus one; 0 is none.
    places: Vec<u16>,
    /// What is above 255 of a sum is in `carried`: counters of a byte keep the sheet of a page in the nearest caches,
    /// where most of the time of adding would go by else. A cell that has events never has a counter of 0.
    tiles: Vec<[u8; TILE_ROWS]>,
    /// The keys (`code >> TILE_BITS`) of the tiles in use, in order of their places.
    keys: Vec<u32>,
    /// Counts that were added since it was last drained.
    added: usize,
    carried: Carried,
}

impl Sheet {
    /// A sheet of zeros.
    pub(super) fn take() -> Sheet {
        POOL.take().unwrap_or_else(|| Sheet {
            places: vec![0; (Cell::CODES >> TILE_BITS) as usize],
            tiles: Vec::new(),
            keys: Vec::new(),
            added: 0,
            carried: Carried::default(),
        })
    }

    /// Gives a drained sheet back.
    pub(super) fn give_back(self) {
        debug_assert!(self.keys.is_empty() && self.carried.sums.is_empty());
        POOL.give_back(self);
    }

    /// Adds counts, none of them 0, to cells. Fast when neighbours fall into the same tile. Answers how many were
    /// added: fewer than given when the sheet is full and has to be drained.
    pub(super) fn add(&mut self, codes: &[u32], counts: &[u64]) -> usize {
        assert_eq!(codes.len(), counts.len(), "a count for each cell");
        let mut done = 0;
        while let Some(code) = codes.get(done) {
            let key = code >> TILE_BITS;
            let Some(place) = self.place(key) else { break };
            let tile = &mut self.tiles[place];
            for (code, count) in codes[done..].iter().zip(&counts[done..]) {
                if code >> TILE_BITS != key {
                    break;
                }
                let counter = &mut tile[*code as usize % TILE_ROWS];
                if *count <= u64::from(u8::MAX - *counter) {
                    *counter += *count as u8;
                } else {
                    self.carried.carry(*code, counter, *count);
                }
                done += 1;
            }
        }
        self.added += done;
        done
    }

    /// Most cells that `drain` would give now.
    pub(super) fn most_cells(&self) -> usize {
        self.added.min(self.keys.len() * TILE_ROWS)
    }

    fn place(&mut self, key: u32) -> Option<usize> {
        let known = usize::from(self.places[key as usize]);
        if known > 0 {
            return Some(known - 1);
        }
        let place = self.keys.len();
        if place == SHEET_TILES {
            return None;
        }
        if place == self.tiles.len() {
            self.tiles.push([0; TILE_ROWS]);
        }
        self.keys.push(key);
        // SHEET_TILES is below u16::MAX.
        self.places[key as usize] = place as u16 + 1;
        Some(place)
    }

    /// Gives the cells that are not zero to `f`, ascending by code, tile by tile, and makes all of them zero again.
    pub(super) fn drain(&mut self, mut f: impl FnMut(&[u32], &[u64])) {
        self.added = 0;
        let mut order: Vec<(u32, u16)> = self
            .keys
            .drain(..)
            .map(|key| (key, std::mem::take(&mut self.places[key as usize]) - 1))
            .collect();
        order.sort_unstable();
        let mut carried = self.carried.drain().peekable();
        let (mut codes, mut counts) = ([0; TILE_ROWS], [0; TILE_ROWS]);
        for (key, place) in order {
            let tile = &mut self.tiles[usize::from(place)];
            let filled = compact(tile, key << TILE_BITS, &mut codes, &mut counts);
            tile.fill(0);
            let (codes, counts) = (&codes[..filled], &mut counts[..filled]);
            while let Some((code, more)) = carried.next_if(|(code, _)| code >> TILE_BITS == key) {
                let at = codes.binary_search(&code).expect("what was carried left a counter of 1");
                counts[at] = counts[at].saturating_add(more);
            }
            f(codes, counts);
        }
    }
}

/// What counters had no room for.
#[derive(Default)]
struct Carried {
    /// Code and sum; a code may be there several times.
    sums: Vec<(u32, u64)>,
    /// Cells that there were when the sums of each were last put together.
    cells: usize,
}

impl Carried {
    /// Adds a count that the counter has no room for.
    #[cold]
    fn carry(&mut self, code: u32, counter: &mut u8, count: u64) {
        self.sums.push((code, count.saturating_add(u64::from(*counter)) - 1));
        *counter = 1;
        if self.sums.len() >= MANY_CARRIED.max(2 * self.cells) {
            self.put_together();
        }
    }

    /// Leaves one sum of each cell, ascending by code.
    fn put_together(&mut self) {
        // Stable, for it finds the runs that they came in.
        self.sums.sort_by_key(|(code, _)| *code);
        self.sums.dedup_by(|(code, more), (kept, sum)| {
            let same = code == kept;
            if same {
                *sum = sum.saturating_add(*more);
            }
            same
        });
        self.cells = self.sums.len();
    }

    /// Takes all out, ascending by code.
    fn drain(&mut self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.put_together();
        self.cells = 0;
        self.sums.drain(..)
    }
}

/// Writes the cells of a tile that are not zero to the front of two columns; answers how many.
fn compact(
    tile: &[u8; TILE_ROWS],
    first: u32,
    codes: &mut [u32; TILE_ROWS],
    counts: &mut [u64; TILE_ROWS],
) -> usize {
    const LANES: usize = 64;
    let mut filled = 0;
    for (number, lanes) in tile.as_chunks::<LANES>().0.iter().enumerate() {
        // A mask first: the cells of 64 lanes then cost one branch that the processor cannot foresee.
        let mut mask = occupied(lanes);
        while mask != 0 {
            let lane = mask.trailing_zeros() as usize;
            mask &= mask - 1;
            // The remainders change nothing; they spare the bounds checks.
            codes[filled % TILE_ROWS] = first + (number * LANES + lane) as u32;
            counts[filled % TILE_ROWS] = u64::from(lanes[lane % LANES]);
            filled += 1;
        }
    }
    filled
}

/// The lanes that are not zero, one bit each, sixteen at a time.
fn occupied(lanes: &[u8; 64]) -> u64 {
    let mut empty = 0;
    for (number, sixteen) in lanes.as_chunks::<16>().0.iter().enumerate() {
        let zeros = u8x16::new(*sixteen).simd_eq(u8x16::ZERO).to_bitmask();
        empty |= u64::from(zeros) << (number * 16);
    }
    !empty
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn drained(sheet: &mut Sheet) -> Vec<(u32, u64)> {
        let mut cells = Vec::new();
        sheet.drain(|codes, counts| cells.extend(codes.iter().copied().zip(counts.iter().copied())));
        cells
    }

    proptest! {
        #[test]
        fn a_sheet_sums_like_a_map(
            runs in prop::collection::vec(
                prop::collection::vec((0_u32..3, 0_u32..1_500, prop_oneof![1_u64..9, Just(u64::from(u32::MAX))]), 0..200),
                0..6,
            ),
        ) {
            let mut sheet = Sheet::take();
            let mut expected = BTreeMap::new();
            for run in runs {
                let codes: Vec<u32> = run.iter().map(|(x, y, _)| x << 15 | y).collect();
                let counts: Vec<u64> = run.iter().map(|(_, _, count)| *count).collect();
                prop_assert_eq!(sheet.add(&codes, &counts), codes.len());
                for (code, count) in codes.into_iter().zip(counts) {
                    *expected.entry(code).or_insert(0_u64) += count;
                }
            }
            prop_assert_eq!(drained(&mut sheet), expected.into_iter().collect::<Vec<_>>());
            prop_assert_eq!(drained(&mut sheet), vec![]);
            sheet.give_back();
        }
    }

    proptest! {
        #[test]
        fn the_lanes_that_are_not_zero_are_told(
            lanes in prop::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(128), any::<u8>()], 64),
        ) {
            let lanes: [u8; 64] = lanes.try_into().unwrap();
            let bit = |lane: usize| u64::from(lanes[lane] != 0) << lane;
            prop_assert_eq!(occupied(&lanes), (0..64).map(bit).sum::<u64>());
        }
    }

    /// A coarse cell of many pages is added to again and again.
    #[test]
    fn a_busy_cell_takes_no_more_room_the_more_it_is_touched() {
        let mut sheet = Sheet::take();
        for _ in 0..3 * MANY_CARRIED {
            assert_eq!(sheet.add(&[7, 8], &[300, 200]), 2);
            assert!(sheet.carried.sums.len() < MANY_CARRIED);
        }
        let touched = 3 * MANY_CARRIED as u64;
        assert_eq!(drained(&mut sheet), [(7, 300 * touched), (8, 200 * touched)]);
        sheet.give_back();
    }

    #[test]
    fn a_full_sheet_says_where_it_stopped_and_goes_on_when_drained() {
        let mut sheet = Sheet::take();
        let codes: Vec<u32> = (0..=SHEET_TILES as u32).map(|tile| tile << TILE_BITS).collect();
        let counts = vec![1; codes.len()];
        let done = sheet.add(&codes, &counts);
        assert_eq!(done, SHEET_TILES);
        assert_eq!(drained(&mut sheet).len(), done);
        assert_eq!(sheet.add(&codes[done..], &counts[done..]), 1);
        assert_eq!(drained(&mut sheet), [(codes[done], 1)]);
    }
}
