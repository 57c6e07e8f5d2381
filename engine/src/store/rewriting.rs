//! What a purge does to segments: each that holds anything masked is written anew, and every list names the new one.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::{Arc, Weak};

use crate::compaction::run::{self, MergeTask};
use crate::error::{EditError, JobError};
use crate::flush;
use crate::manifest::{ClockMark, Edit};
use crate::model::{CountrySet, Erasure, Loss, SiteId, SiteMask};
use crate::purge::plan;
use crate::segment::{Place, Scratch, Segment, SegmentEntry, SegmentError, SegmentHeader};
use crate::view::Masks;

use super::core::{Core, add};
use super::jobs::Job;
use super::merging::Watched;

/// A purge at work.
#[derive(Default)]
pub(super) struct Purge {
    /// The files that there were when it began.
    pub(super) before: Vec<SegmentEntry>,
    /// Backup targets that it has reached.
    pub(super) targets: usize,
    /// Segments that it has replaced.
    pub(super) held: Vec<Weak<Segment>>,
    /// Segments that could not be rewritten.
    given_up: HashSet<u64>,
    /// Why the first of them could not be rewritten.
    pub(super) failed: Option<JobError>,
}

impl Purge {
    /// One that begins with these files.
    pub(super) fn of(before: Vec<SegmentEntry>) -> Purge {
        Purge { before, ..Purge::default() }
    }

    fn fail(&mut self, number: u64, error: JobError) {
        self.given_up.insert(number);
        self.failed.get_or_insert(error);
    }
}

impl Core {
    /// A segment that a list names: the one that is read, if it is live.
    pub(super) fn segment(&self, entry: &SegmentEntry) -> Result<Arc<Segment>, SegmentError> {
        let live = self.live.read();
        let found = live.segments.month(entry.header.month);
        match found.iter().find(|segment| segment.entry().number == entry.number) {
            Some(segment) => Ok(Arc::clone(segment)),
            None => Segment::open(&*self.disk, entry, self.options.access).map(Arc::new),
        }
    }

    /// Rewrites those of some segments that have anything to go. Says how many.
    pub(super) fn purge_entries(
        &self,
        job: &Job,
        entries: &[SegmentEntry],
        due: &[Arc<Erasure>],
        purge: &mut Purge,
    ) -> Result<usize, JobError> {
        let mut rewritten = 0;
        for entry in entries {
            if purge.given_up.contains(&entry.number) {
                continue;
            }
            if job.is_stopped() {
                return Err(JobError::Stopped);
            }
            match self.purge_segment(job, entry.number, &|_| false) {
                Ok(None) => {}
                Ok(Some(old)) => {
                    rewritten += 1;
                    purge.held.push(old);
                }
                Err(error @ JobError::Segment(_)) => match self.give_up(job, entry, &error, due)? {
                    true => rewritten += 1,
                    // One that fails must not keep what is to go in the others.
                    false => purge.fail(entry.number, error),
                },
                Err(error) => return Err(error),
            }
        }
        Ok(rewritten)
    }

    /// Applies what is masked to segments that any list names, one after the other.
    pub(super) fn purge_segments(&self, job: &Job, numbers: &[u64]) -> Result<(), JobError> {
        numbers.iter().try_for_each(|number| self.purge_segment(job, *number, &|_| false).map(drop))
    }

    /// Rewrites one segment, if anything of it is masked, and lets every list name the new one. `skip` leaves sites
    /// out as a whole. Gives the old segment back, which readers may still hold.
    fn purge_segment(
        &self,
        job: &Job,
        number: u64,
        skip: &dyn Fn(SiteId) -> bool,
    ) -> Result<Option<Weak<Segment>>, JobError> {
        let _merging = self.merging.lock();
        let manifest = self.live.manifest();
        // Merged away, or deleted with its snapshot, since.
        let Some(entry) = manifest.reachable().find(|entry| entry.number == number) else { return Ok(None) };
        let segment = self.segment(entry)?;
        let masks = Arc::clone(&self.live.read().masks);
        let Some(output) = self.without_masked(job, &segment, &masks, skip)? else { return Ok(None) };
        self.repoint(entry.number, output)?;
        let old = Arc::downgrade(&segment);
        drop(segment);
        Ok(Some(old))
    }

