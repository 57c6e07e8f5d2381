//! What has been acknowledged and is not in a segment yet, by site and page, readable while it grows.
//!
//! One thread at a time applies batches; any number read. A frozen memtable is read by queries and by its flush.

mod page;
mod site;
mod words;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::RwLock;

pub use page::PageData;
pub use site::SiteRows;
pub use words::Rows;

use crate::model::{Month, PageRows, Seq, SiteId, SiteMap, SiteMask};

/// What an allocator adds to an allocation, about.
const ALLOCATION_BYTES: usize = 16;
/// A site without pages: its place in the table, its lock and counts.
const SITE_BYTES: usize = size_of::<SiteRows>() + 64;

/// Counters by site and page, in memory.
pub struct Memtable {
    sites: RwLock<SiteMap<Arc<RwLock<SiteRows>>>>,
    bytes: AtomicUsize,
    events: AtomicU64,
    /// `u64::MAX` and 0 while it is empty.
    seq_lo: AtomicU64,
    seq_hi: AtomicU64,
    /// Unix ms of the first batch; `u64::MAX` while it is empty.
    oldest_ms: AtomicU64,
}

impl Default for Memtable {
    fn default() -> Memtable {
        Memtable::new()
    }
}

impl Memtable {
    /// An empty one.
    #[must_use]
    pub fn new() -> Memtable {
        Memtable {
            sites: RwLock::default(),
            bytes: AtomicUsize::new(0),
            events: AtomicU64::new(0),
            seq_lo: AtomicU64::new(u64::MAX),
            seq_hi: AtomicU64::new(0),
            oldest_ms: AtomicU64::new(u64::MAX),
        }
    }

    /// Adds the counters of a batch, or of a part of one while nobody reads yet (replay).
    ///
    /// `pages` are those of `model::Batch`; `now_ms` is when the batch was accepted, in Unix ms.
    pub fn apply(&self, site: SiteId, pages: &[PageRows], seq: Seq, now_ms: u64) {
        let found = self.sites.read().get(&site).cloned();
        let rows = found.unwrap_or_else(|| {
            self.bytes.fetch_add(SITE_BYTES, Ordering::Relaxed);
            self.sites.write().entry(site).or_default().clone()
        });
        let mut rows = rows.write();
        let before = rows.bytes();
        rows.add(pages);
        let after = rows.bytes();
        drop(rows);
        self.bytes.fetch_add(after.saturating_sub(before), Ordering::Relaxed);
        let counts = pages.iter().flat_map(|page| &page.rows).map(|row| u64::from(row.count));
        self.events.fetch_add(counts.sum(), Ordering::Relaxed);
        self.oldest_ms.fetch_min(now_ms, Ordering::Relaxed);
        self.seq_lo.fetch_min(seq.0, Ordering::Relaxed);
        self.seq_hi.fetch_max(seq.0, Ordering::Release);
    }

    /// Bytes allocated for it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Events in it.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Unix ms of its first batch.
    #[must_use]
    pub fn oldest_ms(&self) -> Option<u64> {
        Some(self.oldest_ms.load(Ordering::Relaxed)).filter(|ms| *ms != u64::MAX)
    }

    /// Its first batch.
    #[must_use]
    pub fn seq_lo(&self) -> Option<Seq> {
        Some(self.seq_lo.load(Ordering::Acquire)).filter(|seq| *seq != u64::MAX).map(Seq)
    }

    /// Its last batch.
    #[must_use]
    pub fn seq_hi(&self) -> Option<Seq> {
        Some(self.seq_hi.load(Ordering::Acquire)).filter(|seq| *seq != 0).map(Seq)
    }

    /// Whether no batch was ever applied to it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seq_hi().is_none()
    }

    /// Reads one site. A batch is seen whole or not at all; writers of the site wait meanwhile.
    pub fn read_site<T>(&self, site: SiteId, read: impl FnOnce(Option<&SiteRows>) -> T) -> T {
        let rows = self.sites.read().get(&site).cloned();
        match rows {
            Some(rows) => {
                let rows = rows.read();
                read(Some(&*rows).filter(|rows| !rows.is_empty()))
            }
            None => read(None),
        }
    }

    /// Its sites, ascending.
    #[must_use]
    pub fn sites(&self) -> Vec<SiteId> {
        let mut sites: Vec<SiteId> = self.sites.read().keys().copied().collect();
        sites.sort_unstable();
        sites
    }

    /// The months it has rows or hour totals of, ascending.
    #[must_use]
    pub fn months(&self) -> Vec<Month> {
        let mut days = BTreeSet::new();
        for site in self.sites() {
            self.read_site(site, |rows| {
                if let Some(rows) = rows {
                    days.extend(rows.country_days().map(|(day, _, _)| day));
                }
            });
        }
        let months: BTreeSet<Month> = days.into_iter().map(|day| day.month()).collect();
        months.into_iter().collect()
    }

    /// Takes out what a mask covers, before an erasure is answered.
    pub fn mask_in_place(&self, site: SiteId, mask: &SiteMask) {
        let Some(rows) = self.sites.read().get(&site).cloned() else { return };
        let mut rows = rows.write();
        let (before, events_before) = (rows.bytes(), rows.events());
        rows.mask(mask);
        let (after, events_after) = (rows.bytes(), rows.events());
        drop(rows);
        self.events.fetch_sub(events_before.saturating_sub(events_after), Ordering::Relaxed);
        // Two steps, because a mask only ever takes bytes and a shrunken table may still count as larger.
        self.bytes.fetch_add(after, Ordering::Relaxed);
        self.bytes.fetch_sub(before.min(self.bytes()), Ordering::Relaxed);
    }
}

/// Bytes of a hash table's allocation for a capacity of `std`'s kind: seven eighths of its buckets.
fn table_bytes<T>(capacity: usize) -> usize {
    match capacity {
        0 => 0,
        _ => (capacity * 8).div_ceil(7).next_power_of_two() * (size_of::<T>() + 1) + 2 * ALLOCATION_BYTES,
    }
}

#[cfg(test)]
mod tests;
