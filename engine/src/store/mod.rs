//! The store: wiring and locks only.
//!
//! Appends go to the commit queue, which owns the log and fills the active memtable. A flush freezes that memtable
//! between two groups and turns it into segments. One edit of the manifest and one exchange of the read set make
//! it live: see `live`. Merges do the same with segments.

mod append;
mod ask;
mod backing;
mod certifying;
mod core;
mod erasing;
mod flushing;
mod jobs;
mod lanes;
mod live;
mod merging;
mod open;
mod pages;
mod planning;
mod purging;
mod reaching;
mod restoring;
mod rewriting;
mod snapshots;
mod status;
mod threads;
mod work;

use std::sync::Arc;

use crate::accounts::Accounts;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::error::{JobError, OpenError};
use crate::options::Options;

use self::core::Core;
use self::open::Opened;
use self::threads::Threads;

pub use self::erasing::{Blocked, Preview, Requested};
pub use self::jobs::{JobId, JobKind, JobState, JobStatus};
pub use self::open::OpenReport;
pub use self::planning::{PurgePlan, TargetPlan};
pub use self::purging::PurgeHistory;
pub use self::status::{Compaction, ErasureStatus, FlushStatus, Status};

/// A directory of counters, open for reading and writing. Share it by `Arc`; dropped, it stops its threads and
/// leaves what is not flushed in the log.
pub struct Store {
    threads: Threads,
    core: Arc<Core>,
    report: OpenReport,
}

impl Store {
    /// Opens the store of a directory, or makes one in an empty directory.
    ///
    /// # Errors
    /// When what says what is live (manifest, accounts, log) cannot be read or written. A segment that cannot be
    /// read is no error, but in the report.
    pub fn open(disk: Arc<dyn Disk>, clock: Arc<dyn Clock>, options: Options) -> Result<Store, OpenError> {
        Store::opened(open::open(disk, clock, options)?)
    }

    /// Opens a directory into which `backup::restore::begin` has begun to restore a backup of the store `restored`, to
    /// go on with it.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_to_restore(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        options: Options,
        restored: [u8; 16],
    ) -> Result<Store, OpenError> {
        Store::opened(open::open_as(disk, clock, options, Some(restored))?)
    }

    fn opened(opened: Opened) -> Result<Store, OpenError> {
        let Opened { core, committer, report } = opened;
        let core = Arc::new(core);
        let threads = match committer {
            Some(committer) => Threads::start(&core, committer)?,
            None => Threads::none(Arc::clone(&core)),
        };
        Ok(Store { threads, core, report })
    }

    /// What opening found and did.
    #[must_use]
    pub fn report(&self) -> &OpenReport {
        &self.report
    }

    /// Sites, their settings, and tokens.
    #[must_use]
    pub fn accounts(&self) -> &Accounts {
        &self.core.accounts
    }

    /// Flushes what has been accepted, so that the next start reads an almost empty log, and stops.
    ///
    /// The log keeps what the repeat windows need to be remembered.
    ///
    /// # Errors
    /// When the flush failed. Nothing is lost: what is not in segments is in the log.
    pub fn close(self) -> Result<(), Arc<JobError>> {
        let Store { mut threads, core, .. } = self;
        threads.stop_jobs();
        core.flush()?;
        match core.clock_is_steady() && core.clock_mark_is_old() {
            true => Ok(core.save_clock()?),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
