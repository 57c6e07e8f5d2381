//! The pages of the URLs seen lately: lines of one request repeat few of them, and parsing one takes longer than the
//! rest of its line.

use std::collections::HashMap;

use heatgrid_engine::model::{BatchBuilder, PageOfBatch};
use heatgrid_engine::store::Blocked;

use super::DropReason;
use crate::privacy::url::{NoPage, PageRules};
use crate::wire::event::LineError;

/// URLs remembered at once; then all are forgotten, which is simpler than choosing and seldom happens.
const URLS: usize = 8_192;
/// Longer URLs are not remembered: with `URLS` this bounds the memory to 16 MiB.
const URL_BYTES: usize = 2_048;

/// What a URL means to the site.
#[derive(Clone, Copy)]
pub(super) enum Known {
    /// A page of the batch, and how many of its segments were redacted.
    Page(PageOfBatch, u32),
    /// Its events are not counted.
    Dropped(DropReason),
}

/// URLs seen lately in one batch.
pub(super) struct Pages {
    known: HashMap<Box<str>, Known>,
    last_url: String,
    last: Option<Known>,
}

impl Pages {
    pub(super) fn new() -> Pages {
        Pages { known: HashMap::new(), last_url: String::new(), last: None }
    }

    /// The page of `url` in the batch of `builder`.
    ///
    /// # Errors
    /// When it is not the URL of a page.
    pub(super) fn find(
        &mut self,
        url: &str,
        rules: &PageRules,
        blocked: &Blocked,
        builder: &mut BatchBuilder,
    ) -> Result<Known, LineError> {
        if let Some(known) = self.last
            && self.last_url == url
        {
            return Ok(known);
        }
        let known = match self.known.get(url) {
            Some(known) => *known,
            None => self.learn(url, rules, blocked, builder)?,
        };
        self.last_url.clear();
        self.last_url.push_str(url);
        self.last = Some(known);
        Ok(known)
    }

    fn learn(
        &mut self,
        url: &str,
        rules: &PageRules,
        blocked: &Blocked,
        builder: &mut BatchBuilder,
    ) -> Result<Known, LineError> {
        let known = match rules.normalise(url) {
            Ok(page) if blocked.covers(&page.text) => Known::Dropped(DropReason::Erased),
            Ok(page) => {
                let text = builder.page(page.text).expect("a normalised page has a page's length");
                Known::Page(text, page.redacted)
            }
            Err(NoPage::Invalid(error)) => return Err(LineError::Url(error)),
            // A writer is no origin: it has a token.
            Err(NoPage::Host | NoPage::Foreign) => Known::Dropped(DropReason::Host),
            Err(NoPage::Excluded) => Known::Dropped(DropReason::Excluded),
        };
        if self.known.len() == URLS {
            self.known.clear();
        }
        if url.len() <= URL_BYTES {
            self.known.insert(url.into(), known);
        }
        Ok(known)
    }
}
