//! The summary group of a block: which cells, how many events in each. `docs/FORMAT.md`, section "Blocks".

use std::ops::Range;

use super::bits::{BitReader, BitWriter, low_mask};
use super::columns::{NumberReader, Numbers, Packer, Unpacker};
use super::frame::{Cursor, FormatError, put_varint};
use crate::model::Cell;
use crate::model::limits::BLOCK_CELLS;

/// Cells that are unpacked at once: a small page shares its block with others, and should not pay for all of them.
const STRETCH_CELLS: usize = 2_048;
/// Bits of y in a cell's code.
const Y_BITS: u32 = 15;
/// Columns of cells that there are.
const X_CELLS: u32 = Cell::CODES >> Y_BITS;
/// A piece's gaps are cut so that their mean is 2 to this power, up to twice that: the same distribution for
/// sparse and dense strips of one block, so that one entropy code fits them all.
const MEAN_BITS: u32 = 3;
/// Steps of short numbers with so many low bits are far from overflowing 32 bits.
const SHORT_SHIFT: u32 = 16;

/// How the cells of a piece of a strip are coded: as gaps between `x * stride + y`, cut at `shift` bits.
///
/// A piece is what one strip has in one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Cells of one column: the largest y of the piece plus 1; 1 to 32,768.
    pub stride: u32,
    /// Low bits of each gap that stand aside, because they do not compress; 0 to 26.
    pub shift: u32,
}

impl Piece {
    /// Largest `stride`.
    pub const MAX_STRIDE: u32 = 1 << Y_BITS;
    /// Largest `shift`.
    pub const MAX_SHIFT: u32 = 26;

    /// Bytes of the low bits of a piece of so many cells.
    #[must_use]
    pub fn low_bytes(&self, cells: u32) -> usize {
        (cells as usize).saturating_mul(self.shift as usize).div_ceil(8)
    }
}

/// The summary group's columns, as they are built or as far as they were unpacked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The first cell of `gaps` and `totals`.
    first_cell: u32,
    /// Gap to the cell before (of the same piece) less 1, shifted right by the piece's `shift`.
    gaps: Numbers,
    /// The bits that were shifted out, each piece from a byte of its own on.
    low_bits: Vec<u8>,
    /// Total of each cell less 1.
    totals: Numbers,
}

impl Summary {
    /// Takes everything out.
    pub fn clear(&mut self) {
        self.first_cell = 0;
        self.gaps.clear();
        self.low_bits.clear();
        self.totals.clear();
    }

    /// Bytes of low bits.
    #[must_use]
    pub fn low_bytes(&self) -> usize {
        self.low_bits.len()
    }

    /// Appends the total of a cell.
    pub fn push_total(&mut self, total: u64) {
        self.totals.push(total.saturating_sub(1));
    }

    /// Appends the places of the cells of one piece: ascending cell codes.
    pub fn push_piece(&mut self, codes: &[u32]) -> Piece {
        let stride =
            codes.iter().fold(0, |highest, code| highest.max(code & (Piece::MAX_STRIDE.wrapping_sub(1))));
        let stride = stride.saturating_add(1);
        let linear = |code: u32| (code >> Y_BITS).wrapping_mul(stride).wrapping_add(code & 0x7fff);
        let span = codes.last().map_or(0, |last| linear(*last));
        let mean = span.checked_div(codes.len() as u32).unwrap_or(0);
        let piece = Piece { stride, shift: mean.checked_ilog2().unwrap_or(0).saturating_sub(MEAN_BITS) };
        let mut bits = BitWriter::new(&mut self.low_bits);
        let mut next = 0_u32;
        for code in codes {
            let place = linear(*code);
            let gap = place.wrapping_sub(next);
            self.gaps.push(u64::from(gap >> piece.shift));
            bits.put(gap & low_mask(piece.shift), piece.shift);
            next = place.wrapping_add(1);
        }
        bits.finish();
        piece
    }

    /// Appends the group's columns.
    pub fn pack(&self, packer: &mut Packer, target: &mut Vec<u8>) {
        let (mut stretches, mut lengths, mut numbers) = (Vec::new(), Vec::new(), Numbers::default());
        for start in (0..self.totals.len()).step_by(STRETCH_CELLS) {
            let before = stretches.len();
            for column in [&self.gaps, &self.totals] {
                numbers.copy_of(column, start, STRETCH_CELLS);
                numbers.pack(packer, &mut stretches);
            }
            put_varint(&mut lengths, stretches.len().saturating_sub(before) as u64);
        }
        target.extend_from_slice(&lengths);
        target.extend_from_slice(&stretches);
        target.extend_from_slice(&self.low_bits);
    }

