//! Backups of the store: made, pruned, and restored into an empty one.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::backup::places;
use crate::backup::run::{self, Pruned};
use crate::backup::{
    BackupError, BackupList, BackupReport, BackupTarget, KeepOptions, Moved, ObjectName, TargetMark,
};
use crate::error::JobError;
use crate::format::names::{Directory, FileName};
use crate::manifest::{Edit, SnapshotOrigin};
use crate::model::{CopyName, Seq};
use crate::segment::SegmentEntry;

use super::Store;
use super::core::Core;
use super::jobs::{Job, JobId, JobKind};

/// What a backup calls the snapshot that it reads, before the time.
const BACKUP: &str = "backup";
/// How often a backup begins again when a purge has changed what it reads: each time there is less left to bring.
const TRIES: usize = 5;

impl Store {
    /// Names the targets that purges reach as well.
    pub fn set_targets(&self, targets: Vec<Arc<dyn BackupTarget>>) {
        *self.core.targets.write() = targets;
    }

    /// The targets that purges reach as well.
    #[must_use]
    pub fn targets(&self) -> Vec<Arc<dyn BackupTarget>> {
        self.core.targets.read().clone()
    }

    /// Forgets a target that is no more, so that purges need not reach it. Says whether it was known.
    ///
    /// # Errors
    /// When that could not be written down.
    pub fn forget_target(&self, place: &str) -> Result<bool, JobError> {
        Ok(places::forget(&*self.core.disk, place)?)
    }

    /// A job for `back_up`, which shows how far that is.
    #[must_use]
    pub fn new_backup(&self) -> JobId {
        self.core.jobs.add_running(JobKind::Backup, self.core.now_ms()).id()
    }

    /// Brings everything that was accepted before the call to a target, as far as it is not there yet, and the newest
    /// accounts and ledger. It reads from a snapshot, which goes in the end; the list is put last.
    ///
    /// # Errors
    /// When the target is of another region or store, cannot be reached or keeps old versions, there is a backup of
    /// this name, or what is in memory cannot be flushed. What was brought need not be brought again.
    pub fn back_up(
        &self,
        job: JobId,
        target: &dyn BackupTarget,
        name: CopyName,
    ) -> Result<BackupReport, Arc<JobError>> {
        let Some(job) = self.core.jobs.find(job) else { return Err(Arc::new(JobError::Stopped)) };
        let mut report = BackupReport::default();
        self.core.perform(&job, |job| {
            report = self.core.back_up(job, target, name)?;
            Ok(())
        })?;
        Ok(report)
    }

    /// Deletes the backups of a target that are too old or too many, and what no backup lists.
    ///
    /// # Errors
    /// When the clock is doubted, the target is another store's or cannot be reached, or a list cannot be read.
    pub fn prune_backups(
        &self,
        target: &dyn BackupTarget,
        options: &KeepOptions,
    ) -> Result<Pruned, JobError> {
        let _one_at_a_time = self.core.backing.lock();
        if !self.core.clock_is_steady() {
            return Err(JobError::ClockDoubted);
        }
        match self.core.is_own(target)? {
            true => Ok(run::prune(target, self.core.now_ms(), options)?),
            false => Ok(Pruned::default()),
        }
    }

    /// Deletes a backup, also one whose list is damaged; what no other backup lists goes with the next prune. Says
    /// whether there was one.
    ///
    /// # Errors
    /// When the target is another store's, or cannot be reached.
    pub fn delete_backup(&self, target: &dyn BackupTarget, name: CopyName) -> Result<bool, JobError> {
        // A purge that is at work there would put its list anew.
        let _one_at_a_time = self.core.backing.lock();
        let object = ObjectName::Backup(name);
        let is_there =
            self.core.is_own(target)? && target.length(object).map_err(BackupError::from)?.is_some();
        if is_there {
            target.delete(object).map_err(BackupError::from)?;
        }
        Ok(is_there)
    }

    /// Brings the newest ledger to a target, if anything was ever backed up there.
    ///
    /// # Errors
    /// When it cannot be read, or the target is another store's or cannot be reached.
    pub fn copy_ledger(&self, target: &dyn BackupTarget) -> Result<(), JobError> {
        match self.core.is_own(target)? {
            true => Ok(run::upload_file(&*self.core.disk, target, FileName::Ledger, ObjectName::Ledger)?),
            false => Ok(()),
        }
    }

    /// How many entries the ledger has.
    #[must_use]
    pub fn ledger_position(&self) -> u64 {
        self.core.ledger.position()
    }

    /// Ends what `backup::restore::begin` has begun: brings the segments of a backup into this empty store, applies
    /// every erasure of the ledger to them, and only then lets the store be opened by others.
    ///
    /// # Errors
    /// When the store is not empty, the ledger is older than the backup, or a segment cannot be read or written. The
    /// directory cannot be opened then, and the restore can be begun again.
    pub fn restore_backup(
        self,
        target: &dyn BackupTarget,
        name: CopyName,
        watch: &mut run::Watch<'_>,
    ) -> Result<(), Arc<JobError>> {
        self.core.restore_backup(target, name, watch)?;
        self.apply_ledger()?;
        let core = Arc::clone(&self.core);
        self.close()?;
        core.disk.remove(FileName::Restoring).map_err(JobError::from)?;
        core.disk.sync_directory(Directory::Root).map_err(JobError::from)?;
        Ok(())
    }
}

