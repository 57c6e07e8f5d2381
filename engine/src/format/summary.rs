//! The summary group of a block: which cells, how many events in each. `docs/FORMAT.md`, section "Blocks".

use std::ops::Range;

use super::bits::{BitWriter, FixedBits, low_mask};
use super::columns::{NumberReader, Numbers, Packer, Unpacker};
use super::frame::{Cursor, FormatError, put_varint};
use crate::model::Cell;
use crate::model::limits::BLOCK_CELLS;

/// Cells of a stretch, which is unpacked at once: a small page shares its block with others, and should not pay for
/// all of them. A piece of more cells is a stretch by itself: whoever reads some of it reads all, and each stretch costs
/// the making of its own code tables.
const STRETCH_CELLS: usize = 2_048;
/// Places of a block's cells whose gaps have at most so many low bits are added up in 32 bits: 2^14 * 2^8 * 2^8.
const NARROW_SHIFT: u32 = 8;
/// Bits of y in a cell's code.
const Y_BITS: u32 = 15;
/// Columns of cells that there are.
const X_CELLS: u32 = 1 << COLUMN_BITS;
/// Bits of x in a cell's code.
const COLUMN_BITS: u32 = 11;
/// A piece's gaps are cut so that their mean is 2 to this power, up to twice that: the same distribution for
/// sparse and dense strips of one block, so that one entropy code fits them all.
const MEAN_BITS: u32 = 3;

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

/// The cells of a piece, as a summary that has unpacked them has them coded.
#[derive(Clone, Debug)]
pub struct CodedPiece<'a> {
    /// That summary.
    pub summary: &'a Summary,
    /// The cells of the block.
    pub cells: Range<u32>,
    /// First byte of their low bits.
    pub low_start: u32,
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
    /// The first cell of each stretch that was built.
    stretch_starts: Vec<usize>,
}

