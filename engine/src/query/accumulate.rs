//! Sums cells of many strips into one sorted column each of codes and counts.

use super::tiles::Sheet;

/// With fewer cells than this to add, sorting them is cheaper than a sheet.
const SHEET_CELLS: u64 = 6_000;

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
}

/// What an accumulator will be given, as far as directories tell.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Expected {
    /// Strips and memtables.
    pub(super) sources: u64,
    /// Cells of all of them.
    pub(super) cells: u64,
}

impl Accumulator {
    /// An empty sum.
    pub(super) fn new(expected: Expected) -> Accumulator {
        let wants_sheet = expected.sources > 1 && expected.cells >= SHEET_CELLS;
        Accumulator {
            sheet: wants_sheet.then(Sheet::take),
            codes: Vec::new(),
            counts: Vec::new(),
            sorted: true,
        }
    }

    /// Adds counts, none of them 0, to cells.
    pub(super) fn add(&mut self, codes: &[u32], counts: &[u32]) {
        let Some(sheet) = &mut self.sheet else { return self.take(codes, counts) };
        let mut done = 0;
        while done < codes.len() {
            done += sheet.add(&codes[done..], &counts[done..]);
            if done < codes.len() {
                self.drain();
                return self.add(&codes[done..], &counts[done..]);
            }
        }
    }

    /// Adds a count too large for a row to a cell.
    pub(super) fn add_large(&mut self, code: u32, count: u64) {
        self.push(code, count);
    }

    fn take(&mut self, codes: &[u32], counts: &[u32]) {
        for (code, count) in codes.iter().zip(counts) {
            self.push(*code, u64::from(*count));
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
        sheet.drain(|codes, counts| {
            let follows = |last: &u32| codes.first().is_none_or(|first| last < first);
            self.sorted &= self.codes.last().is_none_or(follows);
            self.codes.extend_from_slice(codes);
            self.counts.extend_from_slice(counts);
        });
        self.sheet = Some(sheet);
    }

    /// The sums: codes ascending, none twice, and the count of each, none 0.
    pub(super) fn finish(mut self) -> (Vec<u32>, Vec<u64>) {
        self.drain();
        if let Some(sheet) = self.sheet.take() {
            sheet.give_back();
        }
        if !self.sorted {
            let mut cells: Vec<(u32, u64)> = std::mem::take(&mut self.codes)
                .into_iter()
                .zip(std::mem::take(&mut self.counts))
                .collect();
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

impl Drop for Accumulator {
    fn drop(&mut self) {
        // A query that ends in an error leaves a sheet that is not of zeros; it is not worth cleaning.
        self.sheet = None;
    }
}
