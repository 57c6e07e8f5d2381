//! A site's extent: its header, page dictionary and countries. `docs/FORMAT.md`, section "Extent".

use std::ops::Range;

use super::block::BLOCK_ENTRY_BYTES;
use super::frame::{Cursor, FormatError, put_varint};
use crate::model::Country;
use crate::model::limits::PAGE_BYTES;

/// Most bytes of an extent's header: some fixed number of varints and checksums.
pub const EXTENT_HEADER_LIMIT: u32 = 512;

/// A page's number within one extent: the pages are sorted by text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageIndex(pub u32);

/// A part of an extent that stands at one place and has one checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// `BLOCK_ENTRY_BYTES` for each block.
    BlockIndex,
    /// Code and total of each country.
    Countries,
    /// Text of each page.
    Pages,
    /// Index of the strip directory's chunks.
    StripIndex,
    /// Sums by day, kind, device and country.
    Rollups,
    /// Index of the hour totals' chunks.
    HourIndex,
}

impl Section {
    /// All of them, in the order of their checksums in the header.
    pub const ALL: [Section; 6] = [
        Section::BlockIndex,
        Section::Countries,
        Section::Pages,
        Section::StripIndex,
        Section::Rollups,
        Section::HourIndex,
    ];

    /// Its name in errors.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Section::BlockIndex => "block index",
            Section::Countries => "countries",
            Section::Pages => "page dictionary",
            Section::StripIndex => "strip index",
            Section::Rollups => "roll-ups",
            Section::HourIndex => "hour index",
        }
    }
}

/// What ends an extent: its sums, and where its parts are.
///
/// Parts follow each other in the order of the fields that say their lengths.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ExtentHeader {
    /// Pages in it.
    pub pages: u32,
    /// Blocks in it.
    pub blocks: u32,
    /// Sum over its strips.
    pub cells: u64,
    /// Sum over its strips.
    pub rows: u64,
    /// Sum of all counts.
    pub events: u64,
    /// Bit `d` says that it has rows of day `d` of the month (0 to 30).
    pub days: u32,
    /// Bit `d` says that it has hour totals of day `d` of the month (0 to 30).
    pub hour_days: u32,
    /// Bytes of the blocks.
    pub blocks_bytes: u64,
    /// Bytes of the chunks of the strip directory.
    pub strips_bytes: u64,
    /// Bytes of the chunks of hour totals.
    pub hours_bytes: u64,
    /// Bytes of each section.
    pub section_bytes: [u64; Section::ALL.len()],
    /// CRC-32 of each section.
    pub section_crcs: [u32; Section::ALL.len()],
}

