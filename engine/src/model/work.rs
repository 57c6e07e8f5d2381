//! What answering a question cost.

use std::ops::AddAssign;

/// What a query read from segments and memtables. Part of every answer, so that a test can see which bytes a
/// question does not touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Work {
    /// Column groups of blocks that were decoded.
    pub blocks: u64,
    /// Rows that were decoded or looked at: cells of summaries, rows of details and of memtables.
    pub rows: u64,
    /// Bytes of column groups that were decoded, as they are in the file.
    pub bytes: u64,
}

impl AddAssign for Work {
    fn add_assign(&mut self, other: Work) {
        self.blocks += other.blocks;
        self.rows += other.rows;
        self.bytes += other.bytes;
    }
}
