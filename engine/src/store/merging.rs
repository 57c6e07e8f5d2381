//! Compaction and retention of the store: plan, check, merge, one edit, unlink.

use std::cell::RefCell;
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::compaction::plan::{self, Calendar, Candidate, Merge, Purpose};
use crate::compaction::run::{self, MergeTask};
use crate::error::{EditError, JobError};
use crate::flush;
use crate::manifest::{ClockMark, Edit};
use crate::model::{CountrySet, CountryTotals, Day, Month, SiteId, SiteMask};
use crate::retention::{ages, plan::Verdict, plan::verdict};
use crate::segment::{OneLane, Scratch, Segment, SegmentEntry, SegmentError, SegmentHeader, Throttle};

use super::core::{Core, add};
use super::jobs::{Job, JobKind};
use super::live::ReadState;

/// Passes of a full compaction: each makes one segment out of up to 64, so that a few are plenty.
const PASSES: usize = 8;
/// How often retention looks at everything, in ms. Days end at different times in different zones.
const RETENTION_MS: u64 = 6 * 3_600_000;

impl Core {
    /// Does the most urgent merge that is due, if there is one. Says whether there was.
    pub(super) fn merge_if_due(&self) -> Result<bool, Arc<JobError>> {
        let Some(merge) = self.next_merge() else { return Ok(false) };
        let job = self.jobs.add(JobKind::Merge(merge.month), self.now_ms());
        self.perform(&job, |job| Ok(self.merge(job, &merge)?)).map(|()| true)
    }

    /// Merges all that is due.
    pub(super) fn compact_due(&self, job: &Job) -> Result<(), JobError> {
        while let Some(merge) = self.next_merge() {
            self.merge(job, &merge)?;
        }
        Ok(())
    }

    fn next_merge(&self) -> Option<Merge> {
        let due =
            plan::due(&self.candidates(), &self.calendar(&self.unmergeable()), &self.options.compaction);
        due.into_iter().next()
    }

    /// Segments that can be merged.
    pub(super) fn candidates(&self) -> Vec<Candidate> {
        let mut candidates = self.live.candidates();
        let damaged = self.damaged.lock();
        candidates.retain(|candidate| !damaged.contains_key(&candidate.number));
        candidates
    }

    /// Months of which something cannot be merged.
    pub(super) fn unmergeable(&self) -> Vec<Month> {
        let state = self.live.read();
        let damaged = self.damaged.lock();
        let is_damaged = |segment: &&Arc<Segment>| damaged.contains_key(&segment.entry().number);
        let of_damaged = state.segments.iter().filter(is_damaged).map(|segment| segment.entry().header.month);
        of_damaged
            .chain(state.segments.unreadable().iter().map(|segment| segment.entry.header.month))
            .collect()
    }

