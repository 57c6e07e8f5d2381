//! The detail group of a block: on which days and from which countries its cells were touched. `docs/FORMAT.md`,
//! section "Blocks".
//!
//! Rows stand in *runs* of one day and one country, so that a question for some of them reads no others.

mod read;
mod rows;

pub use read::{Detail, Run};
pub use rows::BlockRows;

use super::bits::{BitWriter, low_mask};
use super::columns::{Numbers, Packer, Unpacker};
use super::frame::{Cursor, FormatError};

/// Days of the longest month.
pub const MONTH_DAYS: u8 = 31;

/// Symbols of runs that are compressed together, at least: with fewer of them the compressed frame's own header is
/// too much of it, with more a question reads too much that it has not asked for.
const STRETCH_SYMBOLS: usize = 1_024;
/// Symbols below this are steps to the next row's cell, the others are counts.
const COUNT_SYMBOL: u8 = 16;

/// One detail row of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellRow {
    /// Day of the month, 0 to 30.
    pub day: u8,
    /// Index into the extent's countries.
    pub country: u16,
    /// At least 1.
    pub count: u32,
}

/// Collects the rows of a block, cell by cell, and makes its detail group.
#[derive(Debug, Default)]
pub struct DetailBuilder {
    /// Day, country, cell and count of each row, from the highest bits to the lowest: in this order they are kept.
    rows: Vec<u64>,
    /// Whether some came run by run: then they are a few sequences in that order, not a multitude.
    by_run: bool,
    symbols: Vec<u8>,
    low_bits: Vec<u8>,
}

/// Where the fields of a row begin in `DetailBuilder::rows`.
const CELL_BIT: u32 = 32;
const COUNTRY_BIT: u32 = CELL_BIT + 14;
const DAY_BIT: u32 = COUNTRY_BIT + 10;

/// What is known of each run and stretch before any row is read.
#[derive(Debug, Default)]
struct Directory {
    days: Numbers,
    countries: Numbers,
    symbols: Numbers,
    stretch_runs: Numbers,
    stretch_bytes: Numbers,
}

impl DetailBuilder {
    /// Takes everything out.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.by_run = false;
    }

    /// Rows in it.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Appends the rows of cell `cell` of the block, which ascends from call to call.
    pub fn push_rows(&mut self, cell: u32, rows: &[CellRow]) {
        debug_assert!(cell < 1 << (COUNTRY_BIT - CELL_BIT), "a block's cells fit their field");
        self.rows.extend(rows.iter().map(|row| {
            u64::from(row.day).wrapping_shl(DAY_BIT)
                | u64::from(row.country).wrapping_shl(COUNTRY_BIT)
                | u64::from(cell).wrapping_shl(CELL_BIT)
                | u64::from(row.count)
        }));
    }

    /// Appends rows of one day and one country: cell in the block and count of each, ascending.
    pub fn push_run(&mut self, day: u8, country: u16, rows: impl Iterator<Item = (u32, u32)>) {
        let run = u64::from(day).wrapping_shl(DAY_BIT) | u64::from(country).wrapping_shl(COUNTRY_BIT);
        self.by_run = true;
        let row = |(cell, count)| run | u64::from(cell).wrapping_shl(CELL_BIT) | u64::from(count);
        self.rows.extend(rows.map(row));
    }

    /// Takes all rows out of another builder; what they call cell 0 is cell `first` here.
    pub fn append(&mut self, other: &mut DetailBuilder, first: u32) {
        debug_assert!(first < 1 << (COUNTRY_BIT - CELL_BIT), "a block's cells fit their field");
        let first = u64::from(first).wrapping_shl(CELL_BIT);
        self.rows.extend(other.rows.drain(..).map(|row| row.wrapping_add(first)));
        self.by_run |= other.by_run;
        other.clear();
    }

    /// Appends the group's columns.
    pub fn pack(&mut self, packer: &mut Packer, target: &mut Vec<u8>) {
        let mut rows = std::mem::take(&mut self.rows);
        // The one is quick where long sequences are in order, the other where nothing is.
        if self.by_run {
            rows.sort();
        } else {
            rows.sort_unstable();
        }
        let (mut directory, mut stretches) = (Directory::default(), Vec::new());
        let (mut stretch_start, mut runs_before) = (0_usize, 0_usize);
        let mut before = None;
        let mut bits = BitWriter::new(&mut self.low_bits);
        let mut runs = rows.chunk_by(|a, b| a >> COUNTRY_BIT == b >> COUNTRY_BIT).peekable();
        while let Some(run) = runs.next() {
            let symbols = self.symbols.len();
            put_run(run, &mut self.symbols, &mut bits);
            directory.push(run, self.symbols.len().saturating_sub(symbols), &mut before);
            if runs.peek().is_none() || self.symbols.len() >= STRETCH_SYMBOLS {
                bits.finish();
                packer.pack_symbols(&self.symbols, &mut stretches);
                stretches.append(&mut self.low_bits);
                self.symbols.clear();
                bits = BitWriter::new(&mut self.low_bits);
                directory.end_stretch(&mut runs_before, &mut stretch_start, stretches.len());
            }
        }
        directory.pack(packer, target);
        target.append(&mut stretches);
        rows.clear();
        self.rows = rows;
    }
}

