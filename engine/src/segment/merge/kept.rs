//! What stays of an extent of which single pages or rows go: as much of it as can be is not made anew.
//!
//! Blocks that nothing goes from are copied byte by byte. Of blocks from which only whole strips go, the other cells are
//! taken over with all their rows as they are coded. Only where some rows of a cell go and others stay, a block is made
//! anew row by row.

use std::cell::Cell;

use crate::format::detail::{CodedRows, Run};
use crate::format::rollups::RollupBuilder;
use crate::model::{Country, SiteMask, Work};
use crate::segment::extent_writer::ExtentWriter;
use crate::segment::scan::StripPart;
use crate::segment::site_writer::place_of;
use crate::segment::{Extent, PageIndex, Scratch, SegmentError, Strip};

use super::MergeStats;
use super::going::{BlockPlan, CellFate, Cuts, Fate, SitePlan};

/// What stays of an extent, block by block.
pub(super) struct Kept {
    blocks: Vec<BlockPlan>,
    /// By index.
    touched_pages: Vec<bool>,
    /// By index of the country: the index that it has from now on, if any row of it stays.
    places: Vec<Option<u16>>,
    /// What the site has in all, less the rows that were found to go so far.
    sums: RollupBuilder,
    cuts: Cuts,
    /// Rows of the present block that stay.
    rows: CodedRows,
    left: Left,
}

impl Kept {
    /// Looks what becomes of each block, by the strip directory. `None` when most of it would be made anew row by row all
    /// the same: to take rows from the sums, they have to be read once more.
    pub(super) fn of(
        extent: &Extent<'_>,
        mask: &SiteMask,
        scratch: &mut Scratch,
    ) -> Result<Option<Kept>, SegmentError> {
        let mut plan = SitePlan::of(extent, mask, scratch)?;
        let by_row = |block: &BlockPlan| block.fate == Fate::Rows;
        if plan.blocks.iter().all(by_row) || plan.rows_looked_at > extent.header().rows / 2 {
            return Ok(None);
        }
        let places = places(&staying(extent, &plan, scratch)?);
        // Rows name a country by its index: where that changes, no block stays as it is.
        plan.decide(places.contains(&None));
        let mut kept = Kept {
            sums: extent.sums(&places, scratch)?,
            blocks: plan.blocks,
            touched_pages: plan.touched_pages,
            places,
            cuts: Cuts::default(),
            rows: CodedRows::default(),
            left: Left::default(),
        };
        for number in 0..extent.header().blocks {
            let block = &kept.blocks[number as usize];
            if block.fate == Fate::Rows || block.cells_left() == 0 {
                kept.sort_out(extent, number, scratch)?;
            }
        }
        Ok(Some(kept))
    }

    /// The countries that stay, in the order in which rows name them from now on.
    pub(super) fn countries<'k>(
        &'k self,
        extent: &'k Extent<'_>,
    ) -> Result<impl Iterator<Item = Country> + 'k, SegmentError> {
        let stays = |((country, _), place): (&(Country, u64), &Option<u16>)| place.map(|_| *country);
        Ok(extent.country_totals()?.iter().zip(&self.places).filter_map(stays))
    }

    /// Whether any row of a page may go.
    pub(super) fn touches(&self, page: PageIndex) -> bool {
        self.touched_pages[page.0 as usize]
    }

    /// What the site has in all, once all strips that stay are written.
    pub(super) fn into_sums(self) -> RollupBuilder {
        self.sums
    }

    /// Writes a strip of which nothing is left out.
    pub(super) fn write(
        &mut self,
        extent: &Extent<'_>,
        strip: &Strip,
        scratch: &mut Scratch,
        writer: &mut ExtentWriter<'_>,
        stats: &mut MergeStats,
    ) -> Result<(), SegmentError> {
        for part in extent.parts(strip) {
            let part = part?;
            match self.blocks[part.block as usize].fate {
                Fate::Stays => {
                    writer.copy_part(extent, strip.layer, &part)?;
                    stats.blocks_copied += u64::from(part.first_cell == 0);
                }
                Fate::Cut => self.take_over(extent, strip, &part, scratch, writer, stats)?,
                Fate::Rows => write_rows(extent, strip, &part, scratch, writer, stats)?,
            }
        }
        writer.keep_totals(strip)
    }

    /// Takes over a part of a block that is cut; with the first of them the rows of all.
    fn take_over(
        &mut self,
        extent: &Extent<'_>,
        strip: &Strip,
        part: &StripPart,
        scratch: &mut Scratch,
        writer: &mut ExtentWriter<'_>,
        stats: &mut MergeStats,
    ) -> Result<(), SegmentError> {
        if self.left.cells == 0 {
            let events = self.sort_out(extent, part.block, scratch)?;
            let cells = self.blocks[part.block as usize].cells_left();
            self.left = Left { block: part.block, cells, events };
            stats.rows_read += self.rows.rows() as u64;
            writer.take_rows(strip.layer, cells as usize, &self.rows)?;
        }
        extent.load_totals(part, scratch)?;
        if !self.left.take(part, &scratch.totals) {
            return Err(extent.contradicts_rows(part));
        }
        if strip.piece(1).is_none() {
            let taken = writer.take_piece(strip.layer, part.piece, &scratch.coded(part));
            return taken.map_err(|source| extent.corrupt_block(part, source));
        }
        // With its other parts it may become one piece, which is coded in another way.
        extent.load_codes(part, scratch)?;
        writer.take_cells(strip.layer, &scratch.codes, &scratch.totals);
        Ok(())
    }

    /// Takes those rows of a block that go out of the sums, and holds the others if it is cut. Gives the events of these.
    fn sort_out(
        &mut self,
        extent: &Extent<'_>,
        number: u32,
        scratch: &mut Scratch,
    ) -> Result<u64, SegmentError> {
        let Kept { blocks, places, sums, cuts, rows, .. } = self;
        let block = &blocks[number as usize];
        cuts.fill(block);
        rows.clear();
        let (mut count, mut events, mut is_possible) = (0, 0, true);
        extent.scan_sections(&block.part, &cuts.sections, scratch, |_| true, &mut |run, span| {
            count += span.rows;
            // Of a country of which no row stays there are no sums any more.
            match (cuts.fate(&span), places[usize::from(run.country)]) {
                (CellFate::Stay(less), Some(place)) => {
                    rows.push(run.day, place, &span, less);
                    events += span.events;
                }
                (CellFate::Stay(_), None) => is_possible = false,
                (CellFate::Go(number), Some(place)) if block.going[number].covers(run) => {
                    is_possible &= block.going[number].take(run, place, span.events, sums);
                }
                (CellFate::Go(_), _) => {}
            }
        })?;
        if is_possible && count == block.part.entry.rows {
            Ok(events)
        } else {
            Err(extent.contradicts_rows(&block.part))
        }
    }
}

