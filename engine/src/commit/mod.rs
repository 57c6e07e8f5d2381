//! Group commit: all batches that wait become durable with one sync, then visible, then acknowledged.
//!
//! A batch is encoded on its caller's thread, and waits in a bounded queue. The committer takes all that wait, drops
//! those that were accepted before, writes one group to the log, makes it durable, applies it to the memtable and
//! tells the callers. What has to happen between two groups (freezing the memtable, masking it) is run by it too.
//!
//! A sync takes no longer for many batches than for one, and on a fast disk it is done before many have come. So after
//! a group of several the committer gathers: it waits until as many are there as wrote lately, for `gather` at most.
//! A lone writer is never waited with.

mod committer;
mod completion;
mod error;
mod queue;
mod recover;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

pub use committer::{Committer, Frozen};
pub use completion::{Appended, Completion};
pub use error::AppendError;
pub use recover::{Recovered, recover};

use self::completion::Group;
use self::queue::{Entry, Queue};
use crate::clock::Clock;
use crate::format::wal::encode_batch;
use crate::memtable::Memtable;
use crate::model::{Batch, PageRows, Seq, SiteId};
use crate::wal::{SpareShelf, Trimmed, Wal, WalError, WalFiles};
use crate::window::{RealWindow, WindowKey, Windows};

/// What may wait for its commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Bytes of encoded batches. A batch that is larger than that is taken when nothing else waits.
    pub bytes: usize,
    /// Batches.
    pub batches: usize,
    /// How long the committer waits, after a group of several, for those who wrote it to come again.
    pub gather: Duration,
}

/// Called after each group with the active memtable: whoever flushes looks at its size and age. Must not block.
pub type AfterGroup = Box<dyn Fn(&Arc<Memtable>) + Send + Sync>;

/// What a commit is made of.
pub struct CommitParts {
    /// The log's end.
    pub wal: Wal,
    /// What was accepted lately, replayed.
    pub windows: Windows,
    /// What was replayed, or an empty one.
    pub memtable: Arc<Memtable>,
    /// Tells when a batch is accepted.
    pub clock: Arc<dyn Clock>,
    /// Called after each group.
    pub after_group: AfterGroup,
}

/// Takes batches. The committer itself is either lent a thread (`queued`) or runs on the callers' (`inline`).
pub struct Commit {
    queue: Arc<Queue>,
    /// Only when callers commit themselves.
    inline: Option<Mutex<Committer>>,
    key: WindowKey,
    payload_bytes: usize,
    files: Arc<WalFiles>,
    shelf: Arc<SpareShelf>,
}

/// How the commit does.
#[derive(Clone, Debug)]
pub struct CommitStatus {
    /// The last batch that is durable and visible.
    pub last_seq: Seq,
    /// Why nothing can be appended any more.
    pub poisoned: Option<WalError>,
    /// Batches that wait or are being committed.
    pub queued_batches: usize,
    /// Their encoded bytes.
    pub queued_bytes: usize,
    /// Log files.
    pub wal_files: u64,
    /// Their bytes, zeros included.
    pub wal_bytes: u64,
    /// How far back a repeated batch is known.
    pub window: RealWindow,
}

impl Commit {
    /// A commit that runs on the thread of whoever appends: deterministic.
    #[must_use]
    pub fn inline(parts: CommitParts, limits: QueueLimits) -> Commit {
        let (mut commit, committer) = Commit::queued(parts, limits);
        commit.inline = Some(Mutex::new(committer));
        commit
    }

    /// A commit for whom somebody runs `Committer::run`, and perhaps `SpareShelf::run`, each on a thread of its own.
    #[must_use]
    pub fn queued(parts: CommitParts, limits: QueueLimits) -> (Commit, Committer) {
        let wal = &parts.wal;
        let queue = Arc::new(Queue::new(limits, wal.last_seq()));
        let commit = Commit {
            queue: queue.clone(),
            inline: None,
            key: parts.windows.key(),
            payload_bytes: wal.payload_bytes(),
            files: wal.files(),
            shelf: wal.shelf(),
        };
        (commit, Committer::new(parts, queue))
    }

    /// Where the next log file is made ready, for a thread.
    #[must_use]
    pub fn shelf(&self) -> Arc<SpareShelf> {
        self.shelf.clone()
    }

