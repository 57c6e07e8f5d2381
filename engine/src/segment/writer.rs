//! Writes a segment from front to back.

use crate::disk::Disk;
use crate::format::extent::ExtentHeader;
use crate::format::frame::crc32;
use crate::format::names::{Directory, FileName};
use crate::format::segment::{FOOTER_BYTES, Footer, IndexEntry};
use crate::model::limits::PACKED_EXTENT_BYTES;
use crate::model::{HourRow, Row, SiteId};

use super::extent_writer::{ExtentWriter, MadeExtent};
use super::output::Output;
use super::site_writer::EXTENT_ALIGNMENT;
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
    sealed: bool,
    last_site: Option<SiteId>,
    extents: ExtentWriter<'d>,
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
            sealed: false,
            last_site: None,
            extents: ExtentWriter::new(header.month, Output::new(file, throttle)),
            header,
            index: Vec::new(),
            sums: Sums::default(),
        };
        writer.extents.output.put(&writer.header.encode())?;
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
        self.extents.output.position()
    }

    /// Begins a site; ends with `end_site`.
    ///
    /// # Panics
    /// Unless it is above the one before, which has been ended.
    pub fn begin_site(&mut self, site: SiteId) {
        self.pass_site(site);
        self.extents.begin_site(site);
    }

    fn pass_site(&mut self, site: SiteId) {
        assert!(!self.extents.in_site(), "the site before has been ended");
        assert!(self.last_site < Some(site), "sites come in ascending order");
        self.last_site = Some(site);
    }

    /// Ends the page before, if there is one, and begins another.
    ///
    /// # Errors
    /// What the disk said.
    ///
    /// # Panics
    /// Unless its text is above that of the page before.
    pub fn begin_page(&mut self, text: &str) -> Result<(), SegmentError> {
        self.extents.begin_page(text)
    }

    /// The writer of the site that has begun.
    pub(super) fn extents(&mut self) -> &mut ExtentWriter<'d> {
        &mut self.extents
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
            self.extents.row(row.key.bits() >> 26, day as u8, row.key.country(), row.count)?;
        }
        Ok(())
    }

    /// Adds hour totals of the page, in any order. Those of equal kind and hour are summed.
    ///
    /// # Panics
    /// At the end of the page, when an hour is not of the segment's month.
    pub fn hours(&mut self, hours: &[HourRow]) {
        self.extents.hours(hours);
    }

    /// Ends the site. A page without rows and hours has left no trace, nor has a site without pages.
    ///
    /// # Errors
    /// What the disk said.
    pub fn end_site(&mut self) -> Result<(), SegmentError> {
        if let Some((entry, header)) = self.extents.end_site()? {
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
        let length_bytes = extent.length_bytes();
        let offset = self.begin_extent(extent.site(), length_bytes)?;
        let mut at = 0;
        while at < length_bytes {
            let end = length_bytes.min(at + COPY_BYTES);
            self.extents.output.put(&extent.raw(at..end)?)?;
            at = end;
        }
        self.add_entry(&IndexEntry { offset, ..*extent.index_entry() }, extent.header());
        Ok(())
    }

    /// Writes everything of a site as it was made in memory.
    ///
    /// # Errors
    /// What the disk said.
    ///
    /// # Panics
    /// Unless the site is above the one before, which has been ended.
    pub(super) fn put_extent(&mut self, made: &MadeExtent) -> Result<(), SegmentError> {
        let offset = self.begin_extent(made.entry.site, made.entry.length_bytes)?;
        self.extents.output.put(&made.bytes)?;
        self.add_entry(&IndexEntry { offset, ..made.entry }, &made.header);
        Ok(())
    }

    /// Goes to where the extent of a site begins, which is as long as this; says where that is.
    fn begin_extent(&mut self, site: SiteId, length_bytes: u64) -> Result<u64, SegmentError> {
        self.pass_site(site);
        if length_bytes > PACKED_EXTENT_BYTES {
            self.extents.output.align(EXTENT_ALIGNMENT)?;
        }
        Ok(self.extents.output.position())
    }

    /// Makes durable what has been written so far, so that less of it is left to the end.
    pub(super) fn sync(&mut self) -> Result<(), SegmentError> {
        self.extents.output.sync()
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
        assert!(!self.extents.in_site(), "the last site has been ended");
        if self.sums.sites == 0 {
            return Ok(None);
        }
        let index_offset = self.extents.output.position();
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
        self.extents.output.put(&self.index)?;
        self.extents.output.put(&bytes)?;
        self.extents.output.finish()?;
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
