//! Everything about one site in one segment: its pages, strips, sums and hours. Cells are in `scan`.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;

use crate::format::block::{BLOCK_ENTRY_BYTES, BlockEntry};
use crate::format::chunks::{chunk_entry, chunk_of};
use crate::format::extent::{ExtentHeader, PageIndex, Pages, Section, take_countries};
use crate::format::frame::{Cursor, FormatError};
use crate::format::rollups::{self, RollupBuilder};
use crate::format::segment::IndexEntry;
use crate::format::strips::{Strip, page_strips, unpack_chunk};
use crate::model::{Country, Device, HourRow, Kind, Layer, Month, SiteId};

use super::scan::StripPart;
use super::{Place, Scratch, Segment, SegmentError};

/// One site of one segment. Its parts are read, and checked, when they are first asked for.
pub struct Extent<'a> {
    segment: &'a Segment,
    entry: IndexEntry,
    header: ExtentHeader,
    sections: [OnceCell<Cow<'a, [u8]>>; Section::ALL.len()],
    countries: OnceCell<Vec<(Country, u64)>>,
}

/// What a site has on one day by kind, device and country.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rollup {
    /// What was done.
    pub kind: Kind,
    /// On what kind of screen.
    pub device: Device,
    /// From which country.
    pub country: Country,
    /// Day of the month, 0 to 30.
    pub day: u8,
    /// Sum of the counts; at least 1.
    pub count: u64,
}

impl<'a> Extent<'a> {
    pub(super) fn new(segment: &'a Segment, entry: IndexEntry, header: ExtentHeader) -> Extent<'a> {
        let (sections, countries) = (Default::default(), OnceCell::new());
        Extent { segment, entry, header, sections, countries }
    }

    /// Whose it is.
    #[must_use]
    pub fn site(&self) -> SiteId {
        self.entry.site
    }

    /// The month that all of its days are in.
    #[must_use]
    pub fn month(&self) -> Month {
        self.segment.entry().header.month
    }

    /// Its pages, cells and events, and where its parts are.
    #[must_use]
    pub fn header(&self) -> &ExtentHeader {
        &self.header
    }

    /// Bytes of it in the file.
    #[must_use]
    pub fn length_bytes(&self) -> u64 {
        self.entry.length_bytes
    }

    pub(super) fn index_entry(&self) -> &IndexEntry {
        &self.entry
    }

    /// A range of its bytes, as they are.
    pub(super) fn raw(&self, range: Range<u64>) -> Result<Cow<'a, [u8]>, SegmentError> {
        self.segment.raw(self.entry.offset + range.start..self.entry.offset + range.end)
    }

