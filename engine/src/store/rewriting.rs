//! What a purge does to segments: those that hold anything masked are written anew, and every list names the new ones.

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
use super::lanes::{StoreLanes, in_lanes};
use super::merging::Watched;

/// Bytes of segments that one edit of the manifest replaces, at most; or one segment, if it has more. Old and new files
/// take room side by side until then, and a crash costs the work since the edit before.
const GROUP_BYTES: u64 = 256 << 20;
/// Segments that are rewritten at the same time, if there are threads for it: one is worked on while the other waits for
/// the disk. Sites of each are worked on at the same time as well.
const GROUP_LANES: usize = 2;

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
        let mut left: Vec<SegmentEntry> =
            entries.iter().filter(|entry| !purge.given_up.contains(&entry.number)).cloned().collect();
        let mut rewritten = 0;
        while !left.is_empty() {
            let group = self.next_group(&mut left)?;
            let results = self.purge_group(job, &group, &|_| false)?;
            for (entry, result) in group.iter().zip(results) {
                match result {
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
        }
        Ok(rewritten)
    }

    /// Applies what is masked to segments that any list names.
    pub(super) fn purge_segments(&self, job: &Job, numbers: &[u64]) -> Result<(), JobError> {
        let mut left: Vec<SegmentEntry> = self
            .live
            .manifest()
            .reachable()
            .filter(|entry| numbers.contains(&entry.number))
            .cloned()
            .collect();
        while !left.is_empty() {
            let group = self.next_group(&mut left)?;
            let results = self.purge_group(job, &group, &|_| false)?;
            results.into_iter().try_for_each(|result| result.map(drop))?;
        }
        Ok(())
    }

    /// Takes the segments that are to be replaced by one edit from the front of those that are left: as many as the
    /// disk has room for, and at least one.
    fn next_group(&self, left: &mut Vec<SegmentEntry>) -> Result<Vec<SegmentEntry>, JobError> {
        let most_bytes = self.disk.free_bytes()?.min(GROUP_BYTES);
        let mut bytes = 0_u64;
        let has_room = |entry: &&SegmentEntry| {
            bytes = bytes.saturating_add(plan::headroom_bytes(entry.length_bytes));
            bytes <= most_bytes
        };
        let count = left.iter().take_while(has_room).count().max(1);
        Ok(left.drain(..count).collect())
    }

    /// Rewrites those of some segments of which anything is masked, in lanes, and lets every list name the new ones, in one
    /// edit. `skip` leaves sites out as a whole. Gives back the old segment of each that was rewritten, which readers may
    /// still hold, and why one could not be: this does not keep the others from being replaced.
    fn purge_group(
        &self,
        job: &Job,
        group: &[SegmentEntry],
        skip: &(dyn Fn(SiteId) -> bool + Sync),
    ) -> Result<Vec<Result<Option<Weak<Segment>>, JobError>>, JobError> {
        let _merging = self.merging.lock();
        let manifest = self.live.manifest();
        let listed: HashSet<u64> = manifest.reachable().map(|entry| entry.number).collect();
        let masks = Arc::clone(&self.live.read().masks);
        let rewritten = in_lanes(self.options.purge_lanes.min(GROUP_LANES), group, |entry| {
            // Merged away, or deleted with its snapshot, since.
            if !listed.contains(&entry.number) {
                return Ok(None);
            }
            if job.is_stopped() {
                return Err(JobError::Stopped);
            }
            let segment = self.segment(entry)?;
            let output = self.without_masked(job, &segment, &masks, skip)?;
            Ok(output.map(|output| (Arc::downgrade(&segment), output)))
        });
        let mut repoint = Vec::new();
        let mut results = Vec::with_capacity(group.len());
        for (entry, result) in group.iter().zip(rewritten) {
            results.push(result.map(|replaced| {
                replaced.map(|(old, output)| {
                    repoint.push((entry.number, output));
                    old
                })
            }));
        }
        self.repoint(repoint)?;
        Ok(results)
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
            lanes: &StoreLanes(self.options.purge_lanes),
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

    /// Lets every list that names one of these segments name another one, or nothing, and unlinks the old ones.
    fn repoint(&self, repoint: Vec<(u64, Option<SegmentEntry>)>) -> Result<(), JobError> {
        if repoint.is_empty() {
            return Ok(());
        }
        let clock = ClockMark { last_seen_ms: self.clock_mark_ms() };
        let written: Vec<SegmentEntry> = repoint.iter().filter_map(|(_, output)| output.clone()).collect();
        let edit = Edit { repoint, clock: Some(clock), ..Edit::default() };
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
            Some(site) => {
                let results = self.purge_group(job, std::slice::from_ref(entry), &|of| of == site)?;
                results.into_iter().try_for_each(|result| result.map(drop))?;
            }
            None => self.repoint(vec![(entry.number, None)])?,
        }
        Ok(true)
    }
}
