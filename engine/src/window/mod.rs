//! What was accepted lately, so that what is sent again is not counted again: batch ids and idempotency keys.

mod generation;
mod ids;
mod keys;

use crate::format::wal::{BatchMeta, CarriedIds, CarriedKey, RecordType, RecordedKey};
use crate::model::{Batch, SiteId};

pub use ids::IdWindow;
pub use keys::{KeyWindow, Known};

/// Makes the hashes that are remembered, with the store's own random key: a stolen disk does not tell ids.
#[derive(Clone)]
pub struct WindowKey([u8; 32]);

impl WindowKey {
    /// Of the store's key.
    #[must_use]
    pub fn new(key: [u8; 32]) -> WindowKey {
        WindowKey(key)
    }

    /// What of a batch is remembered.
    #[must_use]
    pub fn meta(&self, batch: &Batch) -> BatchMeta {
        BatchMeta {
            id: batch.id.map(|id| self.id(batch.site, &id.0)),
            key: batch.idempotency.as_ref().map(|key| RecordedKey {
                key: self.hash(&input(b"key", batch.site, key.key.as_bytes())),
                body: self.hash(&input(b"body", batch.site, &key.body)),
                answer: key.answer.clone(),
            }),
        }
    }

    fn id(&self, site: SiteId, id: &[u8; 16]) -> u64 {
        // Its length is known, so that it needs no room of its own.
        let mut input = [0; 5 + 8 + 16];
        input[..5].copy_from_slice(b"batch");
        input[5..13].copy_from_slice(&site.0.to_le_bytes());
        input[13..].copy_from_slice(id);
        let [a, b, c, d, e, f, g, h, ..] = self.hash(&input);
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    /// First half of the keyed BLAKE3 of domain, site and text.
    fn hash(&self, input: &[u8]) -> [u8; 16] {
        let mut half = [0; 16];
        half.copy_from_slice(&blake3::keyed_hash(&self.0, input).as_bytes()[..16]);
        half
    }
}

/// Domain, site and text, to be hashed.
fn input(domain: &[u8], site: SiteId, text: &[u8]) -> Vec<u8> {
    [domain, &site.0.to_le_bytes(), text].concat()
}

/// Both windows of a store.
pub struct Windows {
    key: WindowKey,
    ids: IdWindow,
    keys: KeyWindow,
}

/// How far back a repeated batch is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RealWindow {
    /// Batch ids that are remembered.
    pub ids: usize,
    /// From the oldest of them until now, in ms.
    pub span_ms: u64,
    /// Idempotency keys that are remembered.
    pub keys: usize,
    /// Bytes allocated for both.
    pub bytes: usize,
}

impl Windows {
    /// Empty ones, under the store's key.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Windows {
        Windows { key: WindowKey::new(key), ids: IdWindow::default(), keys: KeyWindow::default() }
    }

    /// Makes the hashes that are asked for here.
    #[must_use]
    pub fn key(&self) -> WindowKey {
        self.key.clone()
    }

    /// Whether a batch is known, and by what.
    #[must_use]
    pub fn known(&self, site: SiteId, meta: &BatchMeta, now_ms: u64) -> Option<Known> {
        let by_key = meta.key.as_ref().and_then(|recorded| self.keys.known(site, recorded, now_ms));
        let by_id = || meta.id.filter(|id| self.ids.contains(*id, now_ms)).map(|_| Known::ById);
        by_key.or_else(by_id)
    }

    /// Remembers a batch.
    pub fn remember(&mut self, site: SiteId, meta: BatchMeta, now_ms: u64) {
        if let Some(id) = meta.id {
            self.ids.insert(id, now_ms);
        }
        if let Some(recorded) = meta.key {
            self.keys.insert(site, recorded, now_ms);
        }
    }

    /// Remembers ids that a log file begins with.
    pub fn restore_ids(&mut self, carried: &CarriedIds) {
        self.ids.restore(carried);
    }

    /// Remembers a key that a log file begins with.
    pub fn restore_key(&mut self, carried: CarriedKey) {
        self.keys.insert(carried.site, carried.recorded, carried.time_ms);
    }

    /// Forgets a site's idempotency keys (its ids are only hashes, and go in ten minutes).
    pub fn forget(&mut self, site: SiteId) {
        self.keys.forget(site);
    }

    /// Drops what is too old and gives the rest as records for a new log file, oldest ids first; a payload has at
    /// most `limit` bytes.
    pub fn carried(&mut self, now_ms: u64, limit: usize) -> impl Iterator<Item = (RecordType, Vec<u8>)> + '_ {
        self.ids.expire(now_ms);
        self.keys.expire(now_ms);
        let ids = self.ids.carried(limit).map(|payload| (RecordType::CarriedIds, payload));
        ids.chain(self.keys.carried(limit).map(|payload| (RecordType::CarriedKeys, payload)))
    }

    /// How far back a repeated batch is known at present.
    #[must_use]
    pub fn real_window(&self, now_ms: u64) -> RealWindow {
        RealWindow {
            ids: self.ids.len(),
            span_ms: self.ids.span_ms(now_ms),
            keys: self.keys.len(),
            bytes: self.ids.bytes() + self.keys.bytes(),
        }
    }
}

#[cfg(test)]
mod tests;
