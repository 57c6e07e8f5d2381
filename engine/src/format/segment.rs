//! A segment's fixed parts: superheader, file index, footer. `docs/FORMAT.md`, section "Segment".

use super::frame::{Cursor, FormatError, check_crc32, crc32};
use super::version::{FORMAT_VERSION, SEGMENT_FOOTER_MAGIC, SEGMENT_MAGIC, check_version};
use crate::model::{Day, Month, Region, Seq, SiteId};

/// Bytes of the superheader, at the start of the file.
pub const SUPERHEADER_BYTES: usize = 128;
/// Bytes of the footer, at the end of the file.
pub const FOOTER_BYTES: usize = 192;
/// Bytes of one entry of the file index, which stands before the footer.
pub const INDEX_ENTRY_BYTES: usize = 32;

/// The only `aead` so far: nothing is encrypted.
const NOT_ENCRYPTED: u8 = 0;

/// What a segment is, whatever it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Random, one per file.
    pub uuid: [u8; 16],
    /// Where its data must stay.
    pub region: Region,
    /// The calendar month that all of its days are in.
    pub month: Month,
    /// First batch that may be in it.
    pub seq_lo: Seq,
    /// Last batch that may be in it.
    pub seq_hi: Seq,
    /// Tombstones up to this one have been applied to it.
    pub purged_through: Seq,
    /// Reserved for encryption: which key; zeros.
    pub key_id: [u8; 16],
    /// Reserved for encryption: which cipher; 0 is none.
    pub aead: u8,
}

/// What the manifest knows of one sealed segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentEntry {
    /// Number in its file name.
    pub number: u64,
    /// As in its superheader and footer.
    pub header: SegmentHeader,
    /// Bytes of the file.
    pub length_bytes: u64,
    /// CRC-32 of its footer: tells this file from any other that verifies.
    pub footer_crc: u32,
    /// Sites in it.
    pub sites: u64,
    /// Summary rows: distinct (site, page, layer, cell).
    pub cells: u64,
    /// Detail rows: distinct (site, page, layer, cell, day, country), and one more for each sum that overflowed.
    pub rows: u64,
    /// Sum of all counts.
    pub events: u64,
    /// First day of any row.
    pub first_day: Day,
    /// Last day of any row.
    pub last_day: Day,
    /// How often it has been merged, as compaction counts: 0 is a flush. Not in the file.
    pub level: u8,
}

/// Where the site extents end and what the footer says of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footer {
    /// As in the superheader.
    pub header: SegmentHeader,
    /// Offset of the file index.
    pub index_offset: u64,
    /// CRC-32 of the file index.
    pub index_crc: u32,
    /// Bytes of the file, the footer included.
    pub length_bytes: u64,
    /// Entries of the file index.
    pub sites: u64,
    /// Sum over the extents.
    pub cells: u64,
    /// Sum over the extents.
    pub rows: u64,
    /// Sum over the extents.
    pub events: u64,
    /// First day of any row.
    pub first_day: Day,
    /// Last day of any row.
    pub last_day: Day,
}

/// One entry of the file index: where a site's extent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// Whose.
    pub site: SiteId,
    /// First byte of the extent in the file.
    pub offset: u64,
    /// Bytes of the extent.
    pub length_bytes: u64,
    /// Bytes of the extent's header, which ends the extent.
    pub header_bytes: u32,
    /// CRC-32 of the extent's header.
    pub header_crc: u32,
}

pub(super) fn put_header(target: &mut Vec<u8>, header: &SegmentHeader) {
    let mut region = [0_u8; Region::MAX_BYTES];
    for (to, from) in region.iter_mut().zip(header.region.as_str().bytes()) {
        *to = from;
    }
    target.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    target.extend_from_slice(&header.month.number().to_le_bytes());
    target.push(header.aead);
    target.extend_from_slice(&[0; 3]);
    target.extend_from_slice(&header.uuid);
    target.extend_from_slice(&region);
    target.extend_from_slice(&header.seq_lo.0.to_le_bytes());
    target.extend_from_slice(&header.seq_hi.0.to_le_bytes());
    target.extend_from_slice(&header.purged_through.0.to_le_bytes());
    target.extend_from_slice(&header.key_id);
}