impl ExtentHeader {
    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for field in [
            u64::from(self.pages),
            u64::from(self.blocks),
            self.cells,
            self.rows,
            self.events,
            u64::from(self.days),
            u64::from(self.hour_days),
            self.blocks_bytes,
            self.strips_bytes,
            self.hours_bytes,
        ]
        .into_iter()
        .chain(self.section_bytes)
        {
            put_varint(&mut bytes, field);
        }
        self.section_crcs.iter().for_each(|crc| bytes.extend_from_slice(&crc.to_le_bytes()));
        bytes
    }

    /// Reads the header of an extent of so many bytes.
    ///
    /// # Errors
    /// When it is damaged, or does not describe an extent of that length.
    pub fn decode(bytes: &[u8], extent_bytes: u64) -> Result<ExtentHeader, FormatError> {
        let mut cursor = Cursor::new("extent header", bytes);
        let mut header = ExtentHeader {
            pages: cursor.varint_u32()?,
            blocks: cursor.varint_u32()?,
            cells: cursor.varint()?,
            rows: cursor.varint()?,
            events: cursor.varint()?,
            days: cursor.varint_u32()?,
            hour_days: cursor.varint_u32()?,
            blocks_bytes: cursor.varint()?,
            strips_bytes: cursor.varint()?,
            hours_bytes: cursor.varint()?,
            section_bytes: [0; Section::ALL.len()],
            section_crcs: [0; Section::ALL.len()],
        };
        for length in &mut header.section_bytes {
            *length = cursor.varint()?;
        }
        for crc in &mut header.section_crcs {
            *crc = cursor.u32()?;
        }
        cursor.finish()?;
        let parts = header.section_bytes.iter().chain([
            &header.blocks_bytes,
            &header.strips_bytes,
            &header.hours_bytes,
        ]);
        let total = parts.fold(bytes.len() as u64, |total, part| total.saturating_add(*part));
        if total != extent_bytes {
            return Err(cursor.invalid(total));
        }
        let index_bytes = header.section(Section::BlockIndex).0;
        let blocks = u64::from(header.blocks).saturating_mul(BLOCK_ENTRY_BYTES as u64);
        match index_bytes.end.saturating_sub(index_bytes.start) {
            length if length == blocks => Ok(header),
            length => Err(cursor.invalid(length)),
        }
    }

    /// Where a section is, from the start of the extent, and its CRC-32.
    #[must_use]
    pub fn section(&self, section: Section) -> (Range<u64>, u32) {
        let [block_index, countries, pages, strip_index, rollups, hour_index] = self.section_bytes;
        let [block_index_crc, countries_crc, pages_crc, strip_index_crc, rollups_crc, hour_index_crc] =
            self.section_crcs;
        // `decode` has checked that the sum of all parts is the extent's length.
        let after = |start: u64, length: u64| start..start.saturating_add(length);
        let block_index = after(self.blocks_bytes, block_index);
        let countries = after(block_index.end, countries);
        let pages = after(countries.end, pages);
        let strip_index = after(self.strips(pages.end).end, strip_index);
        let rollups = after(strip_index.end, rollups);
        let hour_index = after(rollups.end.saturating_add(self.hours_bytes), hour_index);
        match section {
            Section::BlockIndex => (block_index, block_index_crc),
            Section::Countries => (countries, countries_crc),
            Section::Pages => (pages, pages_crc),
            Section::StripIndex => (strip_index, strip_index_crc),
            Section::Rollups => (rollups, rollups_crc),
            Section::HourIndex => (hour_index, hour_index_crc),
        }
    }

    fn strips(&self, start: u64) -> Range<u64> {
        start..start.saturating_add(self.strips_bytes)
    }

    /// Where the chunks of the strip directory are, from the start of the extent.
    #[must_use]
    pub fn strip_chunks(&self) -> Range<u64> {
        self.strips(self.section(Section::Pages).0.end)
    }

    /// Where the chunks of hour totals are, from the start of the extent.
    #[must_use]
    pub fn hour_chunks(&self) -> Range<u64> {
        let start = self.section(Section::Rollups).0.end;
        start..start.saturating_add(self.hours_bytes)
    }
}

/// Texts of pages in ascending order, being written: the ends of all texts (4 bytes each), then the texts.
#[derive(Debug, Default)]
pub struct PagesBuilder {
    ends: Vec<u8>,
    text: Vec<u8>,
}

impl PagesBuilder {
    /// Appends the next page's text. Says whether it had room: all texts together are at most 4 GiB.
    #[must_use]
    pub fn push(&mut self, text: &str) -> bool {
        self.text.extend_from_slice(text.as_bytes());
        let end = u32::try_from(self.text.len());
        self.ends.extend_from_slice(&end.unwrap_or(u32::MAX).to_le_bytes());
        end.is_ok()
    }

    /// Appends the section's bytes and empties the builder.
    pub fn end(&mut self, target: &mut Vec<u8>) {
        target.append(&mut self.ends);
        target.append(&mut self.text);
    }
}

/// A page dictionary of `pages` pages, searched in place.
#[derive(Clone, Copy, Debug)]
pub struct Pages<'a> {
    ends: &'a [[u8; 4]],
    text: &'a [u8],
}

impl<'a> Pages<'a> {
    /// The dictionary in a section.
    ///
    /// # Errors
    /// When the section is too short.
    pub fn new(section: &'a [u8], pages: u32) -> Result<Pages<'a>, FormatError> {
        let mut cursor = Cursor::new("page dictionary", section);
        let (ends, _) = cursor.take((pages as usize).saturating_mul(4))?.as_chunks();
        Ok(Pages { ends, text: cursor.rest() })
    }

    /// Pages in it.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.ends.len() as u32
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text of a page.
    ///
    /// # Errors
    /// When there is no such page, or its text is not one that a page can have.
    pub fn text(&self, page: PageIndex) -> Result<&'a str, FormatError> {
        let end = |at: usize| self.ends.get(at).map(|end| u32::from_le_bytes(*end) as usize);
        let at = page.0 as usize;
        let start = at.checked_sub(1).map_or(Some(0), end);
        let range = start.zip(end(at)).map(|(start, end)| start..end);
        let text = range.and_then(|range| self.text.get(range)).filter(|text| text.len() <= PAGE_BYTES);
        let text = text.and_then(|text| std::str::from_utf8(text).ok());
        text.ok_or_else(|| Cursor::new("page dictionary", &[]).invalid(u64::from(page.0)))
    }

