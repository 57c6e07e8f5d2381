//! What a query may cost, and how it is stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::QueryError;
use crate::model::Work;

/// Most that one query may read.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Most rows of summaries, details and memtables.
    pub rows: u64,
    /// Most bytes of blocks.
    pub bytes: u64,
    /// Raised by whoever no longer waits for the answer.
    pub cancel: CancelFlag,
}

/// A flag that stops a query at its next block. Clones are the same flag.
#[derive(Clone, Debug, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// A flag that is not raised.
    #[must_use]
    pub fn new() -> CancelFlag {
        CancelFlag::default()
    }

    /// Raises it, for good.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it has been raised.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Budget {
    /// Says whether a query that has read `work` may go on.
    ///
    /// # Errors
    /// When it was cancelled, or has read too much.
    pub fn check(&self, work: &Work) -> Result<(), QueryError> {
        if self.cancel.is_cancelled() {
            return Err(QueryError::Cancelled);
        }
        if work.rows > self.rows || work.bytes > self.bytes {
            return Err(QueryError::TooMuchWork {
                read: *work,
                limit_rows: self.rows,
                limit_bytes: self.bytes,
            });
        }
        Ok(())
    }
}
