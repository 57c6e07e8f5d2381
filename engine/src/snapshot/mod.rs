//! Snapshots: named lists over files that live as long as a list names them. Taking one copies nothing.
//!
//! What is listed is the manifest's; here is decided when snapshots come and go, and how a site is cut out of one.

pub mod cut;
pub mod plan;

use crate::model::Day;
use crate::model::{CopyName, Seq, limits::COPY_DAYS};

pub use crate::manifest::{Snapshot, SnapshotError, SnapshotOrigin};

/// When snapshots come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotOptions {
    /// Days that a snapshot is kept, at most `limits::COPY_DAYS`; it then goes by itself.
    pub most_days: u32,
    /// A snapshot is made every so many hours; 0 is never.
    pub every_hours: u32,
    /// Of those that the schedule made, so many are kept.
    pub keep: usize,
}

impl SnapshotOptions {
    /// What a store has when nobody chose: none by itself, each for 30 days.
    #[must_use]
    pub fn standard() -> SnapshotOptions {
        SnapshotOptions { most_days: 30, every_hours: 0, keep: 14 }
    }

    /// Says whether what retention removes still leaves every copy in time.
    ///
    /// # Errors
    /// When snapshots would be kept for too long, or not at all.
    pub fn check(&self) -> Result<(), TooOld> {
        match (1..=COPY_DAYS).contains(&self.most_days) {
            true => Ok(()),
            false => Err(TooOld { got: self.most_days }),
        }
    }
}

/// Copies would be kept for longer than they may be, or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "copies may be kept for 1 to {COPY_DAYS} days, not {got}: what expires must have left all of them after 90"
)]
pub struct TooOld {
    /// Days.
    pub got: u32,
}

/// A snapshot, as numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotStatus {
    /// What it is called.
    pub name: CopyName,
    /// Who made it.
    pub origin: SnapshotOrigin,
    /// Unix ms when it was made.
    pub created_ms: u64,
    /// Unix ms from which on it may go by itself.
    pub expires_ms: u64,
    /// Entries that the ledger had.
    pub ledger_position: u64,
    /// The last batch in it.
    pub through: Seq,
    /// Its segments.
    pub segments: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes of those that nothing else lists: what deleting it frees.
    pub own_bytes: u64,
    /// Their events.
    pub events: u64,
    /// First and last day of anything in it.
    pub days: Option<(Day, Day)>,
}
