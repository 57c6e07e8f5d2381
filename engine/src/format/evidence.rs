//! The operator's evidence of a purge: which files stood before and after it. `docs/FORMAT.md`, section "Evidence".
//!
//! Numbers, identities, lengths and checksums of files alone: nothing of what is in them.

use std::collections::BTreeMap;

use super::frame::{Cursor, FormatError, put_varint};
use super::manifest::MANIFEST_BYTES;
use super::segment::SegmentEntry;
use super::segment_entry::SEGMENT_ENTRY_BYTES;
use super::version::EVIDENCE_MAGIC;
use super::whole;

/// Most files of a list: those of two manifests.
const FILES: usize = MANIFEST_BYTES / SEGMENT_ENTRY_BYTES * 2;
/// Bytes of a file in a list.
const FILE_BYTES: usize = 37;
/// Most bytes of a list.
pub const EVIDENCE_BYTES: usize = 64 + FILES * FILE_BYTES;
/// Bytes that tell when it was written.
pub const EVIDENCE_HEAD_BYTES: usize = whole::HEADER_BYTES + 8;

const WHAT: &str = "evidence";

/// When a file stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stood {
    /// Before the purge only: it was replaced or removed.
    Before,
    /// After it only: it took the place of others.
    After,
    /// Before and after: nothing of it was to go.
    Throughout,
}

/// A segment file that stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidencedFile {
    /// Number in its file name.
    pub number: u64,
    /// Its random identity.
    pub uuid: [u8; 16],
    /// Its bytes.
    pub length_bytes: u64,
    /// CRC-32 of its footer, which has the checksums of everything else.
    pub footer_crc: u32,
    /// When it stood.
    pub stood: Stood,
}

/// Which files stood before and after a purge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Unix ms when it was written.
    pub written_ms: u64,
    /// Files, ascending by number, each once.
    pub files: Vec<EvidencedFile>,
}

impl Stood {
    fn code(self) -> u8 {
        match self {
            Stood::Before => 1,
            Stood::After => 2,
            Stood::Throughout => 3,
        }
    }

    fn from_code(code: u8) -> Option<Stood> {
        match code {
            1 => Some(Stood::Before),
            2 => Some(Stood::After),
            3 => Some(Stood::Throughout),
            _ => None,
        }
    }

    /// Whether it stood before the purge.
    #[must_use]
    pub fn is_before(self) -> bool {
        self != Stood::After
    }

    /// Whether it stood after the purge.
    #[must_use]
    pub fn is_after(self) -> bool {
        self != Stood::Before
    }
}

impl EvidencedFile {
    fn of(entry: &SegmentEntry, stood: Stood) -> EvidencedFile {
        EvidencedFile {
            number: entry.number,
            uuid: entry.header.uuid,
            length_bytes: entry.length_bytes,
            footer_crc: entry.footer_crc,
            stood,
        }
    }
}

impl Evidence {
    /// Of the segments of any list, before and after.
    pub fn of<'a>(
        written_ms: u64,
        before: impl IntoIterator<Item = &'a SegmentEntry>,
        after: impl IntoIterator<Item = &'a SegmentEntry>,
    ) -> Evidence {
        let before = before.into_iter().map(|entry| (entry.number, EvidencedFile::of(entry, Stood::Before)));
        // A number is given once, so that it tells a file from all others.
        let mut files: BTreeMap<u64, EvidencedFile> = before.collect();
        for entry in after {
            files
                .entry(entry.number)
                .and_modify(|file| file.stood = Stood::Throughout)
                .or_insert_with(|| EvidencedFile::of(entry, Stood::After));
        }
        Evidence { written_ms, files: files.into_values().collect() }
    }

    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = whole::begin(EVIDENCE_MAGIC);
        bytes.extend_from_slice(&self.written_ms.to_le_bytes());
        put_varint(&mut bytes, self.files.len() as u64);
        for EvidencedFile { number, uuid, length_bytes, footer_crc, stood } in &self.files {
            bytes.push(stood.code());
            bytes.extend_from_slice(&number.to_le_bytes());
            bytes.extend_from_slice(uuid);
            bytes.extend_from_slice(&length_bytes.to_le_bytes());
            bytes.extend_from_slice(&footer_crc.to_le_bytes());
        }
        whole::end(bytes)
    }

    /// Reads a list.
    ///
    /// # Errors
    /// When it is damaged, of a version that is not known, or has a file twice.
    pub fn decode(file: &[u8]) -> Result<Evidence, FormatError> {
        let mut cursor = whole::open(WHAT, EVIDENCE_MAGIC, file)?;
        let written_ms = cursor.u64()?;
        let count = cursor.count(FILES, FILE_BYTES)?;
        let mut files: Vec<EvidencedFile> = Vec::with_capacity(count);
        for _ in 0..count {
            let file = take_file(&mut cursor)?;
            if files.last().is_some_and(|last| last.number >= file.number) {
                return Err(cursor.invalid(file.number));
            }
            files.push(file);
        }
        cursor.finish()?;
        Ok(Evidence { written_ms, files })
    }

    /// When a list was written, in Unix ms: by its first `EVIDENCE_HEAD_BYTES`, whatever the others are.
    ///
    /// # Errors
    /// When it is no list, or of a version that is not known.
    pub fn written_ms(head: &[u8]) -> Result<u64, FormatError> {
        let mut cursor = whole::begun(WHAT, EVIDENCE_MAGIC, head)?;
        cursor.zeros(6)?;
        cursor.u64()
    }
}

fn take_file(cursor: &mut Cursor<'_>) -> Result<EvidencedFile, FormatError> {
    let code = cursor.u8()?;
    let stood = Stood::from_code(code).ok_or_else(|| cursor.invalid(u64::from(code)))?;
    Ok(EvidencedFile {
        number: cursor.u64()?,
        uuid: cursor.array()?,
        length_bytes: cursor.u64()?,
        footer_crc: cursor.u32()?,
        stood,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(number: u64, stood: Stood) -> EvidencedFile {
        let byte = number as u8;
        EvidencedFile {
            number,
            uuid: [byte; 16],
            length_bytes: 4_096 * number,
            footer_crc: 0xdead_beef,
            stood,
        }
    }

    /// The list of the golden file; never changes.
    fn golden() -> Evidence {
        let files = vec![file(1, Stood::Before), file(2, Stood::Throughout), file(9, Stood::After)];
        Evidence { written_ms: 1_767_225_600_000, files }
    }

    #[test]
    fn the_dump_in_the_documentation_is_read() {
        assert_eq!(Evidence::decode(&crate::format::dump::dump("evidence")), Ok(golden()));
    }

    #[test]
    fn the_golden_file_of_version_1_is_read_and_written() {
        let bytes = include_bytes!("golden/evidence-1.bin");
        assert_eq!((Evidence::decode(bytes), golden().encode()), (Ok(golden()), bytes.to_vec()));
        assert_eq!(Evidence::written_ms(&bytes[..EVIDENCE_HEAD_BYTES]), Ok(golden().written_ms));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let bytes = golden().encode();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Evidence::decode(&damaged).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(Evidence::decode(&bytes[..length]).is_err(), "length {length}");
        }
    }

    #[test]
    fn a_file_that_is_listed_twice_is_refused_in_spite_of_its_checksum() {
        for files in [
            vec![file(2, Stood::Before), file(2, Stood::After)],
            vec![file(2, Stood::After), file(1, Stood::After)],
        ] {
            assert!(Evidence::decode(&Evidence { files, ..golden() }.encode()).is_err());
        }
    }
}
