//! One site in memory.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::page::PageData;
use crate::model::{Country, Day, PageRows, Row, SiteMask};

/// Counters of one site that are not in a segment yet. A reader sees each batch whole or not at all.
#[derive(Default)]
pub struct SiteRows {
    pages: HashMap<Box<str>, Box<PageData>>,
    country_days: CountryDays,
    page_bytes: usize,
}

/// Events by `day << 10 | country`, the low 26 bits of a row's key.
type CountryDays = HashMap<u32, u64, BuildHasherDefault<Scatter>>;

/// The bits of a row's key that say day and country.
const DAY_AND_COUNTRY: u64 = (1 << 26) - 1;

impl SiteRows {
    /// Its pages, in no order.
    pub fn pages(&self) -> impl ExactSizeIterator<Item = (&str, &PageData)> {
        self.pages.iter().map(|(text, page)| (&**text, &**page))
    }

    /// Its pages, ascending by text.
    #[must_use]
    pub fn sorted_pages(&self) -> Vec<(&str, &PageData)> {
        let mut pages: Vec<_> = self.pages().collect();
        pages.sort_unstable_by_key(|(text, _)| *text);
        pages
    }

    /// One page.
    #[must_use]
    pub fn page(&self, text: &str) -> Option<&PageData> {
        self.pages.get(text).map(|page| &**page)
    }

    /// Events by day and country, all pages together, in no order; each pair once.
    pub fn country_days(&self) -> impl ExactSizeIterator<Item = (Day, Country, u64)> + '_ {
        self.country_days.iter().map(|(code, events)| {
            let country = Country::from_code((code & 0x3ff) as u16).unwrap_or(Country::ZZ);
            (Day::from_number((code >> 10) as u16), country, *events)
        })
    }

    pub(super) fn add(&mut self, pages: &[PageRows]) {
        for PageRows { page: text, rows, hours } in pages {
            let page = match self.pages.get_mut(text) {
                Some(page) => {
                    self.page_bytes -= page.bytes();
                    page
                }
                None => {
                    self.page_bytes += text.len() + super::ALLOCATION_BYTES;
                    self.pages.entry(text.clone()).or_default()
                }
            };
            page.add(rows, hours);
            self.page_bytes += page.bytes();
            count(&mut self.country_days, rows);
        }
    }

    pub(super) fn mask(&mut self, mask: &SiteMask) {
        let mut left = SiteRows::default();
        for (text, page) in self.pages.drain() {
            let of_page = mask.page(&text);
            let page = page.without(
                |row| of_page.covers_row(row.key.day(), row.key.country()),
                |row| of_page.covers_hours(row.hour.day()),
            );
            if page.is_empty() {
                continue;
            }
            let mut run = Vec::with_capacity(1_024);
            for row in page.rows() {
                run.push(row);
                if run.len() == run.capacity() {
                    count(&mut left.country_days, &run);
                    run.clear();
                }
            }
            count(&mut left.country_days, &run);
            left.page_bytes += text.len() + super::ALLOCATION_BYTES + page.bytes();
            left.pages.insert(text, Box::new(page));
        }
        *self = left;
    }

    /// Events of all its pages.
    pub(super) fn events(&self) -> u64 {
        self.country_days.values().sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// Bytes allocated, itself not included.
    pub(super) fn bytes(&self) -> usize {
        self.page_bytes
            + super::table_bytes::<(Box<str>, Box<PageData>)>(self.pages.capacity())
            + super::table_bytes::<(u32, u64)>(self.country_days.capacity())
    }
}

fn count(country_days: &mut CountryDays, rows: &[Row]) {
    // Sorted rows have runs of one country and day; a table is touched once a run.
    let code = |row: &Row| (row.key.bits() & DAY_AND_COUNTRY) as u32;
    for run in rows.chunk_by(|a, b| code(a) == code(b)) {
        let events: u64 = run.iter().map(|row| u64::from(row.count)).sum();
        if let Some(first) = run.first() {
            *country_days.entry(code(first)).or_default() += events;
        }
    }
}

/// Hashes a day and country: both are few and bounded, so that nothing is gained by a keyed hash.
#[derive(Default)]
pub(super) struct Scatter(u64);

impl Hasher for Scatter {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }

    fn write_u32(&mut self, value: u32) {
        let mixed = (self.0 ^ u64::from(value)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
