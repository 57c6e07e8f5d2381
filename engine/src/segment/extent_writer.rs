//! Writes the extent of one site, into a segment's file or into memory; reused from site to site.

use crate::format::detail::CodedRows;
use crate::format::extent::ExtentHeader;
use crate::format::frame::FormatError;
use crate::format::rollups::RollupBuilder;
use crate::format::segment::IndexEntry;
use crate::format::strips::Strip;
use crate::format::summary::{CodedPiece, Piece};
use crate::model::{Country, HourRow, Layer, Month, SiteId};

use super::output::Output;
use super::scan::StripPart;
use super::site_writer::SiteWriter;
use super::{Extent, SegmentError};

/// What stands between the rows of a site and the bytes of its extent.
pub(super) struct ExtentWriter<'d> {
    month: Month,
    pub(super) output: Output<'d>,
    site: Option<SiteId>,
    writer: SiteWriter,
}

/// The extent of a site, made in memory.
pub(super) struct MadeExtent {
    /// As if it began a file.
    pub(super) entry: IndexEntry,
    pub(super) header: ExtentHeader,
    pub(super) bytes: Vec<u8>,
}

impl<'d> ExtentWriter<'d> {
    pub(super) fn new(month: Month, output: Output<'d>) -> ExtentWriter<'d> {
        ExtentWriter { month, output, site: None, writer: SiteWriter::new(month) }
    }

    /// Whether a site has begun and not ended.
    pub(super) fn in_site(&self) -> bool {
        self.site.is_some()
    }

    /// Begins a site.
    pub(super) fn begin_site(&mut self, site: SiteId) {
        self.site = Some(site);
    }

    /// Ends the page before, if there is one, and begins another.
    pub(super) fn begin_page(&mut self, text: &str) -> Result<(), SegmentError> {
        self.end_page()?;
        self.writer.begin_page(text);
        Ok(())
    }

    /// Adds one row of the page, as `rows` does: layer and cell as in the upper bits of its key, day of the month.
    #[inline]
    pub(super) fn row(
        &mut self,
        place: u64,
        day: u8,
        country: Country,
        count: u32,
    ) -> Result<(), SegmentError> {
        self.writer.add(place, day, country, count, &mut self.output)
    }

    /// Blocks of another extent of the site will be copied or taken over; see `SiteWriter::expect_blocks`.
    pub(super) fn expect_blocks(&mut self, month: Month, countries: impl IntoIterator<Item = Country>) {
        assert!(month == self.month, "an extent stays in its month");
        self.writer.expect_blocks(countries);
    }

    /// Says the roll-ups of a site whose blocks were expected.
    pub(super) fn know_sums(&mut self, sums: RollupBuilder) {
        self.writer.know_sums(sums);
    }

    /// Takes over all rows of some cells of another block; see `SiteWriter::take_rows`.
    pub(super) fn take_rows(
        &mut self,
        layer: Layer,
        cells: usize,
        rows: &CodedRows,
    ) -> Result<(), SegmentError> {
        self.writer.take_rows(layer, cells, rows, &mut self.output)
    }

    /// Takes over the next strip of those whose rows were taken over; see `SiteWriter::take_piece`.
    pub(super) fn take_piece(
        &mut self,
        layer: Layer,
        piece: Piece,
        coded: &CodedPiece<'_>,
    ) -> Result<(), FormatError> {
        self.writer.take_piece(layer, piece, coded)
    }

    /// Takes over codes and totals of the next cells of those whose rows were taken over.
    pub(super) fn take_cells(&mut self, layer: Layer, codes: &[u32], totals: &[u64]) {
        self.writer.take_cells(layer, codes, totals);
    }

    /// Adds what a strip of an extent has in one block, byte by byte; the block itself with its first part.
    pub(super) fn copy_part(
        &mut self,
        extent: &Extent<'_>,
        layer: Layer,
        part: &StripPart,
    ) -> Result<(), SegmentError> {
        let bytes = if part.first_cell == 0 { Some(extent.block_bytes(part)?) } else { None };
        let groups = bytes.as_ref().map(|[summary, detail]| [&**summary, &**detail]);
        self.writer.copy_part(layer, part, groups, &mut self.output)
    }

    /// Says what the present strip has in all, of which some was copied or taken over.
    pub(super) fn keep_totals(&mut self, strip: &Strip) -> Result<(), SegmentError> {
        self.writer.keep_totals(strip, &mut self.output)
    }

    /// Adds hour totals of the page, in any order.
    pub(super) fn hours(&mut self, hours: &[HourRow]) {
        assert!(self.writer.in_page(), "a page has begun");
        self.writer.add_hours(hours);
    }

    fn end_page(&mut self) -> Result<(), SegmentError> {
        let site = self.site.expect("a site has begun");
        if self.writer.in_page() { self.writer.end_page(site, &mut self.output) } else { Ok(()) }
    }

    /// Ends the site: where its extent is, and its header. `None` when it has left nothing.
    pub(super) fn end_site(&mut self) -> Result<Option<(IndexEntry, ExtentHeader)>, SegmentError> {
        self.end_page()?;
        let site = self.site.take().expect("a site has begun");
        self.writer.end_site(site, &mut self.output)
    }

    /// Ends the site whose extent was made in memory. `None` when it has left nothing.
    pub(super) fn end_made(&mut self) -> Result<Option<MadeExtent>, SegmentError> {
        let ended = self.end_site()?;
        let bytes = self.output.take();
        Ok(ended.map(|(entry, header)| MadeExtent { entry, header, bytes }))
    }
}
