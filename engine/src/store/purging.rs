//! The purge of the store: memory and log, then one segment after the other, then the proof and the certificate.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::compaction::run::{self, MergeTask};
use crate::error::{EditError, JobError};
use crate::flush;
use crate::format::names::{Directory, FileName};
use crate::ledger::LedgerEdit;
use crate::manifest::{ClockMark, Edit};
use crate::model::limits::VIEW_SECONDS;
use crate::model::{
    CountrySet, Erasure, ErasureState, GRACE_HOURS, Loss, NamedKind, Seq, SiteId, SiteMask, TextHash,
};
use crate::purge::certificate::{self, Copies};
use crate::purge::matching::{MatchError, Matching, PageTest};
use crate::purge::plan::{self, PurgePlan};
use crate::purge::verify;
use crate::segment::{Place, Scratch, Segment, SegmentEntry, SegmentError, SegmentHeader};
use crate::view::Masks;

use super::Store;
use super::core::{Core, add};
use super::erasing::masks_of;
use super::jobs::{Job, JobKind};
use super::merging::Watched;

/// How long a purge that failed waits before it tries again by itself, in ms.
const PATIENCE_MS: u64 = 6 * 3_600_000;
/// How long it sleeps between two looks at readers that hold what it has replaced.
const NAP: Duration = Duration::from_millis(50);

/// What is known of purges, of this process.
#[derive(Clone, Debug, Default)]
pub struct PurgeHistory {
    /// Unix ms when the last one began.
    pub began_ms: Option<u64>,
    /// Unix ms when the last one that left nothing to do was over.
    pub done_ms: Option<u64>,
    /// Why the last one did not finish, until one has.
    pub error: Option<Arc<JobError>>,
}

impl Store {
    /// Removes from every file what erasures mask, proves it, certifies it, and waits for it. `now` does not wait for
    /// the grace of deleted sites.
    ///
    /// # Errors
    /// When something could not be removed yet; what was removed before stays removed.
    pub fn purge(&self, now: bool) -> Result<(), Arc<JobError>> {
        self.finish(self.start(JobKind::Purge { now }))
    }

    /// What a purge would do at this moment. Reads dictionaries and directories of the named sites.
    #[must_use]
    pub fn purge_plan(&self, now: bool) -> PurgePlan {
        let core = &self.core;
        let open = core.ledger.open();
        let in_grace =
            |erasure: &&Arc<Erasure>| erasure.is_in_grace() && !now && !core.grace_is_over(erasure);
        let in_grace = open.iter().filter(in_grace).count();
        let mut plan = PurgePlan { erasures: open.len() - in_grace, in_grace, ..PurgePlan::default() };
        let masks = core.live.read().masks.clone();
        let mut scratch = Scratch::new();
        for entry in core.live.manifest().reachable() {
            let rewrite =
                core.segment(entry).and_then(|segment| plan::of_segment(&segment, &masks, &mut scratch));
            match rewrite {
                Ok(rewrite) => plan.rewrites.extend(rewrite),
                Err(_) => plan.unreadable.push(entry.number),
            }
        }
        plan
    }

    /// Applies every erasure of the ledger, certified ones too, to every segment: for a directory that was restored
    /// from a backup, before anything of it is served.
    ///
    /// # Errors
    /// When a segment could not be rewritten.
    pub fn apply_ledger(&self) -> Result<(), Arc<JobError>> {
        let core = &self.core;
        let job = core.jobs.add(JobKind::Purge { now: false }, core.now_ms());
        core.perform(&job, |job| {
            let every = Arc::new(masks_of(&core.ledger, |_| true));
            core.live.mask(&every);
            let numbers: Vec<u64> = core.live.manifest().reachable().map(|entry| entry.number).collect();
            core.purge_segments(job, &numbers)?;
            core.refresh_masks();
            Ok(())
        })
    }
}

impl Core {
    /// A segment that a list names: the one that is read, if it is live.
    fn segment(&self, entry: &SegmentEntry) -> Result<Arc<Segment>, SegmentError> {
        let live = self.live.read();
        let found = live.segments.month(entry.header.month);
        match found.iter().find(|segment| segment.entry().number == entry.number) {
            Some(segment) => Ok(Arc::clone(segment)),
            None => Segment::open(&*self.disk, entry, self.options.access).map(Arc::new),
        }
    }

