//! Accepting batches.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::commit::{Appended, Completion};
use crate::error::AppendError;
use crate::model::{Batch, PageLimits, Site, SiteId};
use crate::segment::{Segment, SegmentError};

use super::Store;
use super::core::{Core, add};
use super::erasing::blocked;

/// How long `append_wait` sleeps when nobody tells it that there is room.
const NAP: Duration = Duration::from_millis(20);

impl Store {
    /// Hands a batch over to be committed together with those of others. The completion tells when it is durable
    /// and visible; a read that begins after that sees it.
    ///
    /// Pages beyond the site's budget are counted on `host/(other)`.
    ///
    /// # Errors
    /// When the site is unknown or closed, when there is no room (`is_busy`), or when nothing is accepted any more.
    /// Nothing of the batch is stored then.
    pub fn append(&self, mut batch: Batch) -> Result<Completion, AppendError> {
        let site = self.core.admit(batch.site)?;
        self.core.fit_pages(&mut batch, &site);
        self.core.queue(batch)
    }

    /// Appends a batch, waits for room first and for the commit then. With `Background::Manual` a full memtable is
    /// flushed here.
    ///
    /// # Errors
    /// As `append`, but for want of room.
    pub fn append_wait(&self, mut batch: Batch) -> Result<Appended, AppendError> {
        loop {
            let seen = self.core.signals.room.count();
            let queued = self.core.admit(batch.site).and_then(|site| {
                self.core.fit_pages(&mut batch, &site);
                self.core.queue(batch.clone())
            });
            match queued {
                Ok(completion) => return Ok(completion.wait()?),
                Err(error @ AppendError::FlushFails(_)) => return Err(error),
                Err(error) if !error.is_busy() => return Err(error),
                Err(_) if self.threads.is_empty() => drop(self.core.flush()),
                Err(_) => {}
            }
            self.core.signals.room.wait(seen, NAP);
        }
    }
}

impl Store {
    /// Whether anything of a site is stored, expired or not, live or in a snapshot that may be restored: its time zone
    /// cannot change then. What cannot be read may be of any site.
    ///
    /// # Errors
    /// When a segment cannot be read.
    pub fn has_data(&self, site: SiteId) -> Result<bool, SegmentError> {
        let state = self.core.live.read();
        if !state.segments.unreadable().is_empty() {
            return Ok(true);
        }
        for segment in state.segments.iter() {
            if segment.extent(site)?.is_some() {
                return Ok(true);
            }
        }
        for entry in &self.core.live.manifest().pinned {
            if Segment::open(&*self.core.disk, entry, self.core.options.access)?.extent(site)?.is_some() {
                return Ok(true);
            }
        }
        let mut memtables = [Some(&state.active), state.frozen.as_ref()].into_iter().flatten();
        Ok(memtables.any(|memtable| memtable.read_site(site, |rows| rows.is_some())))
    }
}

impl Core {
    /// Hands a batch over, unless it may not be accepted. Between the look and the queue nothing is closed or blocked:
    /// an erasure covers a batch, or keeps it out.
    fn queue(&self, batch: Batch) -> Result<Completion, AppendError> {
        let blocks = self.blocks.read();
        self.open_for(batch.site)?;
        let blocked = blocked(&blocks, batch.site);
        if !blocked.is_empty() && batch.pages.iter().any(|page| blocked.covers(&page.page)) {
            return Err(AppendError::Blocked(batch.site));
        }
        Ok(self.log.append(batch)?)
    }

    /// The site of a batch, if that may be accepted now.
    fn admit(&self, site: SiteId) -> Result<Arc<Site>, AppendError> {
        let site = self.open_for(site)?;
        if let Some(poison) = self.live.poison() {
            return Err(AppendError::Poisoned(poison));
        }
        let (used_bytes, limit_bytes) = (self.memtable_bytes(), self.memtable_limit_bytes());
        if used_bytes < limit_bytes {
            return Ok(site);
        }
        match &self.last_flush.lock().error {
            Some(error) => Err(AppendError::FlushFails(Arc::clone(error))),
            None => Err(AppendError::MemtableFull { used_bytes, limit_bytes }),
        }
    }

    /// A site that is open.
    fn open_for(&self, site: SiteId) -> Result<Arc<Site>, AppendError> {
        match self.accounts.get(site) {
            None => Err(AppendError::UnknownSite(site)),
            Some(site) if site.closed => Err(AppendError::ClosedSite(site.id)),
            Some(site) => Ok(site),
        }
    }

    /// Moves what is beyond the site's budget of pages to `host/(other)`.
    fn fit_pages(&self, batch: &mut Batch, site: &Site) {
        let limits: PageLimits = site.settings.page_limits;
        let today = site.settings.day_at(self.now_ms());
        let moved = self.pages.fit(batch, limits, today, |page| self.each_page(site.id, page));
        if moved > 0 {
            add(&self.counters.moved_events, moved);
        }
    }

    /// Gives every page that a site has, some more than once. What cannot be read is left out.
    fn each_page(&self, site: SiteId, page: &mut dyn FnMut(&str)) {
        let state = self.live.read();
        for segment in state.segments.iter() {
            let Ok(Some(extent)) = segment.extent(site) else { continue };
            for index in extent.all_pages() {
                if let Ok(text) = extent.page_text(index) {
                    page(text);
                }
            }
        }
        for memtable in [Some(&state.active), state.frozen.as_ref()].into_iter().flatten() {
            memtable.read_site(site, |rows| {
                rows.into_iter().flat_map(|rows| rows.pages()).for_each(|(text, _)| page(text));
            });
        }
    }

    /// Events that were counted on `host/(other)` since the store was opened.
    pub(super) fn moved_events(&self) -> u64 {
        self.counters.moved_events.load(Ordering::Relaxed)
    }
}
