//! The strip directory: what one page has in each layer, and in which blocks. `docs/FORMAT.md`, section "Strips".

use super::chunks::{CHUNK_FULL_BYTES, CHUNK_LIMIT_BYTES, Chunks};
use super::columns::{Packer, Unpacker};
use super::detail::MONTH_DAYS;
use super::frame::{Cursor, FormatError, put_varint};
use super::summary::Piece;
use crate::model::Layer;

/// Up to this many days are listed; more are a bitmap.
const LISTED_DAYS: u32 = 3;
/// Most layers that a page can have.
const LAYERS: usize = 11 * 42 * 2;

/// Where the cells of a strip begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Position {
    /// Number of the block within the extent.
    pub block: u32,
    /// Number of the cell within the block.
    pub cell: u32,
    /// First byte of the piece's low bits in the block's summary.
    pub low_byte: u32,
}

/// What one page has in one layer: its totals, and where its cells are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strip {
    /// The layer.
    pub layer: Layer,
    /// Sum of all counts.
    pub total: u64,
    /// Cells of it.
    pub cells: u64,
    /// Detail rows of it.
    pub rows: u64,
    /// Where its first piece begins; each other one begins its block.
    pub start: Position,
    /// Total of each day of the month.
    day_totals: [u64; MONTH_DAYS as usize],
    /// How each of its pieces is coded. Almost always it has one.
    first_piece: Piece,
    more_pieces: Vec<Piece>,
}

impl Strip {
    /// Days of the month that have a total (0 is the first), and the totals.
    pub fn day_totals(&self) -> impl Iterator<Item = (u8, u64)> + '_ {
        (0..MONTH_DAYS).zip(self.day_totals).filter(|(_, total)| *total > 0)
    }

    /// Total of a day of the month (0 to 30).
    #[must_use]
    pub fn day_total(&self, day: u8) -> u64 {
        self.day_totals.get(usize::from(day)).copied().unwrap_or(0)
    }

    /// How its piece `number` is coded, if it has so many.
    #[must_use]
    pub fn piece(&self, number: usize) -> Option<Piece> {
        match number.checked_sub(1) {
            None => Some(self.first_piece),
            Some(number) => self.more_pieces.get(number).copied(),
        }
    }
}

/// A strip that is being written.
#[derive(Debug, Default)]
pub struct StripBuilder {
    /// Cells so far.
    pub cells: u64,
    /// Detail rows so far.
    pub rows: u64,
    /// Total of each day of the month so far.
    pub day_totals: [u64; MONTH_DAYS as usize],
    /// Pieces that are complete.
    pub pieces: Vec<Piece>,
}

impl StripBuilder {
    /// Appends the strip to its page's record and empties the builder.
    pub fn end(&mut self, layer: Layer, page: &mut PageStrips) {
        let record = &mut page.strips;
        page.count = page.count.saturating_add(1);
        record.extend_from_slice(&layer.code().to_le_bytes());
        put_varint(record, self.cells);
        put_varint(record, self.rows.saturating_sub(self.cells));
        let days = || (0..MONTH_DAYS).zip(self.day_totals).filter(|(_, total)| *total > 0);
        let bitmap = days().fold(0_u32, |bitmap, (day, _)| bitmap | 1_u32.wrapping_shl(u32::from(day)));
        if bitmap.count_ones() <= LISTED_DAYS {
            record.push(bitmap.count_ones() as u8);
            record.extend(days().map(|(day, _)| day));
        } else {
            // The month has no 32nd day, so the highest bit tells a bitmap from a list.
            record.extend_from_slice(&(bitmap | 1 << 31).to_be_bytes());
        }
        days().for_each(|(_, total)| put_varint(record, total));
        for piece in self.pieces.drain(..) {
            put_varint(record, u64::from(piece.stride.saturating_sub(1)));
            record.push(piece.shift as u8);
        }
        (self.cells, self.rows, self.day_totals) = (0, 0, [0; MONTH_DAYS as usize]);
    }
}

