//! Writes a segment from front to back.

use crate::disk::Disk;
use crate::format::extent::ExtentHeader;
use crate::format::frame::crc32;
use crate::format::names::{Directory, FileName};
use crate::format::rollups::RollupBuilder;
use crate::format::segment::{FOOTER_BYTES, Footer, IndexEntry};
use crate::format::strips::Strip;
use crate::model::limits::PACKED_EXTENT_BYTES;
use crate::model::{Country, HourRow, Layer, Row, SiteId};

use super::output::Output;
use super::scan::StripPart;
use super::site_writer::{EXTENT_ALIGNMENT, SiteWriter};
use super::{Extent, SegmentEntry, SegmentError, SegmentHeader, Throttle};

/// Bytes that are copied at once.
const COPY_BYTES: u64 = 1 << 20;

/// A segment that is being written: sites ascending, in each its pages ascending by text, in each its rows.
///
/// It has a name of its own until it is sealed. Dropped before that, it removes what it has written, so that a
/// failed job does not keep the disk full until the next start.
pub struct SegmentWriter<'d> {
    disk: &'d dyn Disk,
    number: u64,
    header: SegmentHeader,
    output: Output<'d>,
    sealed: bool,
    site: Option<SiteId>,
    last_site: Option<SiteId>,
    writer: SiteWriter,
    index: Vec<u8>,
    sums: Sums,
}

/// What the footer says of all extents together.
#[derive(Default)]
struct Sums {
    sites: u64,
    cells: u64,
    rows: u64,
    events: u64,
    days: u32,
}

