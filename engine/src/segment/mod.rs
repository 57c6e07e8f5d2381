//! Segments: immutable files of sorted counters. Written once by `SegmentWriter`, read by `Segment`, joined by `merge`.

mod covered;
mod error;
mod extent;
mod extent_writer;
mod merge;
mod output;
mod reader;
mod scan;
mod site_writer;
mod verify;
mod writer;

pub use crate::format::extent::PageIndex;
pub use crate::format::segment::{SegmentEntry, SegmentHeader};
pub use crate::format::strips::Strip;
pub use crate::model::Work;
pub use covered::Covered;
pub use error::{Place, SegmentError};
pub use extent::{Extent, Rollup};
pub use merge::{MergeInput, MergeStats, merge};
pub use reader::Segment;
pub use scan::{DetailRows, Scratch, Spend};
pub use writer::SegmentWriter;

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

/// Does pieces of work that do not depend on each other.
pub trait Lanes: Sync {
    /// How many of them are done at the same time.
    fn count(&self) -> usize;

    /// Does `work` with each number below `pieces`, and returns when all is done.
    fn each(&self, pieces: usize, work: &(dyn Fn(usize) + Sync));

    /// Does `work`, and `other` meanwhile: it waits for the disk more than it works, and takes no lane. Returns when both
    /// are done.
    fn beside(&self, other: &mut (dyn FnMut() + Send), work: &mut dyn FnMut());
}

/// Everything on the caller's thread.
#[derive(Clone, Copy, Debug)]
pub struct OneLane;

impl Lanes for OneLane {
    fn count(&self) -> usize {
        1
    }

    fn each(&self, pieces: usize, work: &(dyn Fn(usize) + Sync)) {
        (0..pieces).for_each(work);
    }

    fn beside(&self, other: &mut (dyn FnMut() + Send), work: &mut dyn FnMut()) {
        other();
        work();
    }
}

#[cfg(test)]
mod tests;