pub(super) fn take_header(what: &'static str, cursor: &mut Cursor<'_>) -> Result<SegmentHeader, FormatError> {
    check_version(what, cursor.u16()?)?;
    let month = cursor.u16()?;
    let month = Month::from_number(month).ok_or_else(|| cursor.invalid(u64::from(month)))?;
    let aead = cursor.u8()?;
    if aead != NOT_ENCRYPTED {
        return Err(cursor.invalid(u64::from(aead)));
    }
    cursor.zeros(3)?;
    let uuid = cursor.array()?;
    let region: [u8; Region::MAX_BYTES] = cursor.array()?;
    let length = region.iter().position(|byte| *byte == 0).unwrap_or(region.len());
    let (name, padding) = region.split_at_checked(length).unwrap_or_default();
    let region = std::str::from_utf8(name).ok().and_then(|name| Region::new(name).ok());
    let region = match region {
        Some(region) if padding.iter().all(|byte| *byte == 0) => region,
        _ => return Err(cursor.invalid(u64::from_le_bytes(region_bits(name)))),
    };
    Ok(SegmentHeader {
        uuid,
        region,
        month,
        seq_lo: Seq(cursor.u64()?),
        seq_hi: Seq(cursor.u64()?),
        purged_through: Seq(cursor.u64()?),
        key_id: cursor.array()?,
        aead,
    })
}

/// The bytes of a name that is not allowed, for the error that says so.
fn region_bits(name: &[u8]) -> [u8; 8] {
    let mut bits = [0; 8];
    for (to, from) in bits.iter_mut().zip(name) {
        *to = *from;
    }
    bits
}

/// Splits a fixed part of a file into what is covered by the CRC at its end, checks it and its magic.
fn checked<'a>(
    what: &'static str,
    bytes: &'a [u8],
    magic: [u8; 8],
) -> Result<(Cursor<'a>, u32), FormatError> {
    let covered = bytes.len().saturating_sub(4);
    let (body, crc) = bytes.split_at_checked(covered).unwrap_or_default();
    let crc = Cursor::new(what, crc).u32()?;
    check_crc32(what, body, crc)?;
    let mut cursor = Cursor::new(what, body);
    let found = cursor.array()?;
    if found != magic {
        return Err(cursor.invalid(u64::from_le_bytes(found)));
    }
    Ok((cursor, crc))
}

impl SegmentHeader {
    /// The superheader's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SUPERHEADER_BYTES);
        bytes.extend_from_slice(&SEGMENT_MAGIC);
        put_header(&mut bytes, self);
        finish(bytes, SUPERHEADER_BYTES).0
    }

    /// Reads a superheader of `SUPERHEADER_BYTES` bytes.
    ///
    /// # Errors
    /// When it is damaged, or of a version that is not known.
    pub fn decode(bytes: &[u8]) -> Result<SegmentHeader, FormatError> {
        let (mut cursor, _) = checked("superheader", bytes, SEGMENT_MAGIC)?;
        let header = take_header("superheader", &mut cursor)?;
        let reserved = cursor.rest().len();
        cursor.zeros(reserved)?;
        Ok(header)
    }
}

