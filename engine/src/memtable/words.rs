//! Rows in the order they came, packed: 8 bytes for the usual row, whose count is 1.

use crate::model::{Row, RowKey};

/// Set on a key whose count follows in a word of its own. A key has 63 bits, so that the highest is free.
const COUNTED: u64 = 1 << 63;
/// Words of the smallest chunk: a page with a handful of events.
const SMALLEST_CHUNK: usize = 8;
/// Words of the largest chunk: 64 KiB, below what an allocator maps on its own.
const LARGEST_CHUNK: usize = 8_192;

/// An append-only list of rows, in chunks that are never moved: growing copies nothing and wastes a fifth at most.
#[derive(Default)]
pub(super) struct Words {
    chunks: Vec<Vec<u64>>,
    rows: usize,
    capacity: usize,
}

impl Words {
    /// Appends rows; their order and repeated keys do not matter.
    pub(super) fn extend(&mut self, rows: &[Row]) {
        self.rows += rows.len();
        let mut rows = rows.iter();
        let mut left = rows.len();
        loop {
            let chunk = match self.chunks.last_mut() {
                Some(chunk) if chunk.capacity() - chunk.len() >= 2 => chunk,
                _ if left == 0 => return,
                _ => self.grow(left),
            };
            // A row never straddles chunks, so that one is begun only where the larger of them fits.
            while chunk.capacity() - chunk.len() >= 2 {
                let Some(row) = rows.next() else { return };
                left -= 1;
                if row.count == 1 {
                    chunk.push(row.key.bits());
                } else {
                    chunk.push(row.key.bits() | COUNTED);
                    chunk.push(u64::from(row.count));
                }
            }
        }
    }

    #[cold]
    fn grow(&mut self, rows: usize) -> &mut Vec<u64> {
        let words = (self.capacity / 4).max(rows + rows / 8 + 1).clamp(SMALLEST_CHUNK, LARGEST_CHUNK);
        self.capacity += words;
        if self.chunks.len() == self.chunks.capacity() {
            self.chunks.reserve_exact((self.chunks.len() / 4).max(1));
        }
        self.chunks.push(Vec::with_capacity(words));
        self.chunks.last_mut().expect("a chunk was pushed")
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes allocated, the allocator's own included.
    pub(super) fn bytes(&self) -> usize {
        let per_chunk = size_of::<Vec<u64>>() + super::ALLOCATION_BYTES;
        self.capacity * size_of::<u64>() + self.chunks.capacity() * per_chunk
    }

    /// The rows, in the order they came.
    pub(super) fn iter(&self) -> Rows<'_> {
        Rows { chunks: self.chunks.iter(), words: [].iter(), left: self.rows }
    }
}

/// Rows of a page, unsorted; keys may repeat.
#[derive(Clone)]
pub struct Rows<'a> {
    chunks: std::slice::Iter<'a, Vec<u64>>,
    words: std::slice::Iter<'a, u64>,
    left: usize,
}

impl Iterator for Rows<'_> {
    type Item = Row;

    #[inline]
    fn next(&mut self) -> Option<Row> {
        let word = loop {
            match self.words.next() {
                Some(word) => break *word,
                None => self.words = self.chunks.next()?.iter(),
            }
        };
        self.left -= 1;
        let count = match word & COUNTED {
            0 => 1,
            // Only counts that were a u32 are pushed.
            _ => self.words.next().map_or(1, |count| *count as u32),
        };
        Some(Row { key: RowKey::from_own_bits(word & !COUNTED), count })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Rows<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(bits: u64, count: u32) -> Row {
        Row { key: RowKey::from_bits(bits).unwrap(), count }
    }

    proptest! {
        #[test]
        fn rows_come_back_in_order(batches in prop::collection::vec(
            prop::collection::vec((0_u64..1 << 42, prop_oneof![Just(1_u32), any::<u32>()]), 0..300), 0..40,
        )) {
            let mut words = Words::default();
            let mut expected = Vec::new();
            for batch in batches {
                let rows: Vec<Row> =
                    batch.into_iter().map(|(bits, count)| row((bits & !0x3ff) | (bits % 676), count)).collect();
                words.extend(&rows);
                expected.extend(rows);
            }
            prop_assert_eq!(words.iter().len(), expected.len());
            prop_assert_eq!(words.iter().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn a_usual_row_costs_little_more_than_its_word() {
        let mut words = Words::default();
        let rows: Vec<Row> = (0..20).map(|cell| row(cell << 26, 1)).collect();
        for _ in 0..5_000 {
            words.extend(&rows);
        }
        assert!(words.bytes() < 100_000 * 10, "{} bytes for 100,000 rows", words.bytes());
    }
}