/// The strips of one page, being written.
#[derive(Debug, Default)]
pub struct PageStrips {
    /// Where the first strip begins.
    pub start: Position,
    count: u64,
    strips: Vec<u8>,
}

/// The strip directory of one site, being written.
#[derive(Debug, Default)]
pub struct StripsBuilder {
    /// Its chunks.
    pub chunks: Chunks,
    records: Vec<u8>,
    pages: u32,
}

impl StripsBuilder {
    /// Appends the record of the next page and empties it.
    pub fn end_page(&mut self, page: &mut PageStrips, packer: &mut Packer) {
        let mut head = Vec::with_capacity(16);
        put_varint(&mut head, page.count);
        for field in [page.start.block, page.start.cell, page.start.low_byte] {
            put_varint(&mut head, u64::from(field));
        }
        put_varint(&mut self.records, head.len().saturating_add(page.strips.len()) as u64);
        self.records.extend_from_slice(&head);
        self.records.append(&mut page.strips);
        page.count = 0;
        self.pages = self.pages.saturating_add(1);
        if self.records.len() >= CHUNK_FULL_BYTES {
            self.end_chunk(packer);
        }
    }

    fn end_chunk(&mut self, packer: &mut Packer) {
        packer.pack(&self.records, &mut self.chunks.bytes);
        self.chunks.end_chunk(self.pages);
        self.records.clear();
    }

    /// Ends the last chunk.
    pub fn end(&mut self, packer: &mut Packer) {
        if !self.records.is_empty() {
            self.end_chunk(packer);
        }
    }

    /// Takes everything out.
    pub fn clear(&mut self) {
        self.chunks.clear();
        self.records.clear();
        self.pages = 0;
    }
}

/// Reads a chunk: the records of its pages, one after another.
///
/// # Errors
/// When it is damaged.
pub fn unpack_chunk(chunk: &[u8], unpacker: &mut Unpacker, records: &mut Vec<u8>) -> Result<(), FormatError> {
    let mut cursor = Cursor::new("strip directory", chunk);
    unpacker.unpack(&mut cursor, CHUNK_LIMIT_BYTES, records)?;
    cursor.finish()
}

/// Reads the strips of the asked layers of the page after `skip` others of the chunk. `block_cells` says the cells of a
/// block.
///
/// # Errors
/// When the record is damaged or points outside of the blocks.
pub fn page_strips(
    records: &[u8],
    skip: u32,
    asked: impl Fn(Layer) -> bool,
    mut block_cells: impl FnMut(u32) -> Option<u32>,
) -> Result<Vec<Strip>, FormatError> {
    let mut cursor = Cursor::new("strip directory", records);
    for _ in 0..skip {
        let length = cursor.varint_within(records.len())?;
        cursor.take(length)?;
    }
    let length = cursor.varint_within(records.len())?;
    let mut cursor = Cursor::new("strips", cursor.take(length)?);
    let count = cursor.varint_within(LAYERS)?;
    let mut position =
        Position { block: cursor.varint_u32()?, cell: cursor.varint_u32()?, low_byte: cursor.varint_u32()? };
    let mut strips = Vec::new();
    for _ in 0..count {
        strips.extend(take_strip(&mut cursor, &asked, &mut position, &mut block_cells)?);
    }
    cursor.finish()?;
    Ok(strips)
}

