//! Jobs: work that is started, watched and stopped.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex};

use crate::error::JobError;
use crate::model::{CopyName, Month, SiteId};

/// Jobs that are remembered; of more, those that ended first are forgotten.
const REMEMBERED: usize = 256;

/// Tells a job from every other of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Writes the memtable into segments.
    Flush,
    /// Merges what is due.
    Compaction,
    /// Merges everything of each month into one.
    FullCompaction,
    /// Merges segments of one month.
    Merge(Month),
    /// Removes what is older than its site keeps.
    Retention,
    /// Removes what erasures mask from every file, and certifies it.
    Purge {
        /// Without waiting for the grace of deleted sites.
        now: bool,
    },
    /// Brings everything to a backup target.
    Backup,
    /// Puts a snapshot in the place of what is live.
    Restore {
        /// Which.
        snapshot: CopyName,
        /// This site alone.
        site: Option<SiteId>,
    },
}

/// Where a job is.
#[derive(Clone, Debug)]
pub enum JobState {
    /// Others come first.
    Waiting,
    /// At work.
    Running,
    /// Did what it was to do.
    Done,
    /// Was told to stop, and did. What it had finished stays.
    Stopped,
    /// Could not go on.
    Failed(Arc<JobError>),
}

impl JobState {
    /// Whether nothing more will happen.
    #[must_use]
    pub fn is_over(&self) -> bool {
        !matches!(self, JobState::Waiting | JobState::Running)
    }
}

/// What can be seen of a job.
#[derive(Clone, Debug)]
pub struct JobStatus {
    /// Which.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// Where it is.
    pub state: JobState,
    /// Bytes it has read.
    pub done_bytes: u64,
    /// Bytes it will have read in the end, as far as is known by now.
    pub total_bytes: u64,
    /// Unix ms when it was asked for.
    pub asked_ms: u64,
    /// Unix ms when it was over.
    pub over_ms: Option<u64>,
}

/// One job, as those who do it and those who watch it share it.
pub(super) struct Job {
    id: JobId,
    kind: JobKind,
    asked_ms: u64,
    stop: AtomicBool,
    done_bytes: AtomicU64,
    total_bytes: AtomicU64,
    state: Mutex<(JobState, Option<u64>)>,
    changed: Condvar,
}

impl Job {
    pub(super) fn id(&self) -> JobId {
        self.id
    }

