//! Reads runs section by section of a block's cells, without taking their rows apart: whoever cuts cells out of a block
//! wants the others as they are coded.

use std::sync::LazyLock;

use super::COUNT_SYMBOL;
use crate::format::bits::{bits_at, low_mask};

/// Cells of a block, side by side, that have something in common.
#[derive(Debug, Default)]
pub struct Sections {
    /// The cell after the last of each.
    ends: Vec<u32>,
    /// By cell: the number of its section.
    of_cells: Vec<u16>,
}

impl Sections {
    /// Takes all out.
    pub fn clear(&mut self) {
        self.ends.clear();
        self.of_cells.clear();
    }

    /// Appends one that ends before cell `end` of the block, unless it would have no cell; says whether it is there.
    pub fn push(&mut self, end: u32) -> bool {
        let is_there = self.of_cells.len() < end as usize;
        if is_there {
            // There are no more of them than cells, of which a block has some thousand.
            self.of_cells.resize(end as usize, self.ends.len() as u16);
            self.ends.push(end);
        }
        is_there
    }

    /// Number and end of the section that a cell is of, if it is of any.
    fn of(&self, cell: u32) -> Option<(usize, u32)> {
        let number = usize::from(*self.of_cells.get(cell as usize)?);
        Some((number, *self.ends.get(number)?))
    }
}

/// Rows of a run whose cells are of one section.
#[derive(Clone, Copy, Debug)]
pub struct Span<'d> {
    /// Number of the section.
    pub section: usize,
    /// The cell of the first row, as it is numbered in the block.
    pub first_cell: u32,
    /// The cell of the last row.
    pub last_cell: u32,
    /// How many rows there are.
    pub rows: u32,
    /// Sum of their counts.
    pub events: u64,
    /// What follows the step to the first row.
    pub(super) coded: Coded<'d>,
}

/// What a symbol says, and its low bits. One of the masks has as many bits as there are of these, the other none: to look
/// and go one of two ways would cost more, because nobody can foresee which.
#[derive(Clone, Copy)]
struct Meaning {
    /// Low bits that it has.
    width: u32,
    /// 1 with a step to the next row, 0 with the count of a row.
    rows: u32,
    /// By so much, and these of the low bits, the next row's cell is higher.
    step: u32,
    /// So many events more it has, and these of the low bits, and one.
    count: u32,
}

/// By symbol.
static MEANINGS: LazyLock<[Meaning; 256]> = LazyLock::new(|| {
    std::array::from_fn(|symbol| match (symbol as u32).checked_sub(u32::from(COUNT_SYMBOL)) {
        None => Meaning { width: symbol as u32, rows: 1, step: low_mask(symbol as u32), count: 0 },
        Some(width) => Meaning { width: width.min(31), rows: 0, step: 0, count: low_mask(width.min(31)) },
    })
});

/// Symbols, and where their low bits are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coded<'d> {
    pub(super) symbols: &'d [u8],
    /// Those of a whole stretch.
    pub(super) low_bits: &'d [u8],
    /// The first of theirs, and how many there are.
    pub(super) first_bit: usize,
    pub(super) bits: usize,
}

impl<'d> Coded<'d> {
    /// Symbols of a run whose low bits begin with this one.
    pub(super) fn at(symbols: &'d [u8], low_bits: &'d [u8], first_bit: usize) -> Coded<'d> {
        Coded { symbols, low_bits, first_bit, bits: 0 }
    }

    /// Gives the rows of a run section by section. Says which bit is behind its low bits; nothing, when a row is not
    /// possible.
    pub(super) fn each_span(&self, sections: &Sections, f: &mut impl FnMut(Span<'d>)) -> Option<usize> {
        let Coded { symbols, low_bits, first_bit, .. } = *self;
        if symbols.first().is_none_or(|first| *first >= COUNT_SYMBOL) {
            return None;
        }
        let meanings = &*MEANINGS;
        // Where the present span begins, and what it has so far.
        let (mut section, mut end, mut first_cell, mut start) = (0, 0, 0, *self);
        let (mut cell, mut bit, mut rows, mut events) = (0_u32, first_bit, 0_u32, 0_u64);
        let span = |section, first_cell, last_cell, sums: (u32, u64), start: Coded<'d>, (left, bit)| {
            let count = start.symbols.len().saturating_sub(left);
            let symbols = start.symbols.get(..count).unwrap_or_default();
            let coded = Coded { symbols, bits: usize::saturating_sub(bit, start.first_bit), ..start };
            Span { section, first_cell, last_cell, rows: sums.0, events: sums.1, coded }
        };
        for (number, symbol) in symbols.iter().enumerate() {
            let Meaning { width, rows: row, step, count } = *meanings.get(usize::from(*symbol))?;
            let low = bits_at(low_bits, bit) as u32;
            let here = cell.saturating_add(step).saturating_add(low & step);
            let next_bit = bit.saturating_add(width as usize);
            if here >= end {
                let left = symbols.len().saturating_sub(number);
                if rows > 0 {
                    f(span(section, first_cell, cell, (rows, events), start, (left, bit)));
                }
                (section, end) = sections.of(here)?;
                (first_cell, rows, events) = (here, 0, 0);
                let others = symbols.get(number.saturating_add(1)..).unwrap_or_default();
                start = Coded::at(others, low_bits, next_bit);
            }
            (cell, bit) = (here, next_bit);
            rows = rows.wrapping_add(row);
            // A row is one event, and a count one more than its bits say.
            events =
                events.wrapping_add(u64::from(count)).wrapping_add(u64::from(low & count)).wrapping_add(1);
        }
        f(span(section, first_cell, cell, (rows, events), start, (0, bit)));
        Some(bit)
    }
}
