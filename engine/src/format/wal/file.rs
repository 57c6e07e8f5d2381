//! What a log file begins with.

use crate::format::frame::{Cursor, FormatError, check_crc32, crc32, crc32_salted};
use crate::format::version::{FORMAT_VERSION, WAL_MAGIC, check_version};
use crate::model::Seq;

/// Bytes of a header.
pub const HEADER_BYTES: usize = 64;
/// Bytes of a closing, which stands behind each copy of the header.
pub const CLOSING_BYTES: usize = 32;
/// Offsets of the two copies: two sectors, so that one bad one does not cost the salt and with it every record.
pub const HEADER_COPIES_AT: [u64; 2] = [0, 512];
/// Offset of the first record.
pub const RECORDS_AT: u64 = 1_024;
/// Lengths a log file may have: room for a record with a longest page and answer; offsets fit 32 bits.
pub const FILE_BYTES: std::ops::RangeInclusive<u64> = 4_096..=1 << 30;

const WHAT: &str = "WAL header";

/// Where the file before this one ends, known since this one was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreviousFile {
    /// Its number.
    pub number: u64,
    /// Offset after its last record. What follows was never acknowledged and is never read.
    pub end: u64,
}

/// The header of a log file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHeader {
    /// Number of the file, also its name; the first is 1.
    pub number: u64,
    /// Random, and in the checksum of each record: bytes that were written for another file do not pass.
    pub salt: u32,
    /// The batch after the last one of all earlier files.
    pub first_seq: Seq,
    /// Bytes of the file, all of them written with zeros before it was used.
    pub length_bytes: u64,
    /// The file before, if the store had one.
    pub previous: Option<PreviousFile>,
}

impl FileHeader {
    /// Its bytes, for both copies.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let previous = self.previous.unwrap_or(PreviousFile { number: 0, end: 0 });
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(&WAL_MAGIC);
        bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes.extend_from_slice(&[0; 2]);
        bytes.extend_from_slice(&self.salt.to_le_bytes());
        for field in [self.number, self.first_seq.0, self.length_bytes, previous.number, previous.end] {
            bytes.extend_from_slice(&field.to_le_bytes());
        }
        bytes.extend_from_slice(&[0; 4]);
        let crc = crc32(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads one copy.
    ///
    /// # Errors
    /// When it is not what `encode` gives.
    pub fn decode(bytes: &[u8]) -> Result<FileHeader, FormatError> {
        let mut cursor = Cursor::new(WHAT, bytes);
        let mut crc = Cursor::new(WHAT, cursor.take(HEADER_BYTES)?);
        cursor.finish()?;
        let mut fields = crc.part(WHAT, HEADER_BYTES.saturating_sub(4))?;
        check_crc32(WHAT, fields.rest(), crc.u32()?)?;
        let magic = fields.array::<8>()?;
        if magic != WAL_MAGIC {
            return Err(fields.invalid(u64::from_le_bytes(magic)));
        }
        check_version(WHAT, fields.u16()?)?;
        fields.zeros(2)?;
        let salt = fields.u32()?;
        let number = fields.u64()?;
        let first_seq = Seq(fields.u64()?);
        let length_bytes = fields.u64()?;
        if !FILE_BYTES.contains(&length_bytes) {
            return Err(fields.invalid(length_bytes));
        }
        let previous = PreviousFile { number: fields.u64()?, end: fields.u64()? };
        fields.zeros(4)?;
        let previous = Some(previous).filter(|previous| previous.number != 0);
        Ok(FileHeader { number, salt, first_seq, length_bytes, previous })
    }
}

/// Says that the log was closed: all of the file is durable and known, so that damage to its end is told from a write
/// that the power cut off. In sectors without records, so that what damages the last of them leaves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    /// Offset after the last record.
    pub end: u64,
    /// The last batch of the log.
    pub last_seq: Seq,
}

impl Closing {
    /// Its bytes, in a file with this salt.
    #[must_use]
    pub fn encode(&self, salt: u32) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(CLOSING_BYTES);
        bytes.extend_from_slice(&self.end.to_le_bytes());
        bytes.extend_from_slice(&self.last_seq.0.to_le_bytes());
        bytes.extend_from_slice(&[0; 12]);
        let crc = crc32_salted(salt, &[&bytes]);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads one copy; zeros where the log was not closed do not pass.
    ///
    /// # Errors
    /// When it is not what `encode` gives with this salt.
    pub fn decode(bytes: &[u8], salt: u32) -> Result<Closing, FormatError> {
        let mut cursor = Cursor::new(WHAT, bytes);
        let covered = cursor.take(CLOSING_BYTES.saturating_sub(4))?;
        let expected = cursor.u32()?;
        cursor.finish()?;
        let got = crc32_salted(salt, &[covered]);
        if got != expected {
            return Err(FormatError::Checksum { what: WHAT, expected, got });
        }
        let mut fields = Cursor::new(WHAT, covered);
        let closing = Closing { end: fields.u64()?, last_seq: Seq(fields.u64()?) };
        fields.zeros(12)?;
        if closing.end < RECORDS_AT || closing.end > *FILE_BYTES.end() {
            return Err(fields.invalid(closing.end));
        }
        Ok(closing)
    }
}
