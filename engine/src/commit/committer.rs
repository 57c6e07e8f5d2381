//! The one place where batches get their order.

use std::sync::Arc;

use super::completion::{Appended, Group, Outcome};
use super::queue::{Entry, Queue};
use super::{AfterGroup, CommitParts};
use crate::clock::Clock;
use crate::memtable::Memtable;
use crate::model::{Seq, SiteId};
use crate::wal::{SpareShelf, Wal, WalError};
use crate::window::{Known, Windows};

/// A memtable that is not written any more.
pub struct Frozen {
    /// What is to be flushed. Batches in it and in segments are all up to `floor`.
    pub memtable: Arc<Memtable>,
    /// `wal_floor` of the manifest that lists the flushed segments.
    pub floor: Seq,
}

/// Commits groups, one after another.
pub struct Committer {
    wal: Wal,
    windows: Windows,
    memtable: Arc<Memtable>,
    clock: Arc<dyn Clock>,
    after_group: AfterGroup,
    queue: Arc<Queue>,
}

impl Committer {
    pub(super) fn new(parts: CommitParts, queue: Arc<Queue>) -> Committer {
        let CommitParts { wal, windows, memtable, clock, after_group } = parts;
        Committer { wal, windows, memtable, clock, after_group, queue }
    }

    /// Commits what is appended, until `Commit::close` and all that waited is committed.
    pub fn run(mut self) {
        // If a hook panics, nobody waits for ever.
        let ending = Ending { queue: self.queue.clone(), shelf: self.wal.shelf() };
        while let Some(work) = ending.queue.take() {
            if !work.entries.is_empty() {
                let bytes = work.entries.iter().map(|entry| entry.encoded.bytes()).sum();
                let batches = work.entries.len();
                self.commit(work.entries, work.group);
                ending.queue.release(batches, bytes);
            }
            for between in work.between {
                between(&mut self);
            }
        }
        self.close();
    }

    pub(super) fn last_seq(&self) -> Seq {
        self.queue.last_seq()
    }

    pub(super) fn memtable(&self) -> &Arc<Memtable> {
        &self.memtable
    }

    pub(super) fn forget(&mut self, site: SiteId) {
        self.windows.forget(site);
    }

    pub(super) fn close(&mut self) {
        self.wal.close();
    }

    /// Makes a group durable, then visible, then tells its callers.
    pub(super) fn commit(&mut self, batches: Vec<Entry>, group: Arc<Group>) {
        let outcomes = Vec::with_capacity(batches.len());
        let mut told = Told { group, batches, outcomes };
        let now_ms = self.clock.now_ms();
        for entry in &mut told.batches {
            told.outcomes.push(self.accept(entry, now_ms));
        }
        // Repeated batches wait for it too: what they repeat may be in this very group.
        match self.wal.sync() {
            Ok(()) => {
                for (Entry { batch, .. }, outcome) in told.batches.iter().zip(&told.outcomes) {
                    if let Ok(Appended::Stored { seq, .. }) = outcome {
                        self.memtable.apply(batch.site, &batch.pages, *seq, now_ms);
                    }
                }
                self.queue.committed(self.wal.last_seq(), self.windows.real_window(now_ms));
            }
            Err(error) => {
                self.queue.poison(error.clone());
                told.outcomes.fill(Err(error.into()));
            }
        }
        self.queue.tells(told.batches.len());
        told.tell();
        (self.after_group)(&self.memtable);
    }

    fn accept(&mut self, entry: &mut Entry, now_ms: u64) -> Outcome {
        let Entry { batch, meta, encoded } = entry;
        match self.windows.known(batch.site, meta, now_ms) {
            Some(Known::ById) => return Ok(Appended::Repeated { answer: None }),
            Some(Known::ByKey(answer)) => return Ok(Appended::Repeated { answer: Some(answer.into()) }),
            Some(Known::OtherBody) => return Ok(Appended::KeyConflict),
            None => {}
        }
        let seq = self.wal.append(encoded, now_ms)?;
        self.windows.remember(batch.site, std::mem::take(meta), now_ms);
        Ok(Appended::Stored { seq, events: batch.events })
    }

    pub(super) fn freeze(
        &mut self,
        publish: impl FnOnce(&Arc<Memtable>, &Arc<Memtable>),
    ) -> Result<Option<Frozen>, WalError> {
        if self.memtable.is_empty() {
            return Ok(None);
        }
        let (now_ms, limit) = (self.clock.now_ms(), self.wal.payload_bytes());
        let rotated = self.wal.rotate(now_ms, self.windows.carried(now_ms, limit));
        if let Err(error) = rotated {
            if let WalError::Poisoned(_) = error {
                self.queue.poison(error.clone());
            }
            return Err(error);
        }
        let frozen = std::mem::replace(&mut self.memtable, Arc::new(Memtable::new()));
        publish(&frozen, &self.memtable);
        Ok(Some(Frozen { memtable: frozen, floor: self.wal.last_seq() }))
    }
}

/// A group whose callers wait. Dropped before they are told, as in a panic, it is given up, so that nobody waits for
/// ever: what had been decided until then is perhaps not durable, and not all of it visible.
pub(super) struct Told {
    pub(super) group: Arc<Group>,
    pub(super) batches: Vec<Entry>,
    pub(super) outcomes: Vec<Outcome>,
}

impl Told {
    /// Tells each caller its outcome.
    pub(super) fn tell(mut self) {
        let (batches, outcomes) = (std::mem::take(&mut self.batches), std::mem::take(&mut self.outcomes));
        self.group.finish(batches, outcomes);
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if !self.batches.is_empty() {
            self.group.finish(std::mem::take(&mut self.batches), Vec::new());
        }
    }
}

/// However the committer ends: what still waits is given up, and no spare is made any more.
struct Ending {
    queue: Arc<Queue>,
    shelf: Arc<SpareShelf>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.queue.abandon();
        self.shelf.close();
    }
}
