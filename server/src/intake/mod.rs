//! From what was sent to a batch: what is counted, what is dropped and why. `Intake` takes lines, at the bulk door and
//! in the offline import; `Visit` takes what browsers send.

mod bots;
mod lines;
mod pages;
mod placing;
mod tally;
mod visit;

pub use bots::Bots;
pub use lines::{LINE_BYTES, Lines};
pub use tally::{DropReason, Tally};
pub use visit::{Counted, ForeignPage, Visit};

use heatgrid_engine::model::limits::BATCH_EVENTS;
use heatgrid_engine::model::{Batch, BatchBuilder, Event, IdempotencyKey, Site, SiteId};
use heatgrid_engine::store::Blocked;

use self::pages::{Known, Pages};
use self::placing::Placing;
use crate::privacy::consent::{self, Consented};
use crate::privacy::url::PageRules;
use crate::wire::event::{self, EventLine, LineError};

/// Most decoded bytes of one batch of lines: one bulk request.
pub const BATCH_BYTES: u64 = 1 << 30;

/// Collects the lines of one site into batches, and counts what became of each event.
pub struct Intake<'a> {
    site: SiteId,
    rules: &'a PageRules,
    blocked: Blocked,
    placing: Placing<'a>,
    builder: BatchBuilder,
    pages: Pages,
    lines: usize,
    bytes: u64,
    tally: Tally,
}

impl<'a> Intake<'a> {
    /// An intake of `site`, whose rules are `rules`, at `now_ms` (Unix ms).
    #[must_use]
    pub fn new(site: &'a Site, rules: &'a PageRules, now_ms: u64) -> Intake<'a> {
        Intake {
            site: site.id,
            rules,
            blocked: Blocked::nothing(),
            placing: Placing::new(site, now_ms),
            builder: BatchBuilder::new(site.id),
            pages: Pages::new(),
            lines: 0,
            bytes: 0,
            tally: Tally::default(),
        }
    }

    /// Drops the events of pages that an erasure keeps out.
    #[must_use]
    pub fn blocking(self, blocked: Blocked) -> Intake<'a> {
        Intake { blocked, ..self }
    }

    /// Takes one line, and counts its event or says why it was dropped.
    ///
    /// # Errors
    /// When the line is not an event, or the batch has no room for it; the batch is then as before.
    pub fn line(&mut self, line: &[u8]) -> Result<(), LineError> {
        self.room_for(line)?;
        let event = event::read(line)?;
        let count = event.count;
        // An objection is asked for first: nothing of such a line is looked at, its URL not either.
        let dropped = match consent::vouched(event.objected, event) {
            Ok(event) => self.place(event)?,
            Err(_) => Some(DropReason::Consent),
        };
        self.lines += 1;
        self.bytes += line.len() as u64;
        match dropped {
            None => self.tally.accept(count),
            Some(reason) => self.tally.drop(reason, count),
        }
        Ok(())
    }

    /// What became of the events so far, over all batches.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Lines in the batch so far, dropped ones too.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.lines
    }

    /// Whether the batch has no room for a line of `next_bytes`.
    #[must_use]
    pub fn is_full(&self, next_bytes: usize) -> bool {
        self.lines == BATCH_EVENTS || self.bytes + next_bytes as u64 > BATCH_BYTES
    }

    /// Takes the batch out, and begins another.
    #[must_use]
    pub fn take(&mut self) -> Batch {
        self.pages = Pages::new();
        self.lines = 0;
        self.bytes = 0;
        std::mem::replace(&mut self.builder, BatchBuilder::new(self.site)).build(None, None)
    }

    /// The one batch of a request, under its key if it has one, and what became of its events.
    #[must_use]
    pub fn finish(self, idempotency: Option<IdempotencyKey>) -> Counted {
        Counted { batch: self.builder.build(None, idempotency), tally: self.tally }
    }

    fn room_for(&self, line: &[u8]) -> Result<(), LineError> {
        if self.lines == BATCH_EVENTS {
            Err(LineError::TooMuch { what: "lines", limit: BATCH_EVENTS as u64 })
        } else if self.is_full(line.len()) {
            Err(LineError::TooMuch { what: "bytes", limit: BATCH_BYTES })
        } else {
            Ok(())
        }
    }

    /// Puts an event on its page and day, or says why it is dropped.
    fn place(&mut self, event: Consented<EventLine<'_>>) -> Result<Option<DropReason>, LineError> {
        let event = event.into_inner();
        let (page, redacted) =
            match self.pages.find(&event.url, self.rules, &self.blocked, &mut self.builder)? {
                Known::Page(page, redacted) => (page, redacted),
                Known::Dropped(reason) => return Ok(Some(reason)),
            };
        let hour = match self.placing.hour(event.at_ms) {
            Ok(hour) => hour,
            Err(reason) => return Ok(Some(reason)),
        };
        let placed = Event {
            kind: event.kind,
            viewport: event.viewport,
            fixed: event.fixed,
            cell: event.cell,
            hour,
            country: event.country,
            count: event.count,
        };
        self.builder.add_to(page, placed).expect("the line was checked, and there is room");
        self.tally.redact(redacted);
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