    /// Takes a batch; its completion says when it is durable and visible.
    ///
    /// # Errors
    /// `Busy` when too much waits, `Log` when the log has failed, `Stopped` after `close`.
    ///
    /// # Panics
    /// When pages or rows are not as `BatchBuilder` makes them: sorted.
    pub fn append(&self, batch: Batch) -> Result<Completion, AppendError> {
        // Before the work of encoding it.
        self.queue.might_take()?;
        assert!(is_sorted(&batch.pages), "pages and rows of a batch are sorted");
        let meta = self.key.meta(&batch);
        let encoded = encode_batch(batch.site, &meta, &batch.pages, self.payload_bytes);
        let entry = Entry { batch, meta, encoded };
        match &self.inline {
            None => self.queue.push(entry),
            Some(committer) => {
                let mut committer = committer.lock();
                self.queue.room_for(entry.encoded.bytes())?;
                let group = Arc::new(Group::default());
                let completion = group.completion(0);
                committer.commit(vec![entry], group);
                Ok(completion)
            }
        }
    }

    /// Runs something between two groups, when all batches before it are visible and none after it has begun.
    fn between<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut Committer) -> T + Send + 'static,
    ) -> Result<T, AppendError> {
        match &self.inline {
            None => self.queue.between(run),
            Some(committer) => Ok(run(&mut committer.lock())),
        }
    }

    /// Runs something between two groups, with the last batch and the active memtable: all of that batch and those
    /// before it are in the memtable or in what was frozen, and none after it.
    ///
    /// # Errors
    /// `Stopped` after `close`.
    pub fn between_groups<T: Send + 'static>(
        &self,
        run: impl FnOnce(Seq, &Arc<Memtable>) -> T + Send + 'static,
    ) -> Result<T, AppendError> {
        self.between(move |committer| run(committer.last_seq(), committer.memtable()))
    }

    /// Puts an empty memtable in the place of the active one, and gives that one to be flushed. `None` when it is
    /// empty. The log goes on in a new file, which begins with the windows.
    ///
    /// `publish` is given (frozen, new) before any batch is applied to the new one: readers must then see both.
    ///
    /// # Errors
    /// `Log` when there is no room for a log file, or the log has failed; nothing was frozen. `Stopped` after
    /// `close`.
    pub fn freeze(
        &self,
        publish: impl FnOnce(&Arc<Memtable>, &Arc<Memtable>) + Send + 'static,
    ) -> Result<Option<Frozen>, AppendError> {
        Ok(self.between(move |committer| committer.freeze(publish))??)
    }

    /// Forgets the idempotency keys of sites, in memory at once and in the log after the next flush.
    ///
    /// # Errors
    /// `Stopped` after `close`.
    pub fn forget(&self, sites: Vec<SiteId>) -> Result<(), AppendError> {
        self.between(move |committer| sites.into_iter().for_each(|site| committer.forget(site)))
    }

    /// Unlinks log files that hold only batches up to `floor`, which must be in segments that the manifest lists.
    ///
    /// # Errors
    /// What the operating system said.
    pub fn trim(&self, floor: Seq) -> Result<Trimmed, WalError> {
        self.files.trim(floor)
    }

    /// How it does at present.
    #[must_use]
    pub fn status(&self) -> CommitStatus {
        let (queued_batches, queued_bytes, poisoned) = self.queue.load();
        let (wal_files, wal_bytes) = self.files.size();
        let window = self.queue.window();
        let last_seq = self.queue.last_seq();
        CommitStatus { last_seq, poisoned, queued_batches, queued_bytes, wal_files, wal_bytes, window }
    }

    /// Takes nothing more; what waits is committed. `Committer::run` and `SpareShelf::run` return then.
    pub fn close(&self) {
        self.queue.close();
        if let Some(committer) = &self.inline {
            committer.lock().close();
        }
    }
}

impl Drop for Commit {
    fn drop(&mut self) {
        self.close();
    }
}

fn is_sorted(pages: &[PageRows]) -> bool {
    pages.windows(2).all(|pair| pair[0].page < pair[1].page)
        && pages.iter().all(|page| {
            page.rows.windows(2).all(|pair| pair[0].key <= pair[1].key)
                && page
                    .hours
                    .windows(2)
                    .all(|pair| (pair[0].kind, pair[0].hour) < (pair[1].kind, pair[1].hour))
        })
}

#[cfg(test)]
mod tests {
    mod harness;
    mod inline;
    mod telling;
    mod threads;
}
