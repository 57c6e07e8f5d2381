//! Blocks: cells of one site in two groups of columns, summary and detail. `docs/FORMAT.md`, section "Blocks".

use super::columns::Packer;
use super::detail::{CellRow, CodedRows, DetailBuilder};
use super::frame::{Cursor, FormatError, check_crc32, crc32};
use super::summary::{CodedPiece, Piece, Summary};
use crate::model::limits::{BLOCK_CELLS, BLOCK_ROWS};

/// Bytes of one entry of an extent's block index.
pub const BLOCK_ENTRY_BYTES: usize = 32;
/// Bytes of the checksum that ends a group.
const CRC_BYTES: usize = 4;

/// Where a block is and what its groups' checksums are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockEntry {
    /// First byte of the summary group, from the start of the extent. The detail group follows it.
    pub offset: u64,
    /// Bytes of the summary group, checksum included.
    pub summary_bytes: u32,
    /// Bytes of the detail group, checksum included.
    pub detail_bytes: u32,
    /// Cells in it.
    pub cells: u32,
    /// Detail rows in it.
    pub rows: u32,
    /// As at the end of the summary group.
    pub summary_crc: u32,
    /// As at the end of the detail group.
    pub detail_crc: u32,
}

impl BlockEntry {
    /// Appends its bytes.
    pub fn encode(&self, target: &mut Vec<u8>) {
        target.extend_from_slice(&self.offset.to_le_bytes());
        for field in
            [self.summary_bytes, self.detail_bytes, self.cells, self.rows, self.summary_crc, self.detail_crc]
        {
            target.extend_from_slice(&field.to_le_bytes());
        }
    }

    /// Reads an entry of `BLOCK_ENTRY_BYTES` bytes of an extent whose blocks take `blocks_bytes`.
    ///
    /// # Errors
    /// When it points outside of the blocks or says more cells or rows than a block has.
    pub fn decode(bytes: &[u8], blocks_bytes: u64) -> Result<BlockEntry, FormatError> {
        let mut cursor = Cursor::new("block index", bytes);
        let entry = BlockEntry {
            offset: cursor.u64()?,
            summary_bytes: cursor.u32()?,
            detail_bytes: cursor.u32()?,
            cells: cursor.u32()?,
            rows: cursor.u32()?,
            summary_crc: cursor.u32()?,
            detail_crc: cursor.u32()?,
        };
        cursor.finish()?;
        let end = entry.detail_offset().checked_add(u64::from(entry.detail_bytes));
        let fits = (1..=BLOCK_CELLS).contains(&(entry.cells as usize))
            && entry.rows as usize <= BLOCK_ROWS
            && entry.cells <= entry.rows
            && end.is_some_and(|end| end <= blocks_bytes);
        if fits { Ok(entry) } else { Err(cursor.invalid(entry.offset)) }
    }

    /// First byte of the detail group, from the start of the extent.
    #[must_use]
    pub fn detail_offset(&self) -> u64 {
        self.offset.saturating_add(u64::from(self.summary_bytes))
    }
}

/// The columns of a group, its checksum compared with the one at its end and with the one in the block index.
///
/// # Errors
/// `FormatError::Checksum` when they are not all the same.
pub fn check_group<'a>(what: &'static str, group: &'a [u8], crc: u32) -> Result<&'a [u8], FormatError> {
    let columns = group_columns(group);
    check_crc32(what, columns, crc)?;
    let mut end = Cursor::new(what, group);
    end.take(columns.len())?;
    match end.u32()? {
        stored if stored == crc => Ok(columns),
        got => Err(FormatError::Checksum { what, expected: crc, got }),
    }
}

/// The columns of a group that has been checked before.
#[must_use]
pub fn group_columns(group: &[u8]) -> &[u8] {
    group.get(..group.len().saturating_sub(CRC_BYTES)).unwrap_or_default()
}

/// Collects the cells of one block.
#[derive(Default)]
pub struct BlockBuilder {
    summary: Summary,
    detail: DetailBuilder,
    cells: usize,
    rows: usize,
}

impl BlockBuilder {
    /// Cells in it.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.cells
    }

    /// Bytes of the low bits of its pieces so far: where those of the next piece begin.
    #[must_use]
    pub fn low_bytes(&self) -> usize {
        self.summary.low_bytes()
    }

    /// Whether so many cells with so many detail rows have room.
    #[must_use]
    pub fn has_room(&self, cells: usize, rows: usize) -> bool {
        self.cells.saturating_add(cells) <= BLOCK_CELLS && self.rows.saturating_add(rows) <= BLOCK_ROWS
    }

    /// Appends what was counted in a cell, which must have room. Its place follows with `place_piece`.
    ///
    /// `rows` are ordered by day, and `total` is the sum of their counts.
    pub fn push_cell(&mut self, total: u64, rows: &[CellRow]) {
        debug_assert!(self.has_room(1, rows.len()) && !rows.is_empty());
        self.summary.push_total(total);
        // `has_room` holds it far below.
        self.detail.push_rows(self.cells as u32, rows);
        self.cells = self.cells.saturating_add(1);
        self.rows = self.rows.saturating_add(rows.len());
    }

    /// Appends all rows of some cells of another block, which they number from 0 on. Their totals follow with
    /// `push_totals` or `push_coded`, and must have room.
    pub fn push_detail(&mut self, rows: &CodedRows) {
        self.rows = self.rows.saturating_add(rows.rows());
        // `has_room` holds it far below.
        self.detail.append(rows, self.cells as u32);
    }

    /// Appends the totals of cells whose rows `push_detail` has brought. Their places follow with `place_piece`.
    pub fn push_totals(&mut self, totals: &[u64]) {
        totals.iter().for_each(|total| self.summary.push_total(*total));
        self.cells = self.cells.saturating_add(totals.len());
    }

    /// Says where the cells pushed since the last call are: ascending cell codes, of one layer.
    pub fn place_piece(&mut self, codes: &[u32]) -> Piece {
        self.summary.push_piece(codes)
    }

    /// Appends the totals and places of a piece of another block, whose rows `push_detail` has brought.
    ///
    /// # Errors
    /// When that block has not so much.
    pub fn push_coded(&mut self, piece: Piece, coded: &CodedPiece<'_>) -> Result<(), FormatError> {
        self.summary.push_coded(piece, coded)?;
        self.cells = self.cells.saturating_add(coded.cells.len());
        Ok(())
    }

    /// Appends the block's two groups to `target` and empties the builder. `offset` is that of the block.
    pub fn seal(&mut self, packer: &mut Packer, offset: u64, target: &mut Vec<u8>) -> BlockEntry {
        let start = target.len();
        self.summary.pack(packer, target);
        let (summary_bytes, summary_crc) = end_group(start, target);
        let middle = target.len();
        self.detail.pack(packer, target);
        let (detail_bytes, detail_crc) = end_group(middle, target);
        let entry = BlockEntry {
            offset,
            summary_bytes,
            detail_bytes,
            // Both are held below the limits by `has_room`.
            cells: self.cells as u32,
            rows: self.rows as u32,
            summary_crc,
            detail_crc,
        };
        self.summary.clear();
        self.detail.clear();
        (self.cells, self.rows) = (0, 0);
        entry
    }
}

/// Appends the checksum of what was written since `start`; says the group's length and checksum.
fn end_group(start: usize, target: &mut Vec<u8>) -> (u32, u32) {
    let crc = crc32(target.get(start..).unwrap_or_default());
    target.extend_from_slice(&crc.to_le_bytes());
    // A block's columns are bounded by its cells and rows, to far less than 4 GiB.
    (target.len().saturating_sub(start) as u32, crc)
}
