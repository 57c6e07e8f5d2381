//! Segments: immutable files of sorted counters. Written once by `SegmentWriter`, read by `Segment`, joined by `merge`.

mod error;

pub use crate::format::segment::{SegmentEntry, SegmentHeader};
pub use error::{Place, SegmentError};

/// What a query has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Work {
    /// Column groups of blocks: the summary and the detail of a block are two.
    pub blocks: u64,
    /// Rows: cells of a summary, counters of a detail.
    pub rows: u64,
    /// Bytes as stored.
    pub bytes: u64,
}

impl std::ops::AddAssign for Work {
    fn add_assign(&mut self, other: Work) {
        self.blocks += other.blocks;
        self.rows += other.rows;
        self.bytes += other.bytes;
    }
}

/// A budget of writing. `spend` waits until the bytes may be written.
pub trait Throttle: Send + Sync {
    /// Takes `bytes` out of the budget.
    fn spend(&self, bytes: u64);
}

/// No budget: flushes, whose pace is the pace of ingestion.
#[derive(Clone, Copy, Debug)]
pub struct Unthrottled;

impl Throttle for Unthrottled {
    fn spend(&self, _: u64) {}
}
