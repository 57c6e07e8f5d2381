//! Batches: events accepted together, whole or not at all.

use std::collections::HashMap;

use super::limits::{BATCH_EVENTS, EVENT_COUNT, PAGE_BYTES};
use super::{Cell, Country, Day, HourOfSite, HourRow, Kind, Layer, Row, RowKey, SiteId, Viewport};

/// The tracker's own id of a batch, repeated when it sends the batch again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BatchId(pub [u8; 16]);

impl BatchId {
    /// From 32 hex digits; dashes, as a UUID has them, are passed over. `None` if it is anything else.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<BatchId> {
        let digits = match text.as_bytes().try_into() {
            Ok(digits) => digits,
            Err(_) => without_dashes(text)?,
        };
        BatchId::from_digits(&digits)
    }

    /// Without a branch for each digit: the tracker's door reads one with each request.
    fn from_digits(digits: &[u8; 32]) -> Option<BatchId> {
        const NONE: u8 = 0xff;
        let values = digits.map(|digit| {
            let (number, letter) = (digit.wrapping_sub(b'0'), (digit | 0x20).wrapping_sub(b'a'));
            match (number, letter) {
                (0..10, _) => number,
                (_, 0..6) => letter + 10,
                _ => NONE,
            }
        });
        let is_hex = values.iter().fold(0, |any, value| any | value) != NONE;
        let id = std::array::from_fn(|byte| values[2 * byte] << 4 | values[2 * byte + 1] & 0xf);
        is_hex.then_some(BatchId(id))
    }
}

/// 32 bytes that are no dashes, if a text has so many.
fn without_dashes(text: &str) -> Option<[u8; 32]> {
    let (mut digits, mut bytes) = ([0; 32], text.bytes().filter(|byte| *byte != b'-'));
    for digit in &mut digits {
        *digit = bytes.next()?;
    }
    bytes.next().is_none().then_some(digits)
}

/// A bulk request's key, the hash of its body, and what it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// What the client sent. Only a keyed hash of it is stored.
    pub key: Box<str>,
    /// A 16-byte hash of the decoded body.
    pub body: [u8; 16],
    /// The answer, to be given again word for word; at most `limits::IDEMPOTENCY_ANSWER_BYTES`.
    pub answer: Box<[u8]>,
}

/// One event, checked and placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// What was done.
    pub kind: Kind,
    /// Width class of the window.
    pub viewport: Viewport,
    /// Whether the target is fixed or sticky.
    pub fixed: bool,
    /// Where.
    pub cell: Cell,
    /// When, by the site's wall clock.
    pub hour: HourOfSite,
    /// From which country.
    pub country: Country,
    /// How many: 1 to 1,000,000.
    pub count: u32,
}

/// Why an event or a batch cannot be stored.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidEvent {
    /// A page without text or with too much of it.
    #[error("a page has 1 to {PAGE_BYTES} bytes, this one {bytes}; cut the URL before it is sent")]
    PageLength {
        /// Its bytes.
        bytes: usize,
    },
    /// A count out of range.
    #[error("n is 1 to {EVENT_COUNT}, not {count}; say more in several lines")]
    Count {
        /// The count.
        count: u32,
    },
    /// Too many events in one batch.
    #[error("a batch has at most {BATCH_EVENTS} events; send the rest in a second one")]
    TooMany,
}

/// Rows of one page, sorted by key, every key once (twice where the sum would overflow).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRows {
    /// The page.
    pub page: Box<str>,
    /// Its counters.
    pub rows: Vec<Row>,
    /// Its hour totals, sorted by kind and hour.
    pub hours: Vec<HourRow>,
}

/// Counters of one site that are accepted together. Pages are sorted by text, every page once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Whose.
    pub site: SiteId,
    /// Told again, the batch is dropped.
    pub id: Option<BatchId>,
    /// Told again with the same body, the first answer is given again.
    pub idempotency: Option<IdempotencyKey>,
    /// What.
    pub pages: Vec<PageRows>,
    /// Sum of all counts.
    pub events: u64,
}

/// Collects events into a batch. Bounded: at most `limits::BATCH_EVENTS` events, and as many pages.
pub struct BatchBuilder {
    site: SiteId,
    /// In the order they were named, rows as they came. Those that `index` knows have no text yet.
    pages: Vec<PageRows>,
    /// The pages behind the first ones: a visit has one or two, and to look at them costs less than to hash.
    index: HashMap<Box<str>, PageOfBatch>,
    added: usize,
    events: u64,
}

/// Pages that are found by looking at all of them.
const FIRST_PAGES: usize = 4;

/// A page of the builder that gave it, so that a caller with many events of one page names it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageOfBatch(u32);