    /// Reads what a group of `cells` cells has of those in `range` over these columns, and some of their neighbours.
    ///
    /// # Errors
    /// When it is not a group of so many cells.
    pub fn unpack(
        &mut self,
        columns: &[u8],
        cells: u32,
        range: &Range<u32>,
        unpacker: &mut Unpacker,
    ) -> Result<(), FormatError> {
        self.clear();
        let mut numbers = Numbers::default();
        let group = Group::open(columns, cells)?;
        for Stretch { start, end, columns } in group.stretches() {
            if end <= range.start || start >= range.end {
                continue;
            }
            if self.totals.is_empty() {
                self.first_cell = start;
            }
            let mut cursor = Cursor::new("summary", columns);
            for column in [&mut self.gaps, &mut self.totals] {
                numbers.unpack_exactly(unpacker, &mut cursor, end.saturating_sub(start) as usize)?;
                column.append(&numbers);
            }
            cursor.finish()?;
        }
        self.low_bits.extend_from_slice(group.low_bits);
        Ok(())
    }

    /// Whether all cells of a range have been unpacked.
    #[must_use]
    pub fn holds(&self, range: &Range<u32>) -> bool {
        let end = self.first_cell.saturating_add(self.totals.len() as u32);
        self.first_cell <= range.start && range.end <= end
    }

    /// The total of each cell from cell `start` on, which has been unpacked.
    #[must_use]
    pub fn totals(&self, start: u32) -> TotalReader<'_> {
        TotalReader(self.totals.reader(self.index(start)))
    }

    /// Where a cell's numbers are.
    fn index(&self, cell: u32) -> usize {
        // What was not unpacked is behind all that was: there is nothing to read there, which is an error.
        cell.checked_sub(self.first_cell).map_or(usize::MAX, |index| index as usize)
    }

    /// The places of the `cells` cells from cell `start` on, which are a piece whose low bits begin at `low_start`,
    /// and have been unpacked.
    #[must_use]
    pub fn places(&self, piece: Piece, start: u32, cells: u32, low_start: u32) -> PlaceReader<'_> {
        PlaceReader {
            gaps: self.gaps.reader(self.index(start)),
            low_bits: BitReader::new(self.low_bits.get(low_start as usize..).unwrap_or_default()),
            piece,
            left: cells,
            x: 0,
            // One before the first cell.
            y: u32::MAX,
        }
    }
}

/// The parts of a summary group, not unpacked yet.
struct Group<'a> {
    cells: u32,
    /// Bytes of each stretch of `STRETCH_CELLS` cells.
    stretch_bytes: [usize; BLOCK_CELLS.div_ceil(STRETCH_CELLS)],
    stretches: Cursor<'a>,
    low_bits: &'a [u8],
}

/// Some neighbouring cells of a block, whose columns are compressed by themselves.
struct Stretch<'a> {
    start: u32,
    end: u32,
    columns: &'a [u8],
}

impl<'a> Group<'a> {
    fn open(columns: &'a [u8], cells: u32) -> Result<Group<'a>, FormatError> {
        let cells = cells.min(BLOCK_CELLS as u32);
        let mut cursor = Cursor::new("summary", columns);
        let mut stretch_bytes = [0; BLOCK_CELLS.div_ceil(STRETCH_CELLS)];
        for length in stretch_bytes.iter_mut().take((cells as usize).div_ceil(STRETCH_CELLS)) {
            *length = cursor.varint_within(columns.len())?;
        }
        let all = stretch_bytes.iter().fold(0_usize, |sum, length| sum.saturating_add(*length));
        let stretches = cursor.part("summary", all)?;
        let low_bits = cursor.rest();
        // Every cell may be a piece with a byte of its own.
        let most = Piece { stride: 1, shift: Piece::MAX_SHIFT }.low_bytes(cells);
        if low_bits.len() > most.saturating_add(cells as usize) {
            return Err(cursor.invalid(low_bits.len() as u64));
        }
        Ok(Group { cells, stretch_bytes, stretches, low_bits })
    }

    fn stretches(&self) -> impl Iterator<Item = Stretch<'a>> {
        let mut cursor = self.stretches;
        let starts = (0..self.cells).step_by(STRETCH_CELLS);
        // `open` has taken the sum of these lengths.
        starts.zip(self.stretch_bytes).map_while(move |(start, length)| {
            let end = self.cells.min(start.saturating_add(STRETCH_CELLS as u32));
            Some(Stretch { start, end, columns: cursor.take(length).ok()? })
        })
    }
}

