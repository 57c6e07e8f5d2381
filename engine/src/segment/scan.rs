//! Reads the cells of a strip: summaries alone, or each detail row.

use std::borrow::Cow;
use std::ops::Range;

use crate::format::block::{BlockEntry, group_columns};
use crate::format::columns::Unpacker;
use crate::format::detail::{BlockRows, Detail, Run, Sections, Span};
use crate::format::hours::Hours;
use crate::format::rollups::Rollups;
use crate::format::strips::Strip;
use crate::format::summary::{CodedPiece, Piece, Summary};
use crate::model::{Country, Work};

use super::{Extent, Place, SegmentError};

/// Cells or rows that are handed out at once: they fit into the processor's nearest cache.
const CHUNK: usize = 512;

/// One opening of a file, and an offset in it: what a scratch holds the columns of.
type Held = Option<(u64, u64)>;

/// Working memory of a reader, used again and again. It keeps what was decoded last, so that neighbouring strips
/// do not decode their common block twice.
#[derive(Default)]
pub struct Scratch {
    pub(super) unpacker: Unpacker,
    pub(super) strip_chunk: Held,
    pub(super) strip_records: Vec<u8>,
    pub(super) hour_chunk: Held,
    pub(super) hours: Hours,
    pub(super) rollups: Rollups,
    summary_of: Held,
    summary: Summary,
    detail: Detail,
    rows_of: Held,
    pub(super) rows: BlockRows,
    sums_of: Held,
    sums: KeptSums,
    pub(super) codes: Vec<u32>,
    pub(super) totals: Vec<u64>,
    kept_codes: Vec<u32>,
    row_codes: Vec<u32>,
    row_countries: Vec<Country>,
}

impl Scratch {
    /// Working memory that has not been used.
    #[must_use]
    pub fn new() -> Scratch {
        Scratch::default()
    }

    /// The cells of a part whose totals were loaded last, as they are coded.
    pub(super) fn coded(&self, part: &StripPart) -> CodedPiece<'_> {
        CodedPiece { summary: &self.summary, cells: part.range(), low_start: part.low_byte }
    }

    /// Forgets what was decoded last, but keeps the memory: the next reader's work is then its own.
    pub fn forget(&mut self) {
        (self.strip_chunk, self.hour_chunk) = (None, None);
        (self.summary_of, self.rows_of, self.sums_of) = (None, None, None);
    }
}

/// What the rows of a block that were kept sum to.
#[derive(Default)]
struct KeptSums {
    /// By index of the country: the days, one bit each, whose rows were kept.
    keep: Vec<u32>,
    /// By cell of the block.
    sums: Vec<u64>,
}

/// Takes account of what is read, before it is decoded, and may end the reading there.
pub trait Spend {
    /// Why the reading ends.
    type Error: From<SegmentError>;

    /// Takes account of a piece that is about to be decoded, or of rows that are about to be given.
    ///
    /// # Errors
    /// When there is to be no more reading.
    fn spend(&mut self, work: Work) -> Result<(), Self::Error>;
}

/// Counts, without a limit.
impl Spend for Work {
    type Error = SegmentError;

    fn spend(&mut self, work: Work) -> Result<(), SegmentError> {
        *self += work;
        Ok(())
    }
}

/// Detail rows, one slice per column, all of one length.
#[derive(Clone, Copy, Debug)]
pub struct DetailRows<'s> {
    /// Code of the cell; never descends.
    pub codes: &'s [u32],
    /// Day of the month, 0 to 30; never descends within a cell.
    pub days: &'s [u8],
    /// Country as stored.
    pub countries: &'s [Country],
    /// Events.
    pub counts: &'s [u32],
}

/// What a strip has in one block.
#[derive(Clone, Copy)]
pub(super) struct StripPart {
    pub(super) block: u32,
    pub(super) entry: BlockEntry,
    pub(super) piece: Piece,
    /// First cell in the block, and how many follow from there.
    pub(super) first_cell: u32,
    pub(super) cells: u32,
    pub(super) low_byte: u32,
}

impl StripPart {
    /// All of a block, whatever strips stand in it: of no use for the places of its cells.
    pub(super) fn of_block(block: u32, entry: BlockEntry) -> StripPart {
        let piece = Piece { stride: 1, shift: 0 };
        StripPart { block, entry, piece, first_cell: 0, cells: entry.cells, low_byte: 0 }
    }

    /// Its cells in the block.
    pub(super) fn range(&self) -> Range<u32> {
        self.first_cell..self.first_cell.saturating_add(self.cells)
    }
}