/// Reads a strip, or passes one by whose layer is not asked for: its totals are most of what there is to read.
fn take_strip(
    cursor: &mut Cursor<'_>,
    asked: &impl Fn(Layer) -> bool,
    position: &mut Position,
    block_cells: &mut impl FnMut(u32) -> Option<u32>,
) -> Result<Option<Strip>, FormatError> {
    let layer = cursor.u16()?;
    let layer = Layer::from_code(layer).ok_or_else(|| cursor.invalid(u64::from(layer)))?;
    let cells = cursor.varint()?;
    let rows = cells.checked_add(cursor.varint()?).ok_or_else(|| cursor.invalid(cells))?;
    let days = take_days(cursor)?;
    let is_asked = asked(layer);
    let mut day_totals = [0; MONTH_DAYS as usize];
    let mut total = 0_u64;
    if is_asked {
        total = take_totals(cursor, days, &mut day_totals)?;
    } else {
        cursor.skip_varints(days.count_ones())?;
    }
    let mut strip = Strip {
        layer,
        total,
        cells,
        rows,
        start: *position,
        day_totals,
        first_piece: Piece { stride: 1, shift: 0 },
        more_pieces: Vec::new(),
    };
    take_pieces(cursor, position, block_cells, &mut strip)?;
    Ok(is_asked.then_some(strip))
}

/// Reads the totals of these days; says their sum.
fn take_totals(
    cursor: &mut Cursor<'_>,
    mut days: u32,
    day_totals: &mut [u64; MONTH_DAYS as usize],
) -> Result<u64, FormatError> {
    let mut total = 0_u64;
    while days != 0 {
        let of_day = cursor.varint()?;
        total = total.checked_add(of_day).ok_or_else(|| cursor.invalid(of_day))?;
        if let Some(place) = day_totals.get_mut(days.trailing_zeros() as usize) {
            *place = of_day;
        }
        days &= days.wrapping_sub(1);
    }
    Ok(total)
}

/// Reads the days that have a total, as a bitmap.
fn take_days(cursor: &mut Cursor<'_>) -> Result<u32, FormatError> {
    let first = cursor.u8()?;
    if first & 0x80 != 0 {
        let [b, c, d] = cursor.array()?;
        return Ok(u32::from_be_bytes([first & 0x7f, b, c, d]));
    }
    let mut days = 0;
    for day in cursor.take(usize::from(first))? {
        if *day >= MONTH_DAYS {
            return Err(cursor.invalid(u64::from(*day)));
        }
        days |= 1_u32.wrapping_shl(u32::from(*day));
    }
    Ok(days)
}

/// Reads how the pieces of a strip are coded: one for each block that it has cells in.
fn take_pieces(
    cursor: &mut Cursor<'_>,
    position: &mut Position,
    block_cells: &mut impl FnMut(u32) -> Option<u32>,
    strip: &mut Strip,
) -> Result<(), FormatError> {
    let mut left = strip.cells;
    let mut number = 0_usize;
    while left > 0 {
        let in_block =
            block_cells(position.block).ok_or_else(|| cursor.invalid(u64::from(position.block)))?;
        if position.cell >= in_block {
            // A strip begins the next block when the one before it has filled its own.
            if number > 0 || position.cell > in_block {
                return Err(cursor.invalid(u64::from(position.cell)));
            }
            *position = Position { block: position.block.saturating_add(1), cell: 0, low_byte: 0 };
            strip.start = *position;
            if block_cells(position.block).is_none_or(|cells| cells == 0) {
                return Err(cursor.invalid(u64::from(position.block)));
            }
            continue;
        }
        let stride = cursor.varint_within(Piece::MAX_STRIDE.saturating_sub(1) as usize)?;
        let shift = cursor.u8()?;
        if u32::from(shift) > Piece::MAX_SHIFT {
            return Err(cursor.invalid(u64::from(shift)));
        }
        let piece = Piece { stride: (stride as u32).saturating_add(1), shift: u32::from(shift) };
        if number == 0 {
            strip.first_piece = piece;
        } else {
            strip.more_pieces.push(piece);
        }
        number = number.saturating_add(1);
        let here = left.min(u64::from(in_block.saturating_sub(position.cell)));
        left = left.saturating_sub(here);
        let here = here as u32;
        if left > 0 {
            *position = Position { block: position.block.saturating_add(1), cell: 0, low_byte: 0 };
        } else {
            position.cell = position.cell.saturating_add(here);
            position.low_byte = position.low_byte.saturating_add(piece.low_bytes(here) as u32);
        }
    }
    Ok(())
}
