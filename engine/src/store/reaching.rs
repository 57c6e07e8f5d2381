//! Purges that reach backups where they are: planned from their indexes, so that only what holds anything masked is
//! fetched, written anew, and brought back.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::backup::places::remembered;
use crate::backup::{
    BackedSegment, BackupError, BackupList, BackupTarget, ContentHash, ObjectName, RemoteFile, expiry, run,
};
use crate::disk::Access;
use crate::error::JobError;
use crate::format::names::FileName;
use crate::ledger::LedgerEdit;
use crate::manifest::Released;
use crate::model::{Erasure, Loss};
use crate::purge::plan::{self, Rewrite};
use crate::segment::{Scratch, Segment, SegmentEntry, SegmentError};
use crate::view::Masks;

use super::core::Core;
use super::jobs::Job;
use super::purging::Segments;

/// The purge of one target.
struct AtTarget<'a> {
    target: &'a Arc<dyn BackupTarget>,
    due: &'a [Arc<Erasure>],
    /// What took the place of segments that were looked at; nothing, of those that are gone whole.
    done: HashMap<ContentHash, Option<BackedSegment>>,
    /// Segments that could not be read, and stay as they are for now.
    damaged: HashSet<ContentHash>,
    /// Why the first of them could not be read.
    failed: Option<JobError>,
}

impl Core {
    /// Applies what is masked to everything that backups list, at every target: segments are rewritten here, brought
    /// there, and the lists that named the old ones are put anew. Then the old ones are deleted. Says how many targets
    /// have been reached. A target that fails does not keep the others from it.
    pub(super) fn purge_targets(&self, job: &Job, due: &[Arc<Erasure>]) -> Result<usize, JobError> {
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
        let (mut failed, mut kept_days) = (None, None);
        for target in &targets {
            match self.purge_target(job, target, due) {
                Ok(true) => kept_days = kept_days.max(target.expires_days()),
                Ok(false) => {}
                Err(JobError::Stopped) => return Err(JobError::Stopped),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        if let Some(days) = kept_days {
            self.date_versions(due, days)?;
        }
        Ok(targets.len())
    }

    /// Writes down when the old versions are gone of what has just been deleted at targets. A date that is known stays:
    /// what a later purge deletes is not theirs.
    fn date_versions(&self, due: &[Arc<Erasure>], days: u32) -> Result<(), JobError> {
        let news = |erasure: &&Arc<Erasure>| {
            self.ledger
                .get(erasure.id)
                .is_some_and(|erasure| erasure.is_open() && erasure.versions_gone_ms.is_none())
        };
        let news: Vec<&Arc<Erasure>> = due.iter().filter(news).collect();
        if !news.is_empty() && !self.clock_is_steady() {
            return Err(JobError::ClockDoubted);
        }
        let gone_ms = self.now_ms().saturating_add(expiry::kept_ms(days));
        let edits = news.into_iter().map(|erasure| LedgerEdit::VersionsGone(erasure.id, gone_ms));
        Ok(self.ledger.record(edits.collect())?)
    }

    /// Those erasures of which no target has an old version any more.
    pub(super) fn without_versions(&self, due: &[Arc<Erasure>]) -> Vec<Arc<Erasure>> {
        let (now_ms, is_steady) = (self.now_ms(), self.clock_is_steady());
        let current = due.iter().filter_map(|erasure| self.ledger.get(erasure.id));
        current
            .filter(|erasure| erasure.versions_gone_ms.is_none_or(|gone_ms| is_steady && now_ms >= gone_ms))
            .collect()
    }

    /// For how long some target keeps what is deleted, in ms.
    pub(super) fn versions_kept_ms(&self) -> u64 {
        let targets = self.targets.read();
        targets.iter().filter_map(|target| target.expires_days()).max().map_or(0, expiry::kept_ms)
    }

    /// Purges one target. Says whether it has anything of this store.
    fn purge_target(
        &self,
        job: &Job,
        target: &Arc<dyn BackupTarget>,
        due: &[Arc<Erasure>],
    ) -> Result<bool, JobError> {
        if !self.is_own(&**target)? {
            return Ok(false);
        }
        // An upload that a crash cut off holds bytes that no list names and no listing shows.
        target.end_unfinished().map_err(BackupError::from)?;
        let lists = run::lists(&**target)?;
        self.expand_patterns(due, &|| self.backed_segments(target, &lists))?;
        // What is added to the ledger meanwhile is left to the next purge.
        let position = self.ledger.position();
        run::upload_file(&*self.disk, &**target, FileName::Ledger, ObjectName::Ledger)?;
        // Older ones have the names and tokens of sites that are deleted now.
        run::upload_file(&*self.disk, &**target, FileName::Accounts, ObjectName::Accounts)?;
        let (done, damaged) = (HashMap::new(), HashSet::new());
        let mut purge = AtTarget { target, due, done, damaged, failed: None };
        for list in lists.into_iter().filter(|list| list.ledger_position < position) {
            self.purge_list(job, &mut purge, list, position)?;
        }
        run::delete_unlisted(&**target, &run::lists(&**target)?)?;
        purge.failed.map_or(Ok(true), Err)
    }

    fn purge_list(
        &self,
        job: &Job,
        purge: &mut AtTarget<'_>,
        list: BackupList,
        position: u64,
    ) -> Result<(), JobError> {
        let mut segments = Vec::with_capacity(list.segments.len());
        for segment in &list.segments {
            if job.is_stopped() {
                return Err(JobError::Stopped);
            }
            let new = self.purged_once(job, purge, segment)?;
            // Numbers tell the segments of a list apart, and are those of its own time.
            segments.extend(new.map(|new| BackedSegment {
                entry: SegmentEntry { number: segment.entry.number, ..new.entry },
                ..new
            }));
        }
        let is_done = !segments.iter().any(|segment| purge.damaged.contains(&segment.hash));
        if !is_done && segments == list.segments {
            return Ok(());
        }
        let ledger_position = if is_done { position } else { list.ledger_position };
        Ok(run::put_list(&**purge.target, &BackupList { segments, ledger_position, ..list })?)
    }

    /// What takes a segment's place, whichever list names it.
    fn purged_once(
        &self,
        job: &Job,
        purge: &mut AtTarget<'_>,
        segment: &BackedSegment,
    ) -> Result<Option<BackedSegment>, JobError> {
        if let Some(new) = purge.done.get(&segment.hash) {
            return Ok(new.clone());
        }
        let new = match self.purge_backed(job, purge.target, segment) {
            // One that cannot be read must not keep what is to go in the others.
            Err(error) if is_damage(&error) => match self.give_up_backed(segment, purge.due)? {
                true => None,
                false => {
                    purge.damaged.insert(segment.hash);
                    purge.failed.get_or_insert(error);
                    Some(segment.clone())
                }
            },
            purged => purged?,
        };
        purge.done.insert(segment.hash, new.clone());
        Ok(new)
    }

    /// The segments that some lists name, but for damaged ones: those fail when they are to be rewritten.
    pub(super) fn backed_segments<'a>(
        &'a self,
        target: &'a Arc<dyn BackupTarget>,
        lists: &'a [BackupList],
    ) -> Segments<'a> {
        let segments = lists.iter().flat_map(|list| &list.segments);
        let opened = segments.map(|segment| self.open_backed(target, segment).map(Arc::new));
        Box::new(opened.filter(|opened| !opened.as_ref().is_err_and(is_damage)))
    }