    fn grace_is_over(&self, erasure: &Erasure) -> bool {
        // A clock that jumped must not cut a grace short.
        self.clock_is_steady()
            && self.now_ms() >= erasure.requested_ms().saturating_add(GRACE_HOURS * 3_600_000)
    }

    /// Whether a purge should begin by itself.
    pub(super) fn purge_is_due(&self) -> bool {
        let now_ms = self.now_ms();
        let tried = self.purges.lock().began_ms;
        if tried.is_some_and(|began_ms| now_ms.abs_diff(began_ms) < PATIENCE_MS) || !self.clock_is_steady() {
            return false;
        }
        let every_ms = self.options.purge_every_seconds.saturating_mul(1_000);
        let is_due = |erasure: &Arc<Erasure>| {
            now_ms >= erasure.requested_ms().saturating_add(every_ms)
                && (!erasure.is_in_grace() || self.grace_is_over(erasure))
        };
        self.ledger.open().iter().any(is_due)
    }

    /// One purge, from the first file to the certificates.
    pub(super) fn purge(&self, job: &Job, now: bool) -> Result<(), Arc<JobError>> {
        let _one_at_a_time = self.purging.lock();
        self.purges.lock().began_ms = Some(self.now_ms());
        let result = self.purge_all(job, now);
        let mut purges = self.purges.lock();
        match &result {
            Ok(()) => (purges.done_ms, purges.error) = (Some(self.now_ms()), None),
            Err(error) => purges.error = Some(Arc::clone(error)),
        }
        result
    }

    fn purge_all(&self, job: &Job, now: bool) -> Result<(), Arc<JobError>> {
        self.end_graces(now)?;
        let due: Vec<Arc<Erasure>> =
            self.ledger.open().into_iter().filter(|erasure| erasure.tombstone().is_some()).collect();
        let Some(through) = due.iter().map(|erasure| erasure.through).max() else { return Ok(()) };
        self.expand_patterns(&due)?;
        // Memory was masked when it was asked for; the log goes when what is behind it is in segments.
        self.flush()?;

        let mut purge = Purge { before: root(self.live.manifest().reachable()), ..Purge::default() };
        for place in [Lists::Live, Lists::Pinned] {
            loop {
                let entries: Vec<SegmentEntry> = match place {
                    Lists::Live => self.live.manifest().segments,
                    Lists::Pinned => self.live.manifest().pinned,
                };
                let rewritten = self.purge_entries(job, &entries, &due, &mut purge)?;
                if rewritten == 0 {
                    break;
                }
            }
            if purge.failed.is_none() {
                self.reach(&due, place.state())?;
            }
        }
        if let Some(error) = purge.failed {
            return Err(error.into());
        }
        self.purge_targets(job)?;
        self.reach(&due, ErasureState::BackupsPurged)?;
        self.wait_for_readers(job, &purge.held)?;
        Ok(self.certify(&due, through, purge.before)?)
    }

    /// Rewrites those of some segments that have anything to go. Says how many.
    fn purge_entries(
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
        let now_ms = self.now_ms();
        if !self.clock_is_steady() {
            return Ok(false);
        }
        let urgent: Vec<&Arc<Erasure>> =
            due.iter().filter(|erasure| plan::is_last_chance(erasure, now_ms)).collect();
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
        let lose = |erasure: &&Arc<Erasure>| LedgerEdit::Lose(erasure.id, loss);
        self.ledger.record(urgent.iter().map(lose).collect())?;
        match site {
            Some(site) => self.purge_segment(job, entry.number, &|of| of == site).map(|_| ())?,
            None => self.repoint(entry.number, None)?,
        }
        Ok(true)
    }

    /// From here on the deletion of a site cannot be called off: its bytes go.
    fn end_graces(&self, now: bool) -> Result<(), JobError> {
        let _one_at_a_time = self.erasing.lock();
        let open = self.ledger.open();
        let over = |erasure: &&Arc<Erasure>| erasure.is_in_grace() && (now || self.grace_is_over(erasure));
        let over: Vec<&Arc<Erasure>> = open.iter().filter(over).collect();
        if over.is_empty() {
            return Ok(());
        }
        let now_ms = self.now_ms();
        self.ledger.record(over.iter().map(|erasure| LedgerEdit::GraceOver(erasure.id, now_ms)).collect())?;
        self.refresh_masks();
        for erasure in over {
            if let Some(tombstone) = self.ledger.get(erasure.id).and_then(|erasure| erasure.tombstone()) {
                self.mask_memory(erasure.site, &tombstone);
            }
        }
        Ok(())
    }

