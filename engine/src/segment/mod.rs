//! Segments: immutable files of sorted counters. Written once by `SegmentWriter`, read by `Segment`, joined by `merge`.

mod error;

pub use crate::format::segment::{SegmentEntry, SegmentHeader};
pub use crate::model::Work;
pub use error::{Place, SegmentError};

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