    pub(super) fn segment(&self) -> &'a Segment {
        self.segment
    }

    /// Where a range of it is in the file. `ExtentHeader::decode` has checked that all parts are inside.
    pub(super) fn in_file(&self, range: &Range<u64>) -> Range<u64> {
        self.entry.offset + range.start..self.entry.offset + range.end
    }

    fn corrupt_section(&self, section: Section, source: FormatError) -> SegmentError {
        let offset = self.in_file(&self.header.section(section).0).start;
        self.segment.corrupt(Place::Site(self.site()), offset, source)
    }

    pub(super) fn section(&self, section: Section) -> Result<&[u8], SegmentError> {
        let held = &self.sections[section as usize];
        if let Some(bytes) = held.get() {
            return Ok(bytes);
        }
        let (range, crc) = self.header.section(section);
        let range = self.in_file(&range);
        let bytes = self.segment.piece(range, crc, section.name(), Place::Site(self.site()))?;
        Ok(held.get_or_init(|| bytes))
    }

    fn pages(&self) -> Result<Pages<'_>, SegmentError> {
        let section = self.section(Section::Pages)?;
        Pages::new(section, self.header.pages).map_err(|source| self.corrupt_section(Section::Pages, source))
    }

    /// How many pages it has.
    #[must_use]
    pub fn page_count(&self) -> u32 {
        self.header.pages
    }

    /// All of its pages, ascending by text.
    pub fn all_pages(&self) -> impl Iterator<Item = PageIndex> + use<> {
        (0..self.header.pages).map(PageIndex)
    }

    /// The text of a page.
    ///
    /// # Errors
    /// When the page dictionary is damaged.
    pub fn page_text(&self, page: PageIndex) -> Result<&str, SegmentError> {
        self.pages()?.text(page).map_err(|source| self.corrupt_section(Section::Pages, source))
    }

    /// The page of exactly this text.
    ///
    /// # Errors
    /// When the page dictionary is damaged.
    pub fn find_page(&self, text: &str) -> Result<Option<PageIndex>, SegmentError> {
        let at = self.partition(|other| other < text)?;
        let found = at.0 < self.header.pages && self.page_text(at)? == text;
        Ok(found.then_some(at))
    }

    /// The pages whose text begins with `prefix`.
    ///
    /// # Errors
    /// When the page dictionary is damaged.
    pub fn pages_from(&self, prefix: &str) -> Result<impl Iterator<Item = PageIndex> + use<>, SegmentError> {
        let first = self.partition(|other| other < prefix)?;
        let end = self.partition(|other| other < prefix || other.starts_with(prefix))?;
        Ok((first.0..end.0).map(PageIndex))
    }

    fn partition(&self, before: impl Fn(&str) -> bool) -> Result<PageIndex, SegmentError> {
        let found = self.pages()?.partition_point(before);
        found.map_err(|source| self.corrupt_section(Section::Pages, source))
    }

    /// What a page has in each layer, ascending. Touches no block.
    ///
    /// # Errors
    /// When the strip directory is damaged.
    pub fn strips(&self, page: PageIndex, scratch: &mut Scratch) -> Result<Vec<Strip>, SegmentError> {
        self.strips_of(page, |_| true, scratch)
    }

    /// What a page has in each of the asked layers, ascending. Touches no block.
    ///
    /// # Errors
    /// As `strips`.
    pub fn strips_of(
        &self,
        page: PageIndex,
        asked: impl Fn(Layer) -> bool,
        scratch: &mut Scratch,
    ) -> Result<Vec<Strip>, SegmentError> {
        let chunk = self.chunk(page, Section::StripIndex, self.header.strip_chunks())?;
        let corrupt = |source| self.segment.corrupt(Place::Site(self.site()), chunk.bytes.start, source);
        let key = (self.segment.opening(), chunk.bytes.start);
        let Scratch { unpacker, strip_chunk, strip_records, .. } = scratch;
        if *strip_chunk != Some(key) {
            *strip_chunk = None;
            let bytes = self.chunk_bytes(&chunk, "strip directory")?;
            unpack_chunk(&bytes, unpacker, strip_records).map_err(corrupt)?;
            *strip_chunk = Some(key);
        }
        let index = self.section(Section::BlockIndex)?;
        let block_cells = |number| block_entry(index, number, &self.header).map(|entry| entry.cells).ok();
        page_strips(strip_records, page.0 - chunk.first_page, asked, block_cells).map_err(corrupt)
    }

    /// The hour totals of a page, by kind and hour.
    ///
    /// # Errors
    /// When the hour totals are damaged.
    pub fn hours(&self, page: PageIndex, scratch: &mut Scratch) -> Result<Vec<HourRow>, SegmentError> {
        if self.header.hours_bytes == 0 {
            return Ok(Vec::new());
        }
        let chunk = self.chunk(page, Section::HourIndex, self.header.hour_chunks())?;
        let corrupt = |source| self.segment.corrupt(Place::Site(self.site()), chunk.bytes.start, source);
        let key = (self.segment.opening(), chunk.bytes.start);
        let Scratch { unpacker, hour_chunk, hours, .. } = scratch;
        if *hour_chunk != Some(key) {
            *hour_chunk = None;
            let bytes = self.chunk_bytes(&chunk, "hours")?;
            hours.unpack(&bytes, unpacker).map_err(corrupt)?;
            *hour_chunk = Some(key);
        }
        hours.page(page.0 - chunk.first_page, self.month()).map_err(corrupt)
    }

    /// The chunk that has `page`, its bytes as in the file.
    fn chunk(&self, page: PageIndex, index: Section, chunks: Range<u64>) -> Result<Chunk, SegmentError> {
        let section = self.section(index)?;
        let length_bytes = chunks.end - chunks.start;
        let found = match chunk_of(section, page.0) {
            Some(number) if page.0 < self.header.pages => chunk_entry(section, number, length_bytes),
            _ => Ok(None),
        };
        match found {
            Ok(Some(entry)) => Ok(Chunk {
                first_page: entry.first_page,
                bytes: self.in_file(&(chunks.start + entry.bytes.start..chunks.start + entry.bytes.end)),
                crc: entry.crc,
            }),
            Ok(None) => {
                let source = Cursor::new("chunk index", &[]).invalid(u64::from(page.0));
                Err(self.corrupt_section(index, source))
            }
            Err(source) => Err(self.corrupt_section(index, source)),
        }
    }

    fn chunk_bytes(&self, chunk: &Chunk, what: &'static str) -> Result<Cow<'a, [u8]>, SegmentError> {
        self.segment.piece(chunk.bytes.clone(), chunk.crc, what, Place::Site(self.site()))
    }

    /// The countries it has and the sum of each over the month, in the order in which its rows name them.
    ///
    /// # Errors
    /// When they are damaged.
    pub fn country_totals(&self) -> Result<&[(Country, u64)], SegmentError> {
        if let Some(countries) = self.countries.get() {
            return Ok(countries);
        }
        let countries = take_countries(self.section(Section::Countries)?)
            .map_err(|source| self.corrupt_section(Section::Countries, source))?;
        Ok(self.countries.get_or_init(|| countries))
    }

    /// Gives what the site has on each day by kind, device and country; by kind and device first.
    ///
    /// # Errors
    /// When the roll-ups are damaged; what was given before is then of no use.
    pub fn rollups(&self, scratch: &mut Scratch, f: &mut impl FnMut(Rollup)) -> Result<(), SegmentError> {
        let corrupt = |source| self.corrupt_section(Section::Rollups, source);
        let countries = self.country_totals()?;
        let section = self.section(Section::Rollups)?;
        scratch.rollups.unpack(section, &mut scratch.unpacker).map_err(corrupt)?;
        let give = |sum: rollups::Rollup| {
            let country =
                countries.get(usize::from(sum.country)).map_or(Country::ZZ, |(country, _)| *country);
            f(Rollup { kind: sum.kind, device: sum.device, country, day: sum.day, count: sum.count });
        };
        scratch.rollups.each(countries.len(), give).map_err(corrupt)
    }

    /// Its roll-ups, to be changed. `places` says for each of its countries what its index is to be; without one, the
    /// country has no sums.
    pub(super) fn sums(
        &self,
        places: &[Option<u16>],
        scratch: &mut Scratch,
    ) -> Result<RollupBuilder, SegmentError> {
        let corrupt = |source| self.corrupt_section(Section::Rollups, source);
        let section = self.section(Section::Rollups)?;
        scratch.rollups.unpack(section, &mut scratch.unpacker).map_err(corrupt)?;
        let mut sums = RollupBuilder::default();
        let mut add = |sum: rollups::Rollup| {
            if let Some(country) = places.get(usize::from(sum.country)).copied().flatten() {
                sums.add_sum(&rollups::Rollup { country, ..sum });
            }
        };
        scratch.rollups.each(self.country_totals()?.len(), &mut add).map_err(corrupt)?;
        Ok(sums)
    }

    /// What is said when the rows of a block are not what summary and roll-ups say.
    pub(super) fn contradicts_rows(&self, part: &StripPart) -> SegmentError {
        self.corrupt_block(part, Cursor::new("rows", &[]).invalid(u64::from(part.block)))
    }

    pub(super) fn block(&self, number: u32) -> Result<BlockEntry, SegmentError> {
        block_entry(self.section(Section::BlockIndex)?, number, &self.header)
            .map_err(|source| self.corrupt_section(Section::BlockIndex, source))
    }
}

struct Chunk {
    first_page: u32,
    /// In the file.
    bytes: Range<u64>,
    crc: u32,
}

fn block_entry(index: &[u8], number: u32, header: &ExtentHeader) -> Result<BlockEntry, FormatError> {
    let (entries, _) = index.as_chunks::<BLOCK_ENTRY_BYTES>();
    match entries.get(number as usize) {
        Some(entry) => BlockEntry::decode(entry, header.blocks_bytes),
        None => Err(Cursor::new("block index", &[]).invalid(u64::from(number))),
    }
}
