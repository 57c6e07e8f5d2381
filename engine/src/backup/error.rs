//! Why a backup could not be made, read or restored.

use super::expiry::TooLongKept;
use super::target::{GetError, TargetError};
use crate::disk::DiskError;
use crate::format::frame::FormatError;
use crate::format::objects::ObjectName;
use crate::model::{CopyName, Region};

/// Why a backup could not be made, read or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The target refused or could not be reached.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The store's own disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// An object is not what it should be.
    #[error("{object} at {place} cannot be read: {source}")]
    Unreadable {
        /// Which.
        object: ObjectName,
        /// Where.
        place: Box<str>,
        /// What is wrong with it.
        source: FormatError,
    },
    /// An object has another content than its name says.
    #[error("{object} at {place} is damaged: delete it there and back up again, or restore an older backup")]
    Damaged {
        /// Which.
        object: ObjectName,
        /// Where.
        place: Box<str>,
    },
    /// The target is of another region.
    #[error(
        "{place} is of region {got}, and the store of {expected}: data stays in its region, choose another target"
    )]
    Region {
        /// Where.
        place: Box<str>,
        /// Region of the store.
        expected: Region,
        /// Region of the target.
        got: Region,
    },
    /// The target is of another store.
    #[error("{place} holds backups of another store; give each store a directory or prefix of its own")]
    OtherStore {
        /// Where.
        place: Box<str>,
    },
    /// There is nothing at the target.
    #[error("{place} holds no backups: there is no mark")]
    NoTarget {
        /// Where.
        place: Box<str>,
    },
    /// There is a backup of this name.
    #[error("there is a backup {0} already; choose another name")]
    NameTaken(CopyName),
    /// There is no backup of this name.
    #[error("there is no backup {0}; list those that there are")]
    NoSuchBackup(CopyName),
    /// What is being backed up was changed by a purge, again and again.
    #[error("the store was purged while it was backed up; try again")]
    Changed,
    /// A backup is restored into an empty store only.
    #[error("the store is not empty: restore a backup into a new directory, or restore a snapshot instead")]
    NotEmpty,
    /// The ledger of erasures is older than the backup.
    #[error(
        "the ledger has {got} entries, and the backup wants {expected}: without a newer ledger nobody could know what was erased since, so that nothing is restored; find the newest copy of `ledger`, put it into the directory, and restore again"
    )]
    LedgerTooOld {
        /// Entries that the backup wants.
        expected: u64,
        /// Entries of the ledger.
        got: u64,
    },
    /// What was given as the key of the ledger is none.
    #[error("this is not the content of a ledger.key: {0}; give the copy of it that you keep")]
    NoKey(FormatError),
    /// The target keeps what is deleted.
    #[error(
        "{place} keeps old versions of objects, and nobody says for how long: switch versioning and object lock off, or have the bucket expire old versions and write the days behind the target, as s3://bucket/prefix?expires_days=30"
    )]
    Versioned {
        /// Where.
        place: Box<str>,
    },
    /// The target keeps what is deleted for too long.
    #[error("{place}: {source}")]
    TooLongKept {
        /// Where.
        place: Box<str>,
        /// By which arithmetic.
        source: TooLongKept,
    },
    /// A target that was backed up to is not named now.
    #[error(
        "this store was backed up to {place}, which is not named: what is erased is still there. Name it as a target (backup_targets, or --target), or, if it is no more, `heatgrid backup forget` it"
    )]
    NotConfigured {
        /// Where.
        place: Box<str>,
    },
    /// It was told to stop.
    #[error("stopped")]
    Stopped,
}

impl From<GetError> for BackupError {
    fn from(error: GetError) -> BackupError {
        match error {
            GetError::Target(error) => BackupError::Target(error),
            GetError::Disk(error) => BackupError::Disk(error),
        }
    }
}
