//! Jobs of the store: asked for, done, watched and stopped.

use std::sync::Arc;

use crate::error::JobError;

use super::Store;
use super::core::Core;
use super::jobs::{Job, JobId, JobKind, JobState, JobStatus};

impl Store {
    /// Flushes everything that was accepted before the call.
    ///
    /// # Errors
    /// When it could not be written. It stays readable, and is tried again by itself.
    pub fn flush(&self) -> Result<(), Arc<JobError>> {
        self.core.flush()
    }

    /// Merges everything of each month into one segment, settles closed months, and waits for it.
    ///
    /// # Errors
    /// When a merge failed, or the job was told to stop. What was merged before stays merged.
    pub fn compact(&self) -> Result<(), Arc<JobError>> {
        self.finish(self.start(JobKind::FullCompaction))
    }

    /// Removes what is older than its site keeps, and waits for it.
    ///
    /// # Errors
    /// When the clock is doubted, a segment could not be rewritten, or the job was told to stop.
    pub fn expire(&self) -> Result<(), Arc<JobError>> {
        self.finish(self.start(JobKind::Retention))
    }

    /// Does everything that is due, on the caller's thread: what the threads do with `Background::Threads`.
    ///
    /// # Errors
    /// The first thing that failed; the rest is left to the next time.
    pub fn run_due_jobs(&self) -> Result<(), Arc<JobError>> {
        match self.core.flush_is_due() {
            true => self.core.flush()?,
            false => self.core.retry_flush()?,
        }
        while self.core.work()? {}
        Ok(())
    }

    /// Asks for a job. With `Background::Manual` it is over when this returns; else a thread does it.
    pub fn start(&self, kind: JobKind) -> JobId {
        let job = self.core.jobs.add(kind, self.core.now_ms());
        match self.threads.is_empty() {
            // How it ended is for who asks for its status.
            true => drop(self.core.do_job(&job)),
            false => self.core.signals.work.raise(),
        }
        job.id()
    }

    /// How far a job is; `None` if there never was one, or it was over long ago.
    #[must_use]
    pub fn job(&self, id: JobId) -> Option<JobStatus> {
        self.core.jobs.status(id)
    }

    /// All jobs that are remembered, the newest first.
    #[must_use]
    pub fn jobs(&self) -> Vec<JobStatus> {
        self.core.jobs.list()
    }

    /// Waits until a job is over.
    #[must_use]
    pub fn wait(&self, id: JobId) -> Option<JobStatus> {
        self.core.jobs.wait(id)
    }

    /// Tells a job to stop. It does so soon; says whether there was such a job and nobody had told it before.
    pub fn stop(&self, id: JobId) -> bool {
        self.core.jobs.stop(id)
    }

    /// Says that the clock is right as it is, after it was seen to jump: retention goes on by it, also after a
    /// restart.
    ///
    /// # Errors
    /// When that could not be written down.
    pub fn accept_clock(&self) -> Result<(), JobError> {
        self.core.accept_clock();
        self.core.save_clock()?;
        self.core.signals.work.raise();
        Ok(())
    }

    pub(super) fn finish(&self, id: JobId) -> Result<(), Arc<JobError>> {
        match self.core.jobs.wait(id).map(|status| status.state) {
            Some(JobState::Failed(error)) => Err(error),
            Some(JobState::Stopped) => Err(Arc::new(JobError::Stopped)),
            _ => Ok(()),
        }
    }
}

impl Core {
    /// Does one piece of background work: what was asked for first, then what is due. Says whether there was any.
    pub(super) fn work(&self) -> Result<bool, Arc<JobError>> {
        if let Some(job) = self.jobs.next_waiting() {
            // Whoever asked for it is told; it is no reason to slow down.
            drop(self.do_job(&job));
            return Ok(true);
        }
        if self.clock_is_steady() && self.clock_mark_is_old() {
            self.save_clock()?;
        }
        let merged = self.merge_if_due();
        if !matches!(merged, Ok(true)) && self.expiry_is_due() {
            // Also after a merge that found no room: what expires makes some.
            let job = self.jobs.add(JobKind::Retention, self.now_ms());
            return self.do_job(&job).map(|()| true);
        }
        if !matches!(merged, Ok(true)) && self.purge_is_due() {
            let job = self.jobs.add(JobKind::Purge { now: false }, self.now_ms());
            return self.do_job(&job).map(|()| true);
        }
        if !matches!(merged, Ok(true)) && self.tend_snapshots()? {
            return Ok(true);
        }
        merged
    }

    pub(super) fn do_job(&self, job: &Job) -> Result<(), Arc<JobError>> {
        self.perform(job, |job| match job.kind() {
            JobKind::Flush => self.flush(),
            JobKind::Compaction | JobKind::Merge(_) => Ok(self.compact_due(job)?),
            JobKind::FullCompaction => Ok(self.compact_all(job)?),
            JobKind::Retention => Ok(self.expire(job)?),
            JobKind::Purge { now } => self.purge(job, now),
            // Done by who asked for it: see `Store::back_up`.
            JobKind::Backup => Ok(()),
            JobKind::Restore { snapshot, site } => self.restore(job, snapshot, site),
        })
    }
}
