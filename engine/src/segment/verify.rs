//! Reads everything again: for the scrubber, and for whoever doubts a disk.

use crate::format::chunks::chunk_entry;
use crate::format::extent::Section;
use crate::format::frame::{Cursor, FormatError};
use crate::format::strips::Strip;
use crate::model::{SiteId, Work};

use super::{Extent, PageIndex, Place, Scratch, Segment, SegmentError};

impl Segment {
    /// Reads the whole segment again, whatever was checked before: every checksum, every row, and whether the
    /// directories say what the blocks hold. Tells `progress` the bytes of each site that is done.
    ///
    /// # Errors
    /// Every damaged piece that was found, each by name.
    pub fn verify(&self, progress: &mut dyn FnMut(u64)) -> Result<(), Vec<SegmentError>> {
        self.forget_checks();
        let mut found = Vec::new();
        let mut scratch = Scratch::new();
        let mut before = None;
        match self.sites() {
            Ok(sites) => {
                for site in sites {
                    self.verify_site(site, before, &mut scratch, &mut found, progress);
                    before = Some(site);
                }
            }
            Err(error) => found.push(error),
        }
        if found.is_empty() { Ok(()) } else { Err(found) }
    }

    fn verify_site(
        &self,
        site: SiteId,
        before: Option<SiteId>,
        scratch: &mut Scratch,
        found: &mut Vec<SegmentError>,
        progress: &mut dyn FnMut(u64),
    ) {
        let impossible = || Cursor::new("file index", &[]).invalid(site.0);
        if before >= Some(site) {
            found.push(self.corrupt(Place::File, 0, impossible()));
        }
        match self.extent(site) {
            Ok(Some(extent)) => {
                let damaged = found.len();
                extent.each_damage(&mut |error| found.push(error));
                if found.len() == damaged
                    && let Err(error) = extent.verify_contents(scratch)
                {
                    found.push(error);
                }
                progress(extent.length_bytes());
            }
            // Out of order, so that the search does not find it.
            Ok(None) => found.push(self.corrupt(Place::Site(site), 0, impossible())),
            Err(error) => found.push(error),
        }
    }
}

impl Extent<'_> {
    /// Checks every checksum of it.
    ///
    /// # Errors
    /// The first piece that is damaged.
    pub fn check(&self) -> Result<(), SegmentError> {
        let mut first = Ok(());
        self.each_damage(&mut |error| {
            if first.is_ok() {
                first = Err(error);
            }
        });
        first
    }

    /// Gives an error for each piece whose checksum is wrong.
    fn each_damage(&self, found: &mut dyn FnMut(SegmentError)) {
        for section in Section::ALL {
            if let Err(error) = self.section(section) {
                found(error);
            }
        }
        for index in [Section::StripIndex, Section::HourIndex] {
            self.each_damaged_chunk(index, found);
        }
        let Ok(index) = self.section(Section::BlockIndex) else { return };
        if index.is_empty() {
            return;
        }
        for number in 0..self.header().blocks {
            if let Err(error) = self.check_block(number) {
                found(error);
            }
        }
    }

    fn each_damaged_chunk(&self, index: Section, found: &mut dyn FnMut(SegmentError)) {
        let chunks = match index {
            Section::HourIndex => self.header().hour_chunks(),
            _ => self.header().strip_chunks(),
        };
        let Ok(section) = self.section(index) else { return };
        let place = Place::Site(self.site());
        for number in 0.. {
            let checked = match chunk_entry(section, number, chunks.end - chunks.start) {
                Ok(None) => return,
                Ok(Some(entry)) => {
                    let range = chunks.start + entry.bytes.start..chunks.start + entry.bytes.end;
                    self.segment().piece(self.in_file(&range), entry.crc, "directory", place).map(|_| ())
                }
                Err(source) => Err(self.segment().corrupt(place, self.in_file(&chunks).start, source)),
            };
            if let Err(error) = checked {
                found(error);
            }
        }
    }

    fn check_block(&self, number: u32) -> Result<(), SegmentError> {
        let entry = self.block(number)?;
        let place = Place::Block(self.site(), number);
        let summary = entry.offset..entry.detail_offset();
        let detail = summary.end..summary.end + u64::from(entry.detail_bytes);
        self.segment().group(self.in_file(&summary), entry.summary_crc, "summary", place)?;
        self.segment().group(self.in_file(&detail), entry.detail_crc, "detail", place)?;
        Ok(())
    }

    /// Reads every row, and compares the sums with what the directories say.
    fn verify_contents(&self, scratch: &mut Scratch) -> Result<(), SegmentError> {
        let (mut cells, mut rows, mut events) = (0, 0, 0_u64);
        let mut text_before = None;
        for page in self.all_pages() {
            let text = self.page_text(page)?;
            if text_before >= Some(text) {
                return Err(self.contradiction("page dictionary", u64::from(page.0)));
            }
            text_before = Some(text);
            self.hours(page, scratch)?;
            for strip in self.strips(page, scratch)? {
                self.verify_strip(page, &strip, scratch)?;
                (cells, rows, events) = (cells + strip.cells, rows + strip.rows, events + strip.total);
            }
        }
        let header = self.header();
        if (cells, rows, events) != (header.cells, header.rows, header.events) {
            return Err(self.contradiction("extent header", events));
        }
        let by_country: u64 = self.country_totals()?.iter().map(|(_, total)| *total).sum();
        let mut by_day = 0;
        self.rollups(scratch, &mut |sum| by_day += sum.count)?;
        if (by_country, by_day) != (events, events) {
            return Err(self.contradiction("roll-ups", by_day));
        }
        Ok(())
    }

    fn verify_strip(
        &self,
        page: PageIndex,
        strip: &Strip,
        scratch: &mut Scratch,
    ) -> Result<(), SegmentError> {
        let mut work = Work::default();
        let (mut cells, mut total) = (0, 0_u64);
        self.scan_summary(strip, scratch, &mut work, &mut |codes, totals| {
            cells += codes.len() as u64;
            total += totals.iter().sum::<u64>();
        })?;
        let (mut rows, mut day_totals) = (0, [0_u64; 31]);
        self.scan_detail(strip, scratch, &mut work, &mut |detail| {
            rows += detail.codes.len() as u64;
            for (day, count) in detail.days.iter().zip(detail.counts) {
                day_totals[usize::from(*day)] += u64::from(*count);
            }
        })?;
        let same_days = (0..).zip(day_totals).all(|(day, total)| strip.day_total(day) == total);
        if (cells, rows, total) == (strip.cells, strip.rows, strip.total) && same_days {
            return Ok(());
        }
        Err(self.contradiction("strip directory", u64::from(page.0)))
    }

    fn contradiction(&self, what: &'static str, got: u64) -> SegmentError {
        let source = FormatError::Invalid { what, offset: 0, got };
        self.segment().corrupt(Place::Site(self.site()), self.index_entry().offset, source)
    }
}
