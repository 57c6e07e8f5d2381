//! The summary group of a block: which cells, how many events in each. `docs/FORMAT.md`, section "Blocks".

use super::columns::{NumberReader, Numbers, Packer, Unpacker};
use super::frame::{Cursor, FormatError};
use crate::model::Cell;
use crate::model::limits::{BLOCK_CELLS, BLOCK_ROWS};

/// Bits of y in a cell's code.
const Y_BITS: u32 = 15;
/// Columns of cells that there are.
const X_CELLS: u32 = Cell::CODES >> Y_BITS;
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

/// The summary group's columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Gap to the cell before (of the same piece) less 1, shifted right by the piece's `shift`.
    gaps: Numbers,
    /// The bits that were shifted out, each piece from a byte of its own on.
    low_bits: Vec<u8>,
    /// Total of each cell less 1.
    totals: Numbers,
    /// Total less fan-out, of each cell whose total is more than 1. Fan-out is the number of detail rows.
    excess: Numbers,
}

impl Summary {
    /// Takes everything out.
    pub fn clear(&mut self) {
        self.gaps.clear();
        self.low_bits.clear();
        self.totals.clear();
        self.excess.clear();
    }

    /// Bytes of low bits.
    #[must_use]
    pub fn low_bytes(&self) -> usize {
        self.low_bits.len()
    }

    /// Appends the total and the fan-out of a cell.
    pub fn push_total(&mut self, total: u64, fan_out: usize) {
        self.totals.push(total.saturating_sub(1));
        if total > 1 {
            self.excess.push(total.saturating_sub(fan_out as u64));
        }
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
        let mut bits = BitWriter { target: &mut self.low_bits, held: 0, count: 0 };
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
        self.gaps.pack(packer, target);
        packer.pack(&self.low_bits, target);
        self.totals.pack(packer, target);
        self.excess.pack(packer, target);
    }

    /// Reads the columns of a group of so many cells over these.
    ///
    /// # Errors
    /// When they are not the columns of so many cells.
    pub fn unpack(&mut self, columns: &[u8], cells: u32, unpacker: &mut Unpacker) -> Result<(), FormatError> {
        let cells = (cells as usize).min(BLOCK_CELLS);
        let mut cursor = Cursor::new("summary", columns);
        self.gaps.unpack_exactly(unpacker, &mut cursor, cells)?;
        let most = Piece { stride: 1, shift: Piece::MAX_SHIFT }.low_bytes(cells as u32);
        // Every cell may be a piece with a byte of its own.
        unpacker.unpack(&mut cursor, most.saturating_add(cells), &mut self.low_bits)?;
        self.totals.unpack_exactly(unpacker, &mut cursor, cells)?;
        self.excess.unpack(unpacker, &mut cursor, cells)?;
        cursor.finish()
    }

    /// The total of each cell from cell `start` on.
    #[must_use]
    pub fn totals(&self, start: u32) -> TotalReader<'_> {
        TotalReader(self.totals.reader(start as usize))
    }

    /// The places of the `cells` cells from cell `start` on, which are a piece whose low bits begin at `low_start`.
    #[must_use]
    pub fn places(&self, piece: Piece, start: u32, cells: u32, low_start: u32) -> PlaceReader<'_> {
        PlaceReader {
            gaps: self.gaps.reader(start as usize),
            low_bits: BitReader {
                bytes: self.low_bits.get(low_start as usize..).unwrap_or_default(),
                held: 0,
                count: 0,
            },
            piece,
            left: cells,
            x: 0,
            // One before the first cell.
            y: u32::MAX,
        }
    }

    /// Appends to `totals` and `fan_outs` what each cell has.
    ///
    /// # Errors
    /// When a fan-out is not possible.
    pub fn fan_outs(&self, totals: &mut Vec<u64>, fan_outs: &mut Vec<u32>) -> Result<(), FormatError> {
        let cursor = Cursor::new("summary", &[]);
        let mut excess = self.excess.reader(0);
        for less_one in self.totals.reader(0) {
            let total = less_one.saturating_add(1);
            let over = if total > 1 { excess.next().unwrap_or(u64::MAX) } else { 0 };
            match total.checked_sub(over).map(u32::try_from) {
                Some(Ok(fan_out)) if (1..=BLOCK_ROWS as u32).contains(&fan_out) => fan_outs.push(fan_out),
                _ => return Err(cursor.invalid(over)),
            }
            totals.push(total);
        }
        if excess.next().is_some() { Err(cursor.invalid(0)) } else { Ok(()) }
    }
}

