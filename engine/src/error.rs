//! Why the store did not do what it was asked. One narrow enum an operation; the text says what to do.

use std::sync::Arc;

use crate::accounts::AccountsError;
use crate::backup::BackupError;
use crate::commit;
use crate::disk::DiskError;
use crate::format::names::FileName;
use crate::ledger::{LedgerError, REFERENCE_BYTES};
use crate::manifest::{ManifestError, SnapshotError};
use crate::model::limits::PAGE_BYTES;
use crate::model::{ErasureId, ErasureState, Region, SiteId};
use crate::purge::matching::MatchError;
use crate::purge::verify::Leftover;
use crate::query::{InvalidQuestion, QueryError};
use crate::segment::SegmentError;
use crate::snapshot::TooOld;
use crate::wal::WalError;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A call failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The manifest cannot be read or made.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// There is data, but nothing says which of it is live.
    #[error(
        "there is {found}, but no manifest; put the manifest back, or restore a backup into an empty directory"
    )]
    NoManifest {
        /// A file that only a store with a manifest has.
        found: FileName,
    },
    /// The store is of another region.
    #[error("the store is of region {got}, not {expected}; open it with --region {got}")]
    Region {
        /// What was asked for.
        expected: Region,
        /// What the manifest says.
        got: Region,
    },
    /// The accounts cannot be read.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The log cannot be read or begun.
    #[error(transparent)]
    Wal(#[from] WalError),
    /// A backup was being restored here, and that is not done: nobody may read what is not masked yet.
    #[error(
        "the restore of a backup into this directory is not finished; run `heatgrid backup restore` again, and then start"
    )]
    Restoring,
    /// Snapshots would be kept for too long.
    #[error("snapshots: {0}")]
    Snapshots(#[from] TooOld),
    /// The operating system has no random bytes to give.
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
    /// The operating system gave no thread.
    #[error("no thread could be started: {0}")]
    Thread(std::io::Error),
}

/// Why nothing may be written any more. What was read stays readable.
#[derive(Debug, thiserror::Error)]
pub enum Poison {
    /// A write or sync of the log failed.
    #[error(transparent)]
    Log(WalError),
    /// The manifest was being replaced, and either of the two may be on disk now.
    #[error(
        "the manifest could not be replaced ({0}); nothing more is written: see to the disk, then restart"
    )]
    Manifest(DiskError),
}

/// Why a batch was not accepted. Nothing of it is stored.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// There is no such site.
    #[error("there is no site {0}")]
    UnknownSite(SiteId),
    /// The site was deleted, and waits for its erasure.
    #[error("site {0} is closed")]
    ClosedSite(SiteId),
    /// A page of the batch is blocked since an erasure. Leave such pages out and try again.
    #[error("site {0} takes no events of a page in this batch any more; leave it out")]
    Blocked(SiteId),
    /// Memory for what is not flushed yet is used up.
    #[error("{used_bytes} bytes wait to be flushed, {limit_bytes} may; try again in a moment")]
    MemtableFull {
        /// What waits.
        used_bytes: u64,
        /// What may wait.
        limit_bytes: u64,
    },
    /// As `MemtableFull`, and the last flush failed: trying again helps when its cause is gone.
    #[error("memory is full and cannot be flushed: {0}")]
    FlushFails(Arc<JobError>),
    /// Nothing may be written any more.
    #[error(transparent)]
    Poisoned(Arc<Poison>),
    /// The commit queue did not take it.
    #[error(transparent)]
    Commit(#[from] commit::AppendError),
}

impl AppendError {
    /// Whether the same batch may be accepted a moment later.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(
            self,
            AppendError::MemtableFull { .. }
                | AppendError::FlushFails(_)
                | AppendError::Commit(commit::AppendError::Busy { .. })
        )
    }
}

