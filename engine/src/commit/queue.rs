//! What waits for the committer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::completion::{Completion, Section};
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
    /// A group, or nothing.
    pub(super) sections: Vec<Section>,
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
    sections: Vec<Section>,
    /// Batches in the sections.
    waiting: usize,
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
        self.waiting >= enough || !self.between.is_empty() || self.closed
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
        if state.sections.last().is_none_or(Section::is_full) {
            state.sections.push(Section::new());
        }
        let completion = state.sections.last_mut().expect("one with room").push(entry);
        state.batches += 1;
        state.bytes += bytes;
        state.waiting += 1;
        // Waking costs a system call, and a committer at work looks again by itself.
        if state.enough.is_some_and(|enough| state.waiting >= enough) {
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
        if state.sections.is_empty() && state.between.is_empty() {
            return None;
        }
        state.waiting = 0;
        let room = Vec::with_capacity(state.sections.len());
        Some(Work {
            sections: std::mem::replace(&mut state.sections, room),
            between: std::mem::take(&mut state.between),
        })
    }

    /// After a group, waits until nearly all those are here again who were in it, beside those who came meanwhile: each
    /// group costs a write, a sync and wake-ups, however many share them. One of eight is not waited for, so that there
    /// is work to do while the disk has its turn. Not for ever, as they need not come; and not when there was one
    /// alone, who would wait for nobody.
    fn gather(&self, state: &mut MutexGuard<'_, State>) {
        let writers = state.writers;
        if writers < 2 {
            return;
        }
        let enough = writers - writers / 8;
        state.enough = Some(enough);
        let not_yet = |state: &mut State| !state.is_ready(enough);
        let _ = self.work.wait_while_for(state, not_yet, self.limits.gather);
    }

    /// A group of so many batches is about to be told. None of them can have come again yet, so that nobody who waits now
    /// is counted twice.
    pub(super) fn tells(&self, batches: usize) {
        let mut state = self.state.lock();
        state.writers = batches + state.waiting;
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
        let given_up = (std::mem::take(&mut state.sections), std::mem::take(&mut state.between));
        state.waiting = 0;
        drop(state);
        drop(given_up);
    }

    /// Batches up to this one are durable and visible.
    pub(super) fn committed(&self, last_seq: Seq) {
        self.last_seq.store(last_seq.0, Ordering::Release);
    }

    /// How far back a repeated batch is known now.
    pub(super) fn remembers(&self, window: RealWindow) {
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