    /// Looks again for pages that open patterns match, in every segment that any list names.
    fn expand_patterns(&self, due: &[Arc<Erasure>]) -> Result<(), JobError> {
        let mut edits = Vec::new();
        for erasure in due.iter().filter(|erasure| erasure.named == NamedKind::Pattern) {
            let Some(pages) = self.ledger.named(erasure)? else { continue };
            let Ok(test) = PageTest::new(&pages) else { continue };
            let mut matching = Matching::new(erasure.site, self.ledger.hasher(), &test, erasure.cover);
            for entry in self.live.manifest().reachable() {
                // One that cannot be read fails when it is to be rewritten.
                let Ok(segment) = self.segment(entry) else { continue };
                // Only files that the erasure covers: what came later may stay.
                if entry.header.seq_lo > erasure.through {
                    continue;
                }
                let named = segment
                    .extent(erasure.site)
                    .map_err(MatchError::from)
                    .and_then(|extent| extent.map_or(Ok(()), |extent| matching.name(&extent)));
                if let Err(MatchError::TooManyPages) = named {
                    break;
                }
            }
            let new: Vec<TextHash> =
                matching.expanded().into_iter().filter(|hash| !erasure.hashes.contains(hash)).collect();
            if !new.is_empty() {
                edits.push(LedgerEdit::Hashes(erasure.id, new));
            }
        }
        if !edits.is_empty() {
            self.ledger.record(edits)?;
            self.refresh_masks();
        }
        Ok(())
    }

    /// Writes down that erasures have reached a state, but for those that were called off meanwhile.
    fn reach(&self, due: &[Arc<Erasure>], state: ErasureState) -> Result<(), JobError> {
        let now_ms = self.now_ms();
        let news = |erasure: &&Arc<Erasure>| {
            self.ledger
                .get(erasure.id)
                .is_some_and(|erasure| erasure.is_open() && erasure.at_ms(state).is_none())
        };
        let edits = due.iter().filter(news).map(|erasure| LedgerEdit::Reach(erasure.id, state, now_ms));
        Ok(self.ledger.record(edits.collect())?)
    }

    /// Waits until nobody reads what was replaced any more; no longer than any view lives.
    fn wait_for_readers(&self, job: &Job, held: &[Weak<Segment>]) -> Result<(), JobError> {
        let most = VIEW_SECONDS * 1_000 / NAP.as_millis() as u64;
        // Without threads nobody reads beside the caller.
        let naps = if self.options.background == crate::options::Background::Threads { most } else { 0 };
        for _ in 0..naps {
            if held.iter().all(|segment| segment.strong_count() == 0) {
                break;
            }
            if job.is_stopped() {
                return Err(JobError::Stopped);
            }
            let seen = self.signals.work.count();
            self.signals.work.wait(seen, NAP);
        }
        Ok(())
    }

    /// Reads everything again, and certifies what is in none of it.
    fn certify(&self, due: &[Arc<Erasure>], through: Seq, before: [u8; 32]) -> Result<(), JobError> {
        self.remove_orphans()?;
        let ids: HashSet<_> = due.iter().map(|erasure| erasure.id).collect();
        let masks = masks_of(&self.ledger, |erasure| ids.contains(&erasure.id));
        let manifest = self.live.manifest();
        let mut scratch = Scratch::new();
        for entry in manifest.reachable() {
            verify::segment(&*self.disk, entry, &masks, &mut scratch)?;
        }
        self.verify_other_files(due, through)?;

        let deleted: Vec<SiteId> =
            due.iter().filter(|erasure| erasure.deletes_site).map(|erasure| erasure.site).collect();
        if !deleted.is_empty() {
            self.log.forget(deleted.clone())?;
            for site in deleted {
                if self.accounts.get(site).is_some() {
                    self.accounts.remove(site)?;
                }
            }
        }
        self.pages.forget();
        // The text goes before it is said that nothing is left.
        let later = self.ledger.open();
        let is_later =
            |number: u64| later.iter().any(|erasure| erasure.number == number && !ids.contains(&erasure.id));
        self.ledger.forget_named(is_later)?;
        let copies = Copies {
            region: manifest.region.clone(),
            live_segments: manifest.segments.len() as u64,
            snapshots: manifest.snapshots.len() as u64,
            snapshot_segments: manifest.pinned.len() as u64,
            backup_targets: 0,
            files_before: before,
            files_after: root(manifest.reachable()),
        };
        let (secret, now_ms) = (self.ledger.signing_key()?, self.now_ms());
        let certified =
            due.iter().filter_map(|erasure| self.ledger.get(erasure.id)).filter(|of| of.is_open());
        let edits = certified.map(|erasure| {
            let statement = certificate::statement(&erasure, &copies, now_ms);
            LedgerEdit::Certify(erasure.id, now_ms, certificate::sign(&statement, &secret))
        });
        self.ledger.record(edits.collect())?;
        self.refresh_masks();
        Ok(())
    }