    /// The first page for which `before` is false; it is true of all texts up to some page, and false of the rest.
    ///
    /// # Errors
    /// As `text`.
    pub fn partition_point(&self, before: impl Fn(&str) -> bool) -> Result<PageIndex, FormatError> {
        let (mut low, mut high) = (0_u32, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if before(self.text(PageIndex(middle))?) {
                low = middle.saturating_add(1);
            } else {
                high = middle;
            }
        }
        Ok(PageIndex(low))
    }
}

/// Appends the section of countries: code and total of each, in the order in which rows name them.
pub fn put_countries(target: &mut Vec<u8>, countries: impl IntoIterator<Item = (Country, u64)>) {
    for (country, total) in countries {
        target.extend_from_slice(&country.code().to_le_bytes());
        put_varint(target, total);
    }
}

/// Reads the section of countries: each country and its total.
///
/// # Errors
/// When a country does not exist, or there are more than there can be.
pub fn take_countries(section: &[u8]) -> Result<Vec<(Country, u64)>, FormatError> {
    let mut cursor = Cursor::new("countries", section);
    let mut countries = Vec::new();
    while !cursor.rest().is_empty() {
        let code = cursor.u16()?;
        let country = Country::from_code(code).ok_or_else(|| cursor.invalid(u64::from(code)))?;
        if countries.len() == usize::from(Country::CODES) {
            return Err(cursor.invalid(u64::from(code)));
        }
        countries.push((country, cursor.varint()?));
    }
    Ok(countries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_back_only_whole_and_only_of_its_own_extent() {
        let header = ExtentHeader {
            pages: 3,
            blocks: 2,
            cells: 500,
            rows: 600,
            events: 1 << 40,
            days: 0x7fff_ffff,
            hour_days: 1,
            blocks_bytes: 1_000,
            strips_bytes: 200,
            hours_bytes: 0,
            section_bytes: [64, 5, 30, 16, 90, 0],
            section_crcs: [1, 2, 3, 4, 5, 6],
        };
        let bytes = header.encode();
        let length = 1_405 + bytes.len() as u64;
        assert_eq!(ExtentHeader::decode(&bytes, length), Ok(header.clone()));
        assert!(ExtentHeader::decode(&bytes, length + 1).is_err());
        for cut in 0..bytes.len() {
            assert!(ExtentHeader::decode(&bytes[..cut], length).is_err(), "{cut}");
        }
        assert_eq!(header.section(Section::HourIndex), (1_405..1_405, 6));
        assert_eq!(header.section(Section::Rollups).0, 1_315..1_405);
        assert_eq!((header.strip_chunks(), header.hour_chunks()), (1_099..1_299, 1_405..1_405));
    }

    #[test]
    fn pages_are_found_by_text() {
        let texts = ["a.example/", "a.example/x", "b.example/", "ü.example/"];
        let (mut builder, mut section) = (PagesBuilder::default(), Vec::new());
        assert!(texts.iter().all(|text| builder.push(text)));
        builder.end(&mut section);
        let pages = Pages::new(&section, 4).unwrap();
        for (at, text) in (0..).zip(texts) {
            assert_eq!(pages.text(PageIndex(at)), Ok(text));
            assert_eq!(pages.partition_point(|other| other < text), Ok(PageIndex(at)));
        }
        assert!(pages.text(PageIndex(4)).is_err());
        assert!(Pages::new(&section[..15], 4).is_err());
        let cut = section.len() - 1;
        assert!(Pages::new(&section[..cut], 4).unwrap().text(PageIndex(3)).is_err());
    }

    #[test]
    fn countries_that_do_not_exist_are_refused() {
        let countries = vec![(Country::ZZ, 1 << 50), (Country::from_code(3).unwrap(), 1)];
        let mut section = Vec::new();
        put_countries(&mut section, countries.clone());
        assert_eq!(take_countries(&section), Ok(countries));
        assert!(take_countries(&[0xff, 0xff, 1]).is_err());
        assert!(take_countries(&[1, 0]).is_err());
        assert!(take_countries(&[1, 0, 1].repeat(677)).is_err());
    }
}
