//! Why a batch was not taken.

use crate::wal::WalError;

/// Why a batch was not taken, or what became of it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// Too much waits to be committed.
    #[error("busy: {batches} batches of {bytes} bytes wait to be stored; send it again in a second")]
    Busy {
        /// Batches that wait.
        batches: usize,
        /// Their encoded bytes.
        bytes: usize,
    },
    /// The log could not take it.
    #[error(transparent)]
    Log(#[from] WalError),
    /// The store is being closed.
    #[error("the store is being closed")]
    Stopped,
}
