//! What goes of the blocks of an extent, by its strip directory alone.

use std::ops::Range;
use std::rc::Rc;

use crate::format::detail::{Run, Sections, Span};
use crate::format::rollups::{Rollup, RollupBuilder};
use crate::model::limits::{BLOCK_CELLS, BLOCK_ROWS};
use crate::model::{CountrySet, Layer, PageMask, SiteMask};
use crate::segment::scan::StripPart;
use crate::segment::{Extent, PageIndex, Scratch, SegmentError};

use super::mask::{PageRules, leaves_out_rows};

/// What becomes of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is copied byte by byte.
    Stays,
    /// Some cells go with all their rows, the others are taken over.
    Cut,
    /// Single rows may go: what stays is written row by row.
    Rows,
}

/// A block, and what goes of it.
pub(super) struct BlockPlan {
    /// All of it, as one part.
    pub(super) part: StripPart,
    pub(super) fate: Fate,
    /// Ascending by cell.
    pub(super) going: Vec<Going>,
}

/// Cells of one strip in a block of which all rows go, or some may.
pub(super) struct Going {
    cells: Range<u32>,
    layer: Layer,
    rules: Rc<PageRules>,
}

impl Going {
    /// Whether their rows of a run go.
    pub(super) fn covers(&self, run: &Run) -> bool {
        self.rules.of(run.country).masked >> run.day & 1 == 1
    }

    /// Takes so many events of theirs out of the sums, in which the run's country is `place`; says whether there were so many.
    #[must_use]
    pub(super) fn take(&self, run: &Run, place: u16, count: u64, sums: &mut RollupBuilder) -> bool {
        let (kind, device) = (self.layer.kind(), self.layer.viewport().device());
        sums.take(&Rollup { day: run.day, kind, device, country: place, count })
    }
}

impl BlockPlan {
    /// Cells that stay, if it is not looked at row by row.
    pub(super) fn cells_left(&self) -> u32 {
        let gone: usize = self.going.iter().map(|going| going.cells.len()).sum();
        self.part.entry.cells.saturating_sub(gone as u32)
    }

    /// Is to be taken over, if it would stay as it is.
    fn join(&mut self) {
        if self.fate == Fate::Stays {
            self.fate = Fate::Cut;
        }
    }

    /// Whether what stays of both has room in one block.
    fn fits_with(&self, other: &BlockPlan) -> bool {
        let rows = |block: &BlockPlan| block.part.entry.rows as usize;
        self.cells_left() as usize + other.cells_left() as usize <= BLOCK_CELLS
            && rows(self) + rows(other) <= BLOCK_ROWS
    }
}

/// What becomes of an extent.
#[derive(Default)]
pub(super) struct SitePlan {
    /// By number.
    pub(super) blocks: Vec<BlockPlan>,
    /// Rows of strips of which single ones may go.
    pub(super) rows_looked_at: u64,
    /// Events of all strips of which anything may go.
    pub(super) events_looked_at: u64,
    /// By index of the page: whether any row of it may go.
    pub(super) touched_pages: Vec<bool>,
}

impl SitePlan {
    pub(super) fn of(
        extent: &Extent<'_>,
        mask: &SiteMask,
        scratch: &mut Scratch,
    ) -> Result<SitePlan, SegmentError> {
        let mut plan = SitePlan::default();
        for number in 0..extent.header().blocks {
            let part = StripPart::of_block(number, extent.block(number)?);
            plan.blocks.push(BlockPlan { part, fate: Fate::Stays, going: Vec::new() });
        }
        for page in extent.all_pages() {
            let of_page = mask.page(extent.page_text(page)?);
            let is_touched = leaves_out_rows(&of_page, extent.month());
            if is_touched {
                plan.add_page(extent, &of_page, page, scratch)?;
            }
            plan.touched_pages.push(is_touched);
        }
        Ok(plan)
    }

    fn add_page(
        &mut self,
        extent: &Extent<'_>,
        mask: &PageMask,
        page: PageIndex,
        scratch: &mut Scratch,
    ) -> Result<(), SegmentError> {
        let rules = Rc::new(PageRules::new(Some(mask), extent, &CountrySet::new())?);
        for strip in extent.strips(page, scratch)? {
            let fate = match () {
                () if rules.cover(&strip) => Fate::Cut,
                () if rules.touch(&strip) => Fate::Rows,
                () => continue,
            };
            self.rows_looked_at += if fate == Fate::Rows { strip.rows } else { 0 };
            self.events_looked_at += strip.total;
            for part in extent.parts(&strip) {
                let part = part?;
                let block = &mut self.blocks[part.block as usize];
                // Strips come in the order of their cells.
                let end = block.going.last().map_or(0, |going| going.cells.end);
                if part.first_cell < end || part.range().end > part.entry.cells {
                    return Err(extent.contradicts_rows(&part));
                }
                let going = Going { cells: part.range(), layer: strip.layer, rules: Rc::clone(&rules) };
                block.going.push(going);
                if block.fate != Fate::Rows {
                    block.fate = fate;
                }
            }
        }
        Ok(())
    }

    /// Decides which blocks stay as they are, if not `none` do. One that has room in one block with what is left of a
    /// neighbour is taken over as well, so that of two neighbours that a purge leaves one is more than half full, however
    /// many purges there are.
    pub(super) fn decide(&mut self, none: bool) {
        for block in self.blocks.iter_mut().filter(|block| none && block.fate == Fate::Stays) {
            block.fate = Fate::Cut;
        }
        let left = |number: &usize| self.blocks[*number].cells_left() > 0;
        let left: Vec<usize> = (0..self.blocks.len()).filter(left).collect();
        for pair in left.windows(2) {
            let &[one, next] = pair else { continue };
            let is_cut = |number: usize| self.blocks[number].fate == Fate::Cut;
            // What stays and was neighbours before has been too much for one block then.
            let is_new = next - one > 1 || is_cut(one) || is_cut(next);
            if is_new && self.blocks[one].fits_with(&self.blocks[next]) {
                self.blocks[one].join();
                self.blocks[next].join();
            }
        }
    }
}

/// A block by what becomes of its cells.
#[derive(Default)]
pub(super) struct Cuts {
    pub(super) sections: Sections,
    /// Of each section.
    fates: Vec<CellFate>,
}

/// What becomes of the cells of one section of a block.
#[derive(Clone, Copy)]
pub(super) enum CellFate {
    /// They stay, and their numbers become less by so many.
    Stay(u32),
    /// They are of the `Going` of this number.
    Go(usize),
}

impl Cuts {
    /// Is from now on about a block.
    pub(super) fn fill(&mut self, block: &BlockPlan) {
        self.sections.clear();
        self.fates.clear();
        let mut gone = 0;
        for (number, going) in block.going.iter().enumerate() {
            self.push(going.cells.start, CellFate::Stay(gone));
            self.push(going.cells.end, CellFate::Go(number));
            gone += going.cells.len() as u32;
        }
        self.push(block.part.entry.cells, CellFate::Stay(gone));
    }

    fn push(&mut self, end: u32, fate: CellFate) {
        if self.sections.push(end) {
            self.fates.push(fate);
        }
    }

    /// What becomes of the cells that rows of one section are of.
    pub(super) fn fate(&self, span: &Span<'_>) -> CellFate {
        self.fates[span.section]
    }
}
