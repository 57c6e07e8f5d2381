//! Chunks: a directory of one site's pages, a few KiB at a time, so that one page of very many is cheap to read.
//! `docs/FORMAT.md`, section "Chunks".

use std::ops::Range;

use super::frame::{Cursor, FormatError, crc32};

/// Bytes of one entry of a chunk index.
pub const CHUNK_ENTRY_BYTES: usize = 16;
/// A chunk is full when it has about this many bytes before compression: some microseconds to read.
pub const CHUNK_FULL_BYTES: usize = 4 << 10;
/// Most bytes of a run of a chunk before compression: a page has up to 924 strips, each with 31 totals of 10 bytes
/// and 4,096 pieces of 4.
pub const CHUNK_LIMIT_BYTES: usize = 16 << 20;

/// Where a chunk is, which page is its first, and what its checksum is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkEntry {
    /// Its first page; its last is the one before the next chunk's first.
    pub first_page: u32,
    /// Its bytes, from the start of the chunks.
    pub bytes: Range<u64>,
    /// CRC-32 of these.
    pub crc: u32,
}

/// Chunks as they are written, and their index.
#[derive(Debug, Default)]
pub struct Chunks {
    /// The chunks, one after another.
    pub bytes: Vec<u8>,
    /// Their index: first page (4 bytes), CRC (4), offset (8) of each.
    pub index: Vec<u8>,
    first_page: u32,
    start: usize,
}

impl Chunks {
    /// Ends the chunk that was appended to `bytes`; the next one begins with `next_page`.
    pub fn end_chunk(&mut self, next_page: u32) {
        let crc = crc32(self.bytes.get(self.start..).unwrap_or_default());
        self.index.extend_from_slice(&self.first_page.to_le_bytes());
        self.index.extend_from_slice(&crc.to_le_bytes());
        self.index.extend_from_slice(&(self.start as u64).to_le_bytes());
        self.first_page = next_page;
        self.start = self.bytes.len();
    }

    /// Takes everything out.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.index.clear();
        (self.first_page, self.start) = (0, 0);
    }
}

/// The number of the chunk that has `page`; `None` when there are no chunks.
#[must_use]
pub fn chunk_of(index: &[u8], page: u32) -> Option<usize> {
    let (entries, _) = index.as_chunks::<CHUNK_ENTRY_BYTES>();
    let first =
        |entry: &[u8; CHUNK_ENTRY_BYTES]| entry.first_chunk().map_or(0, |page| u32::from_le_bytes(*page));
    entries.partition_point(|entry| first(entry) <= page).checked_sub(1)
}

/// Reads entry `number` of a chunk index, of chunks that take `chunks_bytes`; `None` past the last.
///
/// # Errors
/// When it points outside of the chunks.
pub fn chunk_entry(
    index: &[u8],
    number: usize,
    chunks_bytes: u64,
) -> Result<Option<ChunkEntry>, FormatError> {
    let (entries, _) = index.as_chunks::<CHUNK_ENTRY_BYTES>();
    let read = |number: usize| -> Result<Option<(u32, u32, u64)>, FormatError> {
        let Some(entry) = entries.get(number) else { return Ok(None) };
        let mut cursor = Cursor::new("chunk index", entry);
        Ok(Some((cursor.u32()?, cursor.u32()?, cursor.u64()?)))
    };
    let Some((first_page, crc, start)) = read(number)? else { return Ok(None) };
    let end = read(number.saturating_add(1))?.map_or(chunks_bytes, |(_, _, offset)| offset);
    if start > end || end > chunks_bytes {
        return Err(Cursor::new("chunk index", index).invalid(start));
    }
    Ok(Some(ChunkEntry { first_page, bytes: start..end, crc }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_found_in_its_chunk() {
        let mut chunks = Chunks::default();
        for (length, next_page) in [(10, 3), (0, 4), (5, 90)] {
            chunks.bytes.resize(chunks.bytes.len() + length, 7);
            chunks.end_chunk(next_page);
        }
        for (page, number) in [(0, 0), (2, 0), (3, 1), (4, 2), (89, 2), (u32::MAX, 2)] {
            assert_eq!(chunk_of(&chunks.index, page), Some(number), "{page}");
        }
        let entry = |number| chunk_entry(&chunks.index, number, 15).unwrap();
        assert_eq!(entry(0).unwrap().bytes, 0..10);
        assert_eq!(entry(2).unwrap(), ChunkEntry { first_page: 4, bytes: 10..15, crc: crc32(&[7; 5]) });
        assert_eq!(entry(3), None);
        assert!(chunk_entry(&chunks.index, 2, 9).is_err());
        assert_eq!(chunk_of(&[], 0), None);
    }
}
