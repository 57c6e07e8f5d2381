//! Rows of a block as they are coded, outside of any block: what stays of one is brought to another without being read
//! row by row.

use super::sections::{Coded, Span};
use super::{CELL_BIT, COUNT_SYMBOL, COUNTRY_BIT, DAY_BIT};
use crate::format::bits::{BitReader, BitWriter, low_mask};

/// Coded rows, part by part.
#[derive(Debug, Default)]
pub struct CodedRows {
    parts: Vec<Part>,
    symbols: Vec<u8>,
    /// What each part has begins in a byte of its own; what else is in its first and last byte is nobody's.
    low_bits: Vec<u8>,
    rows: usize,
}

/// Rows of a run that follow each other. The step to the first of them is not coded: it depends on what it follows.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) day: u8,
    pub(super) country: u16,
    first_cell: u32,
    last_cell: u32,
    /// In `CodedRows::symbols`, and how many.
    symbols: (usize, usize),
    /// In `CodedRows::low_bits`, in bits, and how many.
    low_bits: (usize, usize),
}

impl CodedRows {
    /// Takes everything out.
    pub fn clear(&mut self) {
        self.parts.clear();
        self.symbols.clear();
        self.low_bits.clear();
        self.rows = 0;
    }

    /// Rows in it.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Appends rows of a day and a country as they are coded in another block, where their cells have numbers that are
    /// higher by `less`.
    pub fn push(&mut self, day: u8, country: u16, span: &Span<'_>, less: u32) {
        let Coded { symbols, low_bits, first_bit, bits } = span.coded;
        self.parts.push(Part {
            day,
            country,
            first_cell: span.first_cell.saturating_sub(less),
            last_cell: span.last_cell.saturating_sub(less),
            symbols: (self.symbols.len(), symbols.len()),
            low_bits: (self.low_bits.len().saturating_mul(8).saturating_add(first_bit % 8), bits),
        });
        self.symbols.extend_from_slice(symbols);
        let bytes = first_bit / 8..first_bit.saturating_add(bits).div_ceil(8);
        self.low_bits.extend_from_slice(low_bits.get(bytes).unwrap_or_default());
        self.rows = self.rows.saturating_add(span.rows as usize);
    }

    /// Codes the rows of a run, which are ordered; their fields are those of `DetailBuilder::rows`.
    pub(super) fn code(&mut self, run: &[u64]) {
        let [first, others @ ..] = run else { return };
        let cell_of = |row: u64| (row >> CELL_BIT) as u32 & low_mask(COUNTRY_BIT.wrapping_sub(CELL_BIT));
        let (start, first_byte) = (self.symbols.len(), self.low_bits.len());
        let mut bits = BitWriter::new(&mut self.low_bits);
        let mut used = put_count(*first as u32, &mut self.symbols, &mut bits);
        let mut last_cell = cell_of(*first);
        for row in others {
            let step = put_step(last_cell, cell_of(*row), &mut self.symbols, &mut bits);
            let count = put_count(*row as u32, &mut self.symbols, &mut bits);
            used = used.saturating_add(step).saturating_add(count);
            last_cell = cell_of(*row);
        }
        bits.finish();
        self.parts.push(Part {
            day: (first >> DAY_BIT) as u8,
            country: (first >> COUNTRY_BIT) as u16 & low_mask(DAY_BIT.wrapping_sub(COUNTRY_BIT)) as u16,
            first_cell: cell_of(*first),
            last_cell,
            symbols: (start, self.symbols.len().saturating_sub(start)),
            low_bits: (first_byte.saturating_mul(8), used as usize),
        });
        self.rows = self.rows.saturating_add(run.len());
    }

    /// Appends other rows, whose cells have numbers that are higher by `first` here.
    pub(super) fn append(&mut self, other: &CodedRows, first: u32) {
        let (symbols, bits) = (self.symbols.len(), self.low_bits.len().saturating_mul(8));
        self.parts.extend(other.parts.iter().map(|part| Part {
            first_cell: part.first_cell.saturating_add(first),
            last_cell: part.last_cell.saturating_add(first),
            symbols: (part.symbols.0.saturating_add(symbols), part.symbols.1),
            low_bits: (part.low_bits.0.saturating_add(bits), part.low_bits.1),
            ..*part
        }));
        self.symbols.extend_from_slice(&other.symbols);
        self.low_bits.extend_from_slice(&other.low_bits);
        self.rows = self.rows.saturating_add(other.rows);
    }

    /// Orders the parts by day and country. Those of one run stay ordered by cell.
    pub(super) fn sort(&mut self) {
        // Mostly they are ordered, or are a few sequences that are.
        self.parts.sort_by_key(|part| (part.day, part.country));
    }

    /// The parts of each run, when they are sorted.
    pub(super) fn runs(&self) -> impl Iterator<Item = &[Part]> {
        self.parts.chunk_by(|a, b| (a.day, a.country) == (b.day, b.country))
    }

    /// Appends symbols and low bits of a run.
    pub(super) fn put(&self, run: &[Part], symbols: &mut Vec<u8>, bits: &mut BitWriter<'_>) {
        let mut before = 0;
        for part in run {
            let ((first_symbol, count), (first_bit, length)) = (part.symbols, part.low_bits);
            put_step(before, part.first_cell, symbols, bits);
            let of_part = first_symbol..first_symbol.saturating_add(count);
            symbols.extend_from_slice(self.symbols.get(of_part).unwrap_or_default());
            bits.copy(&mut BitReader::at_bit(&self.low_bits, first_bit), length);
            before = part.last_cell;
        }
    }
}

/// Appends the step from one row's cell to that of the next; says how many low bits it has.
fn put_step(before: u32, cell: u32, symbols: &mut Vec<u8>, bits: &mut BitWriter<'_>) -> u32 {
    put(0, cell.saturating_sub(before).saturating_add(1), symbols, bits)
}

/// Appends the count of a row, if it needs to be said; says how many low bits it has.
fn put_count(count: u32, symbols: &mut Vec<u8>, bits: &mut BitWriter<'_>) -> u32 {
    if count > 1 { put(COUNT_SYMBOL, count.saturating_sub(1), symbols, bits) } else { 0 }
}

#[inline]
fn put(first: u8, number: u32, symbols: &mut Vec<u8>, bits: &mut BitWriter<'_>) -> u32 {
    let width = number.checked_ilog2().unwrap_or(0);
    symbols.push(first.saturating_add(width as u8));
    bits.put(number & low_mask(width), width);
    width
}