/// Appends the symbols of a run, and their low bits.
fn put_run(run: &[u64], symbols: &mut Vec<u8>, bits: &mut BitWriter<'_>) {
    let mut put = |first: u8, number: u32| {
        let width = number.checked_ilog2().unwrap_or(0);
        symbols.push(first.saturating_add(width as u8));
        bits.put(number & low_mask(width), width);
    };
    let mut before = 0;
    for row in run {
        let (cell, count) =
            ((row >> CELL_BIT) as u32 & low_mask(COUNTRY_BIT.wrapping_sub(CELL_BIT)), *row as u32);
        put(0, cell.saturating_sub(before).saturating_add(1));
        if count > 1 {
            put(COUNT_SYMBOL, count.saturating_sub(1));
        }
        before = cell;
    }
}

impl Directory {
    /// Appends a run of so many symbols; `before` are day and country of the one before.
    fn push(&mut self, run: &[u64], symbols: usize, before: &mut Option<(u64, u64)>) {
        let place = run.first().map_or(0, |row| row >> COUNTRY_BIT);
        let (day, country) = (place >> (DAY_BIT - COUNTRY_BIT), place & 0x3ff);
        let (day_before, country_before) = before.unwrap_or((0, 0));
        let next = if *before == Some((day, country_before)) { country_before.saturating_add(1) } else { 0 };
        self.days.push(day.saturating_sub(day_before));
        self.countries.push(country.saturating_sub(next));
        self.symbols.push((symbols as u64).saturating_sub(1));
        *before = Some((day, country));
    }

    fn end_stretch(&mut self, runs_before: &mut usize, start: &mut usize, end: usize) {
        self.stretch_runs.push(self.days.len().saturating_sub(*runs_before) as u64);
        self.stretch_bytes.push(end.saturating_sub(*start) as u64);
        (*runs_before, *start) = (self.days.len(), end);
    }

    fn pack(&self, packer: &mut Packer, target: &mut Vec<u8>) {
        let Directory { days, countries, symbols, stretch_runs, stretch_bytes } = self;
        [days, countries, symbols, stretch_runs, stretch_bytes]
            .into_iter()
            .for_each(|column| column.pack(packer, target));
    }

    /// Reads what `pack` has written of a block with so many rows.
    fn unpack(
        &mut self,
        cursor: &mut Cursor<'_>,
        rows: usize,
        unpacker: &mut Unpacker,
    ) -> Result<(), FormatError> {
        let Directory { days, countries, symbols, stretch_runs, stretch_bytes } = self;
        days.unpack(unpacker, cursor, rows)?;
        countries.unpack_exactly(unpacker, cursor, days.len())?;
        symbols.unpack_exactly(unpacker, cursor, days.len())?;
        stretch_runs.unpack(unpacker, cursor, days.len())?;
        stretch_bytes.unpack_exactly(unpacker, cursor, stretch_runs.len())
    }
}

#[cfg(test)]
mod tests;