impl Core {
    fn own_mark(&self) -> TargetMark {
        let manifest = self.live.manifest();
        TargetMark { store: manifest.store, region: manifest.region }
    }

    /// Whether a target is this store's; it may be nobody's yet. Nothing is changed at another store's: its ledger and
    /// accounts would be lost.
    pub(super) fn is_own(&self, target: &dyn BackupTarget) -> Result<bool, JobError> {
        Ok(run::is_own(target, &self.own_mark())?)
    }

    fn back_up(
        &self,
        job: &Job,
        target: &dyn BackupTarget,
        name: CopyName,
    ) -> Result<BackupReport, Arc<JobError>> {
        let _one_at_a_time = self.backing.lock();
        let manifest = self.live.manifest();
        // Before anything is there that a purge would have to reach.
        places::remember(&*self.disk, target.place()).map_err(JobError::from)?;
        run::claim(target, &self.own_mark()).map_err(JobError::from)?;
        target.end_unfinished().map_err(|error| JobError::from(BackupError::from(error)))?;
        let lists = run::lists(target).map_err(JobError::from)?;
        if lists.iter().any(|list| list.name == name) {
            return Err(Arc::new(BackupError::NameTaken(name).into()));
        }
        // Those of backups that a crash has ended.
        let of_backups = |snapshot: &&crate::manifest::Snapshot| snapshot.origin == SnapshotOrigin::Backup;
        let left: Vec<CopyName> =
            manifest.snapshots.iter().filter(of_backups).map(|snapshot| snapshot.name).collect();
        if !left.is_empty() {
            self.forget_snapshots(&left)?;
        }
        let snapshot = self.free_name(BACKUP, self.now_ms());
        self.take_snapshot(snapshot, SnapshotOrigin::Backup)?;
        let done = self.bring(job, target, &lists, snapshot, name);
        let forgotten = self.forget_snapshots(&[snapshot]);
        let report = done?;
        forgotten?;
        Ok(report)
    }

    /// Brings what a snapshot lists, and then the list.
    fn bring(
        &self,
        job: &Job,
        target: &dyn BackupTarget,
        lists: &[BackupList],
        snapshot: CopyName,
        name: CopyName,
    ) -> Result<BackupReport, JobError> {
        let mut watched = 0;
        let mut watch = |moved: Moved| {
            if watched == 0 {
                job.expect_bytes(moved.total_bytes);
            }
            job.did_bytes(moved.done_bytes.saturating_sub(watched));
            watched = watched.max(moved.done_bytes);
            if job.is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        for _ in 0..TRIES {
            let (manifest, listed) = self.manifest_with(snapshot)?;
            let entries: Vec<SegmentEntry> = manifest.segments_of(&listed).cloned().collect();
            let (segments, report) = match run::upload(&*self.disk, target, lists, &entries, &mut watch) {
                // A purge has rewritten it meanwhile.
                Err(BackupError::Disk(error)) if error.is_not_found() => continue,
                uploaded => uploaded?,
            };
            let disk = &*self.disk;
            run::upload_file(disk, target, FileName::Accounts, ObjectName::Accounts)?;
            run::upload_file(disk, target, FileName::Ledger, ObjectName::Ledger)?;
            let (_, still) = self.manifest_with(snapshot)?;
            if still.segments != listed.segments {
                continue;
            }
            let list = BackupList {
                name,
                store: manifest.store,
                region: manifest.region.clone(),
                created_ms: listed.created_ms,
                ledger_position: listed.ledger_position,
                through: listed.through,
                segments,
            };
            run::put_list(target, &list)?;
            return Ok(report);
        }
        Err(BackupError::Changed.into())
    }

    fn restore_backup(
        &self,
        target: &dyn BackupTarget,
        name: CopyName,
        watch: &mut run::Watch<'_>,
    ) -> Result<(), JobError> {
        let manifest = self.live.manifest();
        let is_empty = manifest.reachable().next().is_none() && manifest.snapshots.is_empty();
        if !is_empty || !self.live.read().active.is_empty() {
            return Err(BackupError::NotEmpty.into());
        }
        let list = run::list(target, name)?;
        if list.region != manifest.region {
            let (place, expected, got) = (target.place().into(), manifest.region, list.region);
            return Err(BackupError::Region { place, expected, got }.into());
        }
        let (expected, got) = (list.ledger_position, self.ledger.position());
        if got < expected {
            return Err(BackupError::LedgerTooOld { expected, got }.into());
        }
        let total_bytes = list.segments.iter().map(|segment| segment.entry.length_bytes).sum();
        let (mut done_bytes, mut entries) = (0, Vec::new());
        for segment in &list.segments {
            let (number, _) = self.live.next_file();
            entries.push(run::download(target, &*self.disk, segment, number)?);
            done_bytes += segment.entry.length_bytes;
            if watch(Moved { done_bytes, total_bytes }).is_break() {
                return Err(JobError::Stopped);
            }
        }
        // No later batch may have a sequence that a segment or an erasure has.
        let last = list.segments.iter().map(|segment| segment.entry.header.seq_hi).max().unwrap_or(Seq(0));
        let wal_floor = Some(last.max(list.through).max(self.ledger.last_through()));
        let released = self.live.edit(Edit { add: entries, wal_floor, ..Edit::default() }, self.now_ms())?;
        self.unlink(&released)
    }
}
