//! Which pages a request names, and how much of them it covers.

use std::collections::HashSet;

use crate::memtable::SiteRows;
use crate::model::limits::PATTERN_PAGES;
use crate::model::{Cover, Matched, NamedPages, SiteId, TextHash, TextHasher};
use crate::query::{InvalidQuestion, PagePattern};
use crate::segment::{Extent, PageIndex, Scratch, SegmentError};

/// Why what was found cannot be said.
#[derive(Debug, thiserror::Error)]
pub enum MatchError {
    /// A segment cannot be read.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// The pattern matches too many pages.
    #[error("a pattern names at most {PATTERN_PAGES} pages; name a prefix, or ask in several steps")]
    TooManyPages,
}

/// Pages by text.
pub struct PageTest {
    named: NamedPages,
    pattern: Option<PagePattern>,
}

impl PageTest {
    /// Reads what was named.
    ///
    /// # Errors
    /// When a pattern cannot be one.
    pub fn new(named: &NamedPages) -> Result<PageTest, InvalidQuestion> {
        let pattern = match named {
            NamedPages::Pattern(text) => Some(PagePattern::new(text)?),
            _ => None,
        };
        Ok(PageTest { named: named.clone(), pattern })
    }

    /// Whether a page is named.
    #[must_use]
    pub fn matches(&self, page: &str) -> bool {
        match (&self.named, &self.pattern) {
            (_, Some(pattern)) => pattern.matches(page),
            (NamedPages::Page(text), None) => **text == *page,
            (NamedPages::Prefix(prefix), None) => page.starts_with(&**prefix),
            _ => true,
        }
    }

    /// What every named page begins with.
    fn prefix(&self) -> &str {
        match (&self.named, &self.pattern) {
            (_, Some(pattern)) => pattern.prefix(),
            (NamedPages::Page(text) | NamedPages::Prefix(text), None) => text,
            _ => "",
        }
    }

    /// The named pages of an extent.
    ///
    /// # Errors
    /// When its page dictionary is damaged.
    pub fn pages_of(&self, extent: &Extent<'_>) -> Result<Vec<PageIndex>, SegmentError> {
        let mut pages = Vec::new();
        for page in extent.pages_from(self.prefix())? {
            if self.matches(extent.page_text(page)?) {
                pages.push(page);
            }
        }
        Ok(pages)
    }
}

/// Counts what a request covers, piece by piece.
pub struct Matching<'a> {
    /// Whose pages.
    pub site: SiteId,
    /// Hashes them.
    pub hasher: TextHasher,
    /// Which of them.
    pub test: &'a PageTest,
    /// What of them.
    pub cover: Cover,
    /// Pages with anything that is covered.
    touched: HashSet<TextHash>,
    /// Pages that are named, if by a pattern.
    expanded: HashSet<TextHash>,
    events: u64,
}

impl<'a> Matching<'a> {
    /// Nothing was looked at yet.
    #[must_use]
    pub fn new(site: SiteId, hasher: TextHasher, test: &'a PageTest, cover: Cover) -> Matching<'a> {
        let (touched, expanded) = (HashSet::new(), HashSet::new());
        Matching { site, hasher, test, cover, touched, expanded, events: 0 }
    }

    fn expand(&mut self, page: &str) -> Result<TextHash, MatchError> {
        let hash = self.hasher.page(self.site, page);
        if self.test.pattern.is_some() {
            self.expanded.insert(hash);
            if self.expanded.len() > PATTERN_PAGES {
                return Err(MatchError::TooManyPages);
            }
        }
        Ok(hash)
    }

    /// Adds the pages that a pattern matches in an extent.
    ///
    /// # Errors
    /// When it is damaged, or they are too many.
    pub fn name(&mut self, extent: &Extent<'_>) -> Result<(), MatchError> {
        if self.test.pattern.is_some() {
            for page in self.test.pages_of(extent)? {
                self.expand(extent.page_text(page)?)?;
            }
        }
        Ok(())
    }

    /// Adds what is covered of an extent, but for what is masked already. `masked` says so of each page.
    ///
    /// # Errors
    /// When it is damaged, or the pages are too many.
    pub fn count(
        &mut self,
        extent: &Extent<'_>,
        masked: impl Fn(&str) -> Vec<Cover>,
        scratch: &mut Scratch,
    ) -> Result<(), MatchError> {
        for page in self.test.pages_of(extent)? {
            let text = extent.page_text(page)?;
            let hash = self.expand(text)?;
            let covered = extent.covered(page, &[self.cover], &masked(text), scratch)?;
            if !covered.is_nothing() {
                self.touched.insert(hash);
                self.events += covered.events;
            }
        }
        Ok(())
    }

    /// Adds what is covered of rows in memory, which are masked in place.
    ///
    /// # Errors
    /// When the pages are too many.
    pub fn count_memory(&mut self, rows: &SiteRows) -> Result<(), MatchError> {
        let Cover { days, country } = self.cover;
        for (text, page) in rows.pages() {
            if !self.test.matches(text) {
                continue;
            }
            let hash = self.expand(text)?;
            let covered = page.rows().filter(|row| {
                days.contains(row.key.day()) && country.is_none_or(|of| of == row.key.country())
            });
            let events: u64 = covered.map(|row| u64::from(row.count)).sum();
            if events > 0 || page.hours().any(|hour| days.contains(hour.hour.day())) {
                self.touched.insert(hash);
                self.events += events;
            }
        }
        Ok(())
    }

    /// How much was found.
    #[must_use]
    pub fn matched(&self) -> Matched {
        Matched { pages: self.touched.len() as u64, events: self.events }
    }

    /// The pages that a pattern has matched, ascending; none if there is no pattern.
    #[must_use]
    pub fn expanded(&self) -> Vec<TextHash> {
        let mut hashes: Vec<TextHash> = self.expanded.iter().copied().collect();
        hashes.sort_unstable();
        hashes
    }
}