/// Goes through the parts of a strip.
pub(super) struct StripParts<'s, 'a> {
    extent: &'s Extent<'a>,
    strip: &'s Strip,
    /// Number of the next part.
    number: usize,
    /// Cells of the parts from there on.
    left: u64,
}

impl Iterator for StripParts<'_, '_> {
    type Item = Result<StripPart, SegmentError>;

    fn next(&mut self) -> Option<Result<StripPart, SegmentError>> {
        let piece = self.strip.piece(self.number)?;
        let start = &self.strip.start;
        let (first_cell, low_byte) = if self.number == 0 { (start.cell, start.low_byte) } else { (0, 0) };
        // The strip directory was read with the block index at hand, so that there are so many blocks.
        let block = start.block + self.number as u32;
        self.number += 1;
        let part = self.extent.block(block).map(|entry| {
            let cells = self.left.min(u64::from(entry.cells.saturating_sub(first_cell))) as u32;
            self.left -= u64::from(cells);
            StripPart { block, entry, piece, first_cell, cells, low_byte }
        });
        Some(part)
    }
}

impl<'a> Extent<'a> {
    /// Gives codes and totals of a strip's cells, ascending, some thousand at a time. Reads summary columns only.
    ///
    /// # Errors
    /// When a block is damaged, or `spend` ends it; what was given before is then of no use.
    pub fn scan_summary<S: Spend>(
        &self,
        strip: &Strip,
        scratch: &mut Scratch,
        spend: &mut S,
        f: &mut impl FnMut(&[u32], &[u64]),
    ) -> Result<(), S::Error> {
        for part in self.parts(strip) {
            let part = part?;
            spend.spend(Work { rows: u64::from(part.cells), ..Work::default() })?;
            self.load_summary(&part, &part.range(), scratch, spend)?;
            let Scratch { summary, codes, totals, .. } = &mut *scratch;
            let mut places = summary.places(part.piece, part.first_cell, part.cells, part.low_byte);
            let mut total = summary.totals(part.first_cell);
            let mut left = part.cells as usize;
            while left > 0 {
                let count = left.min(CHUNK);
                places.read(count as u32, codes).map_err(|source| self.corrupt_block(&part, source))?;
                total.read(count, totals);
                f(codes, totals);
                left -= count;
            }
        }
        Ok(())
    }

    /// Gives codes and sums of a strip's cells that have rows to be kept, ascending, some thousand at a time. `keep` says
    /// which these are: for each of `country_totals`, the days of the month, one bit each. Reads no others, but for
    /// what is compressed together with them.
    ///
    /// # Errors
    /// When a block is damaged, or `spend` ends it; what was given before is then of no use.
    pub fn scan_kept<S: Spend>(
        &self,
        strip: &Strip,
        keep: &[u32],
        scratch: &mut Scratch,
        spend: &mut S,
        f: &mut impl FnMut(&[u32], &[u64]),
    ) -> Result<(), S::Error> {
        for part in self.parts(strip) {
            let part = part?;
            self.load_sums(&part, keep, scratch, spend)?;
            let (first, end) = (part.first_cell as usize, part.range().end as usize);
            let is_empty = |scratch: &Scratch| scratch.sums.sums[first..end].iter().all(|sum| *sum == 0);
            if is_empty(scratch) {
                continue;
            }
            spend.spend(Work { rows: u64::from(part.cells), ..Work::default() })?;
            self.load_summary(&part, &part.range(), scratch, spend)?;
            let Scratch { summary, sums, codes, totals, kept_codes, .. } = &mut *scratch;
            let mut places = summary.places(part.piece, part.first_cell, part.cells, part.low_byte);
            for sums in sums.sums[first..end].chunks(CHUNK) {
                places.read(sums.len() as u32, codes).map_err(|source| self.corrupt_block(&part, source))?;
                let kept = keep_cells(codes, sums, kept_codes, totals);
                f(&kept_codes[..kept], &totals[..kept]);
            }
        }
        Ok(())
    }

