//! Records of one log file, read in pieces.

use std::sync::Arc;

use crate::disk::{DiskError, FileReader};
use crate::format::wal::{RECORD_HEADER_BYTES, RecordHeader};

/// Bytes that are read at a time.
const PIECE_BYTES: usize = 1 << 20;

/// A record that passed its checksum.
pub(super) struct Record<'a> {
    pub(super) header: RecordHeader,
    /// Offset after it.
    pub(super) end: u64,
    pub(super) payload: &'a [u8],
}

/// Reads a file forwards, mostly.
pub(super) struct RecordReader {
    file: Arc<dyn FileReader>,
    salt: u32,
    /// Nothing is read from here on.
    limit: u64,
    piece: Vec<u8>,
    piece_at: u64,
}

impl RecordReader {
    pub(super) fn new(file: Arc<dyn FileReader>, salt: u32, limit: u64) -> RecordReader {
        let limit = limit.min(file.length());
        RecordReader { file, salt, limit, piece: Vec::new(), piece_at: 0 }
    }

    /// Bytes at `offset`; `None` when they are not all below the limit.
    fn bytes(&mut self, offset: u64, length: usize) -> Result<Option<&[u8]>, DiskError> {
        let end = offset.saturating_add(length as u64);
        if end > self.limit {
            return Ok(None);
        }
        if offset < self.piece_at || end > self.piece_at + self.piece.len() as u64 {
            let left = usize::try_from(self.limit - offset).unwrap_or(usize::MAX);
            self.piece = self.file.read(offset, length.max(PIECE_BYTES).min(left))?.into_owned();
            self.piece_at = offset;
        }
        let from = (offset - self.piece_at) as usize;
        Ok(self.piece.get(from..from + length))
    }

    /// The record at `offset`, if there is a sound one.
    pub(super) fn record(&mut self, offset: u64) -> Result<Option<Record<'_>>, DiskError> {
        let Some(header) = self.bytes(offset, RECORD_HEADER_BYTES)? else { return Ok(None) };
        let Ok((header, length, _)) = RecordHeader::decode(header) else { return Ok(None) };
        // A group begins before its records; this spares most checksums when a sound record is searched for.
        if u64::from(header.group) > offset {
            return Ok(None);
        }
        let salt = self.salt;
        let Some(bytes) = self.bytes(offset, RECORD_HEADER_BYTES + length)? else { return Ok(None) };
        if RecordHeader::check(salt, offset, bytes).is_err() {
            return Ok(None);
        }
        let end = offset + bytes.len() as u64;
        Ok(Some(Record { header, end, payload: &bytes[RECORD_HEADER_BYTES..] }))
    }

    /// Offset of the first sound record at `from` or after it.
    pub(super) fn find_record(&mut self, from: u64) -> Result<Option<u64>, DiskError> {
        let mut offset = from;
        while offset + RECORD_HEADER_BYTES as u64 <= self.limit {
            // Zeros begin no record, and a file is mostly zeros after its end.
            let zeros = self.zeros(offset)?;
            if zeros > 8 {
                // A header has at most 8 zeros before its type, which is none.
                offset += zeros - 8;
            }
            if self.record(offset)?.is_some() {
                return Ok(Some(offset));
            }
            offset += 1;
        }
        Ok(None)
    }

    /// How many zeros there are from `offset` on, as far as the piece goes.
    fn zeros(&mut self, offset: u64) -> Result<u64, DiskError> {
        let Some(_) = self.bytes(offset, 1)? else { return Ok(0) };
        let rest = self.piece.get((offset - self.piece_at) as usize..).unwrap_or_default();
        Ok(rest.iter().take_while(|byte| **byte == 0).count() as u64)
    }

    /// Offset after the last byte that is not zero, at `from` or after it; `from` if there is none.
    pub(super) fn end_of_data(&mut self, from: u64) -> Result<u64, DiskError> {
        let (mut offset, mut end) = (from, from);
        while offset < self.limit {
            if self.bytes(offset, 1)?.is_none() {
                break;
            }
            let rest = self.piece.get((offset - self.piece_at) as usize..).unwrap_or_default();
            if let Some(last) = rest.iter().rposition(|byte| *byte != 0) {
                end = offset + last as u64 + 1;
            }
            offset += rest.len().max(1) as u64;
        }
        Ok(end.min(self.limit))
    }
}