/// Fills up with zeros and ends with the CRC, which is returned too.
fn finish(mut bytes: Vec<u8>, length: usize) -> (Vec<u8>, u32) {
    bytes.resize(length.saturating_sub(4), 0);
    let crc = crc32(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    (bytes, crc)
}

impl Footer {
    /// Its bytes and its CRC.
    #[must_use]
    pub fn encode(&self) -> (Vec<u8>, u32) {
        let mut bytes = Vec::with_capacity(FOOTER_BYTES);
        bytes.extend_from_slice(&SEGMENT_FOOTER_MAGIC);
        put_header(&mut bytes, &self.header);
        bytes.extend_from_slice(&self.index_offset.to_le_bytes());
        bytes.extend_from_slice(&self.length_bytes.to_le_bytes());
        bytes.extend_from_slice(&self.sites.to_le_bytes());
        bytes.extend_from_slice(&self.cells.to_le_bytes());
        bytes.extend_from_slice(&self.rows.to_le_bytes());
        bytes.extend_from_slice(&self.events.to_le_bytes());
        bytes.extend_from_slice(&self.first_day.number().to_le_bytes());
        bytes.extend_from_slice(&self.last_day.number().to_le_bytes());
        bytes.extend_from_slice(&self.index_crc.to_le_bytes());
        finish(bytes, FOOTER_BYTES)
    }

    /// Reads a footer of `FOOTER_BYTES` bytes; also says its CRC.
    ///
    /// # Errors
    /// When it is damaged, of a version that is not known, or does not describe a file of its own length.
    pub fn decode(bytes: &[u8]) -> Result<(Footer, u32), FormatError> {
        let (mut cursor, crc) = checked("footer", bytes, SEGMENT_FOOTER_MAGIC)?;
        let footer = Footer {
            header: take_header("footer", &mut cursor)?,
            index_offset: cursor.u64()?,
            length_bytes: cursor.u64()?,
            sites: cursor.u64()?,
            cells: cursor.u64()?,
            rows: cursor.u64()?,
            events: cursor.u64()?,
            first_day: Day::from_number(cursor.u16()?),
            last_day: Day::from_number(cursor.u16()?),
            index_crc: cursor.u32()?,
        };
        let reserved = cursor.rest().len();
        cursor.zeros(reserved)?;
        match footer.index_bytes().and_then(|index| footer.index_offset.checked_add(index)) {
            Some(end)
                if footer.index_offset >= SUPERHEADER_BYTES as u64
                    && end.checked_add(FOOTER_BYTES as u64) == Some(footer.length_bytes) =>
            {
                Ok((footer, crc))
            }
            _ => Err(cursor.invalid(footer.index_offset)),
        }
    }

    /// Bytes of the file index; `None` if that overflows.
    #[must_use]
    pub fn index_bytes(&self) -> Option<u64> {
        self.sites.checked_mul(INDEX_ENTRY_BYTES as u64)
    }

    /// What a manifest says of this file.
    #[must_use]
    pub fn entry(&self, number: u64, footer_crc: u32) -> SegmentEntry {
        SegmentEntry {
            number,
            header: self.header.clone(),
            length_bytes: self.length_bytes,
            footer_crc,
            sites: self.sites,
            cells: self.cells,
            rows: self.rows,
            events: self.events,
            first_day: self.first_day,
            last_day: self.last_day,
            level: 0,
        }
    }
}

impl IndexEntry {
    /// Appends its bytes.
    pub fn encode(&self, target: &mut Vec<u8>) {
        target.extend_from_slice(&self.site.0.to_le_bytes());
        target.extend_from_slice(&self.offset.to_le_bytes());
        target.extend_from_slice(&self.length_bytes.to_le_bytes());
        target.extend_from_slice(&self.header_bytes.to_le_bytes());
        target.extend_from_slice(&self.header_crc.to_le_bytes());
    }

    /// Reads an entry of `INDEX_ENTRY_BYTES` bytes of a file whose index is at `index_offset`.
    ///
    /// # Errors
    /// When it points outside of the extents.
    pub fn decode(bytes: &[u8], index_offset: u64) -> Result<IndexEntry, FormatError> {
        let mut cursor = Cursor::new("file index", bytes);
        let entry = IndexEntry {
            site: SiteId(cursor.u64()?),
            offset: cursor.u64()?,
            length_bytes: cursor.u64()?,
            header_bytes: cursor.u32()?,
            header_crc: cursor.u32()?,
        };
        cursor.finish()?;
        let inside = entry.offset >= SUPERHEADER_BYTES as u64
            && entry.offset.checked_add(entry.length_bytes).is_some_and(|end| end <= index_offset)
            && u64::from(entry.header_bytes) <= entry.length_bytes;
        if inside { Ok(entry) } else { Err(cursor.invalid(entry.offset)) }
    }
}

/// Looks a site up in a file index, without reading more of it than the search touches.
///
/// # Errors
/// When its entry points outside of the extents.
pub fn find_site(index: &[u8], site: SiteId, index_offset: u64) -> Result<Option<IndexEntry>, FormatError> {
    let (entries, _) = index.as_chunks::<INDEX_ENTRY_BYTES>();
    let key = |entry: &[u8; INDEX_ENTRY_BYTES]| entry.first_chunk().map_or(0, |id| u64::from_le_bytes(*id));
    match entries.binary_search_by_key(&site.0, key) {
        Ok(at) => entries.get(at).map(|entry| IndexEntry::decode(entry, index_offset)).transpose(),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn footer() -> Footer {
        let header = SegmentHeader {
            uuid: *b"0123456789abcdef",
            region: Region::new("eu").unwrap(),
            month: Month::from_number(672).unwrap(),
            seq_lo: Seq(3),
            seq_hi: Seq(9),
            purged_through: Seq(1),
            key_id: [0; 16],
            aead: 0,
        };
        Footer {
            header,
            index_offset: 4_096,
            index_crc: 77,
            length_bytes: 4_096 + 64 + FOOTER_BYTES as u64,
            sites: 2,
            cells: 5,
            rows: 6,
            events: 7,
            first_day: Day::from_number(20_454),
            last_day: Day::from_number(20_455),
        }
    }

    /// The CRC over what was changed, so that only the check of the meaning can refuse it.
    fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
        let body = bytes.len() - 4;
        let crc = crc32(&bytes[..body]).to_le_bytes();
        bytes[body..].copy_from_slice(&crc);
        bytes
    }

    /// Superheader, index and footer of version 1; never changes.
    const ENDS: &[u8] = include_bytes!("golden/segment-ends-1.bin");

    #[test]
    fn the_golden_ends_of_version_1_are_read_and_written() {
        let (superheader, rest) = ENDS.split_at(SUPERHEADER_BYTES);
        let (index, end) = rest.split_at(2 * INDEX_ENTRY_BYTES);
        let footer = Footer { index_crc: crc32(index), ..footer() };
        assert_eq!(SegmentHeader::decode(superheader), Ok(footer.header.clone()));
        assert_eq!(footer.header.encode(), superheader);
        assert_eq!(Footer::decode(end).map(|(footer, _)| footer), Ok(footer.clone()));
        assert_eq!(footer.encode().0, end);
        let second = IndexEntry {
            site: SiteId(9),
            offset: 2_048,
            length_bytes: 2_048,
            header_bytes: 100,
            header_crc: 0x5566_7788,
        };
        assert_eq!(find_site(index, SiteId(9), footer.index_offset), Ok(Some(second)));
        let mut written = Vec::new();
        second.encode(&mut written);
        assert_eq!(written, index[INDEX_ENTRY_BYTES..]);
    }

    #[test]
    fn the_dump_in_the_documentation_is_the_golden_ends() {
        assert_eq!(crate::format::dump::dump("segment ends"), ENDS);
    }

    #[test]
    fn header_and_footer_are_read_back() {
        let footer = footer();
        let (bytes, crc) = footer.encode();
        assert_eq!(bytes.len(), FOOTER_BYTES);
        assert_eq!(Footer::decode(&bytes), Ok((footer.clone(), crc)));
        let bytes = footer.header.encode();
        assert_eq!(bytes.len(), SUPERHEADER_BYTES);
        assert_eq!(SegmentHeader::decode(&bytes), Ok(footer.header));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_of_a_footer_is_noticed() {
        let (bytes, _) = footer().encode();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Footer::decode(&damaged).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(Footer::decode(&bytes[..length]).is_err(), "length {length}");
        }
    }

    #[test]
    fn a_footer_that_verifies_must_also_make_sense() {
        let (bytes, _) = footer().encode();
        for (offset, what) in [(0, "magic"), (8, "version"), (11, "month"), (12, "cipher"), (13, "reserved")]
            .into_iter()
            .chain([(32, "region"), (80, "index offset"), (96, "sites")])
        {
            let mut changed = bytes.clone();
            changed[offset] ^= 0x90;
            assert!(Footer::decode(&resealed(changed)).is_err(), "{what}");
        }
    }

    #[test]
    fn a_site_is_found_and_its_extent_lies_before_the_index() {
        let mut index = Vec::new();
        for (site, offset) in [(5, 128), (9, 200), (u64::MAX, 4_000)] {
            let site = SiteId(site);
            IndexEntry { site, offset, length_bytes: 90, header_bytes: 50, header_crc: 1 }.encode(&mut index);
        }
        assert_eq!(find_site(&index, SiteId(9), 4_096).unwrap().unwrap().offset, 200);
        assert_eq!(find_site(&index, SiteId(6), 4_096), Ok(None));
        assert_eq!(find_site(&[], SiteId(6), 4_096), Ok(None));
        assert!(find_site(&index, SiteId(u64::MAX), 4_000).is_err());
        assert!(find_site(&index, SiteId(u64::MAX), 4_090).is_ok());
    }
}
