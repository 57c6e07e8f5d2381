//! Backups: segments by their content, and a list for each backup, at a target of the operator's choice.
//!
//! A list is put last, so that what is listed is there; what no list names is nobody's and goes with the next prune.

pub mod error;
pub mod expiry;
#[cfg(any(test, feature = "simulation"))]
pub mod memory;
pub mod places;
pub mod plan;
pub mod remote;
pub mod restore;
pub mod run;
pub mod target;

pub use crate::format::backup::{BackedSegment, BackupList, TargetMark};
pub use crate::format::objects::{ContentHash, Folder, ObjectName};
pub use error::BackupError;
pub use expiry::TooLongKept;
pub use plan::KeepOptions;
pub use remote::RemoteFile;
pub use target::{BackupTarget, GetError, InMemory, Put, TargetError};

/// What a backup did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackupReport {
    /// Segments that it lists.
    pub segments: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Segments that were not at the target before.
    pub uploaded_segments: usize,
    /// Their bytes.
    pub uploaded_bytes: u64,
}

/// What was found of one backup.
#[derive(Debug, Default)]
pub struct BackupVerification {
    /// Segments that were read.
    pub segments: usize,
    /// Bytes of them.
    pub bytes: u64,
    /// What is wrong.
    pub findings: Vec<BackupError>,
}

/// How far something is, in bytes of segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Bytes done.
    pub done_bytes: u64,
    /// Bytes in all.
    pub total_bytes: u64,
}
