//! Backups that come back into an empty store, and purges that reach them where they are.

use std::collections::HashMap;
use std::sync::Arc;

use crate::backup::places::remembered;
use crate::backup::run;
use crate::backup::{BackedSegment, BackupError, BackupList, BackupTarget, ContentHash, Moved, ObjectName};
use crate::disk::Access;
use crate::error::JobError;
use crate::format::names::{Directory, FileName};
use crate::manifest::{Edit, Released};
use crate::model::{CopyName, Seq};
use crate::segment::{Segment, SegmentEntry};

use super::Store;
use super::core::Core;
use super::jobs::Job;

impl Store {
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

    /// Applies what is masked to everything that backups list, at every target: segments are rewritten here, brought
    /// there, and the lists that named the old ones are put anew. Then the old ones are deleted. Says how many targets
    /// have been reached.
    pub(super) fn purge_targets(&self, job: &Job) -> Result<usize, JobError> {
        let targets = self.targets.read().clone();
        for place in remembered(&*self.disk)? {
            if !targets.iter().any(|target| *target.place() == *place) {
                return Err(BackupError::NotConfigured { place }.into());
            }
        }
        if targets.is_empty() {
            return Ok(0);
        }
        let _one_at_a_time = self.backing.lock();
        // What is added to the ledger meanwhile is left to the next purge.
        let position = self.ledger.position();
        targets.iter().try_for_each(|target| self.purge_target(job, &**target, position))?;
        Ok(targets.len())
    }

    fn purge_target(&self, job: &Job, target: &dyn BackupTarget, position: u64) -> Result<(), JobError> {
        if run::mark(target)?.is_none() {
            return Ok(());
        }
        // An upload that a crash cut off holds bytes that no list names and no listing shows.
        target.end_unfinished().map_err(BackupError::from)?;
        run::upload_file(&*self.disk, target, FileName::Ledger, ObjectName::Ledger)?;
        let mut rewritten: HashMap<ContentHash, Option<BackedSegment>> = HashMap::new();
        for list in run::lists(target)? {
            if list.ledger_position >= position {
                continue;
            }
            let mut segments = Vec::with_capacity(list.segments.len());
            for segment in &list.segments {
                let new = match rewritten.get(&segment.hash) {
                    Some(new) => new.clone(),
                    None => {
                        let new = self.purge_backed(job, target, segment)?;
                        rewritten.insert(segment.hash, new.clone());
                        new
                    }
                };
                // Numbers tell the segments of a list apart, and are those of its own time.
                segments.extend(new.map(|new| BackedSegment {
                    entry: SegmentEntry { number: segment.entry.number, ..new.entry },
                    ..new
                }));
            }
            run::put_list(target, &BackupList { segments, ledger_position: position, ..list })?;
        }
        let lists = run::lists(target)?;
        run::delete_unlisted(target, &lists)?;
        Ok(())
    }

    /// A segment of a backup without what is masked; itself, if nothing of it is.
    fn purge_backed(
        &self,
        job: &Job,
        target: &dyn BackupTarget,
        segment: &BackedSegment,
    ) -> Result<Option<BackedSegment>, JobError> {
        self.check_purge_room(segment.entry.length_bytes.saturating_mul(2))?;
        let (number, _) = self.live.next_file();
        let entry = run::download(target, &*self.disk, segment, number)?;
        // Both files are nobody's: what a crash leaves of them goes at the next open.
        let opened = Segment::open(&*self.disk, &entry, self.options.access).map(Arc::new);
        let masks = Arc::clone(&self.live.read().masks);
        let purged = opened
            .map_err(JobError::from)
            .and_then(|opened| self.without_masked(job, &opened, &masks, &|_| false));
        self.unlink(&Released(vec![number]))?;
        let Some(purged) = purged? else { return Ok(Some(segment.clone())) };
        let Some(new) = purged else { return Ok(None) };
        let file = self.disk.open(FileName::Segment(new.number), Access::Read);
        let brought = file.map_err(BackupError::from).and_then(|file| run::upload_one(target, &*file));
        self.unlink(&Released(vec![new.number]))?;
        Ok(Some(BackedSegment { entry: new, hash: brought? }))
    }
}