    /// Looks at log and quarantine. What was put aside goes unread when a deadline is near, and is named.
    fn verify_other_files(&self, due: &[Arc<Erasure>], through: Seq) -> Result<(), JobError> {
        let now_ms = self.now_ms();
        let urgent: Vec<&Arc<Erasure>> =
            due.iter().filter(|erasure| plan::is_last_chance(erasure, now_ms)).collect();
        if !urgent.is_empty() && self.clock_is_steady() {
            for (file, _) in self.disk.list(Directory::Quarantine)? {
                let (FileName::QuarantinedWal(number) | FileName::QuarantinedSegment(number)) = file else {
                    continue;
                };
                let loss = Loss { segment: number, whole: true, events: 0 };
                let lose = |erasure: &&Arc<Erasure>| LedgerEdit::Lose(erasure.id, loss);
                self.ledger.record(urgent.iter().map(lose).collect())?;
                self.disk.remove(file)?;
                self.disk.sync_directory(Directory::Quarantine)?;
            }
        }
        Ok(verify::other_files(&*self.disk, through)?)
    }

    /// Removes segment files that no list names: those that an earlier edit let go and that could not be unlinked.
    fn remove_orphans(&self) -> Result<(), JobError> {
        // Nobody else makes segment files meanwhile.
        let _flushing = self.flushing.lock();
        let _merging = self.merging.lock();
        let listed: HashSet<u64> = self.live.manifest().reachable().map(|entry| entry.number).collect();
        let mut removed = false;
        for (file, _) in self.disk.list(Directory::Segments)? {
            let stays = matches!(file, FileName::Segment(number) if listed.contains(&number));
            if !stays {
                self.disk.remove(file)?;
                removed = true;
            }
        }
        // Also for what was unlinked before: a sync that failed then is made good here.
        if removed || !listed.is_empty() {
            self.disk.sync_directory(Directory::Segments)?;
        }
        Ok(())
    }
}

/// Which lists are purged.
#[derive(Clone, Copy)]
enum Lists {
    Live,
    Pinned,
}

impl Lists {
    fn state(self) -> ErasureState {
        match self {
            Lists::Live => ErasureState::LivePurged,
            Lists::Pinned => ErasureState::SnapshotsPurged,
        }
    }
}

/// A purge at work.
#[derive(Default)]
struct Purge {
    /// Root hash of the files that there were when it began.
    before: [u8; 32],
    /// Segments that it has replaced.
    held: Vec<Weak<Segment>>,
    /// Segments that could not be rewritten, and why the first could not.
    given_up: HashSet<u64>,
    failed: Option<JobError>,
}

impl Purge {
    fn fail(&mut self, number: u64, error: JobError) {
        self.given_up.insert(number);
        self.failed.get_or_insert(error);
    }
}

/// Root hash of a list of files: BLAKE3 over number, uuid, length and footer checksum of each, by number.
fn root<'a>(entries: impl Iterator<Item = &'a SegmentEntry>) -> [u8; 32] {
    let mut entries: Vec<&SegmentEntry> = entries.collect();
    entries.sort_unstable_by_key(|entry| entry.number);
    let mut hasher = blake3::Hasher::new();
    for entry in entries {
        hasher.update(&entry.number.to_le_bytes());
        hasher.update(&entry.header.uuid);
        hasher.update(&entry.length_bytes.to_le_bytes());
        hasher.update(&entry.footer_crc.to_le_bytes());
    }
    *hasher.finalize().as_bytes()
}