impl BatchBuilder {
    /// An empty batch of a site.
    #[must_use]
    pub fn new(site: SiteId) -> BatchBuilder {
        BatchBuilder { site, pages: Vec::new(), index: HashMap::new(), added: 0, events: 0 }
    }

    /// Adds an event on `page`. A conversion loses its country, and its viewport becomes its device's lowest class.
    ///
    /// # Errors
    /// When the page, the count or the size of the batch is out of range; the batch is then as before.
    pub fn add(&mut self, page: &str, event: Event) -> Result<(), InvalidEvent> {
        let page = self.page(page)?;
        self.add_to(page, event)
    }

    /// Names a page for `add_to`. A page without events is left out of the batch.
    ///
    /// # Errors
    /// When its length or the number of pages is out of range.
    pub fn page(&mut self, page: impl AsRef<str> + Into<Box<str>>) -> Result<PageOfBatch, InvalidEvent> {
        let text = page.as_ref();
        if text.is_empty() || text.len() > PAGE_BYTES {
            return Err(InvalidEvent::PageLength { bytes: text.len() });
        }
        let known = match self.pages.iter().take(FIRST_PAGES).position(|known| *known.page == *text) {
            Some(place) => Some(PageOfBatch(place as u32)),
            None => self.index.get(text).copied(),
        };
        if let Some(known) = known {
            return Ok(known);
        }
        if self.pages.len() == BATCH_EVENTS {
            return Err(InvalidEvent::TooMany);
        }
        // No more pages than events, so that a u32 is enough.
        let new = PageOfBatch(self.pages.len() as u32);
        let mut text = page.into();
        if self.pages.len() >= FIRST_PAGES {
            self.index.insert(std::mem::take(&mut text), new);
        }
        self.pages.push(PageRows { page: text, rows: Vec::new(), hours: Vec::new() });
        Ok(new)
    }

    /// Makes room for `events` more on a page that `page` of this builder gave.
    pub fn reserve(&mut self, page: PageOfBatch, events: usize) {
        self.pages[page.0 as usize].rows.reserve(events.min(BATCH_EVENTS - self.added));
    }

    /// Adds an event on a page that `page` of this builder gave, as `add` does.
    ///
    /// # Errors
    /// When the count or the size of the batch is out of range; the batch is then as before.
    #[inline]
    pub fn add_to(&mut self, page: PageOfBatch, event: Event) -> Result<(), InvalidEvent> {
        if event.count == 0 || event.count > EVENT_COUNT {
            return Err(InvalidEvent::Count { count: event.count });
        }
        if self.added == BATCH_EVENTS {
            return Err(InvalidEvent::TooMany);
        }
        self.added += 1;
        self.events += u64::from(event.count);
        let Event { kind, viewport, fixed, cell, hour, country, count } = event;
        let PageRows { rows, hours, .. } = &mut self.pages[page.0 as usize];
        let (viewport, country) = if kind.is_conversion() {
            (viewport.device().lowest_viewport(), Country::ZZ)
        } else {
            add_hour(hours, HourRow { kind, hour, count: count.into() });
            (viewport, country)
        };
        let key = RowKey::new(Layer::new(kind, viewport, fixed), cell, hour.day(), country);
        rows.push(Row { key, count });
        Ok(())
    }

    /// Sum of all counts so far.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Sorts and sums what was added.
    #[must_use]
    pub fn build(mut self, id: Option<BatchId>, idempotency: Option<IdempotencyKey>) -> Batch {
        for (text, page) in self.index {
            self.pages[page.0 as usize].page = text;
        }
        self.pages.retain(|page| !page.rows.is_empty());
        for PageRows { rows, hours, .. } in &mut self.pages {
            Row::sum(rows);
            // Many equal ones were summed: that room is worth a copy.
            if rows.len() < rows.capacity() / 2 {
                rows.shrink_to_fit();
            }
            HourRow::sum(hours);
        }
        self.pages.sort_unstable_by(|a, b| a.page.cmp(&b.page));
        Batch { site: self.site, id, idempotency, pages: self.pages, events: self.events }
    }
}

/// Hour totals that are looked at for one to add to, newest first: a visit has few kinds, and mostly one hour.
const NEWEST_HOURS: usize = 8;

#[inline]
fn add_hour(hours: &mut Vec<HourRow>, row: HourRow) {
    let newest = hours.len().saturating_sub(NEWEST_HOURS);
    let same = |known: &&mut HourRow| known.kind == row.kind && known.hour == row.hour;
    match hours[newest..].iter_mut().rev().find(same) {
        Some(known) => known.count += row.count,
        None => hours.push(row),
    }
}