impl<'d> SegmentWriter<'d> {
    /// Begins the segment file `number`, which must not exist yet under either of its names.
    ///
    /// # Errors
    /// What the disk said.
    pub fn create(
        disk: &'d dyn Disk,
        number: u64,
        header: SegmentHeader,
        throttle: &'d dyn Throttle,
    ) -> Result<SegmentWriter<'d>, SegmentError> {
        let file = disk.create(FileName::SegmentNew(number))?;
        let mut writer = SegmentWriter {
            disk,
            number,
            output: Output::new(file, throttle),
            sealed: false,
            site: None,
            last_site: None,
            writer: SiteWriter::new(header.month),
            header,
            index: Vec::new(),
            sums: Sums::default(),
        };
        writer.output.put(&writer.header.encode())?;
        Ok(writer)
    }

    /// What it was created with.
    #[must_use]
    pub fn header(&self) -> &SegmentHeader {
        &self.header
    }

    /// Bytes of the file so far, about.
    #[must_use]
    pub fn length_bytes(&self) -> u64 {
        self.output.position()
    }

    /// Begins a site; ends with `end_site`.
    ///
    /// # Panics
    /// Unless it is above the one before, which has been ended.
    pub fn begin_site(&mut self, site: SiteId) {
        assert!(self.site.is_none(), "the site before has been ended");
        assert!(self.last_site < Some(site), "sites come in ascending order");
        (self.site, self.last_site) = (Some(site), Some(site));
    }

    /// Ends the page before, if there is one, and begins another.
    ///
    /// # Errors
    /// What the disk said.
    ///
    /// # Panics
    /// Unless its text is above that of the page before.
    pub fn begin_page(&mut self, text: &str) -> Result<(), SegmentError> {
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

    /// Blocks of an extent of the site will be copied; see `SiteWriter::expect_copies`.
    pub(super) fn expect_copies(
        &mut self,
        extent: &Extent<'_>,
        sums: RollupBuilder,
    ) -> Result<(), SegmentError> {
        assert!(extent.month() == self.header.month, "an extent stays in its month");
        self.writer.expect_copies(extent.country_totals()?.iter().map(|(country, _)| *country), sums);
        Ok(())
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

    /// Says what the present strip has in all, of which some was copied.
    pub(super) fn keep_totals(&mut self, strip: &Strip) -> Result<(), SegmentError> {
        self.writer.keep_totals(strip, &mut self.output)
    }

    /// Adds rows of the page. Layer and cell must not descend, within a call or from call to call; rows of one
    /// cell may come in any order. Those with equal keys are summed; a sum that would overflow keeps two rows.
    ///
    /// # Errors
    /// What the disk said.
    ///
    /// # Panics
    /// When the order is not kept, or a day is not of the segment's month.
    pub fn rows(&mut self, rows: &[Row]) -> Result<(), SegmentError> {
        let days = self.header.month.days();
        let (first, length) = (days.from.number(), days.to.number() - days.from.number());
        for row in rows {
            let day = row.key.day().number().wrapping_sub(first);
            assert!(day < length, "rows are of the segment's month");
            self.row(row.key.bits() >> 26, day as u8, row.key.country(), row.count)?;
        }
        Ok(())
    }

    /// Adds hour totals of the page, in any order. Those of equal kind and hour are summed.
    ///
    /// # Panics
    /// At the end of the page, when an hour is not of the segment's month.
    pub fn hours(&mut self, hours: &[HourRow]) {
        assert!(self.writer.in_page(), "a page has begun");
        self.writer.add_hours(hours);
    }

    fn end_page(&mut self) -> Result<(), SegmentError> {
        let site = self.site.expect("a site has begun");
        if self.writer.in_page() { self.writer.end_page(site, &mut self.output) } else { Ok(()) }
    }

    /// Ends the site. A page without rows and hours has left no trace, nor has a site without pages.
    ///
    /// # Errors
    /// What the disk said.
    pub fn end_site(&mut self) -> Result<(), SegmentError> {
        self.end_page()?;
        let site = self.site.take().expect("a site has begun");
        if let Some((entry, header)) = self.writer.end_site(site, &mut self.output)? {
            self.add_entry(&entry, &header);
        }
        Ok(())
    }

    fn add_entry(&mut self, entry: &IndexEntry, header: &ExtentHeader) {
        entry.encode(&mut self.index);
        self.sums.sites += 1;
        self.sums.cells += header.cells;
        self.sums.rows += header.rows;
        self.sums.events += header.events;
        self.sums.days |= header.days | header.hour_days;
    }

    /// Copies everything of a site, byte by byte, from a segment of the same month.
    ///
    /// Each part of it is checked before it is copied, so that a damaged one is found while its source is there.
    ///
    /// # Errors
    /// What the disk said, or that a part of it is damaged.
    ///
    /// # Panics
    /// Unless the site is above the one before, which has been ended, and the month is the same.
    pub fn copy_extent(&mut self, extent: &Extent<'_>) -> Result<(), SegmentError> {
        assert!(extent.month() == self.header.month, "an extent stays in its month");
        extent.check()?;
        self.begin_site(extent.site());
        self.site = None;
        let length_bytes = extent.length_bytes();
        if length_bytes > PACKED_EXTENT_BYTES {
            self.output.align(EXTENT_ALIGNMENT)?;
        }
        let entry = IndexEntry { offset: self.output.position(), ..*extent.index_entry() };
        let mut at = 0;
        while at < length_bytes {
            let end = length_bytes.min(at + COPY_BYTES);
            self.output.put(&extent.raw(at..end)?)?;
            at = end;
        }
        self.add_entry(&entry, extent.header());
        Ok(())
    }

    /// Writes index and footer, makes the file durable and gives it its final name.
    ///
    /// `None` when no site has left anything: there is no file then.
    ///
    /// # Errors
    /// What the disk said.
    ///
    /// # Panics
    /// When a site has not been ended.
    pub fn seal(mut self) -> Result<Option<SegmentEntry>, SegmentError> {
        assert!(self.site.is_none(), "the last site has been ended");
        if self.sums.sites == 0 {
            return Ok(None);
        }
        let index_offset = self.output.position();
        let footer = Footer {
            header: self.header.clone(),
            index_offset,
            index_crc: crc32(&self.index),
            length_bytes: index_offset + self.index.len() as u64 + FOOTER_BYTES as u64,
            sites: self.sums.sites,
            cells: self.sums.cells,
            rows: self.sums.rows,
            events: self.sums.events,
            first_day: self.header.month.day(self.sums.days.trailing_zeros() as u8),
            last_day: self.header.month.day(31_u32.saturating_sub(self.sums.days.leading_zeros()) as u8),
        };
        let (bytes, footer_crc) = footer.encode();
        self.output.put(&self.index)?;
        self.output.put(&bytes)?;
        self.output.finish()?;
        self.disk.rename(FileName::SegmentNew(self.number), FileName::Segment(self.number))?;
        // From here on it has its final name; if that is not durable, the manifest does not list it either.
        self.sealed = true;
        self.disk.sync_directory(Directory::Segments)?;
        Ok(Some(footer.entry(self.number, footer_crc)))
    }
}

impl Drop for SegmentWriter<'_> {
    fn drop(&mut self) {
        if !self.sealed {
            // Whatever failed before is what is told; a file that stays is removed at the next start.
            let _ = self.disk.remove(FileName::SegmentNew(self.number));
        }
    }
}
