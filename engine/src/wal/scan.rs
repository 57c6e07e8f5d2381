//! The first reading of a log file: which stretches of it are sound, and what is damage.

use std::sync::Arc;

use super::reader::{Record, RecordReader};
use crate::disk::{DiskError, FileReader};
use crate::format::wal::{
    CLOSING_BYTES, Closing, FILE_BYTES, FileHeader, HEADER_BYTES, HEADER_COPIES_AT, RECORDS_AT,
};

/// What a log file is made of.
pub(super) struct Scan {
    /// Stretches of sound records, in order.
    pub(super) sound: Vec<Stretch>,
    /// Damage to what was durable once, in order.
    pub(super) rot: Vec<Stretch>,
    /// A write that did not finish.
    pub(super) cut: Option<Stretch>,
    /// Where what was written last begins: before it, all was durable. 0 when the header was.
    pub(super) last_group: u64,
    /// Offset after the last record.
    pub(super) end: u64,
}

/// Bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) from: u64,
    pub(super) to: u64,
}

/// A log file's header, from the first copy that can be read. `None` when neither can.
pub(super) fn read_header(file: &dyn FileReader, number: u64) -> Result<Option<FileHeader>, DiskError> {
    for at in HEADER_COPIES_AT {
        if file.length() < at + HEADER_BYTES as u64 {
            return Ok(None);
        }
        match FileHeader::decode(&file.read(at, HEADER_BYTES)?) {
            Ok(header) if header.number == number => return Ok(Some(header)),
            _ => {}
        }
    }
    Ok(None)
}

/// What a closed log says of its last file, from the first copy that can be read.
pub(super) fn read_closing(file: &dyn FileReader, salt: u32) -> Result<Option<Closing>, DiskError> {
    for at in HEADER_COPIES_AT {
        let at = at + HEADER_BYTES as u64;
        if file.length() < at + CLOSING_BYTES as u64 {
            return Ok(None);
        }
        if let Ok(closing) = Closing::decode(&file.read(at, CLOSING_BYTES)?, salt) {
            return Ok(Some(closing));
        }
    }
    Ok(None)
}

/// Whether a file without a header was never in use: a spare, or one whose header was being written. That is done when
/// the whole length is durable, and is durable before the first record.
pub(super) fn is_unused(file: &Arc<dyn FileReader>) -> Result<bool, DiskError> {
    let mut reader = RecordReader::new(file.clone(), 0, u64::MAX);
    let end = reader.end_of_data(0)?;
    Ok(end <= RECORDS_AT && file.length() >= *FILE_BYTES.start())
}

/// Scans a file. `known_end` is where it ends, when the file after it or its closing says so.
/// `visit` is given each sound record with its offset.
pub(super) fn scan(
    file: &Arc<dyn FileReader>,
    header: &FileHeader,
    known_end: Option<u64>,
    visit: &mut dyn FnMut(u64, &Record<'_>),
) -> Result<Scan, DiskError> {
    let mut reader = RecordReader::new(file.clone(), header.salt, known_end.unwrap_or(u64::MAX));
    let mut scan = Scan { sound: Vec::new(), rot: Vec::new(), cut: None, last_group: 0, end: RECORDS_AT };
    let mut offset = RECORDS_AT;
    loop {
        let from = offset;
        while let Some(record) = reader.record(offset)? {
            visit(offset, &record);
            let group = u64::from(record.header.group);
            scan.last_group = if group > RECORDS_AT { group } else { 0 };
            offset = record.end;
        }
        if offset > from {
            scan.sound.push(Stretch { from, to: offset });
        }
        scan.end = offset;
        if known_end.is_some_and(|end| offset >= end) {
            break;
        }
        let next = reader.find_record(offset + 1)?;
        match next {
            // Something after it was written when it was durable already.
            Some(next) if known_end.is_some() || is_proven(&mut reader, offset, next)? => {
                scan.rot.push(Stretch { from: offset, to: next });
                offset = next;
            }
            _ => {
                match known_end {
                    Some(end) => scan.rot.push(Stretch { from: offset, to: end }),
                    None => {
                        let end = reader.end_of_data(offset)?;
                        scan.cut = Some(Stretch { from: offset, to: end }).filter(|cut| cut.to > cut.from);
                    }
                }
                break;
            }
        }
    }
    if file.length() < header.length_bytes {
        // All of its length was durable before its first record.
        scan.cut = None;
        match scan.rot.last_mut().filter(|rot| rot.to >= file.length()) {
            Some(rot) => rot.to = header.length_bytes,
            None => scan.rot.push(Stretch { from: scan.end.min(file.length()), to: header.length_bytes }),
        }
    }
    Ok(scan)
}

/// Whether a record from `next` on says that all before its own group, damage at `offset` included, was durable.
fn is_proven(reader: &mut RecordReader, offset: u64, next: u64) -> Result<bool, DiskError> {
    let mut at = Some(next);
    while let Some(from) = at {
        let mut end = from;
        while let Some(record) = reader.record(end)? {
            if u64::from(record.header.group) > offset {
                return Ok(true);
            }
            end = record.end;
        }
        at = reader.find_record(end.max(from + 1))?;
    }
    Ok(false)
}
