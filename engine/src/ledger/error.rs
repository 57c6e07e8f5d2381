//! What can go wrong with the ledger.

use crate::disk::DiskError;
use crate::format::frame::FormatError;
use crate::format::names::FileName;

/// Why the ledger could not be read or added to.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A call failed. Whether an entry that was being added is there will be known after the next opening.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The file has rotted, or a newer release wrote it. Nothing is served without it: who could not see an erasure
    /// would answer with what was erased.
    #[error(
        "{file} cannot be read at offset {offset}: {source}; put a copy of it from a backup in its place"
    )]
    Unreadable {
        /// Which file.
        file: FileName,
        /// Where the frame begins that cannot be read.
        offset: u64,
        /// What is wrong with it.
        source: FormatError,
    },
    /// A list of the files of a purge has rotted or was altered.
    #[error(
        "{file}, the list of files of a purge, cannot be read: {source}; if there is a copy of it, put that in its place"
    )]
    Evidence {
        /// Which file.
        file: FileName,
        /// What is wrong with it.
        source: FormatError,
    },
    /// The ledger is there and its key is not, so that nobody can tell which pages are erased.
    #[error(
        "there is a ledger but no {}; put the copy of it that you keep in its place",
        FileName::LedgerKey
    )]
    NoKey,
    /// The key is another one than the ledger's hashes were made with.
    #[error("{} is not the key of this ledger; put the right one in its place", FileName::LedgerKey)]
    WrongKey,
    /// The file is as large as it may be.
    #[error("{file}: {got} bytes, at most {expected} are allowed")]
    TooLarge {
        /// Which file.
        file: FileName,
        /// The maximum, in bytes.
        expected: u64,
        /// How many there are.
        got: u64,
    },
    /// The operating system gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
}
