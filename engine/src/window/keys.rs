//! The window of idempotency keys: a day or a hundred thousand of a site, whichever is shorter.

use std::collections::{HashMap, VecDeque};

use crate::format::wal::{CARRIED_KEY_FRAME, RecordedKey, encode_carried_key};
use crate::model::SiteId;
use crate::model::limits::{IDEMPOTENCY_BYTES, IDEMPOTENCY_KEYS, IDEMPOTENCY_SECONDS};

/// Bytes of a key beside its answer: entry, index, and what tables keep free.
const KEY_BYTES: usize = 128;
/// Bytes of one carried record, so that carrying needs little memory.
const PIECE_BYTES: usize = 512 << 10;

/// Why a batch is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// Its id was accepted before.
    ById,
    /// Its key was accepted before, with the same body: what was answered.
    ByKey(Box<[u8]>),
    /// Its key was accepted before, with another body.
    OtherBody,
}

/// Idempotency keys by site, as keyed hashes.
pub struct KeyWindow {
    sites: HashMap<SiteId, SiteKeys>,
    bytes: usize,
    keys: usize,
    site_keys_most: usize,
    bytes_most: usize,
}

#[derive(Default)]
struct SiteKeys {
    /// In the order they came.
    entries: VecDeque<Entry>,
    /// How many came before the first of `entries`.
    dropped: u64,
    /// By key, the position among all that ever came.
    index: HashMap<[u8; 16], u64>,
}

struct Entry {
    time_ms: u64,
    recorded: RecordedKey,
}

impl Entry {
    fn bytes(&self) -> usize {
        KEY_BYTES + self.recorded.answer.len()
    }
}

impl SiteKeys {
    fn get(&self, key: &[u8; 16]) -> Option<&Entry> {
        let position = self.index.get(key)?.checked_sub(self.dropped)?;
        self.entries.get(usize::try_from(position).ok()?)
    }

    fn push(&mut self, entry: Entry) {
        self.index.insert(entry.recorded.key, self.dropped + self.entries.len() as u64);
        self.entries.push_back(entry);
    }

    /// Drops the oldest, gives its bytes.
    fn pop(&mut self) -> Option<usize> {
        let oldest = self.entries.pop_front()?;
        self.dropped += 1;
        self.index.remove(&oldest.recorded.key);
        Some(oldest.bytes())
    }
}

impl Default for KeyWindow {
    fn default() -> KeyWindow {
        KeyWindow::bounded(IDEMPOTENCY_KEYS, IDEMPOTENCY_BYTES)
    }
}

impl KeyWindow {
    pub(super) fn bounded(site_keys_most: usize, bytes_most: usize) -> KeyWindow {
        KeyWindow { sites: HashMap::new(), bytes: 0, keys: 0, site_keys_most, bytes_most }
    }

    /// Whether a key is remembered, and what for.
    #[must_use]
    pub fn known(&self, site: SiteId, recorded: &RecordedKey, now_ms: u64) -> Option<Known> {
        let entry = self.sites.get(&site)?.get(&recorded.key)?;
        if is_too_old(entry, now_ms) {
            return None;
        }
        Some(match entry.recorded.body == recorded.body {
            true => Known::ByKey(entry.recorded.answer.clone()),
            false => Known::OtherBody,
        })
    }

    /// Remembers a key. What is remembered of it already stays.
    pub fn insert(&mut self, site: SiteId, recorded: RecordedKey, now_ms: u64) {
        self.shrink(site, |keys| keys.entries.front().is_some_and(|oldest| is_too_old(oldest, now_ms)));
        let keys = self.sites.entry(site).or_default();
        if keys.index.contains_key(&recorded.key) {
            return;
        }
        // Times only go forward, so that the oldest is always the first.
        let time_ms = keys.entries.back().map_or(now_ms, |last| last.time_ms.max(now_ms));
        let entry = Entry { time_ms, recorded };
        self.bytes += entry.bytes();
        self.keys += 1;
        keys.push(entry);
        let most = self.site_keys_most;
        self.shrink(site, |keys| keys.entries.len() > most);
        while self.bytes > self.bytes_most {
            let Some((&largest, keys)) = self.sites.iter().max_by_key(|(_, keys)| keys.entries.len()) else {
                break;
            };
            let left = keys.entries.len() - keys.entries.len().div_ceil(8);
            self.shrink(largest, |keys| keys.entries.len() > left);
        }
    }

    fn shrink(&mut self, site: SiteId, goes: impl Fn(&SiteKeys) -> bool) {
        let Some(keys) = self.sites.get_mut(&site) else { return };
        while goes(keys) {
            let Some(bytes) = keys.pop() else { break };
            self.bytes -= bytes;
            self.keys -= 1;
        }
        if keys.entries.is_empty() {
            self.sites.remove(&site);
        }
    }

    pub(super) fn forget(&mut self, site: SiteId) {
        self.shrink(site, |_| true);
    }

    /// Drops what is too old, of every site.
    pub(super) fn expire(&mut self, now_ms: u64) {
        let sites: Vec<SiteId> = self.sites.keys().copied().collect();
        for site in sites {
            self.shrink(site, |keys| keys.entries.front().is_some_and(|oldest| is_too_old(oldest, now_ms)));
        }
    }

    /// All keys as payloads of at most `limit` bytes, the oldest of a site first.
    pub(super) fn carried(&self, limit: usize) -> impl Iterator<Item = Vec<u8>> + '_ {
        let keys = self.sites.iter().flat_map(|(site, keys)| keys.entries.iter().map(|entry| (*site, entry)));
        let mut keys = keys.peekable();
        let limit = limit.min(PIECE_BYTES);
        std::iter::from_fn(move || {
            let mut payload = Vec::new();
            let fits = |payload: &Vec<u8>, entry: &Entry| {
                payload.is_empty() || payload.len() + entry.recorded.answer.len() + CARRIED_KEY_FRAME <= limit
            };
            while let Some((site, entry)) = keys.next_if(|(_, entry)| fits(&payload, entry)) {
                encode_carried_key(&mut payload, site, entry.time_ms, &entry.recorded);
            }
            (!payload.is_empty()).then_some(payload)
        })
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys == 0
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

fn is_too_old(entry: &Entry, now_ms: u64) -> bool {
    now_ms.saturating_sub(entry.time_ms) > IDEMPOTENCY_SECONDS * 1_000
}