impl Batch {
    /// Days of its rows, from the first to the day after the last; `None` of an empty batch.
    #[must_use]
    pub fn days(&self) -> Option<super::DayRange> {
        let days = || self.pages.iter().flat_map(|page| &page.rows).map(|row| row.key.day());
        let (first, last): (Day, Day) = (days().min()?, days().max()?);
        Some(super::DayRange { from: first, to: last.plus(1) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: Kind, count: u32) -> Event {
        let hour = HourOfSite::new(Day::from_number(20_000), 7);
        let country = "DE".parse().unwrap();
        Event {
            kind,
            viewport: Viewport::of_px(1_440),
            fixed: false,
            cell: Cell::ORIGIN,
            hour,
            country,
            count,
        }
    }

    #[test]
    fn an_id_is_32_digits_in_either_case_with_dashes_anywhere_or_none() {
        let id = BatchId(std::array::from_fn(|byte| (byte * 17 + 1) as u8));
        let text: String = id.0.iter().map(|byte| format!("{byte:02x}")).collect();
        let uuid = format!("{}-{}-{}", &text[..8], &text[8..12], &text[12..]);
        for same in [&text, &text.to_uppercase(), &uuid, &format!("-{text}-")] {
            assert_eq!(BatchId::from_hex(same), Some(id), "{same}");
        }
        for byte in (0..=0x7f_u8).filter(|byte| !byte.is_ascii_hexdigit()) {
            for place in [0, 1, 30, 31] {
                let other = format!("{}{}{}", &text[..place], char::from(byte), &text[place + 1..]);
                assert_eq!(BatchId::from_hex(&other), None, "{other:?}");
            }
        }
        for other in
            ["", "-", &text[1..], &format!("{text}0"), &format!("{}é", &text[2..]), &format!("{uuid}0")]
        {
            assert_eq!(BatchId::from_hex(other), None, "{other}");
        }
    }

    #[test]
    fn equal_events_become_one_row_and_one_hour() {
        let mut builder = BatchBuilder::new(SiteId(1));
        for _ in 0..3 {
            builder.add("a.example/", event(Kind::Click, 2)).unwrap();
        }
        let batch = builder.build(None, None);
        assert_eq!(batch.events, 6);
        assert_eq!(batch.pages[0].rows.len(), 1);
        assert_eq!((batch.pages[0].rows[0].count, batch.pages[0].hours[0].count), (6, 6));
    }

    #[test]
    fn each_of_many_pages_is_found_again() {
        let mut builder = BatchBuilder::new(SiteId(1));
        let texts: Vec<String> =
            (0..3 * FIRST_PAGES).rev().map(|page| format!("a.example/{page:02}")).collect();
        let named: Vec<PageOfBatch> = texts.iter().map(|text| builder.page(&**text).unwrap()).collect();
        for (text, page) in texts.iter().zip(&named) {
            assert_eq!(builder.page(&**text).as_ref(), Ok(page));
            builder.add_to(*page, event(Kind::Click, 1)).unwrap();
        }
        let batch = builder.build(None, None);
        let built: Vec<&str> = batch.pages.iter().map(|page| &*page.page).collect();
        assert!(built.iter().rev().eq(&texts), "{built:?}");
    }

    #[test]
    fn a_page_without_events_is_left_out() {
        let mut builder = BatchBuilder::new(SiteId(1));
        let (a, b) = (builder.page("a.example/").unwrap(), builder.page("b.example/").unwrap());
        assert_eq!(builder.page("a.example/"), Ok(a));
        assert_eq!(builder.add_to(a, event(Kind::Click, 0)), Err(InvalidEvent::Count { count: 0 }));
        builder.add_to(b, event(Kind::Click, 1)).unwrap();
        let batch = builder.build(None, None);
        assert_eq!(batch.pages.iter().map(|page| &*page.page).collect::<Vec<_>>(), ["b.example/"]);
    }

    #[test]
    fn a_sum_that_would_overflow_keeps_two_rows() {
        let mut builder = BatchBuilder::new(SiteId(1));
        for _ in 0..4_300 {
            builder.add("a.example/", event(Kind::Click, EVENT_COUNT)).unwrap();
        }
        let rows = builder.build(None, None).pages.remove(0).rows;
        assert_eq!(rows.len(), 2);
        assert_eq!(rows.iter().map(|row| u64::from(row.count)).sum::<u64>(), 4_300_000_000);
    }

    #[test]
    fn conversions_have_no_country_no_width_and_no_hour() {
        let mut builder = BatchBuilder::new(SiteId(1));
        builder.add("a.example/", event(Kind::ConvertedClick, 1)).unwrap();
        let page = builder.build(None, None).pages.remove(0);
        let key = page.rows[0].key;
        assert_eq!((key.country(), key.layer().viewport().code()), (Country::ZZ, 16));
        assert!(page.hours.is_empty());
    }
}