/// Reads totals of cells.
#[derive(Clone, Debug)]
pub struct TotalReader<'a>(NumberReader<'a>);

impl TotalReader<'_> {
    /// Puts the totals of the next `count` cells (or of those that are left) in place of what `target` holds.
    pub fn read(&mut self, count: usize, target: &mut Vec<u64>) {
        target.clear();
        match self.0.short_run(count) {
            Some(run) => target.extend(run.iter().map(|byte| u64::from(*byte).wrapping_add(1))),
            None => target.extend(self.0.by_ref().take(count).map(|number| number.saturating_add(1))),
        }
    }
}

/// Reads the places of the cells of one piece.
#[derive(Clone, Debug)]
pub struct PlaceReader<'a> {
    gaps: NumberReader<'a>,
    low_bits: BitReader<'a>,
    piece: Piece,
    left: u32,
    x: u32,
    y: u32,
}

impl PlaceReader<'_> {
    /// Puts the codes of the next `count` cells (or of those that are left) in place of what `target` holds.
    ///
    /// # Errors
    /// When there are fewer, or one is outside of every page.
    pub fn read(&mut self, count: u32, target: &mut Vec<u32>) -> Result<(), FormatError> {
        target.clear();
        let count = count.min(self.left);
        self.left = self.left.saturating_sub(count);
        let stride = self.piece.stride.max(1);
        let (mut x, mut y) = (self.x, self.y);
        match self.gaps.short_run(count as usize) {
            Some(run) if self.piece.shift == 0 => {
                // At most 250 times a block's cells are added to y, so nothing can wrap but the first step.
                target.extend(run.iter().map(|gap| {
                    y = y.wrapping_add(u32::from(*gap)).wrapping_add(1);
                    if y >= stride {
                        x = x.wrapping_add(y.checked_div(stride).unwrap_or(0));
                        y = y.checked_rem(stride).unwrap_or(0);
                    }
                    x << Y_BITS | y
                }));
            }
            Some(run) if self.piece.shift <= SHORT_SHIFT => {
                let (shift, low_bits) = (self.piece.shift, &mut self.low_bits);
                // Far below 2^32, and x is held at the end of its range, so that it is noticed.
                target.extend(run.iter().map(|gap| {
                    let step = (u32::from(*gap).wrapping_shl(shift) | low_bits.take(shift)).wrapping_add(1);
                    y = y.wrapping_add(step);
                    if y >= stride {
                        x = x.saturating_add(y.checked_div(stride).unwrap_or(0));
                        y = y.checked_rem(stride).unwrap_or(0);
                    }
                    x << Y_BITS | y
                }));
            }
            Some(run) => {
                let low_bits = &mut self.low_bits;
                let gaps = run.iter().map(|gap| u64::from(*gap));
                long_steps(gaps, low_bits, self.piece, (&mut x, &mut y), target);
            }
            None => {
                let gaps = self.gaps.by_ref().take(count as usize);
                long_steps(gaps, &mut self.low_bits, self.piece, (&mut x, &mut y), target);
            }
        }
        (self.x, self.y) = (x, y);
        // x only grows, so the last one tells of all.
        let cursor = Cursor::new("summary", &[]);
        if x >= X_CELLS || stride > Piece::MAX_STRIDE {
            return Err(cursor.invalid(u64::from(x)));
        }
        if target.len() == count as usize { Ok(()) } else { Err(cursor.invalid(u64::from(count))) }
    }
}

/// Steps of any length. Beyond the last column x is held, so that it is noticed.
fn long_steps(
    gaps: impl Iterator<Item = u64>,
    low_bits: &mut BitReader<'_>,
    piece: Piece,
    (x, y): (&mut u32, &mut u32),
    target: &mut Vec<u32>,
) {
    let stride = u64::from(piece.stride.max(1));
    for gap in gaps {
        let high = gap.min(u64::from(Cell::CODES)).wrapping_shl(piece.shift);
        let step = (high | u64::from(low_bits.take(piece.shift))).saturating_add(1);
        // Before the first cell y is one less than 0.
        let along = u64::from(y.wrapping_add(1)).saturating_add(step).saturating_sub(1);
        let columns = along.checked_div(stride).unwrap_or(0).saturating_add(u64::from(*x));
        *x = columns.min(u64::from(X_CELLS)) as u32;
        *y = along.checked_rem(stride).unwrap_or(0) as u32;
        target.push(*x << Y_BITS | *y);
    }
}

#[cfg(test)]
mod tests;