/// Why a request to erase was not taken.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// There is no such site, or it was deleted.
    #[error("there is no site {0}")]
    UnknownSite(SiteId),
    /// There is no such erasure.
    #[error("there is no erasure {0}")]
    UnknownErasure(ErasureId),
    /// It cannot be asked for.
    #[error(transparent)]
    Invalid(#[from] InvalidErasure),
    /// Data has begun to go.
    #[error("it is {} already, and can be called off only while it is masked", state.as_str())]
    TooLate {
        /// How far it is.
        state: ErasureState,
    },
    /// What it covers could not be found out.
    #[error(transparent)]
    Match(#[from] MatchError),
    /// It could not be written down.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The site could not be closed or opened.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The commit queue did not let it in between.
    #[error(transparent)]
    Commit(#[from] commit::AppendError),
    /// The operating system gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
}

impl From<SegmentError> for EraseError {
    fn from(error: SegmentError) -> EraseError {
        EraseError::Match(error.into())
    }
}

/// Why a request to erase cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidErasure {
    /// A prefix would cover what only begins with the same letters.
    #[error("a prefix ends with /; name the page, or use a pattern with *")]
    PrefixEnd,
    /// No page is named, or none can be so long.
    #[error("a page has 1 to {PAGE_BYTES} bytes, not {bytes}")]
    PageLength {
        /// Its bytes.
        bytes: usize,
    },
    /// The days end before they begin.
    #[error("there is no day from `from` to before `to`")]
    Days,
    /// The reference is not of the allowed form.
    #[error("a reference is at most {REFERENCE_BYTES} of A-Z, a-z, 0-9 and -")]
    Reference,
    /// Only a page or a prefix can be recognised later without its text.
    #[error("only a page or a prefix can be blocked")]
    Block,
    /// The pattern cannot be one.
    #[error(transparent)]
    Pattern(#[from] InvalidQuestion),
}

impl From<InvalidQuestion> for EraseError {
    fn from(error: InvalidQuestion) -> EraseError {
        EraseError::Invalid(error.into())
    }
}

/// Why a question about a site has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// There is no such site, or it was deleted.
    #[error("there is no site {0}")]
    UnknownSite(SiteId),
    /// The question has no answer.
    #[error(transparent)]
    Query(#[from] QueryError),
}

/// Why an edit of the manifest was not made.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// A new segment cannot be read back.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// A snapshot is there that must not be, or is not there that must be.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The manifest could not be written; the one on disk is as it was.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Nothing may be written any more.
    #[error(transparent)]
    Poisoned(Arc<Poison>),
}

/// Why a job did not do what it was to do. What it had finished stays, and the rest is as before.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// It was told to stop.
    #[error("stopped")]
    Stopped,
    /// The disk has not enough room for what it would write, beside the reserve.
    #[error(
        "{needed_bytes} bytes are needed beside a reserve of {reserve_bytes}, but {free_bytes} are free; make room on the disk"
    )]
    NoRoom {
        /// Free bytes.
        free_bytes: u64,
        /// Bytes that it would write at most.
        needed_bytes: u64,
        /// Bytes that are kept free.
        reserve_bytes: u64,
    },
    /// The clock jumped, and nobody has accepted it.
    #[error("the clock is not believed; accept it first")]
    ClockDoubted,
    /// There is no such site, or it was deleted.
    #[error("there is no site {0}")]
    UnknownSite(SiteId),
    /// A backup could not be made, read or restored.
    #[error(transparent)]
    Backup(Box<BackupError>),
    /// A segment could not be read or written.
    #[error(transparent)]
    Segment(Arc<SegmentError>),
    /// The manifest could not be changed.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// A call failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The ledger could not be read or added to.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A site could not be removed from the accounts.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// Something that was to be gone is still there, or may be.
    #[error("nothing was certified: {0}")]
    Leftover(#[from] Leftover),
    /// The commit queue did not let the memtable go.
    #[error(transparent)]
    Commit(#[from] commit::AppendError),
    /// The log could not be trimmed.
    #[error(transparent)]
    Wal(#[from] WalError),
}

impl From<BackupError> for JobError {
    fn from(error: BackupError) -> JobError {
        match error {
            BackupError::Stopped => JobError::Stopped,
            error => JobError::Backup(Box::new(error)),
        }
    }
}

impl From<SnapshotError> for JobError {
    fn from(error: SnapshotError) -> JobError {
        JobError::Edit(error.into())
    }
}

impl From<SegmentError> for JobError {
    fn from(error: SegmentError) -> JobError {
        match error {
            SegmentError::Stopped => JobError::Stopped,
            error => JobError::Segment(Arc::new(error)),
        }
    }
}
