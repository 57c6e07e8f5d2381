//! Working memory that waits for the next query: what is fresh from the system costs page faults at every touch.

use std::ops::{Deref, DerefMut};

use parking_lot::Mutex;

use crate::segment::Scratch;

/// Pieces that wait, at most. More run at once only on a machine with more cores, and theirs are dropped.
const WAITING: usize = 4;

/// Pieces of working memory of one kind.
pub(super) struct Pool<T>(Mutex<Vec<T>>);

impl<T> Pool<T> {
    /// An empty pool.
    pub(super) const fn new() -> Pool<T> {
        Pool(Mutex::new(Vec::new()))
    }

    /// One that waits, as it was given back.
    pub(super) fn take(&self) -> Option<T> {
        self.0.lock().pop()
    }

    /// Lets one wait.
    pub(super) fn give_back(&self, piece: T) {
        let mut waiting = self.0.lock();
        if waiting.len() < WAITING {
            waiting.push(piece);
        }
    }
}

static SCRATCHES: Pool<Box<Scratch>> = Pool::new();

/// A segment reader's working memory, of about a block; given back when it is dropped.
pub(super) struct PooledScratch(Option<Box<Scratch>>);

impl PooledScratch {
    /// One that has decoded nothing yet.
    pub(super) fn take() -> PooledScratch {
        let mut scratch = SCRATCHES.take().unwrap_or_default();
        // Else a query would count less work when the one before it happened to read the same block last.
        scratch.forget();
        PooledScratch(Some(scratch))
    }
}

impl Deref for PooledScratch {
    type Target = Scratch;

    fn deref(&self) -> &Scratch {
        self.0.as_ref().expect("only a drop takes it")
    }
}

impl DerefMut for PooledScratch {
    fn deref_mut(&mut self) -> &mut Scratch {
        self.0.as_mut().expect("only a drop takes it")
    }
}

impl Drop for PooledScratch {
    fn drop(&mut self) {
        if let Some(scratch) = self.0.take() {
            SCRATCHES.give_back(scratch);
        }
    }
}
