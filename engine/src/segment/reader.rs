//! Reads sealed segments: opens them, finds sites, checks each piece when it is first touched.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::disk::{Access, Disk, FileReader};
use crate::format::block::check_group;
use crate::format::extent::{EXTENT_HEADER_LIMIT, ExtentHeader};
use crate::format::frame::{Cursor, FormatError, check_crc32};
use crate::format::names::FileName;
use crate::format::segment::{
    FOOTER_BYTES, Footer, INDEX_ENTRY_BYTES, IndexEntry, SUPERHEADER_BYTES, find_site,
};
use crate::model::SiteId;

use super::{Extent, Place, SegmentEntry, SegmentError, SegmentHeader};

/// Pieces of at least this many bytes are checked once and remembered; smaller ones are checked every time,
/// which costs less than remembering them.
const REMEMBERED_BYTES: u64 = 4_096;

/// A sealed segment. Its users share it by `Arc`; the file is open for as long as one of them has it.
pub struct Segment {
    entry: SegmentEntry,
    file: Arc<dyn FileReader>,
    index: Range<u64>,
    /// The file index, when the file is not mapped.
    read_index: Option<Box<[u8]>>,
    /// Bit `n` says that the piece which begins in the n-th `REMEMBERED_BYTES` of the file has been checked.
    checked: Box<[AtomicU64]>,
    /// Tells this opening of the file from every other, for what a scratch remembers.
    opening: u64,
}

impl Segment {
    /// Opens a segment that the manifest lists.
    ///
    /// # Errors
    /// When the file is not the listed one, or its superheader, footer or file index are damaged.
    pub fn open(disk: &dyn Disk, entry: &SegmentEntry, access: Access) -> Result<Segment, SegmentError> {
        Segment::open_as(entry, disk.open(FileName::Segment(entry.number), access)?)
    }

