//! The flush of the store: freeze, write, one edit, trim.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::commit::Frozen;
use crate::compaction::plan::debt;
use crate::error::{EditError, JobError};
use crate::flush::{self, FlushPlan};
use crate::manifest::{ClockMark, Edit};

use super::core::{Core, LastFlush, add};

impl Core {
    /// Flushes what was frozen before, and then everything that had been accepted when it was called.
    pub(super) fn flush(&self) -> Result<(), Arc<JobError>> {
        self.flush_holding(&mut self.flushing.lock())
    }

    /// As `flush`, for who holds the lock and goes on holding it: nothing becomes live meanwhile that was accepted later.
    pub(super) fn flush_holding(&self, pending: &mut Option<Frozen>) -> Result<(), Arc<JobError>> {
        let result = self.flush_pending(pending).and_then(|()| {
            let live = Arc::clone(&self.live);
            *pending = self.log.freeze(move |frozen, active| live.freeze(frozen, active))?;
            self.flush_pending(pending)
        });
        self.note_flush(result)
    }

    /// Flushes only what was frozen before and could not be written then.
    pub(super) fn retry_flush(&self) -> Result<(), Arc<JobError>> {
        let result = self.flush_pending(&mut self.flushing.lock());
        self.note_flush(result)
    }

    /// Whether the active memtable is large or old enough.
    pub(super) fn flush_is_due(&self) -> bool {
        let active = &self.live.read().active;
        let old = |oldest_ms: u64| {
            self.now_ms().saturating_sub(oldest_ms) >= self.options.memtable_age_seconds.saturating_mul(1_000)
        };
        active.bytes() as u64 >= self.options.memtable_bytes || active.oldest_ms().is_some_and(old)
    }

    /// Whether so many small segments wait for compaction that more would only make it worse. Not while merges fail, for
    /// want of room or by damage: many small segments are better than batches that nobody takes.
    pub(super) fn compaction_is_behind(&self) -> bool {
        let options = &self.options.compaction;
        let similar = || debt(&self.candidates(), &self.calendar(&[]), options).similar;
        !self.merges_fail.load(Ordering::Relaxed) && similar() >= options.stall_segments
    }

    fn flush_pending(&self, pending: &mut Option<Frozen>) -> Result<(), JobError> {
        let Some(frozen) = pending.as_ref() else { return Ok(()) };
        let started_ms = self.now_ms();
        let region = self.live.region();
        let plan = FlushPlan { region: &region, next_file: &|| self.live.next_file() };
        let entries = flush::run(&*self.disk, &frozen.memtable, &plan)?;
        let bytes = entries.iter().map(|entry| entry.length_bytes).sum();
        let clock = ClockMark { last_seen_ms: self.clock_mark_ms() };
        let edit = Edit {
            add: entries.clone(),
            wal_floor: Some(frozen.floor),
            clock: Some(clock),
            ..Edit::default()
        };
        let released = match self.live.edit(edit, self.now_ms()) {
            Ok(released) => released,
            Err(error) => {
                // After a doubtful replacement the new manifest may be the one on disk: its files must stay.
                if !matches!(error, EditError::Poisoned(_)) {
                    flush::discard(&*self.disk, &entries);
                }
                return Err(error.into());
            }
        };
        add(&self.counters.flushed_bytes, bytes);
        add(&self.counters.flushed_events, frozen.memtable.events());
        add(&self.counters.flush_ms, self.now_ms().saturating_sub(started_ms));
        let floor = frozen.floor;
        *pending = None;
        self.signals.room.raise();
        self.signals.work.raise();
        self.log.trim(floor)?;
        self.unlink(&released)
    }

    fn note_flush(&self, result: Result<(), JobError>) -> Result<(), Arc<JobError>> {
        let mut last = self.last_flush.lock();
        match result {
            Ok(()) => {
                *last = LastFlush { done_ms: Some(self.now_ms()), error: None };
                Ok(())
            }
            Err(error) => {
                let error = Arc::new(error);
                last.error = Some(Arc::clone(&error));
                Err(error)
            }
        }
    }
}