impl Summary {
    /// Takes everything out.
    pub fn clear(&mut self) {
        self.first_cell = 0;
        self.stretch_starts.clear();
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
        self.begin_piece(codes.len());
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

    /// Begins a stretch with the next piece, of so many cells, unless the one before has room for all of it.
    fn begin_piece(&mut self, cells: usize) {
        let (start, end) = (self.gaps.len(), self.gaps.len().saturating_add(cells));
        let has_room = |first: &usize| end.saturating_sub(*first) <= STRETCH_CELLS;
        if !self.stretch_starts.last().is_some_and(has_room) {
            self.stretch_starts.push(start);
        }
    }

    /// Appends a piece of another summary as it is coded there, places and totals.
    ///
    /// # Errors
    /// When that summary has not so much.
    pub fn push_coded(&mut self, piece: Piece, coded: &CodedPiece<'_>) -> Result<(), FormatError> {
        let CodedPiece { summary, cells, low_start } = coded;
        let (start, count, low_start) = (summary.index(cells.start), cells.len(), *low_start as usize);
        let low_end = low_start.saturating_add(piece.low_bytes(count as u32));
        let Some(low_bits) = summary.low_bits.get(low_start..low_end).filter(|_| summary.holds(cells)) else {
            return Err(Cursor::new("summary", &[]).invalid(u64::from(cells.end)));
        };
        self.begin_piece(count);
        self.gaps.append_part(&summary.gaps, start, count);
        self.totals.append_part(&summary.totals, start, count);
        self.low_bits.extend_from_slice(low_bits);
        Ok(())
    }

    /// Appends the group's columns.
    pub fn pack(&self, packer: &mut Packer, target: &mut Vec<u8>) {
        let (mut stretches, mut lengths, mut numbers) = (Vec::new(), Vec::new(), Numbers::default());
        put_varint(&mut lengths, self.stretch_starts.len() as u64);
        let ends = self.stretch_starts.iter().skip(1).copied().chain([self.totals.len()]);
        for (start, end) in self.stretch_starts.iter().copied().zip(ends) {
            let (before, cells) = (stretches.len(), end.saturating_sub(start));
            for column in [&self.gaps, &self.totals] {
                numbers.copy_of(column, start, cells);
                numbers.pack(packer, &mut stretches);
            }
            put_varint(&mut lengths, cells as u64);
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
        for Stretch { start, cells, columns } in group.stretches() {
            if start.saturating_add(cells) <= range.start || start >= range.end {
                continue;
            }
            let is_first = self.totals.is_empty();
            if is_first {
                self.first_cell = start;
            }
            let mut cursor = Cursor::new("summary", columns);
            for column in [&mut self.gaps, &mut self.totals] {
                if is_first {
                    column.unpack_exactly(unpacker, &mut cursor, cells as usize)?;
                } else {
                    numbers.unpack_exactly(unpacker, &mut cursor, cells as usize)?;
                    column.append(&numbers);
                }
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
        let low_bits = self.low_bits.get(low_start as usize..).unwrap_or_default();
        PlaceReader {
            gaps: self.gaps.reader(self.index(start)),
            low_bits: FixedBits::new(low_bits, piece.shift),
            piece,
            left: cells,
            next: 0,
        }
    }
}

/// The parts of a summary group, not unpacked yet.
struct Group<'a> {
    /// How many stretches there are.
    count: usize,
    /// Cells and bytes of each.
    lengths: Cursor<'a>,
    stretches: Cursor<'a>,
    low_bits: &'a [u8],
}

/// Whole pieces of a block, side by side, whose columns are compressed by themselves.
struct Stretch<'a> {
    start: u32,
    cells: u32,
    columns: &'a [u8],
}

impl<'a> Group<'a> {
    fn open(columns: &'a [u8], cells: u32) -> Result<Group<'a>, FormatError> {
        let cells = cells.min(BLOCK_CELLS as u32);
        let mut cursor = Cursor::new("summary", columns);
        let count = cursor.varint_within(cells as usize)?;
        let lengths = cursor;
        let (mut in_all, mut bytes) = (0_u32, 0_usize);
        for _ in 0..count {
            in_all = in_all.saturating_add(cursor.varint_u32()?);
            bytes = bytes.saturating_add(cursor.varint_within(columns.len())?);
        }
        if in_all != cells {
            return Err(cursor.invalid(u64::from(in_all)));
        }
        let stretches = cursor.part("summary", bytes)?;
        let low_bits = cursor.rest();
        // Every cell may be a piece with a byte of its own.
        let most = Piece { stride: 1, shift: Piece::MAX_SHIFT }.low_bytes(cells);
        if low_bits.len() > most.saturating_add(cells as usize) {
            return Err(cursor.invalid(low_bits.len() as u64));
        }
        Ok(Group { count, lengths, stretches, low_bits })
    }

    fn stretches(&self) -> impl Iterator<Item = Stretch<'a>> + use<'a> {
        let (mut lengths, mut columns, mut next) = (self.lengths, self.stretches, 0_u32);
        // `open` has read these lengths and taken their sums.
        (0..self.count).map_while(move |_| {
            let (start, cells) = (next, lengths.varint_u32().ok()?);
            next = next.saturating_add(cells);
            let bytes = usize::try_from(lengths.varint().ok()?).ok()?;
            Some(Stretch { start, cells, columns: columns.take(bytes).ok()? })
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
    low_bits: FixedBits<'a>,
    piece: Piece,
    left: u32,
    /// The first `x * stride + y` that the next cell can have.
    next: u64,
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
        let Piece { stride, shift } = self.piece;
        let cursor = Cursor::new("summary", &[]);
        if stride > Piece::MAX_STRIDE || shift > Piece::MAX_SHIFT {
            return Err(cursor.invalid(u64::from(stride)));
        }
        self.low_bits.read(count as usize, target);
        let mut next = self.next;
        match self.gaps.short_run(count as usize) {
            Some(run) => {
                if run.len() != target.len() {
                    return Err(cursor.invalid(u64::from(count)));
                }
                next = add_up(target, run, shift, next);
            }
            None => {
                for low in &mut *target {
                    let Some(gap) = self.gaps.next() else { return Err(cursor.invalid(u64::from(count))) };
                    let gap = gap.min(u64::from(Cell::CODES)).wrapping_shl(shift) | u64::from(*low);
                    let place = next.saturating_add(gap);
                    *low = place as u32;
                    next = place.saturating_add(1);
                }
            }
        }
        self.next = next;
        // Places ascend, so the last one tells of all.
        if next > u64::from(stride).saturating_mul(u64::from(X_CELLS)) {
            return Err(cursor.invalid(next));
        }
        to_codes(target, stride);
        Ok(())
    }
}

/// Makes places of gaps in pieces, high bits and low ones, from the place `next` on; answers the one after the last.
fn add_up(low_bits: &mut [u32], high_bits: &[u8], shift: u32, next: u64) -> u64 {
    // So many short gaps of so many bits do not leave 32 bits. Else they stay far below 2^64, and the places are below
    // 2^32 when the last one is.
    if shift <= NARROW_SHIFT && low_bits.len() <= BLOCK_CELLS && next <= u64::from(Cell::CODES) {
        // Two loops: the processor does the first some at a time, and in the second only one addition waits for the one
        // before it.
        for (low, high) in low_bits.iter_mut().zip(high_bits) {
            *low |= u32::from(*high).wrapping_shl(shift);
        }
        let mut next = next as u32;
        for gap in low_bits {
            let place = next.wrapping_add(*gap);
            next = next.wrapping_add(gap.wrapping_add(1));
            *gap = place;
        }
        return u64::from(next);
    }
    let mut next = next;
    for (low, high) in low_bits.iter_mut().zip(high_bits) {
        let gap = u64::from(*high).wrapping_shl(shift) | u64::from(*low);
        *low = next.wrapping_add(gap) as u32;
        next = next.wrapping_add(gap.wrapping_add(1));
    }
    next
}

/// Makes cell codes of numbers `x * stride + y` below 2^26. Divides by multiplying, because neither the processor nor
/// its guess of where a column ends is quick at it.
fn to_codes(places: &mut [u32], stride: u32) {
    // With `m = 2^k / stride` rounded up, `place * m / 2^k` is more than `place / stride` by less than
    // `place / 2^k`, which is below `1 / stride` since `place < 2^26` and `stride <= 2^(k - 26)`: rounded down it is
    // the same.
    let stride = stride.max(1);
    let shift = stride.next_power_of_two().trailing_zeros().saturating_add(Y_BITS + COLUMN_BITS);
    // At most 2^27: that both numbers have 32 bits lets the processor multiply some at a time.
    let multiplier = 1_u64.wrapping_shl(shift).div_ceil(u64::from(stride)) as u32;
    for place in places {
        let x = u64::from(*place).wrapping_mul(u64::from(multiplier)).wrapping_shr(shift) as u32;
        let y = place.wrapping_sub(x.wrapping_mul(stride));
        *place = x << Y_BITS | y;
    }
}

#[cfg(test)]
mod tests;
