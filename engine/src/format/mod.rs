//! Bytes <-> values, pure: the only place that knows offsets, magics and file names. `docs/FORMAT.md` is its text.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

pub mod account_edits;
pub mod accounts;
pub mod backup;
mod bits;
pub mod block;
pub mod chunks;
pub mod columns;
pub mod detail;
#[cfg(test)]
mod dump;
pub mod evidence;
pub mod extent;
pub mod frame;
pub mod frames;
pub mod hours;
pub mod ledger;
pub mod manifest;
pub mod names;
pub mod objects;
pub mod rollups;
pub mod segment;
pub mod segment_entry;
pub mod snapshots;
pub mod strips;
pub mod summary;
pub mod version;
pub mod wal;
mod whole;
