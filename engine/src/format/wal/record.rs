//! The frame around each record.

use crate::format::frame::{Cursor, FormatError, crc32_salted};
use crate::model::Seq;
use crate::model::limits::WAL_RECORD_BYTES;

/// Bytes before a record's payload.
pub const RECORD_HEADER_BYTES: usize = 32;

const WHAT: &str = "WAL record";

/// What a record is; the number is the code on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RecordType {
    /// A whole batch.
    Batch = 1,
    /// Rows of a batch that counts only if its commit follows.
    Part = 2,
    /// Says that all parts of a batch are there.
    Commit = 3,
    /// Ids of batches of earlier files.
    CarriedIds = 4,
    /// Idempotency keys of batches of earlier files.
    CarriedKeys = 5,
}

impl RecordType {
    fn from_code(code: u8) -> Option<RecordType> {
        use RecordType::{Batch, CarriedIds, CarriedKeys, Commit, Part};
        [Batch, Part, Commit, CarriedIds, CarriedKeys].into_iter().find(|kind| *kind as u8 == code)
    }
}

/// The header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// What it is.
    pub kind: RecordType,
    /// Offset of the first record that was written together with this one: all before it was durable by then, so
    /// that damage there is rot, and not a write that the power cut off.
    pub group: u32,
    /// The batch; of a carried record the last batch before it.
    pub seq: Seq,
    /// When it was accepted, in Unix ms.
    pub time_ms: u64,
}

/// Appends a record that will be at `offset` of a file with this salt.
pub fn put_record(target: &mut Vec<u8>, salt: u32, offset: u64, header: &RecordHeader, payload: &[u8]) {
    debug_assert!(payload.len() <= WAL_RECORD_BYTES);
    let mut fields = [0; 24];
    put(&mut fields, 0, &[header.kind as u8]);
    put(&mut fields, 4, &header.group.to_le_bytes());
    put(&mut fields, 8, &header.seq.0.to_le_bytes());
    put(&mut fields, 16, &header.time_ms.to_le_bytes());
    let length = (payload.len() as u32).to_le_bytes();
    let crc = checksum(salt, offset, &length, &fields, payload);
    target.extend_from_slice(&length);
    target.extend_from_slice(&crc.to_le_bytes());
    target.extend_from_slice(&fields);
    target.extend_from_slice(payload);
}

fn put(target: &mut [u8], at: usize, field: &[u8]) {
    target.iter_mut().skip(at).zip(field).for_each(|(target, byte)| *target = *byte);
}

/// The offset is in it, so that a record that turns up at another place does not pass.
fn checksum(salt: u32, offset: u64, length: &[u8], fields: &[u8], payload: &[u8]) -> u32 {
    crc32_salted(salt, &[&offset.to_le_bytes(), length, fields, payload])
}

impl RecordHeader {
    /// Reads a header by its first `RECORD_HEADER_BYTES`; gives the length of the payload and the checksum too.
    ///
    /// # Errors
    /// When it cannot be one. That it can be one says little: `check` does.
    pub fn decode(bytes: &[u8]) -> Result<(RecordHeader, usize, u32), FormatError> {
        let mut cursor = Cursor::new(WHAT, bytes);
        let length = cursor.u32()?;
        if length as usize > WAL_RECORD_BYTES {
            return Err(cursor.invalid(u64::from(length)));
        }
        let crc = cursor.u32()?;
        let code = cursor.u8()?;
        let kind = RecordType::from_code(code).ok_or_else(|| cursor.invalid(u64::from(code)))?;
        cursor.zeros(3)?;
        let header =
            RecordHeader { kind, group: cursor.u32()?, seq: Seq(cursor.u64()?), time_ms: cursor.u64()? };
        Ok((header, length as usize, crc))
    }

    /// Checks a record found at `offset` of a file with this salt: `bytes` are its header and payload.
    ///
    /// # Errors
    /// When the checksum differs.
    pub fn check(salt: u32, offset: u64, bytes: &[u8]) -> Result<(), FormatError> {
        let mut cursor = Cursor::new(WHAT, bytes);
        let length = cursor.take(4)?;
        let expected = cursor.u32()?;
        let fields = cursor.take(RECORD_HEADER_BYTES.saturating_sub(8))?;
        let got = checksum(salt, offset, length, fields, cursor.rest());
        if got == expected { Ok(()) } else { Err(FormatError::Checksum { what: WHAT, expected, got }) }
    }
}
