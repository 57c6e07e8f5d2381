//! The purge of the store: memory and log, then one segment after the other, then the proof and the certificate.

use std::sync::Arc;

use crate::error::JobError;
use crate::ledger::LedgerEdit;
use crate::model::{Erasure, ErasureId, ErasureState, GRACE_HOURS, NamedKind, TextHash};
use crate::purge::matching::{MatchError, Matching, PageTest};
use crate::segment::{Segment, SegmentEntry};

use super::Store;
use super::core::Core;
use super::erasing::masks_of;
use super::jobs::{Job, JobKind};
use super::lanes::aside;
use super::rewriting::Purge;

/// How long a purge that failed waits before it tries again by itself, in ms.
const PATIENCE_MS: u64 = 6 * 3_600_000;

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

    /// Applies every erasure of the ledger, certified ones too, to every segment: for a directory that was restored
    /// from a backup, before anything of it is served.
    ///
    /// # Errors
    /// When a segment could not be rewritten.
    pub fn apply_ledger(&self) -> Result<(), Arc<JobError>> {
        let core = &self.core;
        let job = core.jobs.add(JobKind::Purge { now: false }, core.now_ms());
        core.perform(&job, |job| {
            let every = Arc::new(masks_of(&core.ledger, core.ledger.all()));
            core.live.mask(&every);
            let numbers: Vec<u64> = core.live.manifest().reachable().map(|entry| entry.number).collect();
            core.purge_segments(job, &numbers)?;
            core.refresh_masks();
            Ok(())
        })
    }
}

impl Core {
    pub(super) fn grace_is_over(&self, erasure: &Erasure) -> bool {
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
                && erasure.versions_gone_ms.is_none_or(|gone_ms| now_ms >= gone_ms)
        };
        self.ledger.open().iter().any(is_due)
    }

    /// One purge, from the first file to the certificates.
    pub(super) fn purge(&self, job: &Job, now: bool) -> Result<(), Arc<JobError>> {
        let _one_at_a_time = self.purging.lock();
        self.purges.lock().began_ms = Some(self.now_ms());
        let result = aside(|| self.purge_all(job, now));
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
        let manifest = self.live.manifest();
        // One that cannot be read fails when it is to be rewritten.
        self.expand_patterns(&due, &|| {
            Box::new(manifest.reachable().filter_map(|of| self.segment(of).ok()).map(Ok))
        })?;
        // Memory was masked when it was asked for; the log goes when what is behind it is in segments.
        self.flush()?;

        let mut purge = Purge::of(self.live.manifest().reachable().cloned().collect());
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
        self.remove_accounts(&due)?;
        purge.targets = self.purge_targets(job, &due)?;
        // Of the others, old versions stay at a target until a day that is known.
        let due = self.without_versions(&due);
        if due.is_empty() {
            return Ok(());
        }
        let replaced_ms = self.now_ms();
        self.reach(&due, ErasureState::BackupsPurged)?;
        self.wait_for_readers(job, &purge.held, replaced_ms)?;
        Ok(self.certify(&due, through, &purge)?)
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

    /// Looks again for pages that open patterns match, in `segments`, and writes them down.
    pub(super) fn expand_patterns<'a>(
        &self,
        due: &[Arc<Erasure>],
        segments: &dyn Fn() -> Segments<'a>,
    ) -> Result<(), JobError> {
        let new = self.pages_of_patterns(due, segments)?;
        if !new.is_empty() {
            self.ledger.record(new.into_iter().map(|(id, pages)| LedgerEdit::Hashes(id, pages)).collect())?;
            self.refresh_masks();
        }
        Ok(())
    }

    /// Pages in `segments` that open patterns match and that were in no file before, by erasure.
    pub(super) fn pages_of_patterns<'a>(
        &self,
        due: &[Arc<Erasure>],
        segments: &dyn Fn() -> Segments<'a>,
    ) -> Result<Vec<(ErasureId, Vec<TextHash>)>, JobError> {
        let mut found = Vec::new();
        for erasure in due.iter().filter(|erasure| erasure.named == NamedKind::Pattern) {
            let Some(pages) = self.ledger.named(erasure)? else { continue };
            let Ok(test) = PageTest::new(&pages) else { continue };
            let mut matching = Matching::new(erasure.site, self.ledger.hasher(), &test, erasure.cover);
            for segment in segments() {
                let segment = segment?;
                // Only files that the erasure covers: what came later may stay.
                if segment.entry().header.seq_lo > erasure.through {
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
                found.push((erasure.id, new));
            }
        }
        Ok(found)
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
}

/// Segments, opened one after the other.
pub(super) type Segments<'a> = Box<dyn Iterator<Item = Result<Arc<Segment>, JobError>> + 'a>;

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
