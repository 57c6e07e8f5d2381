//! What waits for the committer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::completion::{Completion, Group};
use super::{AppendError, Committer, QueueLimits};
use crate::format::wal::{BatchMeta, Encoded};
use crate::model::{Batch, Seq};
use crate::wal::WalError;
use crate::window::RealWindow;

/// A batch on its way.
pub(super) struct Entry {
    pub(super) batch: Batch,
    pub(super) meta: BatchMeta,
    pub(super) encoded: Encoded,
}

/// Something to run between two groups.
type Between = Box<dyn FnOnce(&mut Committer) + Send>;

/// What the committer takes at once.
pub(super) struct Work {
    pub(super) entries: Vec<Entry>,
    pub(super) group: Arc<Group>,
    pub(super) between: Vec<Between>,
}

/// The queue between callers and committer, and what callers may know without asking it.
pub(super) struct Queue {
    limits: QueueLimits,
    state: Mutex<State>,
    /// There is work, or the queue is closed.
    work: Condvar,
    last_seq: AtomicU64,
    window: Mutex<RealWindow>,
}

#[derive(Default)]
struct State {
    entries: Vec<Entry>,
    group: Arc<Group>,
    between: Vec<Between>,
    /// Batches and bytes that wait or are being committed.
    batches: usize,
    bytes: usize,
    /// How many wrote lately: those of the last group, and those who came while it was committed.
    writers: usize,
    /// So many batches are enough to wake the committer; `None` while it is at work.
    enough: Option<usize>,
    closed: bool,
    poisoned: Option<WalError>,
}

impl State {
    /// Whether the committer has something to do that should not wait: so many batches, or anything else.
    fn is_ready(&self, enough: usize) -> bool {
        self.entries.len() >= enough || !self.between.is_empty() || self.closed
    }

    fn room_for(&self, bytes: usize, limits: QueueLimits) -> Result<(), AppendError> {
        if self.closed {
            return Err(AppendError::Stopped);
        }
        if let Some(poisoned) = &self.poisoned {
            return Err(poisoned.clone().into());
        }
        let full = self.batches >= limits.batches || self.bytes.saturating_add(bytes) > limits.bytes;
        if self.batches > 0 && full {
            return Err(AppendError::Busy { batches: self.batches, bytes: self.bytes });
        }
        Ok(())
    }
}

impl Queue {
    pub(super) fn new(limits: QueueLimits, last_seq: Seq) -> Queue {
        Queue {
            limits,
            state: Mutex::default(),
            work: Condvar::new(),
            last_seq: AtomicU64::new(last_seq.0),
            window: Mutex::new(RealWindow { ids: 0, span_ms: 0, keys: 0, bytes: 0 }),
        }
    }

    /// Whether a batch of so many encoded bytes would be taken.
    pub(super) fn room_for(&self, bytes: usize) -> Result<(), AppendError> {
        self.state.lock().room_for(bytes, self.limits)
    }

    /// Whether a batch would be turned away whatever its size, as far as can be told without waiting.
    pub(super) fn might_take(&self) -> Result<(), AppendError> {
        self.state.try_lock().map_or(Ok(()), |state| state.room_for(0, self.limits))
    }

    pub(super) fn push(&self, entry: Entry) -> Result<Completion, AppendError> {
        let bytes = entry.encoded.bytes();
        let mut state = self.state.lock();
        state.room_for(bytes, self.limits)?;
        let completion = state.group.completion(state.entries.len());
        state.batches += 1;
        state.bytes += bytes;
        state.entries.push(entry);
        // Waking costs a system call, and a committer at work looks again by itself.
        if state.enough.is_some_and(|enough| state.entries.len() >= enough) {
            self.work.notify_one();
        }
        Ok(completion)
    }

    /// Has the committer run something after all that waits now, and waits for it.
    pub(super) fn between<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut Committer) -> T + Send + 'static,
    ) -> Result<T, AppendError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        {
            let mut state = self.state.lock();
            if state.closed {
                return Err(AppendError::Stopped);
            }
            state.between.push(Box::new(move |committer| drop(sender.send(run(committer)))));
            if state.enough.is_some() {
                self.work.notify_one();
            }
        }
        receiver.recv().map_err(|_| AppendError::Stopped)
    }

    /// All that waits; blocks until there is something, and gathers for a while. `None` when the queue is closed and
    /// empty.
    pub(super) fn take(&self) -> Option<Work> {
        let mut state = self.state.lock();
        self.gather(&mut state);
        while !state.is_ready(1) {
            state.enough = Some(1);
            self.work.wait(&mut state);
        }
        state.enough = None;
        state.writers = 0;
        if state.entries.is_empty() && state.between.is_empty() {
            return None;
        }
        let room = Vec::with_capacity(state.entries.len());
        Some(Work {
            entries: std::mem::replace(&mut state.entries, room),
            group: std::mem::take(&mut state.group),
            between: std::mem::take(&mut state.between),
        })
    }

    /// After a group, waits until all those are here again who were in it, beside those who came meanwhile: each group
    /// costs a write, a sync and wake-ups, however many share them. Not for ever, as they need not come; and not when
    /// there was one alone, who would wait for nobody.
    fn gather(&self, state: &mut MutexGuard<'_, State>) {
        let writers = state.writers;
        if writers < 2 {
            return;
        }
        state.enough = Some(writers);
        let not_yet = |state: &mut State| !state.is_ready(writers);
        let _ = self.work.wait_while_for(state, not_yet, self.limits.gather);
    }

    /// A group of so many batches is about to be told. None of them can have come again yet, so that nobody who waits now
    /// is counted twice.
    pub(super) fn tells(&self, batches: usize) {
        let mut state = self.state.lock();
        state.writers = batches + state.entries.len();
    }

    /// So many batches and bytes wait no more.
    pub(super) fn release(&self, batches: usize, bytes: usize) {
        let mut state = self.state.lock();
        state.batches -= batches;
        state.bytes -= bytes;
    }

    /// Nothing can be appended any more.
    pub(super) fn poison(&self, error: WalError) {
        self.state.lock().poisoned.get_or_insert(error);
    }

    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.work.notify_all();
    }

    /// Closes it and gives up what waits: nobody will commit it.
    pub(super) fn abandon(&self) {
        self.close();
        let mut state = self.state.lock();
        let group = std::mem::take(&mut state.group);
        state.entries.clear();
        state.between.clear();
        drop(state);
        group.finish(Vec::new(), Vec::new());
    }

    pub(super) fn committed(&self, last_seq: Seq, window: RealWindow) {
        self.last_seq.store(last_seq.0, Ordering::Release);
        *self.window.lock() = window;
    }

    pub(super) fn last_seq(&self) -> Seq {
        Seq(self.last_seq.load(Ordering::Acquire))
    }

    pub(super) fn window(&self) -> RealWindow {
        *self.window.lock()
    }

    /// Batches and bytes that wait, and why nothing more is taken.
    pub(super) fn load(&self) -> (usize, usize, Option<WalError>) {
        let state = self.state.lock();
        (state.batches, state.bytes, state.poisoned.clone())
    }
}
