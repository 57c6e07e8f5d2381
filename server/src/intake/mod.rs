//! From lines to a batch: what is counted, what is dropped and why. Shared by the bulk door and the offline import.

mod lines;
mod pages;
mod tally;

pub use lines::{LINE_BYTES, Lines};
pub use tally::{DropReason, Tally};

use heatgrid_engine::model::limits::BATCH_EVENTS;
use heatgrid_engine::model::{Batch, BatchBuilder, Day, Event, Site, SiteId, Zone};

use self::pages::{Known, Pages};
use crate::privacy::consent::{self, Consented};
use crate::privacy::url::PageRules;
use crate::wire::event::{self, EventLine, LineError};

/// Most decoded bytes of one batch of lines: one bulk request.
pub const BATCH_BYTES: u64 = 1 << 30;
/// Events this far ahead of the clock are still believed: a site's and the server's clocks differ.
const FUTURE_MS: i64 = 24 * 3_600 * 1_000;

/// Collects the lines of one site into batches, and counts what became of each event.
pub struct Intake<'a> {
    site: SiteId,
    zone: &'a Zone,
    rules: &'a PageRules,
    /// Events of earlier days are older than the site's retention.
    first_day: Day,
    /// Events after this instant are not believed.
    last_ms: i64,
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
        let settings = &site.settings;
        Intake {
            site: site.id,
            zone: &settings.timezone,
            rules,
            first_day: settings.expiry(settings.day_at(now_ms)).days_from,
            last_ms: i64::try_from(now_ms).unwrap_or(i64::MAX).saturating_add(FUTURE_MS),
            builder: BatchBuilder::new(site.id),
            pages: Pages::new(),
            lines: 0,
            bytes: 0,
            tally: Tally::default(),
        }
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
        let (page, redacted) = match self.pages.find(&event.url, self.rules, &mut self.builder)? {
            Known::Page(page, redacted) => (page, redacted),
            Known::Dropped(reason) => return Ok(Some(reason)),
        };
        if event.at_ms > self.last_ms {
            return Ok(Some(DropReason::Future));
        }
        let Some(hour) = self.zone.local_hour(event.at_ms).filter(|hour| hour.day() >= self.first_day) else {
            return Ok(Some(DropReason::Expired));
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