    /// Writes a segment anew without what is masked, durable and not live: the new one, or none if nothing is left.
    /// `None` when nothing of it is masked. `skip` leaves sites out as a whole.
    pub(super) fn without_masked(
        &self,
        job: &Job,
        segment: &Arc<Segment>,
        masks: &Masks,
        skip: &dyn Fn(SiteId) -> bool,
    ) -> Result<Option<Option<SegmentEntry>>, JobError> {
        let entry = segment.entry();
        let skips = segment.sites()?.any(skip);
        if !skips && plan::of_segment(segment, masks, &mut Scratch::new())?.is_none() {
            return Ok(None);
        }
        self.check_purge_room(plan::headroom_bytes(entry.length_bytes))?;
        job.expect_bytes(entry.length_bytes);
        let started_ms = self.now_ms();
        let mask = |header: &SegmentHeader, site: SiteId| {
            let rules = masks.rules(site, header);
            (!rules.is_empty()).then(|| SiteMask::of_rules(rules))
        };
        let (number, uuid) = self.live.next_file();
        let task = MergeTask {
            inputs: &[Arc::clone(segment)],
            number,
            uuid,
            level: entry.level,
            mask: &mask,
            skip,
            recode: &|_| CountrySet::new(),
        };
        let mut watch = |_| match job.is_stopped() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let output = run::run(&*self.disk, &task, &Watched { core: self, job }, &mut watch)?;
        job.did_bytes(entry.length_bytes);
        add(&self.counters.merge_ms, self.now_ms().saturating_sub(started_ms));
        add(&self.counters.merged_bytes, output.as_ref().map_or(0, |entry| entry.length_bytes));
        Ok(Some(output))
    }

    /// Lets every list that names a segment name another one, or nothing, and unlinks the old one.
    fn repoint(&self, number: u64, output: Option<SegmentEntry>) -> Result<(), JobError> {
        let clock = ClockMark { last_seen_ms: self.clock_mark_ms() };
        let written: Vec<SegmentEntry> = output.iter().cloned().collect();
        let edit = Edit { repoint: vec![(number, output)], clock: Some(clock), ..Edit::default() };
        match self.live.edit(edit, self.now_ms()) {
            Ok(released) => self.unlink(&released),
            Err(error) => {
                if !matches!(error, EditError::Poisoned(_)) {
                    flush::discard(&*self.disk, &written);
                }
                Err(error.into())
            }
        }
    }

    /// A purge makes room, and may use what is kept free for it.
    pub(super) fn check_purge_room(&self, needed_bytes: u64) -> Result<(), JobError> {
        let free_bytes = self.disk.free_bytes()?;
        match free_bytes >= needed_bytes {
            true => Ok(()),
            false => Err(JobError::NoRoom { free_bytes, needed_bytes, reserve_bytes: 0 }),
        }
    }

    /// Removes what cannot be read of a segment, if a deadline is near: the site whose piece is damaged, or all of
    /// it if nobody can say. Says whether it did.
    fn give_up(
        &self,
        job: &Job,
        entry: &SegmentEntry,
        error: &JobError,
        due: &[Arc<Erasure>],
    ) -> Result<bool, JobError> {
        let urgent = self.urgent(due);
        let JobError::Segment(damage) = error else { return Ok(false) };
        let site = match &**damage {
            SegmentError::Corrupt { place: Place::Site(site) | Place::Block(site, _), .. } => Some(*site),
            _ => None,
        };
        if urgent.is_empty() {
            return Ok(false);
        }
        // Named before it is done: a crash in between names what is removed the next time.
        let loss = Loss { segment: entry.number, whole: site.is_none(), events: entry.events };
        self.lose(&urgent, loss)?;
        match site {
            Some(site) => self.purge_segment(job, entry.number, &|of| of == site).map(|_| ())?,
            None => self.repoint(entry.number, None)?,
        }
        Ok(true)
    }
}