/// What of a block that is cut is still to be taken over.
#[derive(Default)]
struct Left {
    block: u32,
    cells: u32,
    events: u64,
}

impl Left {
    /// Takes a part with these totals off; says whether it can be: when no cell is left, no event is either.
    fn take(&mut self, part: &StripPart, totals: &[u64]) -> bool {
        let left = self.cells.checked_sub(part.cells).zip(self.events.checked_sub(totals.iter().sum()));
        let Some((cells, events)) = left else { return false };
        (self.cells, self.events) = (cells, events);
        part.block == self.block && totals.len() == part.cells as usize && (cells > 0 || events == 0)
    }
}

/// For each country, whether any row of it stays. Most are found in the first blocks.
fn staying(
    extent: &Extent<'_>,
    plan: &SitePlan,
    scratch: &mut Scratch,
) -> Result<Vec<Cell<bool>>, SegmentError> {
    let totals = extent.country_totals()?;
    let stays: Vec<Cell<bool>> =
        totals.iter().map(|(_, total)| Cell::new(*total > plan.events_looked_at)).collect();
    let all_stay = || stays.iter().all(Cell::get);
    // First those of which the directory tells.
    for block in plan.blocks.iter().filter(|block| block.going.is_empty()) {
        if all_stay() {
            break;
        }
        let runs = extent.runs(&block.part, scratch)?;
        runs.iter().for_each(|run| stays[usize::from(run.country)].set(true));
    }
    let mut cuts = Cuts::default();
    for block in plan.blocks.iter().filter(|block| !block.going.is_empty()) {
        if all_stay() {
            break;
        }
        cuts.fill(block);
        let is_open = |run: &Run| !stays[usize::from(run.country)].get();
        extent.scan_sections(&block.part, &cuts.sections, scratch, is_open, &mut |run, span| {
            let some_stay = match cuts.fate(&span) {
                CellFate::Stay(_) => true,
                CellFate::Go(going) => !block.going[going].covers(run),
            };
            if some_stay {
                stays[usize::from(run.country)].set(true);
            }
        })?;
    }
    Ok(stays)
}

/// Indexes from 0 on for the countries that stay, in the order that they have.
fn places(stays: &[Cell<bool>]) -> Vec<Option<u16>> {
    let mut next = 0;
    let place = |stays: &Cell<bool>| {
        stays.get().then(|| {
            next += 1;
            next - 1
        })
    };
    stays.iter().map(place).collect()
}

/// Writes all rows of a part.
fn write_rows(
    extent: &Extent<'_>,
    strip: &Strip,
    part: &StripPart,
    scratch: &mut Scratch,
    writer: &mut ExtentWriter<'_>,
    stats: &mut MergeStats,
) -> Result<(), SegmentError> {
    let countries = extent.country_totals()?;
    let mut at = extent.load_rows(part, scratch, &mut Work::default())?;
    extent.load_codes(part, scratch)?;
    let rows = &scratch.rows;
    for (code, fan_out) in scratch.codes.iter().zip(rows.fan_outs.iter().skip(part.first_cell as usize)) {
        let place = place_of(strip.layer, *code);
        for row in at..at + *fan_out as usize {
            // `BlockRows::expand` has checked that each index has a country.
            let (country, _) = countries[usize::from(rows.countries[row])];
            writer.row(place, rows.days[row], country, rows.counts[row])?;
        }
        at += *fan_out as usize;
        stats.rows_read += u64::from(*fan_out);
    }
    Ok(())
}
