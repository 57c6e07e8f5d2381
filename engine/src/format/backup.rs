//! What a backup target holds beside the files themselves. `docs/FORMAT.md`, section "Backup target".

use super::frame::{Cursor, FormatError, put_counted, put_varint};
use super::objects::ContentHash;
use super::segment::SegmentEntry;
use super::segment_entry::SEGMENT_ENTRY_BYTES;
use super::version::{BACKUP_MAGIC, TARGET_MAGIC};
use super::whole;
use crate::model::{CopyName, Region, Seq};

/// Most bytes of a backup's list: some two hundred thousand segments.
pub const BACKUP_BYTES: usize = 32 << 20;
/// Most bytes of a target's mark.
pub const MARK_BYTES: usize = 256;

const LIST: &str = "backup";
const MARK: &str = "target mark";
const HASH_BYTES: usize = 32;

/// Whose target it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetMark {
    /// The store that backs up to it.
    pub store: [u8; 16],
    /// Where it is: data of other regions is not brought there.
    pub region: Region,
}

/// What one backup lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupList {
    /// What it is called.
    pub name: CopyName,
    /// The store it is of.
    pub store: [u8; 16],
    /// Where that is.
    pub region: Region,
    /// Unix ms when it was begun.
    pub created_ms: u64,
    /// Entries of the ledger that have been applied to all that it lists: restoring it takes a ledger that is as new.
    pub ledger_position: u64,
    /// The last batch in it.
    pub through: Seq,
    /// Its segments, ascending by number.
    pub segments: Vec<BackedSegment>,
}

/// A segment on a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackedSegment {
    /// As the store's manifest knows it.
    pub entry: SegmentEntry,
    /// Names its object.
    pub hash: ContentHash,
}

impl TargetMark {
    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = whole::begin(TARGET_MAGIC);
        bytes.extend_from_slice(&self.store);
        put_counted(&mut bytes, self.region.as_str().as_bytes());
        whole::end(bytes)
    }

    /// Reads a mark.
    ///
    /// # Errors
    /// When it is damaged or of a version that is not known.
    pub fn decode(bytes: &[u8]) -> Result<TargetMark, FormatError> {
        let mut cursor = whole::open(MARK, TARGET_MAGIC, bytes)?;
        let mark = TargetMark { store: cursor.array()?, region: take_region(&mut cursor)? };
        cursor.finish()?;
        Ok(mark)
    }
}

impl BackupList {
    /// Its bytes; segments are put in order.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = whole::begin(BACKUP_MAGIC);
        bytes.extend_from_slice(&self.store);
        bytes.extend_from_slice(&self.created_ms.to_le_bytes());
        bytes.extend_from_slice(&self.ledger_position.to_le_bytes());
        bytes.extend_from_slice(&self.through.0.to_le_bytes());
        put_counted(&mut bytes, self.region.as_str().as_bytes());
        put_counted(&mut bytes, self.name.as_str().as_bytes());
        let mut segments: Vec<&BackedSegment> = self.segments.iter().collect();
        segments.sort_unstable_by_key(|segment| segment.entry.number);
        put_varint(&mut bytes, segments.len() as u64);
        for segment in segments {
            segment.entry.encode(&mut bytes);
            bytes.extend_from_slice(&segment.hash.0);
        }
        whole::end(bytes)
    }

    /// Reads a list.
    ///
    /// # Errors
    /// When it is damaged, of a version that is not known, or says what no backup has: a segment twice, or of another
    /// region.
    pub fn decode(bytes: &[u8]) -> Result<BackupList, FormatError> {
        let mut cursor = whole::open(LIST, BACKUP_MAGIC, bytes)?;
        let store = cursor.array()?;
        let created_ms = cursor.u64()?;
        let ledger_position = cursor.u64()?;
        let through = Seq(cursor.u64()?);
        let region = take_region(&mut cursor)?;
        let name = cursor.text(CopyName::MAX_BYTES)?;
        let name = CopyName::new(name).map_err(|_| cursor.invalid(name.len() as u64))?;
        let count = cursor.count(usize::MAX, SEGMENT_ENTRY_BYTES.saturating_add(HASH_BYTES))?;
        let mut segments: Vec<BackedSegment> = Vec::with_capacity(count);
        for _ in 0..count {
            let entry = SegmentEntry::decode(&mut cursor)?;
            let ascends = segments.last().is_none_or(|last| last.entry.number < entry.number);
            if !ascends || entry.header.region != region {
                return Err(cursor.invalid(entry.number));
            }
            segments.push(BackedSegment { entry, hash: ContentHash(cursor.array()?) });
        }
        cursor.finish()?;
        Ok(BackupList { name, store, region, created_ms, ledger_position, through, segments })
    }
}

