//! What becomes of a batch: to be waited for by a thread or a task.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use parking_lot::{Condvar, Mutex};

use super::AppendError;
use super::queue::Entry;
use crate::model::Seq;

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is durable and visible.
    Stored {
        /// Its place in the order of all batches.
        seq: Seq,
        /// Sum of its counts.
        events: u64,
    },
    /// It was accepted before, durably, and adds nothing.
    Repeated {
        /// What was answered then, if it had an idempotency key.
        answer: Option<Arc<[u8]>>,
    },
    /// Its idempotency key was accepted before, with another body; it adds nothing.
    KeyConflict,
}

pub(super) type Outcome = Result<Appended, AppendError>;

/// A batch whose outcome is known.
struct Done {
    outcome: Outcome,
    /// Freed by whoever waited for it: mostly the thread that made it, whose allocator has use for the room, and not
    /// the committer, for whom all others wait.
    spent: Mutex<Option<Entry>>,
}

/// Batches that are committed together share one place to wait: a group costs one wake-up.
#[derive(Default)]
pub(super) struct Group {
    done: OnceLock<Vec<Done>>,
    waiting: Mutex<Vec<Option<Waker>>>,
    is_done: Condvar,
}

impl Group {
    /// For the batch at `index` of the group.
    pub(super) fn completion(self: &Arc<Group>, index: usize) -> Completion {
        Completion { group: self.clone(), index }
    }

    /// Tells everybody; one outcome for each batch, in their order. Those without one were given up.
    pub(super) fn finish(&self, batches: Vec<Entry>, outcomes: Vec<Outcome>) {
        let done = |(entry, outcome)| Done { outcome, spent: Mutex::new(Some(entry)) };
        let first = self.done.set(batches.into_iter().zip(outcomes).map(done).collect()).is_ok();
        debug_assert!(first, "a group is committed once");
        // Under the lock nobody can look, find nothing, and wait afterwards.
        let waiting = std::mem::take(&mut *self.waiting.lock());
        self.is_done.notify_all();
        waiting.into_iter().flatten().for_each(Waker::wake);
    }

    fn outcome(&self, index: usize) -> Option<Outcome> {
        let Some(done) = self.done.get()?.get(index) else {
            // A group that was given up has no outcome for those who came late.
            return Some(Err(AppendError::Stopped));
        };
        // In its place: it is large, and to take it out would move it.
        *done.spent.lock() = None;
        Some(done.outcome.clone())
    }
}

/// The outcome of an append, to come. To drop it changes nothing for the batch.
#[must_use = "a batch is durable only when its completion says so"]
pub struct Completion {
    group: Arc<Group>,
    index: usize,
}

impl Completion {
    /// Blocks until the batch is durable and visible, or is known not to be.
    ///
    /// # Errors
    /// Why it was not taken. After `Poisoned`, and after `Stopped` when the committer panicked, it may still be there
    /// when the store is opened again.
    pub fn wait(self) -> Result<Appended, AppendError> {
        if let Some(outcome) = self.group.outcome(self.index) {
            return outcome;
        }
        let mut waiting = self.group.waiting.lock();
        loop {
            if let Some(outcome) = self.group.outcome(self.index) {
                return outcome;
            }
            self.group.is_done.wait(&mut waiting);
        }
    }
}

impl Future for Completion {
    type Output = Result<Appended, AppendError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(outcome) = self.group.outcome(self.index) {
            return Poll::Ready(outcome);
        }
        let mut waiting = self.group.waiting.lock();
        if let Some(outcome) = self.group.outcome(self.index) {
            return Poll::Ready(outcome);
        }
        if waiting.len() <= self.index {
            waiting.resize(self.index + 1, None);
        }
        match &mut waiting[self.index] {
            Some(waker) => waker.clone_from(context.waker()),
            place => *place = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}
