//! The log in front of the memtable: append, make durable, read again, trim.
//!
//! A batch is durable once it is here and `sync` has returned. Files are written with zeros before they are used,
//! are used by one process, and are unlinked whole; nothing is ever written into old bytes but, after a restart, the
//! same bytes once more (`tail`). Its surface is small, so that a replicated log can take its place one day.

mod append;
mod delivery;
mod files;
mod order;
mod reader;
mod replay;
mod report;
mod scan;
mod spare;
mod tail;

use std::sync::Arc;

pub use append::Wal;
pub use delivery::ReplayedRows;
pub use files::{Trimmed, WalFiles, first_seqs};
pub use replay::{LogEnd, Replayed, replay};
pub use report::{Cut, Rot, WalReport};
pub use spare::SpareShelf;

use crate::disk::DiskError;
use crate::format::wal::{FILE_BYTES, RECORD_HEADER_BYTES, RECORDS_AT};
use crate::model::limits::WAL_RECORD_BYTES;

/// How large log files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalOptions {
    /// Bytes of a file of a busy store, zeroed ahead; `format::wal::FILE_BYTES` are possible.
    pub file_bytes: u64,
    /// Bytes of the first file after opening, which has to wait for its zeros: smaller is faster. Files grow
    /// from it as they fill.
    pub first_file_bytes: u64,
}

impl WalOptions {
    /// Files of at most so many bytes, the first of at most 1 MiB.
    #[must_use]
    pub fn of_file_bytes(file_bytes: u64) -> WalOptions {
        let file_bytes = file_bytes.clamp(*FILE_BYTES.start(), *FILE_BYTES.end());
        WalOptions { file_bytes, first_file_bytes: file_bytes.min(1 << 20) }
    }

    /// Most bytes of a record's payload: a file of full size holds one.
    #[must_use]
    pub fn payload_bytes(&self) -> usize {
        let room = self.file_bytes - RECORDS_AT - RECORD_HEADER_BYTES as u64;
        usize::try_from(room).unwrap_or(usize::MAX).min(WAL_RECORD_BYTES)
    }
}

/// Why the log could not do something.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WalError {
    /// Nothing was written and nothing is lost; it may work later (a full disk, mostly).
    #[error("the log cannot go on: {0}; nothing was lost, make room and try again")]
    Disk(Arc<DiskError>),
    /// A write or sync failed, so that nothing can be known of the log's end any more. Only opening the store again
    /// helps: that reads back what is there.
    #[error("the log failed ({0}) and takes nothing more; look at the disk, then start again")]
    Poisoned(Arc<DiskError>),
    /// The operating system gave no random bytes for a file's salt.
    #[error("the operating system gave no random bytes")]
    Randomness,
}

impl From<DiskError> for WalError {
    fn from(error: DiskError) -> WalError {
        WalError::Disk(Arc::new(error))
    }
}

#[cfg(test)]
mod tests {
    mod crash;
    mod damage;
    mod harness;
    mod sequence;
}