fn take_region(cursor: &mut Cursor<'_>) -> Result<Region, FormatError> {
    let text = cursor.text(Region::MAX_BYTES)?;
    Region::new(text).map_err(|_| cursor.invalid(text.len() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::segment::SegmentHeader;
    use crate::model::Month;

    fn segment(number: u64) -> BackedSegment {
        let month = Month::from_number(672).unwrap();
        let header = SegmentHeader {
            uuid: [number as u8; 16],
            region: Region::new("eu").unwrap(),
            month,
            seq_lo: Seq(number * 10),
            seq_hi: Seq(number * 10 + 9),
            purged_through: Seq(1),
            key_id: [0; 16],
            aead: 0,
        };
        let entry = SegmentEntry {
            number,
            header,
            length_bytes: 8_192,
            footer_crc: 0xdead_beef,
            sites: 2,
            cells: 30,
            rows: 40,
            events: 50,
            first_day: month.day(0),
            last_day: month.day(30),
            level: 1,
        };
        BackedSegment { entry, hash: ContentHash([number as u8 ^ 0x55; 32]) }
    }

    /// The list of the golden file; never changes.
    fn golden() -> BackupList {
        BackupList {
            name: CopyName::new("daily-1").unwrap(),
            store: *b"store 0123456789",
            region: Region::new("eu").unwrap(),
            created_ms: 1_767_225_600_000,
            ledger_position: 2,
            through: Seq(29),
            segments: vec![segment(1)],
        }
    }

    /// The mark of the golden file; never changes.
    fn golden_mark() -> TargetMark {
        TargetMark { store: *b"store 0123456789", region: Region::new("eu").unwrap() }
    }

    #[test]
    fn the_dumps_in_the_documentation_are_read() {
        assert_eq!(BackupList::decode(&crate::format::dump::dump("backup")), Ok(golden()));
        assert_eq!(TargetMark::decode(&crate::format::dump::dump("mark")), Ok(golden_mark()));
    }

    #[test]
    fn the_golden_files_of_version_1_are_read_and_written() {
        let bytes = include_bytes!("golden/backup-1.bin");
        assert_eq!((BackupList::decode(bytes), golden().encode()), (Ok(golden()), bytes.to_vec()));
        let bytes = include_bytes!("golden/mark-1.bin");
        assert_eq!((TargetMark::decode(bytes), golden_mark().encode()), (Ok(golden_mark()), bytes.to_vec()));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let (list, mark) = (golden().encode(), golden_mark().encode());
        for bit in 0..list.len() * 8 {
            let mut damaged = list.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(BackupList::decode(&damaged).is_err(), "bit {bit}");
        }
        for bit in 0..mark.len() * 8 {
            let mut damaged = mark.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(TargetMark::decode(&damaged).is_err(), "bit {bit}");
        }
        for length in 0..list.len() {
            assert!(BackupList::decode(&list[..length]).is_err(), "length {length}");
        }
        for length in 0..mark.len() {
            assert!(TargetMark::decode(&mark[..length]).is_err(), "length {length}");
        }
    }

    #[test]
    fn what_no_backup_has_is_refused_in_spite_of_its_checksum() {
        let twice = BackupList { segments: vec![segment(1), segment(1)], ..golden() };
        let elsewhere = BackupList { region: Region::new("us").unwrap(), ..golden() };
        for list in [twice, elsewhere] {
            assert!(BackupList::decode(&list.encode()).is_err(), "{list:?}");
        }
        let two = BackupList { segments: vec![segment(2), segment(1)], ..golden() };
        let sorted = BackupList { segments: vec![segment(1), segment(2)], ..golden() };
        assert_eq!(BackupList::decode(&two.encode()), Ok(sorted));
    }
}
