//! Sums cells of many strips into one sorted column each of codes and counts.

use super::tiles::Sheet;

/// With fewer cells than this to add, sorting them is cheaper than a sheet.
const SHEET_CELLS: u64 = 6_000;
/// With a first strip of so many cells, and others to come, they will be as many as `SHEET_CELLS`.
const FIRST_CELLS: u64 = SHEET_CELLS / 2;

/// A growing sum of cells.
///
/// Three ways lead to the same result: cells of one strip come sorted and are taken as they are; few cells are
/// sorted; many are added up on a sheet.
pub(super) struct Accumulator {
    sheet: Option<Sheet>,
    codes: Vec<u32>,
    counts: Vec<u64>,
    /// Whether `codes` ascend so far.
    sorted: bool,
    /// Whether more than one strip may come.
    several: bool,
}

impl Accumulator {
    /// An empty sum. `several` says that strips of more than one file may come.
    pub(super) fn new(several: bool) -> Accumulator {
        Accumulator { sheet: None, codes: Vec::new(), counts: Vec::new(), sorted: true, several }
    }

    /// Says that the next `cells` cells, at most, come from one more strip. A first one that may stay alone is taken
    /// as it is; else what it would cost to take it and to add it later is saved.
    pub(super) fn expect(&mut self, cells: u64) {
        let have = self.codes.len() as u64;
        let enough = if have > 0 { SHEET_CELLS } else { FIRST_CELLS };
        if (have > 0 || self.several) && have + cells >= enough {
            self.begin_sheet();
        }
    }

    /// Adds counts, none of them 0, to cells.
    pub(super) fn add(&mut self, codes: &[u32], counts: &[u64]) {
        if self.sheet.is_none() {
            self.take(codes, counts);
            if !self.sorted && self.codes.len() as u64 >= SHEET_CELLS {
                self.begin_sheet();
            }
            return;
        }
        let mut done = 0;
        while let Some(sheet) = &mut self.sheet
            && done < codes.len()
        {
            done += sheet.add(&codes[done..], &counts[done..]);
            if done < codes.len() {
                self.drain();
            }
        }
    }

    fn begin_sheet(&mut self) {
        if self.sheet.is_none() {
            self.sheet = Some(Sheet::take());
            let (codes, counts) = (std::mem::take(&mut self.codes), std::mem::take(&mut self.counts));
            self.sorted = true;
            self.add(&codes, &counts);
        }
    }

    /// Takes cells as they are. Of a single strip's summary they ascend, and nothing has to be compared.
    fn take(&mut self, codes: &[u32], counts: &[u64]) {
        if codes.is_sorted_by(|a, b| a < b) {
            return self.take_ascending(codes, counts);
        }
        for (code, count) in codes.iter().zip(counts) {
            self.push(*code, *count);
        }
    }

    fn push(&mut self, code: u32, count: u64) {
        match (self.codes.last(), self.counts.last_mut()) {
            (Some(last), Some(sum)) if *last == code => *sum = sum.saturating_add(count),
            (last, _) => {
                self.sorted &= last.is_none_or(|last| *last < code);
                self.codes.push(code);
                self.counts.push(count);
            }
        }
    }

    fn drain(&mut self) {
        let Some(mut sheet) = self.sheet.take() else { return };
        let most = sheet.most_cells();
        self.codes.reserve(most);
        self.counts.reserve(most);
        sheet.drain(|codes, counts| self.take_ascending(codes, counts));
        self.sheet = Some(sheet);
    }

    fn take_ascending(&mut self, codes: &[u32], counts: &[u64]) {
        self.sorted &= codes.first() > self.codes.last() || codes.is_empty();
        self.codes.extend_from_slice(codes);
        self.counts.extend_from_slice(counts);
    }

    /// The sums: codes ascending, none twice, and the count of each, none 0.
    pub(super) fn finish(mut self) -> (Vec<u32>, Vec<u64>) {
        self.drain();
        if let Some(sheet) = self.sheet.take() {
            sheet.give_back();
        }
        if !self.sorted {
            let mut cells: Vec<(u32, u64)> =
                std::mem::take(&mut self.codes).into_iter().zip(std::mem::take(&mut self.counts)).collect();
            // Stable, for it finds the runs that the cells came in; the order of equal codes does not matter.
            cells.sort_by_key(|(code, _)| *code);
            self.sorted = true;
            for (code, count) in cells {
                self.push(code, count);
            }
        }
        (self.codes, self.counts)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_way_of_summing_gives_the_same(
            strips in prop::collection::vec(prop::collection::vec((0_u32..4, 0_u32..700, 1_u64..4), 0..300), 0..5),
            sorted in any::<bool>(),
        ) {
            let mut expected = BTreeMap::new();
            // Taken and sorted; on a sheet from the second strip on, or from the first; whichever is cheaper.
            let mut ways = [(0, false), (SHEET_CELLS, false), (SHEET_CELLS, true), (300, true)]
                .map(|(cells, several)| (cells, Accumulator::new(several)));
            for mut strip in strips {
                if sorted {
                    strip.sort();
                }
                let codes: Vec<u32> = strip.iter().map(|(x, y, _)| x << 15 | y).collect();
                let counts: Vec<u64> = strip.iter().map(|(_, _, count)| *count).collect();
                for (cells, way) in &mut ways {
                    way.expect(*cells);
                    way.add(&codes, &counts);
                }
                for (code, count) in codes.into_iter().zip(counts) {
                    *expected.entry(code).or_insert(0) += count;
                }
            }
            let expected: (Vec<u32>, Vec<u64>) = expected.into_iter().unzip();
            for (_, way) in ways {
                prop_assert_eq!(&way.finish(), &expected);
            }
        }
    }

    #[test]
    fn cells_beyond_one_sheet_are_summed_too() {
        let mut sum = Accumulator::new(false);
        let codes: Vec<u32> = (0..10_000).map(|at| ((at % 2_000) << 15) | ((at / 2_000) * 512)).collect();
        for _ in 0..2 {
            sum.expect(codes.len() as u64);
            sum.add(&codes, &vec![u64::from(u32::MAX); codes.len()]);
        }
        let (got, counts) = sum.finish();
        assert_eq!(got.len(), codes.len());
        assert!(got.is_sorted_by(|a, b| a < b));
        assert!(counts.iter().all(|count| *count == 2 * u64::from(u32::MAX)));
    }
}
