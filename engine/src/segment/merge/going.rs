//! What goes of the blocks of an extent, by its strip directory alone.

use std::ops::Range;
use std::rc::Rc;

use crate::format::detail::Run;
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
    pub(super) layer: Layer,
    rules: Rc<PageRules>,
}

impl Going {
    /// Whether their row of a country, by its index, and a day goes.
    #[inline]
    pub(super) fn covers(&self, country: u16, day: u8) -> bool {
        self.rules.of(country).masked >> day & 1 == 1
    }
}

impl BlockPlan {
    /// Cells that stay, if it is not looked at row by row.
    pub(super) fn cells_left(&self) -> u32 {
        let gone: usize = self.going.iter().map(|going| going.cells.len()).sum();
        self.part.entry.cells.saturating_sub(gone as u32)
    }

    /// Takes rows of a run that go out of the sums, in which their country is `place`; says whether there was so much.
    pub(super) fn take_going(
        &self,
        run: &Run,
        place: u16,
        fates: &CellFates,
        (cells, counts): (&[u32], &[u32]),
        sums: &mut RollupBuilder,
    ) -> bool {
        let mut take = |(number, count): (usize, u64)| {
            let layer = self.going[number].layer;
            let (kind, device) = (layer.kind(), layer.viewport().device());
            sums.take(&Rollup { day: run.day, kind, device, country: place, count })
        };
        // Rows of one strip follow each other.
        let (mut open, mut is_possible) = (None, true);
        for (cell, count) in cells.iter().zip(counts) {
            let Err(number) = fates.of(*cell) else { continue };
            if !self.going[number].covers(run.country, run.day) {
                continue;
            }
            match &mut open {
                Some((of, sum)) if *of == number => *sum += u64::from(*count),
                _ => is_possible &= open.replace((number, u64::from(*count))).is_none_or(&mut take),
            }
        }
        is_possible & open.is_none_or(&mut take)
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

/// What becomes of each cell of one block.
#[derive(Default)]
pub(super) struct CellFates {
    /// By cell: its number among those that stay, or, from `GOING` on, that of the `Going` which it is of.
    fates: Vec<u32>,
    /// Rows of a run that stay: their cells by these numbers, and counts.
    cells: Vec<u32>,
    counts: Vec<u32>,
}

impl CellFates {
    const GOING: u32 = 1 << 31;

    /// Is from now on about a block.
    pub(super) fn fill(&mut self, block: &BlockPlan) {
        let fates = &mut self.fates;
        fates.clear();
        let (mut at, mut next) = (0, 0);
        for (number, going) in (Self::GOING..).zip(&block.going) {
            let stay = going.cells.start - at;
            fates.extend(next..next + stay);
            fates.resize(going.cells.end as usize, number);
            (at, next) = (going.cells.end, next + stay);
        }
        fates.extend(next..next + (block.part.entry.cells - at));
    }

    /// The number of a cell among those that stay, or that of the `Going` which it is of.
    #[inline]
    pub(super) fn of(&self, cell: u32) -> Result<u32, usize> {
        match self.fates[cell as usize] {
            number if number < Self::GOING => Ok(number),
            going => Err((going - Self::GOING) as usize),
        }
    }

    /// Those rows of a run whose cells stay: these, by their numbers among those that stay, and the counts.
    pub(super) fn staying(&mut self, cells: &[u32], counts: &[u32]) -> (&[u32], &[u32]) {
        let most = self.cells.len().max(cells.len());
        self.cells.resize(most, 0);
        self.counts.resize(most, 0);
        let mut kept = 0;
        // Always written, and left standing or not: a branch that nobody can foresee would cost more.
        for (cell, count) in cells.iter().zip(counts) {
            let fate = self.fates[*cell as usize];
            self.cells[kept] = fate;
            self.counts[kept] = *count;
            kept += usize::from(fate < Self::GOING);
        }
        (&self.cells[..kept], &self.counts[..kept])
    }
}
