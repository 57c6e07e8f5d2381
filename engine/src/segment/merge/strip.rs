//! Merges the strips that several inputs have of one page and layer.

use crate::model::{Cell, Layer, Work};
use crate::segment::extent_writer::ExtentWriter;
use crate::segment::scan::StripParts;
use crate::segment::site_writer::place_of;
use crate::segment::{Extent, Scratch, SegmentError, Strip};

use super::MergeStats;
use super::mask::PageRules;

/// A strip of one input, read block by block.
pub(super) struct StripInput<'p, 'a> {
    extent: &'p Extent<'a>,
    scratch: &'p mut Scratch,
    rules: &'p PageRules,
    parts: StripParts<'p, 'a>,
    /// Cells of the part that the scratch holds; 0 while it holds those of another strip.
    cells: usize,
    /// Next cell of the part.
    cell: usize,
    /// The same cell in the block that the part is of.
    block_cell: usize,
    /// First row of that cell in the block.
    row: usize,
}

impl<'p, 'a> StripInput<'p, 'a> {
    pub(super) fn new(
        extent: &'p Extent<'a>,
        scratch: &'p mut Scratch,
        rules: &'p PageRules,
        strip: &'p Strip,
    ) -> StripInput<'p, 'a> {
        StripInput {
            extent,
            scratch,
            rules,
            parts: extent.parts(strip),
            cells: 0,
            cell: 0,
            block_cell: 0,
            row: 0,
        }
    }

    /// Reads the next part; says whether there was one.
    fn load(&mut self) -> Result<bool, SegmentError> {
        let Some(part) = self.parts.next().transpose()? else { return Ok(false) };
        self.row = self.extent.load_rows(&part, self.scratch, &mut Work::default())?;
        self.extent.load_codes(&part, self.scratch)?;
        self.cells = self.scratch.codes.len();
        (self.cell, self.block_cell) = (0, part.first_cell as usize);
        Ok(true)
    }

    /// Code of the next cell of the part.
    #[inline]
    fn code(&self) -> Option<u32> {
        self.scratch.codes.get(self.cell).copied().filter(|_| self.cell < self.cells)
    }

    /// Writes the cells of the part whose codes are below `end`.
    fn write(
        &mut self,
        layer: Layer,
        end: u32,
        writer: &mut ExtentWriter<'_>,
        stats: &mut MergeStats,
    ) -> Result<(), SegmentError> {
        let rows = &self.scratch.rows;
        while let Some(code) = self.scratch.codes.get(self.cell).copied().filter(|code| *code < end) {
            let place = place_of(layer, code);
            let fan_out = rows.fan_outs[self.block_cell] as usize;
            for at in self.row..self.row + fan_out {
                let (day, rule) = (rows.days[at], self.rules.of(rows.countries[at]));
                if rule.masked >> day & 1 == 1 {
                    stats.rows_masked += 1;
                } else {
                    writer.row(place, day, rule.country, rows.counts[at])?;
                }
            }
            stats.rows_read += fan_out as u64;
            self.row += fan_out;
            self.cell += 1;
            self.block_cell += 1;
        }
        Ok(())
    }
}

/// Writes the rows of all inputs, cell by cell; the writer sorts and sums those of one cell.
pub(super) fn merge_strips(
    layer: Layer,
    mut inputs: Vec<StripInput<'_, '_>>,
    writer: &mut ExtentWriter<'_>,
    stats: &mut MergeStats,
) -> Result<(), SegmentError> {
    loop {
        let mut at = 0;
        while at < inputs.len() {
            // A part always has cells, but nothing is lost by not relying on it.
            if inputs[at].code().is_some() || inputs[at].load()? {
                at += 1;
            } else {
                inputs.swap_remove(at);
            }
        }
        // The lowest code goes first; of its input, all up to where another one has its say.
        let (mut lowest, mut end) = (None, Cell::CODES);
        let mut first = Cell::CODES;
        for (at, input) in inputs.iter().enumerate() {
            let Some(code) = input.code() else { continue };
            if code < first {
                (lowest, end, first) = (Some(at), first, code);
            } else {
                end = end.min(code);
            }
        }
        let Some(lowest) = lowest else {
            if inputs.is_empty() {
                return Ok(());
            }
            continue;
        };
        // Another input may have the same cell: then just this one, so that its rows follow at once.
        inputs[lowest].write(layer, end.max(first + 1), writer, stats)?;
    }
}
