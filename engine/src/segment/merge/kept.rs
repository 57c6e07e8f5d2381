//! Which blocks of an extent stay as they are, because nothing in them is left out: they are copied, not made anew.

use crate::format::detail::CellRow;
use crate::format::rollups::RollupBuilder;
use crate::model::{CountrySet, Layer, SiteMask, Work};
use crate::segment::scan::StripPart;
use crate::segment::site_writer::place_of;
use crate::segment::{Extent, PageIndex, Scratch, SegmentError, SegmentWriter, Strip};

use super::MergeStats;
use super::mask::PageRules;

/// The blocks of an extent of which nothing is left out, and what the site has in all when the rest is.
pub(super) struct Kept {
    /// By number of the block.
    blocks: Vec<bool>,
    pub(super) sums: RollupBuilder,
}

impl Kept {
    /// Looks which blocks a mask touches, by the strip directory. `None` when each block has something to go, or most rows
    /// are in strips that have, or a country goes from the site: rows name countries by their place in the list, which
    /// then is another one.
    pub(super) fn of(
        extent: &Extent<'_>,
        mask: &SiteMask,
        scratch: &mut Scratch,
    ) -> Result<Option<Kept>, SegmentError> {
        let mut blocks = vec![true; extent.header().blocks as usize];
        let (mut touched, mut touched_rows) = (Vec::new(), 0);
        for page in extent.all_pages() {
            let rules = rules_of(extent, mask, page)?;
            for strip in extent.strips(page, scratch)?.into_iter().filter(|strip| rules.touch(strip)) {
                for part in extent.parts(&strip) {
                    blocks[part?.block as usize] = false;
                }
                touched_rows += strip.rows;
                touched.push((page, strip));
            }
        }
        // To take rows from the sums, they have to be read: then what is left may as well be made anew.
        if !blocks.contains(&true) || touched_rows > extent.header().rows / 2 {
            return Ok(None);
        }
        let mut sums = extent.sums(scratch)?;
        for (page, strip) in touched {
            let rules = rules_of(extent, mask, page)?;
            for part in extent.parts(&strip) {
                take_masked(extent, strip.layer, &part?, &rules, &mut sums, scratch)?;
            }
        }
        let countries = extent.country_totals()?.len();
        let all_stay = !sums.country_totals(countries).contains(&0);
        Ok(all_stay.then_some(Kept { blocks, sums }))
    }

    fn has(&self, part: &StripPart) -> bool {
        self.blocks[part.block as usize]
    }

    /// Writes a strip of which nothing is left out: what stands in kept blocks as it is, the rest row by row.
    pub(super) fn write(
        &self,
        extent: &Extent<'_>,
        strip: &Strip,
        scratch: &mut Scratch,
        writer: &mut SegmentWriter<'_>,
        stats: &mut MergeStats,
    ) -> Result<(), SegmentError> {
        for part in extent.parts(strip) {
            let part = part?;
            if self.has(&part) {
                writer.copy_part(extent, strip.layer, &part)?;
                stats.blocks_copied += u64::from(part.first_cell == 0);
            } else {
                write_rows(extent, strip.layer, &part, scratch, writer, stats)?;
            }
        }
        writer.keep_totals(strip)
    }
}

fn rules_of(extent: &Extent<'_>, mask: &SiteMask, page: PageIndex) -> Result<PageRules, SegmentError> {
    PageRules::new(Some(&mask.page(extent.page_text(page)?)), extent, &CountrySet::new())
}

/// Takes the rows of a part that are left out of the sums.
fn take_masked(
    extent: &Extent<'_>,
    layer: Layer,
    part: &StripPart,
    rules: &PageRules,
    sums: &mut RollupBuilder,
    scratch: &mut Scratch,
) -> Result<(), SegmentError> {
    let (kind, device) = (layer.kind(), layer.viewport().device());
    let first = extent.load_rows(part, scratch, &mut Work::default())?;
    let rows = &scratch.rows;
    let of_part = rows.fan_outs.iter().skip(part.first_cell as usize).take(part.cells as usize);
    let count: usize = of_part.map(|fan_out| *fan_out as usize).sum();
    for at in first..first + count {
        let row = CellRow { day: rows.days[at], country: rows.countries[at], count: rows.counts[at] };
        if rules.of(row.country).masked >> row.day & 1 == 1 && !sums.take(kind, device, &row) {
            return Err(extent.contradicts_sums(part));
        }
    }
    Ok(())
}

/// Writes all rows of a part.
fn write_rows(
    extent: &Extent<'_>,
    layer: Layer,
    part: &StripPart,
    scratch: &mut Scratch,
    writer: &mut SegmentWriter<'_>,
    stats: &mut MergeStats,
) -> Result<(), SegmentError> {
    let countries = extent.country_totals()?;
    let mut at = extent.load_rows(part, scratch, &mut Work::default())?;
    extent.load_codes(part, scratch)?;
    let rows = &scratch.rows;
    for (code, fan_out) in scratch.codes.iter().zip(rows.fan_outs.iter().skip(part.first_cell as usize)) {
        let place = place_of(layer, *code);
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
