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

/// Batches whose callers are told together: those who wait for them share one place, and cost one wake-up.
///
/// A group is told in several, each as soon as it is visible: its callers go on while the next are put into the
/// memtable. One that is dropped before, as in a panic, is given up, so that nobody waits for ever.
pub(super) struct Section {
    entries: Vec<Entry>,
    outcomes: Vec<Outcome>,
    waiters: Arc<Waiters>,
}

impl Section {
    /// Batches of one: few enough that of 64 callers none waits for all others, and enough to share a wake-up.
    const BATCHES: usize = 16;

    pub(super) fn new() -> Section {
        let entries = Vec::with_capacity(Section::BATCHES);
        Section { entries, outcomes: Vec::new(), waiters: Arc::default() }
    }

    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= Section::BATCHES
    }

    pub(super) fn push(&mut self, entry: Entry) -> Completion {
        self.entries.push(entry);
        Completion { waiters: Arc::clone(&self.waiters), index: self.entries.len() - 1 }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Decides of each batch, in their order.
    pub(super) fn decide(&mut self, mut outcome: impl FnMut(&mut Entry) -> Outcome) {
        debug_assert!(self.outcomes.is_empty(), "a batch is decided of once");
        self.outcomes.reserve_exact(self.entries.len());
        for entry in &mut self.entries {
            self.outcomes.push(outcome(entry));
        }
    }

    /// Those that are stored, with their places in the order.
    pub(super) fn stored(&self) -> impl Iterator<Item = (&Entry, Seq)> {
        self.entries.iter().zip(&self.outcomes).filter_map(|(entry, outcome)| match outcome {
            Ok(Appended::Stored { seq, .. }) => Some((entry, *seq)),
            _ => None,
        })
    }

    /// None of them is known to be durable.
    pub(super) fn fail(&mut self, error: &AppendError) {
        self.outcomes.fill(Err(error.clone()));
    }

    /// Tells the callers what was decided.
    pub(super) fn tell(mut self) {
        self.waiters.tell(std::mem::take(&mut self.entries), std::mem::take(&mut self.outcomes));
    }
}

impl Drop for Section {
    fn drop(&mut self) {
        if self.waiters.done.get().is_none() {
            self.waiters.tell(Vec::new(), Vec::new());
        }
    }
}

/// Who waits for the batches of a section.
#[derive(Default)]
struct Waiters {
    done: OnceLock<Vec<Done>>,
    waiting: Mutex<Vec<Option<Waker>>>,
    is_done: Condvar,
}

impl Waiters {
    /// Tells everybody; one outcome for each batch, in their order. Those without one were given up.
    fn tell(&self, batches: Vec<Entry>, outcomes: Vec<Outcome>) {
        let done = |(entry, outcome)| Done { outcome, spent: Mutex::new(Some(entry)) };
        let first = self.done.set(batches.into_iter().zip(outcomes).map(done).collect()).is_ok();
        debug_assert!(first, "a section is told once");
        // Under the lock nobody can look, find nothing, and wait afterwards.
        let waiting = std::mem::take(&mut *self.waiting.lock());
        self.is_done.notify_all();
        waiting.into_iter().flatten().for_each(Waker::wake);
    }

    fn outcome(&self, index: usize) -> Option<Outcome> {
        let Some(done) = self.done.get()?.get(index) else {
            // A section that was given up has no outcomes.
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
    waiters: Arc<Waiters>,
    index: usize,
}

impl Completion {
    /// Blocks until the batch is durable and visible, or is known not to be.
    ///
    /// # Errors
    /// Why it was not taken. After `Poisoned` it may still be there when the store is opened again.
    pub fn wait(self) -> Result<Appended, AppendError> {
        if let Some(outcome) = self.waiters.outcome(self.index) {
            return outcome;
        }
        let mut waiting = self.waiters.waiting.lock();
        loop {
            if let Some(outcome) = self.waiters.outcome(self.index) {
                return outcome;
            }
            self.waiters.is_done.wait(&mut waiting);
        }
    }
}

impl Future for Completion {
    type Output = Result<Appended, AppendError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(outcome) = self.waiters.outcome(self.index) {
            return Poll::Ready(outcome);
        }
        let mut waiting = self.waiters.waiting.lock();
        if let Some(outcome) = self.waiters.outcome(self.index) {
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
