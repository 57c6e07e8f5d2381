//! Reads a bulk request to its end, and stores it whole or not at all. Runs on a thread that may wait.

use std::io::BufRead;
use std::sync::Arc;

use heatgrid_engine::commit::Appended;
use heatgrid_engine::model::{IdempotencyKey, Site};
use heatgrid_engine::store::{Blocked, Store};

use crate::http::problem::{INTERNAL, INVALID_BODY, KEY_REUSED, Problem, TOO_LARGE};
use crate::intake::{BATCH_BYTES, Counted, Intake, Lines, Tally};
use crate::privacy::url::PageRules;
use crate::wire::encoding::{Decoded, Encoding, Undecodable};
use crate::wire::event::LineError;
use crate::wire::receipt::Receipt;

/// What a request says beside its body.
pub(super) struct Load<'a> {
    pub(super) site: &'a Site,
    pub(super) rules: &'a PageRules,
    pub(super) encoding: Encoding,
    pub(super) key: Option<&'a str>,
    /// When it was received, Unix ms.
    pub(super) now_ms: u64,
}

/// What a request is answered, and what became of its events.
pub(super) struct Loaded {
    pub(super) receipt: Arc<[u8]>,
    pub(super) tally: Tally,
}

impl Load<'_> {
    /// Reads the lines of a body, and stores them together.
    pub(super) fn run(&self, store: &Store, body: impl BufRead) -> Result<Loaded, Problem> {
        let (mut counted, receipt) = self.count(store.blocked(self.site.id), body)?;
        if counted.batch.events == 0 && self.key.is_none() {
            return Ok(Loaded { receipt, tally: counted.tally });
        }
        match store.append_wait(counted.batch)? {
            Appended::Stored { .. } => Ok(Loaded { receipt, tally: counted.tally }),
            Appended::Repeated { answer } => {
                counted.tally = counted.tally.repeated();
                Ok(Loaded { receipt: answer.unwrap_or(receipt), tally: counted.tally })
            }
            Appended::KeyConflict => Err(Problem::new(
                &KEY_REUSED,
                "this Idempotency-Key was used with another body; send this one under a key of its own",
            )),
        }
    }

    fn count(&self, blocked: Blocked, body: impl BufRead) -> Result<(Counted, Arc<[u8]>), Problem> {
        let mut intake = Intake::new(self.site, self.rules, self.now_ms).blocking(blocked);
        let mut lines = Lines::new();
        // The hash of what was sent is remembered with its key, and costs nothing without one.
        let mut hash = self.key.map(|_| blake3::Hasher::new());
        let mut take = |number, line: &[u8]| {
            intake.line(line).map_err(|error| Refused::Line { number: Some(number), error })
        };
        let mut body = Decoded::new(body, self.encoding, BATCH_BYTES).map_err(|error| {
            tracing::error!(%error, "no decompressor");
            Problem::new(&INTERNAL, "there is no memory to decompress this body")
        })?;
        let read = body.each(|piece| {
            if let Some(hash) = &mut hash {
                hash.update(piece);
            }
            lines.feed(piece, &mut take)
        });
        read.and_then(|()| lines.finish(&mut take)).map_err(|refused| refused.problem(lines.number()))?;
        let receipt: Arc<[u8]> = Receipt(intake.tally()).to_json().into();
        let idempotency = self.key.zip(hash).map(|(key, hash)| {
            let mut body = [0; 16];
            body.copy_from_slice(&hash.finalize().as_bytes()[..16]);
            IdempotencyKey { key: key.into(), body, answer: (*receipt).into() }
        });
        Ok((intake.finish(idempotency), receipt))
    }
}

/// Why a body is not taken.
enum Refused {
    /// `number` is not known of a line that is too long to be read.
    Line {
        number: Option<u64>,
        error: LineError,
    },
    Body(Undecodable),
}

impl From<LineError> for Refused {
    fn from(error: LineError) -> Refused {
        Refused::Line { number: None, error }
    }
}

impl From<Undecodable> for Refused {
    fn from(error: Undecodable) -> Refused {
        Refused::Body(error)
    }
}

impl Refused {
    fn problem(self, last_line: u64) -> Problem {
        match self {
            Refused::Line { error: error @ LineError::TooMuch { .. }, .. } => {
                Problem::new(&TOO_LARGE, error.to_string())
            }
            Refused::Line { number, error } => {
                let number = number.unwrap_or(last_line);
                Problem::new(
                    &INVALID_BODY,
                    format!("line {number}: {error}; nothing of the request is stored"),
                )
                .at_line(number)
            }
            Refused::Body(error @ (Undecodable::TooLarge { .. } | Undecodable::Bomb)) => {
                Problem::new(&TOO_LARGE, error.to_string())
            }
            Refused::Body(error) => Problem::new(&INVALID_BODY, error.to_string()),
        }
    }
}
