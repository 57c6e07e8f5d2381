//! The detail group of a block: on which days and from which countries its cells were touched. `docs/FORMAT.md`,
//! section "Blocks".
//!
//! Rows stand in *runs* of one day and one country, so that a question for some of them reads no others.

mod coded;
mod read;
mod rows;
mod sections;

pub use coded::CodedRows;
pub use read::{Detail, Run};
pub use rows::BlockRows;
pub use sections::{Sections, Span};

use super::bits::BitWriter;
use super::columns::{Numbers, Packer, Unpacker};
use super::frame::{Cursor, FormatError};
use coded::Part;

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

/// Collects the rows of a block, cell by cell or coded as in another block, and makes its detail group.
#[derive(Debug, Default)]
pub struct DetailBuilder {
    /// Day, country, cell and count of each row that came by itself and is above those that are coded, from the highest
    /// bits to the lowest.
    rows: Vec<u64>,
    coded: CodedRows,
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
        self.coded.clear();
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

    /// Appends coded rows; what they call cell 0 is cell `first` here, above all cells so far.
    pub fn append(&mut self, coded: &CodedRows, first: u32) {
        self.code_rows();
        self.coded.append(coded, first);
    }

    fn code_rows(&mut self) {
        self.rows.sort_unstable();
        self.rows.chunk_by(|a, b| a >> COUNTRY_BIT == b >> COUNTRY_BIT).for_each(|run| self.coded.code(run));
        self.rows.clear();
    }

    /// Appends the group's columns, and leaves the builder to be cleared.
    pub fn pack(&mut self, packer: &mut Packer, target: &mut Vec<u8>) {
        self.code_rows();
        self.coded.sort();
        let DetailBuilder { coded, symbols, low_bits, .. } = self;
        let (mut directory, mut stretches) = (Directory::default(), Vec::new());
        let (mut stretch_start, mut runs_before) = (0_usize, 0_usize);
        let mut before = None;
        let mut bits = BitWriter::new(low_bits);
        let mut runs = coded.runs().peekable();
        while let Some(run) = runs.next() {
            let start = symbols.len();
            coded.put(run, symbols, &mut bits);
            directory.push(run, symbols.len().saturating_sub(start), &mut before);
            if runs.peek().is_none() || symbols.len() >= STRETCH_SYMBOLS {
                bits.finish();
                packer.pack_symbols(symbols, &mut stretches);
                stretches.append(low_bits);
                symbols.clear();
                bits = BitWriter::new(low_bits);
                directory.end_stretch(&mut runs_before, &mut stretch_start, stretches.len());
            }
        }
        directory.pack(packer, target);
        target.append(&mut stretches);
    }
}

impl Directory {
    /// Appends a run of so many symbols; `before` are day and country of the one before.
    fn push(&mut self, run: &[Part], symbols: usize, before: &mut Option<(u64, u64)>) {
        let (day, country): (u64, u64) =
            run.first().map_or((0, 0), |part| (part.day.into(), part.country.into()));
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