    /// Gives every detail row of a strip, ordered by cell and day, some thousand at a time.
    ///
    /// # Errors
    /// When a block is damaged, or `spend` ends it; what was given before is then of no use.
    pub fn scan_detail<S: Spend>(
        &self,
        strip: &Strip,
        scratch: &mut Scratch,
        spend: &mut S,
        f: &mut impl FnMut(DetailRows<'_>),
    ) -> Result<(), S::Error> {
        let countries = self.country_totals()?;
        for part in self.parts(strip) {
            let part = part?;
            let first_row = self.load_rows(&part, scratch, spend)?;
            self.load_codes(&part, scratch)?;
            let Scratch { rows, codes, row_codes, row_countries, .. } = &mut *scratch;
            let fan_outs = rows.fan_outs.get(part.first_cell as usize..).unwrap_or_default();
            row_codes.clear();
            for (code, fan_out) in codes.iter().zip(fan_outs) {
                match *fan_out {
                    1 => row_codes.push(*code),
                    fan_out => row_codes.extend(std::iter::repeat_n(*code, fan_out as usize)),
                }
            }
            spend.spend(Work { rows: row_codes.len() as u64, ..Work::default() })?;
            let end = first_row + row_codes.len();
            for (at, codes) in (first_row..end).step_by(CHUNK).zip(row_codes.chunks(CHUNK)) {
                let range = at..at + codes.len();
                row_countries.clear();
                // `Detail::open` has checked that each index has a country.
                row_countries
                    .extend(rows.countries[range.clone()].iter().map(|at| countries[usize::from(*at)].0));
                let (days, counts) = (&rows.days[range.clone()], &rows.counts[range]);
                f(DetailRows { codes, days, countries: row_countries, counts });
            }
        }
        Ok(())
    }

    /// The parts of a strip, block by block.
    pub(super) fn parts<'s>(&'s self, strip: &'s Strip) -> StripParts<'s, 'a> {
        StripParts { extent: self, strip, number: 0, left: strip.cells }
    }

    pub(super) fn corrupt_block(
        &self,
        part: &StripPart,
        source: crate::format::frame::FormatError,
    ) -> SegmentError {
        let offset = self.in_file(&(part.entry.offset..part.entry.offset)).start;
        self.segment().corrupt(Place::Block(self.site(), part.block), offset, source)
    }

    /// The bytes of a block, both groups, as they stand in the file. Their checksums were compared.
    pub(super) fn block_bytes(&self, part: &StripPart) -> Result<[Cow<'a, [u8]>; 2], SegmentError> {
        let summary = self.summary_group(part)?;
        Ok([summary, self.detail_group(part)?])
    }