    /// As `open`, wherever its bytes are.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_as(entry: &SegmentEntry, file: Arc<dyn FileReader>) -> Result<Segment, SegmentError> {
        let not_listed =
            |what, expected, got| SegmentError::NotListed { segment: entry.number, what, expected, got };
        if file.length() != entry.length_bytes {
            return Err(not_listed("length", entry.length_bytes, file.length()));
        }
        let (footer, crc) = read_footer(entry.number, &*file)?;
        if crc != entry.footer_crc {
            return Err(not_listed("footer checksum", u64::from(entry.footer_crc), u64::from(crc)));
        }
        Segment::with_footer(entry.clone(), &footer, file)
    }

    /// Opens a segment that was found in the directory, whatever a manifest says of it.
    ///
    /// # Errors
    /// When its superheader, footer or file index are damaged.
    pub fn open_found(disk: &dyn Disk, number: u64, access: Access) -> Result<Segment, SegmentError> {
        let file = disk.open(FileName::Segment(number), access)?;
        let (footer, crc) = read_footer(number, &*file)?;
        Segment::with_footer(footer.entry(number, crc), &footer, file)
    }

    fn with_footer(
        entry: SegmentEntry,
        footer: &Footer,
        file: Arc<dyn FileReader>,
    ) -> Result<Segment, SegmentError> {
        static OPENINGS: AtomicU64 = AtomicU64::new(1);
        let corrupt = |offset, source| SegmentError::Corrupt {
            segment: entry.number,
            place: Place::File,
            offset,
            source,
        };
        let superheader = file.read(0, SUPERHEADER_BYTES)?;
        let header = SegmentHeader::decode(&superheader).map_err(|source| corrupt(0, source))?;
        if header != footer.header || header != entry.header {
            return Err(corrupt(
                0,
                Cursor::new("superheader", &[]).invalid(u64::from(header.month.number())),
            ));
        }
        // `Footer::decode` has checked that index and footer end the file.
        let index = footer.index_offset..footer.length_bytes - FOOTER_BYTES as u64;
        let bytes = file.read(index.start, (index.end - index.start) as usize)?;
        check_crc32("file index", &bytes, footer.index_crc).map_err(|source| corrupt(index.start, source))?;
        let read_index = match bytes {
            Cow::Borrowed(_) => None,
            Cow::Owned(bytes) => Some(bytes.into_boxed_slice()),
        };
        let words = entry.length_bytes.div_ceil(REMEMBERED_BYTES * 64);
        let checked = (0..words).map(|_| AtomicU64::new(0)).collect();
        let opening = OPENINGS.fetch_add(1, Ordering::Relaxed);
        Ok(Segment { entry, file, index, read_index, checked, opening })
    }

    /// What the manifest knows of it.
    #[must_use]
    pub fn entry(&self) -> &SegmentEntry {
        &self.entry
    }

    pub(super) fn opening(&self) -> u64 {
        self.opening
    }

    fn index_bytes(&self) -> Result<Cow<'_, [u8]>, SegmentError> {
        match &self.read_index {
            Some(bytes) => Ok(Cow::Borrowed(bytes)),
            None => Ok(self.file.read(self.index.start, (self.index.end - self.index.start) as usize)?),
        }
    }

    /// Its sites, ascending.
    ///
    /// # Errors
    /// What the disk said.
    pub fn sites(&self) -> Result<impl Iterator<Item = SiteId> + '_, SegmentError> {
        let bytes = self.index_bytes()?;
        let site = move |at: usize| {
            let entry = bytes.get(at * INDEX_ENTRY_BYTES..)?;
            entry.first_chunk().map(|id| SiteId(u64::from_le_bytes(*id)))
        };
        Ok((0..).map_while(site))
    }

    /// Everything about one site, or `None` if the segment has nothing of it.
    ///
    /// # Errors
    /// When the extent's header is damaged.
    pub fn extent(&self, site: SiteId) -> Result<Option<Extent<'_>>, SegmentError> {
        let corrupt = |source| self.corrupt(Place::Site(site), self.index.start, source);
        let entry = find_site(&self.index_bytes()?, site, self.index.start).map_err(corrupt)?;
        let Some(entry) = entry else { return Ok(None) };
        let header = self.extent_header(&entry)?;
        Ok(Some(Extent::new(self, entry, header)))
    }

    fn extent_header(&self, entry: &IndexEntry) -> Result<ExtentHeader, SegmentError> {
        let offset = entry.offset + entry.length_bytes - u64::from(entry.header_bytes);
        let corrupt = |source| self.corrupt(Place::Site(entry.site), offset, source);
        if entry.header_bytes > EXTENT_HEADER_LIMIT {
            return Err(corrupt(Cursor::new("extent header", &[]).invalid(u64::from(entry.header_bytes))));
        }
        let bytes = self.file.read(offset, entry.header_bytes as usize)?;
        check_crc32("extent header", &bytes, entry.header_crc).map_err(corrupt)?;
        ExtentHeader::decode(&bytes, entry.length_bytes).map_err(corrupt)
    }

    pub(super) fn corrupt(&self, place: Place, offset: u64, source: FormatError) -> SegmentError {
        SegmentError::Corrupt { segment: self.entry.number, place, offset, source }
    }

    /// Bytes as they are.
    pub(super) fn raw(&self, range: Range<u64>) -> Result<Cow<'_, [u8]>, SegmentError> {
        Ok(self.file.read(range.start, (range.end - range.start) as usize)?)
    }

    /// A piece with a checksum elsewhere.
    pub(super) fn piece(
        &self,
        range: Range<u64>,
        crc: u32,
        what: &'static str,
        place: Place,
    ) -> Result<Cow<'_, [u8]>, SegmentError> {
        self.checked(range, place, |bytes| check_crc32(what, bytes, crc))
    }

    /// A block's group of columns, with a checksum elsewhere and another one at its end.
    pub(super) fn group(
        &self,
        range: Range<u64>,
        crc: u32,
        what: &'static str,
        place: Place,
    ) -> Result<Cow<'_, [u8]>, SegmentError> {
        self.checked(range, place, |bytes| check_group(what, bytes, crc).map(|_| ()))
    }

    fn checked(
        &self,
        range: Range<u64>,
        place: Place,
        check: impl FnOnce(&[u8]) -> Result<(), FormatError>,
    ) -> Result<Cow<'_, [u8]>, SegmentError> {
        let bytes = self.raw(range.clone())?;
        if range.end - range.start < REMEMBERED_BYTES {
            check(&bytes).map_err(|source| self.corrupt(place, range.start, source))?;
            return Ok(bytes);
        }
        // No two pieces of this size begin in the same stretch.
        let stretch = range.start / REMEMBERED_BYTES;
        let bit = 1 << (stretch % 64);
        let word = &self.checked[(stretch / 64) as usize];
        if word.load(Ordering::Relaxed) & bit == 0 {
            check(&bytes).map_err(|source| self.corrupt(place, range.start, source))?;
            word.fetch_or(bit, Ordering::Relaxed);
        }
        Ok(bytes)
    }

    /// Forgets what has been checked, so that everything is checked again when it is touched.
    pub(super) fn forget_checks(&self) {
        self.checked.iter().for_each(|word| word.store(0, Ordering::Relaxed));
    }
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Segment").field(&self.entry).finish()
    }
}

fn read_footer(number: u64, file: &dyn FileReader) -> Result<(Footer, u32), SegmentError> {
    let corrupt =
        |offset, source| SegmentError::Corrupt { segment: number, place: Place::File, offset, source };
    let length = file.length();
    let Some(offset) = length.checked_sub(FOOTER_BYTES as u64) else {
        let needed = FOOTER_BYTES - length as usize;
        let source = FormatError::Truncated { what: "footer", offset: length as usize, needed };
        return Err(corrupt(0, source));
    };
    let bytes = file.read(offset, FOOTER_BYTES)?;
    let (footer, crc) = Footer::decode(&bytes).map_err(|source| corrupt(offset, source))?;
    if footer.length_bytes == length {
        return Ok((footer, crc));
    }
    Err(SegmentError::NotListed {
        segment: number,
        what: "length in the footer",
        expected: length,
        got: footer.length_bytes,
    })
}