    /// What a purge would do to a segment of a backup; `None` if nothing of it is masked.
    pub(super) fn rewrite_of_backed(
        &self,
        target: &Arc<dyn BackupTarget>,
        segment: &BackedSegment,
        masks: &Masks,
    ) -> Result<Option<Rewrite>, JobError> {
        let header = &segment.entry.header;
        // Most segments are from after every erasure, or of another month: they are not even opened.
        match masks.sites().into_iter().any(|site| !masks.rules(site, header).is_empty()) {
            true => Ok(plan::of_segment(&self.open_backed(target, segment)?, masks, &mut Scratch::new())?),
            false => Ok(None),
        }
    }

    /// A segment of a backup, read where it is.
    fn open_backed(
        &self,
        target: &Arc<dyn BackupTarget>,
        segment: &BackedSegment,
    ) -> Result<Segment, JobError> {
        let (object, length) = (ObjectName::Segment(segment.hash), segment.entry.length_bytes);
        if target.length(object).map_err(BackupError::from)? != Some(length) {
            return Err(BackupError::Damaged { object, place: target.place().into() }.into());
        }
        let file = RemoteFile::new(Arc::clone(target), object, length);
        Ok(Segment::open_as(&segment.entry, Arc::new(file))?)
    }

    /// A segment of a backup without what is masked; itself, if nothing of it is.
    fn purge_backed(
        &self,
        job: &Job,
        target: &Arc<dyn BackupTarget>,
        segment: &BackedSegment,
    ) -> Result<Option<BackedSegment>, JobError> {
        let masks = Arc::clone(&self.live.read().masks);
        if self.rewrite_of_backed(target, segment, &masks)?.is_none() {
            return Ok(Some(segment.clone()));
        }
        self.check_purge_room(plan::headroom_bytes_of_backed(segment.entry.length_bytes))?;
        let (number, _) = self.live.next_file();
        let entry = run::download(&**target, &*self.disk, segment, number)?;
        // Both files are nobody's: what a crash leaves of them goes at the next open.
        let opened = Segment::open(&*self.disk, &entry, self.options.access).map(Arc::new);
        let purged = opened
            .map_err(JobError::from)
            .and_then(|opened| self.without_masked(job, &opened, &masks, &|_| false));
        self.unlink(&Released(vec![number]))?;
        let Some(purged) = purged? else { return Ok(Some(segment.clone())) };
        let Some(new) = purged else { return Ok(None) };
        let file = self.disk.open(FileName::Segment(new.number), Access::Read);
        let brought = file.map_err(BackupError::from).and_then(|file| run::upload_one(&**target, &*file));
        self.unlink(&Released(vec![new.number]))?;
        Ok(Some(BackedSegment { entry: new, hash: brought? }))
    }

    /// Lets go of a segment of a backup that cannot be read, if a deadline is near, and names it. Says whether it did.
    fn give_up_backed(&self, segment: &BackedSegment, due: &[Arc<Erasure>]) -> Result<bool, JobError> {
        let urgent = self.urgent(due);
        if urgent.is_empty() {
            return Ok(false);
        }
        let loss = Loss { segment: segment.entry.number, whole: true, events: segment.entry.events };
        self.lose(&urgent, loss)?;
        Ok(true)
    }
}

/// Whether the fault is in what is read, so that trying again does not help.
pub(super) fn is_damage(error: &JobError) -> bool {
    match error {
        JobError::Segment(error) => match &**error {
            SegmentError::Corrupt { .. } | SegmentError::NotListed { .. } => true,
            SegmentError::Disk(error) => error.is_not_found(),
            SegmentError::TooManyPages { .. } | SegmentError::Stopped => false,
        },
        JobError::Backup(error) => match &**error {
            BackupError::Damaged { .. } => true,
            BackupError::Target(error) => error.not_found,
            _ => false,
        },
        _ => false,
    }
}