    pub(super) fn calendar<'a>(&self, unreadable: &'a [Month]) -> Calendar<'a> {
        Calendar { now_ms: self.now_ms(), trusted: self.clock_is_steady(), unreadable }
    }

    /// Merges everything of each month into one segment.
    pub(super) fn compact_all(&self, job: &Job) -> Result<(), JobError> {
        // What is flushed meanwhile is left to the next time.
        let mut left = self.candidates();
        for _ in 0..PASSES {
            let merges = plan::all(&left, &self.calendar(&self.unmergeable()), &self.options.compaction);
            if merges.is_empty() {
                break;
            }
            for merge in &merges {
                self.merge(job, merge)?;
            }
            let known: HashSet<u64> = left.iter().map(|candidate| candidate.number).collect();
            left = self.candidates();
            left.retain(|candidate| candidate.level != plan::FLUSHED || known.contains(&candidate.number));
        }
        Ok(())
    }

    /// Removes what is older than its site keeps.
    pub(super) fn expire(&self, job: &Job) -> Result<(), JobError> {
        if !self.clock_is_steady() {
            return Err(JobError::ClockDoubted);
        }
        let now_ms = self.now_ms();
        let mut expired = self.unreadable_and_expired(now_ms);
        let mut rewrites = Vec::new();
        let mut result = Ok(());
        for segment in self.live.read().segments.iter() {
            match ages::of(segment).map(|ages| verdict(&ages, |site| self.expiry(site, now_ms))) {
                Ok(Verdict::Keep) => {}
                Ok(Verdict::Drop) => expired.push(segment.entry().number),
                Ok(Verdict::Rewrite) => rewrites.push(Arc::clone(segment)),
                Err(error) => result = Err(self.note_damage(error)),
            }
        }
        if !expired.is_empty() {
            let _merging = self.merging.lock();
            self.replace(&[], &expired)?;
        }
        for segment in rewrites {
            let entry = segment.entry();
            let (month, inputs, input_bytes) = (entry.header.month, vec![entry.number], entry.length_bytes);
            let merge = Merge { month, inputs, input_bytes, purpose: Purpose::Rewrite(entry.level) };
            match self.merge(job, &merge) {
                // One damaged segment must not keep what is expired in the others.
                Err(error @ JobError::Segment(_)) => result = Err(error),
                merged => merged?,
            }
        }
        // A purge that is at work writes its own.
        if let Some(_no_purge) = self.purging.try_lock() {
            self.ledger.forget_evidence(now_ms)?;
        }
        self.expired_ms.store(now_ms, Ordering::Relaxed);
        self.pages.forget();
        result
    }

    /// Whether retention should look again.
    pub(super) fn expiry_is_due(&self) -> bool {
        let last_ms = self.expired_ms.load(Ordering::Relaxed);
        self.now_ms().abs_diff(last_ms) >= RETENTION_MS && self.clock_is_steady()
    }

    /// Does a job, and says how it ended to who watches it.
    pub(super) fn perform(
        &self,
        job: &Job,
        work: impl FnOnce(&Job) -> Result<(), Arc<JobError>>,
    ) -> Result<(), Arc<JobError>> {
        job.begin();
        let result = if job.is_stopped() { Err(Arc::new(JobError::Stopped)) } else { work(job) };
        job.end(&result, self.now_ms());
        result
    }

    /// One merge. What it would merge and is no longer live was merged by another; it then does nothing.
    fn merge(&self, job: &Job, merge: &Merge) -> Result<(), JobError> {
        let merged = self.try_merge(job, merge);
        if !matches!(merged, Err(JobError::Stopped)) {
            self.merges_fail.store(merged.is_err(), Ordering::Relaxed);
        }
        if merged.is_err() {
            // The flush may have waited for this one.
            self.signals.flush.raise();
        }
        merged
    }

    fn try_merge(&self, job: &Job, merge: &Merge) -> Result<(), JobError> {
        let _merging = self.merging.lock();
        let state = self.live.read();
        let of_month = state.segments.month(merge.month);
        let inputs: Vec<Arc<Segment>> = of_month
            .iter()
            .filter(|segment| merge.inputs.contains(&segment.entry().number))
            .cloned()
            .collect();
        if inputs.len() != merge.inputs.len() {
            return Ok(());
        }
        let whole = inputs.len() == of_month.len() && !self.unmergeable().contains(&merge.month);
        let level = match merge.purpose {
            Purpose::Settle if whole => plan::SETTLED,
            Purpose::Settle | Purpose::Gather => plan::MERGED,
            Purpose::Rewrite(level) => level,
        };
        self.check_room(merge.input_bytes.saturating_add(merge.input_bytes / 16))?;
        job.expect_bytes(merge.input_bytes);

        let started_ms = self.now_ms();
        let trusted = self.clock_is_steady();
        let rows_of = |site| match trusted {
            true => self.expiry(site, started_ms),
            false => None,
        };
        let mask = |header: &SegmentHeader, site: SiteId| mask_of(&state, header, site, rows_of(site));
        let scratch = RefCell::new(Scratch::new());
        let recode = |site: SiteId| match level == plan::SETTLED {
            true => self.rare(&state, merge.month, site, rows_of(site), &mut scratch.borrow_mut()),
            false => CountrySet::new(),
        };
        let (number, uuid) = self.live.next_file();
        let task = MergeTask {
            inputs: &inputs,
            number,
            uuid,
            level,
            mask: &mask,
            skip: &|_| false,
            recode: &recode,
            lanes: &OneLane,
        };
        let mut watched_bytes = 0;
        let mut watch = |read_bytes: u64| {
            job.did_bytes(read_bytes - watched_bytes);
            watched_bytes = read_bytes;
            if job.is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let output = run::run(&*self.disk, &task, &Watched { core: self, job }, &mut watch);
        let output = output.map_err(|error| self.note_damage(error))?;
        add(&self.counters.merge_ms, self.now_ms().saturating_sub(started_ms));
        add(&self.counters.read_bytes, merge.input_bytes);
        add(&self.counters.merged_bytes, output.as_ref().map_or(0, |entry| entry.length_bytes));
        self.replace(output.as_slice(), &merge.inputs)
    }

    /// Leaves a segment alone in which damage was found, so that it does not hold up the others.
    fn note_damage(&self, error: SegmentError) -> JobError {
        let number = match &error {
            SegmentError::Corrupt { segment, .. } | SegmentError::NotListed { segment, .. } => Some(*segment),
            _ => None,
        };
        let error = JobError::from(error);
        if let (Some(number), JobError::Segment(error)) = (number, &error) {
            self.damaged.lock().insert(number, Arc::clone(error));
        }
        error
    }

    /// Makes outputs live in the place of inputs, and unlinks the inputs that no snapshot lists.
    fn replace(&self, outputs: &[SegmentEntry], inputs: &[u64]) -> Result<(), JobError> {
        let clock = ClockMark { last_seen_ms: self.clock_mark_ms() };
        let edit = Edit { add: outputs.to_vec(), remove: inputs, clock: Some(clock), ..Edit::default() };
        let released = match self.live.edit(edit, self.now_ms()) {
            Ok(released) => released,
            Err(error) => {
                if !matches!(error, EditError::Poisoned(_)) {
                    flush::discard(&*self.disk, outputs);
                }
                return Err(error.into());
            }
        };
        self.unlink(&released)?;
        self.signals.flush.raise();
        Ok(())
    }

    /// What age leaves out of a site now. Of a site that nobody knows, nothing.
    fn expiry(&self, site: SiteId, now_ms: u64) -> Option<SiteMask> {
        let site = self.accounts.get(site)?;
        Some(site.settings.expiry(site.settings.day_at(now_ms)))
    }

    /// Segments that cannot be read, but whose last day is expired of every site there is.
    fn unreadable_and_expired(&self, now_ms: u64) -> Vec<u64> {
        let state = self.live.read();
        let unreadable = state.segments.unreadable();
        if unreadable.is_empty() {
            return Vec::new();
        }
        let edges =
            self.accounts.sites().map(|site| site.settings.expiry(site.settings.day_at(now_ms)).days_from);
        let oldest = edges.min().unwrap_or(Day::FIRST);
        unreadable
            .iter()
            .map(|segment| &segment.entry)
            .filter(|entry| entry.last_day < oldest)
            .map(|entry| entry.number)
            .collect()
    }

    /// Countries of a site that are rare in a month, counted over all that is kept of it.
    ///
    /// What cannot be read or is masked counts too: a country is then named on disk until the month is merged again, and
    /// recoded at every answer all the same.
    fn rare(
        &self,
        state: &ReadState,
        month: Month,
        site: SiteId,
        expiry: Option<SiteMask>,
        scratch: &mut Scratch,
    ) -> CountrySet {
        let Some(account) = self.accounts.get(site) else { return CountrySet::new() };
        let kept_from = expiry.map_or(Day::FIRST, |mask| mask.days_from);
        let mut totals = CountryTotals::new();
        for segment in state.segments.month(month) {
            let counted = segment.extent(site).and_then(|extent| match extent {
                None => Ok(()),
                Some(extent) => extent.rollups(scratch, &mut |sum| {
                    if month.day(sum.day) >= kept_from {
                        totals.add(sum.country, sum.count);
                    }
                }),
            });
            if counted.is_err() {
                // The merge meets the same damage and fails with its name.
                return CountrySet::new();
            }
        }
        for memtable in [Some(&state.active), state.frozen.as_ref()].into_iter().flatten() {
            memtable.read_site(site, |rows| {
                for (day, country, events) in rows.into_iter().flat_map(|rows| rows.country_days()) {
                    if day.month() == month && day >= kept_from {
                        totals.add(country, events);
                    }
                }
            });
        }
        totals.rare(account.settings.min_count)
    }
}

/// What is left out of a site in one segment: by age, if that reaches into its month, and by rules.
fn mask_of(
    state: &ReadState,
    header: &SegmentHeader,
    site: SiteId,
    expiry: Option<SiteMask>,
) -> Option<SiteMask> {
    let first = header.month.first_day();
    let rules = state.masks.rules(site, header);
    match expiry {
        Some(mask) if mask.days_from > first || mask.hours_from > first => Some(SiteMask { rules, ..mask }),
        _ if rules.is_empty() => None,
        _ => Some(SiteMask::of_rules(rules)),
    }
}

/// The budget of background bytes, on behalf of a job.
pub(super) struct Watched<'a> {
    pub(super) core: &'a Core,
    pub(super) job: &'a Job,
}

impl Throttle for Watched<'_> {
    fn spend(&self, bytes: u64) {
        // A job that was told to stop need not be slow about it. What is written was read before, about as much.
        if !self.job.is_stopped() {
            self.core.throttle.spend(bytes.saturating_mul(2));
        }
    }
}
