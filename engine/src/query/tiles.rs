//! A dense sheet of counters that costs what is touched: tiles of one column by 512 rows, made when first needed.
//!
//! Between two queries every counter is zero, so nothing has to be cleared before the next one; sheets are kept in a
//! pool, because the page faults of fresh memory would cost more than the sums.

use super::pool::Pool;
use crate::model::Cell;

const TILE_BITS: u32 = 9;
const TILE_ROWS: usize = 1 << TILE_BITS;
/// Tiles of one sheet: 8 MiB. A sheet that is full is drained and begun again.
const SHEET_TILES: usize = 8_192;

static POOL: Pool<Sheet> = Pool::new();

/// Counters by cell code.
pub(super) struct Sheet {
    /// By `code >> TILE_BITS`: the tile's place in `tiles` plus one; 0 is none.
    places: Vec<u16>,
    tiles: Vec<[u16; TILE_ROWS]>,
    /// The keys (`code >> TILE_BITS`) of the tiles in use, in order of their places.
    keys: Vec<u32>,
    /// Counts that were added since it was last drained.
    added: usize,
    /// Sums that went past a counter's u16, which began again at 0: narrow counters keep a sheet in the nearest
    /// caches, and such sums are rare.
    overflows: Vec<(u32, u64)>,
}

impl Sheet {
    /// A sheet of zeros.
    pub(super) fn take() -> Sheet {
        POOL.take().unwrap_or_else(|| Sheet {
            places: vec![0; (Cell::CODES >> TILE_BITS) as usize],
            tiles: Vec::new(),
            keys: Vec::new(),
            added: 0,
            overflows: Vec::new(),
        })
    }

    /// Gives a drained sheet back.
    pub(super) fn give_back(self) {
        debug_assert!(self.keys.is_empty() && self.overflows.is_empty());
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
                let sum = count.saturating_add(u64::from(*counter));
                *counter = u16::try_from(sum).unwrap_or_else(|_| {
                    self.overflows.push((*code, sum));
                    0
                });
                done += 1;
            }
        }
        self.added += done;
        done
    }

    /// Most cells that `drain` would give now, but for overflows.
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
    /// What had overflowed comes last, in any order.
    pub(super) fn drain(&mut self, mut f: impl FnMut(&[u32], &[u64])) {
        self.added = 0;
        let mut order: Vec<(u32, u16)> = self
            .keys
            .drain(..)
            .map(|key| (key, std::mem::take(&mut self.places[key as usize]) - 1))
            .collect();
        order.sort_unstable();
        let (mut codes, mut counts) = ([0; TILE_ROWS], [0; TILE_ROWS]);
        for (key, place) in order {
            let tile = &mut self.tiles[usize::from(place)];
            let filled = compact(tile, key << TILE_BITS, &mut codes, &mut counts);
            tile.fill(0);
            f(&codes[..filled], &counts[..filled]);
        }
        for (code, count) in self.overflows.drain(..) {
            f(&[code], &[count]);
        }
    }
}

/// Writes the cells of a tile that are not zero to the front of two columns; answers how many.
fn compact(tile: &[u16], first: u32, codes: &mut [u32; TILE_ROWS], counts: &mut [u64; TILE_ROWS]) -> usize {
    const LANES: usize = 32;
    let mut filled = 0;
    for (pair, lanes) in tile.chunks_exact(2 * LANES).enumerate() {
        // A mask first: the compiler compares several lanes at once, and the cells of 64 lanes cost one branch that the
        // processor cannot foresee.
        let mask_of = |lanes: &[u16]| {
            lanes.iter().enumerate().fold(0_u32, |mask, (lane, count)| mask | u32::from(*count != 0) << lane)
        };
        let (low, high) = lanes.split_at(LANES);
        let mut mask = u64::from(mask_of(low)) | u64::from(mask_of(high)) << LANES;
        while mask != 0 {
            let lane = mask.trailing_zeros() as usize;
            mask &= mask - 1;
            // The remainders change nothing; they spare the bounds checks.
            codes[filled % TILE_ROWS] = first + (pair * 2 * LANES + lane) as u32;
            counts[filled % TILE_ROWS] = u64::from(lanes[lane % (2 * LANES)]);
            filled += 1;
        }
    }
    filled
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
            let mut got = BTreeMap::new();
            let cells = drained(&mut sheet);
            cells.iter().for_each(|(code, count)| *got.entry(*code).or_insert(0) += count);
            prop_assert_eq!(got, expected);
            prop_assert_eq!(drained(&mut sheet), vec![]);
            sheet.give_back();
        }
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