    pub(super) fn kind(&self) -> JobKind {
        self.kind
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(super) fn expect_bytes(&self, bytes: u64) {
        self.total_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn did_bytes(&self, bytes: u64) {
        self.done_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn begin(&self) {
        self.state.lock().0 = JobState::Running;
        self.changed.notify_all();
    }

    /// Says how it ended.
    pub(super) fn end(&self, result: &Result<(), Arc<JobError>>, now_ms: u64) {
        let state = match result {
            Ok(()) => JobState::Done,
            Err(error) if matches!(**error, JobError::Stopped) => JobState::Stopped,
            Err(error) => JobState::Failed(Arc::clone(error)),
        };
        *self.state.lock() = (state, Some(now_ms));
        self.changed.notify_all();
    }

    fn status(&self) -> JobStatus {
        let (state, over_ms) = self.state.lock().clone();
        JobStatus {
            id: self.id,
            kind: self.kind,
            state,
            done_bytes: self.done_bytes.load(Ordering::Relaxed),
            total_bytes: self.total_bytes.load(Ordering::Relaxed),
            asked_ms: self.asked_ms,
            over_ms,
        }
    }

    fn wait(&self) -> JobStatus {
        let mut state = self.state.lock();
        while !state.0.is_over() {
            self.changed.wait(&mut state);
        }
        drop(state);
        self.status()
    }
}

/// The jobs of a store, those that are over too.
#[derive(Default)]
pub(super) struct Jobs(Mutex<(u64, VecDeque<Arc<Job>>)>);

impl Jobs {
    /// A new job, waiting.
    pub(super) fn add(&self, kind: JobKind, now_ms: u64) -> Arc<Job> {
        self.add_in(JobState::Waiting, kind, now_ms)
    }

    /// A new job that its caller does: no thread of the store takes it up.
    pub(super) fn add_running(&self, kind: JobKind, now_ms: u64) -> Arc<Job> {
        self.add_in(JobState::Running, kind, now_ms)
    }

    fn add_in(&self, state: JobState, kind: JobKind, now_ms: u64) -> Arc<Job> {
        let mut jobs = self.0.lock();
        jobs.0 += 1;
        let job = Arc::new(Job {
            id: JobId(jobs.0),
            kind,
            asked_ms: now_ms,
            stop: AtomicBool::new(false),
            done_bytes: AtomicU64::new(0),
            total_bytes: AtomicU64::new(0),
            state: Mutex::new((state, None)),
            changed: Condvar::new(),
        });
        if jobs.1.len() >= REMEMBERED
            && let Some(over) = jobs.1.iter().position(|job| job.state.lock().0.is_over())
        {
            jobs.1.remove(over);
        }
        jobs.1.push_back(Arc::clone(&job));
        job
    }

    pub(super) fn status(&self, id: JobId) -> Option<JobStatus> {
        self.find(id).map(|job| job.status())
    }

    /// All of them, the newest first.
    pub(super) fn list(&self) -> Vec<JobStatus> {
        self.0.lock().1.iter().rev().map(|job| job.status()).collect()
    }

    /// Waits until a job is over.
    pub(super) fn wait(&self, id: JobId) -> Option<JobStatus> {
        self.find(id).map(|job| job.wait())
    }

    /// Tells a job to stop; says whether there is one. It stops at the next block it would read.
    pub(super) fn stop(&self, id: JobId) -> bool {
        self.find(id).is_some_and(|job| !job.stop.swap(true, Ordering::Relaxed))
    }

    /// The one that waits longest.
    pub(super) fn next_waiting(&self) -> Option<Arc<Job>> {
        let jobs = self.0.lock();
        jobs.1.iter().find(|job| matches!(job.state.lock().0, JobState::Waiting)).cloned()
    }

    /// Tells all of them to stop.
    pub(super) fn stop_all(&self) {
        self.0.lock().1.iter().for_each(|job| job.stop.store(true, Ordering::Relaxed));
    }

    pub(super) fn find(&self, id: JobId) -> Option<Arc<Job>> {
        self.0.lock().1.iter().find(|job| job.id == id).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_watched_until_it_is_over() {
        let jobs = Jobs::default();
        let job = jobs.add(JobKind::Flush, 5);
        job.expect_bytes(10);
        job.begin();
        job.did_bytes(4);
        let status = jobs.status(job.id()).unwrap();
        assert!(matches!(status.state, JobState::Running));
        assert_eq!((status.done_bytes, status.total_bytes, status.over_ms), (4, 10, None));
        job.end(&Ok(()), 9);
        let status = jobs.wait(job.id()).unwrap();
        assert!(matches!(status.state, JobState::Done));
        assert_eq!((status.asked_ms, status.over_ms), (5, Some(9)));
        assert!(jobs.wait(JobId(77)).is_none());
    }

    #[test]
    fn a_job_that_is_told_to_stop_says_so_in_the_end() {
        let jobs = Jobs::default();
        let job = jobs.add(JobKind::Compaction, 0);
        assert!(jobs.stop(job.id()) && !jobs.stop(JobId(77)));
        assert!(job.is_stopped());
        job.end(&Err(Arc::new(JobError::Stopped)), 1);
        assert!(matches!(jobs.status(job.id()).unwrap().state, JobState::Stopped));
    }

    #[test]
    fn jobs_that_are_over_are_forgotten_first() {
        let jobs = Jobs::default();
        let running = jobs.add(JobKind::Flush, 0);
        for _ in 0..2 * REMEMBERED {
            jobs.add(JobKind::Flush, 0).end(&Ok(()), 0);
        }
        assert_eq!(jobs.list().len(), REMEMBERED);
        assert!(jobs.status(running.id()).is_some());
    }
}