    fn detail_group(&self, part: &StripPart) -> Result<Cow<'a, [u8]>, SegmentError> {
        let start = part.entry.detail_offset();
        let range = self.in_file(&(start..start + u64::from(part.entry.detail_bytes)));
        let place = Place::Block(self.site(), part.block);
        self.segment().group(range, part.entry.detail_crc, "detail", place)
    }

    /// Puts what the summary columns of the part's block have of some cells into the scratch.
    fn load_summary<S: Spend>(
        &self,
        part: &StripPart,
        cells: &Range<u32>,
        scratch: &mut Scratch,
        spend: &mut S,
    ) -> Result<(), S::Error> {
        let held = Some(self.summary_key(part));
        if scratch.summary_of == held && scratch.summary.holds(cells) {
            return Ok(());
        }
        if scratch.summary_of != held {
            spend.spend(Work { blocks: 1, bytes: u64::from(part.entry.summary_bytes), rows: 0 })?;
        }
        scratch.summary_of = None;
        let group = self.summary_group(part)?;
        let Scratch { summary, unpacker, .. } = scratch;
        summary
            .unpack(group_columns(&group), part.entry.cells, cells, unpacker)
            .map_err(|source| self.corrupt_block(part, source))?;
        scratch.summary_of = held;
        Ok(())
    }

    fn summary_key(&self, part: &StripPart) -> (u64, u64) {
        (self.segment().opening(), self.in_file(&(part.entry.offset..part.entry.offset)).start)
    }

    fn summary_group(&self, part: &StripPart) -> Result<Cow<'a, [u8]>, SegmentError> {
        let range = self.in_file(&(part.entry.offset..part.entry.detail_offset()));
        let place = Place::Block(self.site(), part.block);
        self.segment().group(range, part.entry.summary_crc, "summary", place)
    }

    /// Puts all rows of the part's block into the scratch; says the number of the part's first row.
    pub(super) fn load_rows<S: Spend>(
        &self,
        part: &StripPart,
        scratch: &mut Scratch,
        spend: &mut S,
    ) -> Result<usize, S::Error> {
        let entry = &part.entry;
        self.load_summary(part, &(0..entry.cells), scratch, spend)?;
        let held = Some(self.summary_key(part));
        if scratch.rows_of != held {
            scratch.rows_of = None;
            spend.spend(Work { blocks: 1, bytes: u64::from(entry.detail_bytes), rows: 0 })?;
            let group = self.open_detail(part, scratch)?;
            let Scratch { detail, rows, summary, unpacker, .. } = &mut *scratch;
            rows.expand(summary, detail, group_columns(&group), entry.rows, unpacker)
                .map_err(|source| self.corrupt_block(part, source))?;
            scratch.rows_of = held;
        }
        Ok(scratch.rows.first_row(part.first_cell))
    }

    /// Which runs the part's block has. Reads none of their rows.
    pub(super) fn runs<'s>(
        &self,
        part: &StripPart,
        scratch: &'s mut Scratch,
    ) -> Result<&'s [Run], SegmentError> {
        self.open_detail(part, scratch)?;
        Ok(scratch.detail.runs())
    }

    /// Gives what the runs that `keep` keeps of the part's block have in each of its sections, as they stand there: by day,
    /// then country, then cell.
    pub(super) fn scan_sections(
        &self,
        part: &StripPart,
        sections: &Sections,
        scratch: &mut Scratch,
        keep: impl Fn(&Run) -> bool,
        f: &mut impl FnMut(&Run, Span<'_>),
    ) -> Result<(), SegmentError> {
        let group = self.open_detail(part, scratch)?;
        let Scratch { detail, unpacker, .. } = scratch;
        let read = detail.read_sections(group_columns(&group), sections, keep, unpacker, f);
        read.map_err(|source| self.corrupt_block(part, source))
    }

    /// Puts the sums of the kept rows of each cell of the part's block into the scratch.
    fn load_sums<S: Spend>(
        &self,
        part: &StripPart,
        keep: &[u32],
        scratch: &mut Scratch,
        spend: &mut S,
    ) -> Result<(), S::Error> {
        let held = Some(self.summary_key(part));
        if scratch.sums_of == held && scratch.sums.keep == keep {
            return Ok(());
        }
        scratch.sums_of = None;
        let group = self.open_detail(part, scratch)?;
        // `Detail::open` has checked that each country has its place.
        let kept = |run: &Run| keep[usize::from(run.country)] >> run.day & 1 == 1;
        let (bytes, rows) = scratch.detail.cost(kept);
        spend.spend(Work { blocks: 1, bytes: bytes as u64, rows: rows as u64 })?;
        let Scratch { detail, sums: KeptSums { keep: of, sums }, unpacker, .. } = &mut *scratch;
        of.clear();
        of.extend_from_slice(keep);
        sums.clear();
        sums.resize(part.entry.cells as usize, 0);
        detail
            .read(group_columns(&group), kept, unpacker, &mut |_, cells, counts| {
                for (cell, count) in cells.iter().zip(counts) {
                    sums[*cell as usize] += u64::from(*count);
                }
            })
            .map_err(|source| self.corrupt_block(part, source))?;
        scratch.sums_of = held;
        Ok(())
    }

    /// Opens the detail group of the part's block in the scratch; gives the group.
    fn open_detail(&self, part: &StripPart, scratch: &mut Scratch) -> Result<Cow<'a, [u8]>, SegmentError> {
        let entry = &part.entry;
        let countries = self.country_totals()?.len();
        let group = self.detail_group(part)?;
        let Scratch { detail, unpacker, .. } = scratch;
        detail
            .open(group_columns(&group), (entry.cells, entry.rows), countries, unpacker)
            .map_err(|source| self.corrupt_block(part, source))?;
        Ok(group)
    }

    /// Puts the totals of all cells of the part into the scratch, and what else the summary has of them.
    pub(super) fn load_totals(&self, part: &StripPart, scratch: &mut Scratch) -> Result<(), SegmentError> {
        self.load_summary(part, &part.range(), scratch, &mut Work::default())?;
        let Scratch { summary, totals, .. } = scratch;
        summary.totals(part.first_cell).read(part.cells as usize, totals);
        Ok(())
    }

    /// Puts the codes of all cells of the part into the scratch, whose summary is that of the part's block.
    pub(super) fn load_codes(&self, part: &StripPart, scratch: &mut Scratch) -> Result<(), SegmentError> {
        let Scratch { summary, codes, .. } = scratch;
        let mut places = summary.places(part.piece, part.first_cell, part.cells, part.low_byte);
        places.read(part.cells, codes).map_err(|source| self.corrupt_block(part, source))
    }
}

/// Writes the cells whose sums are not 0 to the front of two columns; answers how many.
fn keep_cells(codes: &[u32], sums: &[u64], kept_codes: &mut Vec<u32>, kept_sums: &mut Vec<u64>) -> usize {
    kept_codes.resize(codes.len(), 0);
    kept_sums.resize(codes.len(), 0);
    let mut kept = 0;
    // Always written, and left standing or not: a branch that nobody can foresee would cost more.
    for (code, sum) in codes.iter().zip(sums) {
        kept_codes[kept] = *code;
        kept_sums[kept] = *sum;
        kept += usize::from(*sum != 0);
    }
    kept
}