fn low_mask(shift: u32) -> u32 {
    1_u32.wrapping_shl(shift).wrapping_sub(1)
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

/// Writes numbers of few bits, lowest bit first.
struct BitWriter<'a> {
    target: &'a mut Vec<u8>,
    held: u64,
    count: u32,
}

impl BitWriter<'_> {
    fn put(&mut self, value: u32, bits: u32) {
        self.held |= u64::from(value).wrapping_shl(self.count);
        self.count = self.count.saturating_add(bits);
        while self.count >= 8 {
            self.target.push(self.held as u8);
            self.held >>= 8;
            self.count = self.count.saturating_sub(8);
        }
    }

    fn finish(self) {
        if self.count > 0 {
            self.target.push(self.held as u8);
        }
    }
}

/// Reads numbers of few bits. Past the end there are zeros.
#[derive(Clone, Debug)]
struct BitReader<'a> {
    bytes: &'a [u8],
    held: u64,
    count: u32,
}

impl BitReader<'_> {
    fn take(&mut self, bits: u32) -> u32 {
        while self.count < bits {
            let (byte, rest) = self.bytes.split_first().unwrap_or((&0, &[]));
            self.bytes = rest;
            self.held |= u64::from(*byte).wrapping_shl(self.count);
            self.count = self.count.saturating_add(8);
        }
        let value = self.held as u32 & low_mask(bits);
        self.held >>= bits.min(63);
        self.count = self.count.saturating_sub(bits);
        value
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn codes() -> impl Strategy<Value = Vec<u32>> {
        let cell = |width: u32, height: u32| (0..width, 0..height).prop_map(|(x, y)| x << Y_BITS | y);
        let set = |width, height, most| prop::collection::btree_set(cell(width, height), 1..most);
        prop_oneof![set(30, 40, 900), set(240, 1_500, 300), set(2_048, 32_768, 60), set(1, 32_768, 100)]
            .prop_map(|codes| codes.into_iter().collect())
    }

    proptest! {
        #[test]
        fn places_are_read_back_piece_by_piece(pieces in prop::collection::vec(codes(), 1..6), chunk in 1..400_u32) {
            let mut summary = Summary::default();
            let mut starts = Vec::new();
            let mut cells = 0;
            for codes in &pieces {
                let low_start = summary.low_bytes() as u32;
                let piece = summary.push_piece(codes);
                starts.push((piece, cells, codes.len() as u32, low_start));
                cells += codes.len() as u32;
                codes.iter().for_each(|code| summary.push_total(u64::from(*code) + 1, 1));
            }
            let mut bytes = Vec::new();
            summary.pack(&mut Packer::new(), &mut bytes);
            let mut back = Summary::default();
            back.unpack(&bytes, cells, &mut Unpacker::new()).unwrap();
            prop_assert_eq!(&back, &summary);
            for ((piece, start, count, low_start), codes) in starts.into_iter().zip(&pieces) {
                let mut places = back.places(piece, start, count, low_start);
                let mut totals = back.totals(start);
                let (mut code, mut total) = (Vec::new(), Vec::new());
                for expected in codes.chunks(chunk as usize) {
                    places.read(chunk, &mut code).unwrap();
                    totals.read(expected.len(), &mut total);
                    prop_assert_eq!(&code, expected);
                    prop_assert!(total.iter().zip(&code).all(|(total, code)| *total == u64::from(*code) + 1));
                }
                places.read(chunk, &mut code).unwrap();
                prop_assert!(code.is_empty());
            }
        }

        #[test]
        fn wrong_pieces_give_an_error_or_cells(
            codes in codes(),
            stride in any::<u32>(),
            shift in 0..40_u32,
            start in 0..40_u32,
        ) {
            let mut summary = Summary::default();
            summary.push_piece(&codes);
            let mut places = summary.places(Piece { stride, shift }, start, 2_000, start);
            let mut code = Vec::new();
            while places.read(300, &mut code).is_ok() && !code.is_empty() {
                prop_assert!(code.iter().all(|code| *code < Cell::CODES));
            }
        }
    }
}
