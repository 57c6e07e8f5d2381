//! What records carry: batches whole or in parts, and what the windows remember.

use super::rows::{Unwritten, decode_pages};
use crate::format::frame::{Cursor, FormatError, put_counted, put_varint};
use crate::model::limits::IDEMPOTENCY_ANSWER_BYTES;
use crate::model::{PageRows, SiteId};

/// Bytes of carried ids beside the ids.
pub const CARRIED_IDS_FRAME: usize = 16;
/// Most bytes of a carried key beside its answer.
pub const CARRIED_KEY_FRAME: usize = 8 + 8 + 16 + 16 + 2;

const HAS_ID: u8 = 1;
const HAS_KEY: u8 = 2;

/// An idempotency key as it is stored: never what the client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedKey {
    /// Keyed hash of site and key.
    pub key: [u8; 16],
    /// Keyed hash of the body.
    pub body: [u8; 16],
    /// What was answered.
    pub answer: Box<[u8]>,
}

/// What of a batch is not rows.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct BatchMeta {
    /// Keyed hash of site and batch id.
    pub id: Option<u64>,
    /// Its idempotency key.
    pub key: Option<RecordedKey>,
}

/// A whole batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBatch {
    /// Whose.
    pub site: SiteId,
    /// Its id and key.
    pub meta: BatchMeta,
    /// Its rows.
    pub pages: Vec<PageRows>,
}

/// A part of a batch; the first has index 0. A page may go on in the next part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which part.
    pub index: u32,
    /// Whose.
    pub site: SiteId,
    /// Some of its rows.
    pub pages: Vec<PageRows>,
}

/// The end of a batch in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// How many parts there are.
    pub parts: u32,
    /// Whose.
    pub site: SiteId,
    /// Its id and key.
    pub meta: BatchMeta,
}

/// Ids of batches that were accepted from `oldest_ms` to `newest_ms`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarriedIds {
    /// Unix ms of the first of them.
    pub oldest_ms: u64,
    /// Unix ms of the last of them.
    pub newest_ms: u64,
    /// Keyed hashes.
    pub ids: Vec<u64>,
}

/// A remembered idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarriedKey {
    /// Whose.
    pub site: SiteId,
    /// When the batch was accepted, in Unix ms.
    pub time_ms: u64,
    /// What is remembered.
    pub recorded: RecordedKey,
}

/// Payloads of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encoded {
    /// Of one record of type batch.
    Whole(Vec<u8>),
    /// Of several.
    Parts {
        /// Of records of type part, in order.
        parts: Vec<Vec<u8>>,
        /// Of the record of type commit.
        commit: Vec<u8>,
    },
}

impl Encoded {
    /// Bytes of all payloads.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Encoded::Whole(payload) => payload.len(),
            Encoded::Parts { parts, commit } => {
                parts.iter().fold(commit.len(), |sum, part| sum.saturating_add(part.len()))
            }
        }
    }
}

fn put_meta(target: &mut Vec<u8>, site: SiteId, meta: &BatchMeta) {
    target.extend_from_slice(&site.0.to_le_bytes());
    let flags = |present: bool, flag| if present { flag } else { 0 };
    target.push(flags(meta.id.is_some(), HAS_ID) | flags(meta.key.is_some(), HAS_KEY));
    if let Some(id) = meta.id {
        target.extend_from_slice(&id.to_le_bytes());
    }
    if let Some(recorded) = &meta.key {
        put_key(target, recorded);
    }
}

/// Most bytes of what is put before the pages.
fn most_meta_bytes(meta: &BatchMeta) -> usize {
    let key = meta.key.as_ref().map_or(0, |key| CARRIED_KEY_FRAME.saturating_add(key.answer.len()));
    key.saturating_add(8 + 1 + 8)
}

fn put_key(target: &mut Vec<u8>, recorded: &RecordedKey) {
    target.extend_from_slice(&recorded.key);
    target.extend_from_slice(&recorded.body);
    put_counted(target, &recorded.answer);
}

/// Encodes a batch in payloads of at most `limit` bytes: at least 3,000, so that the longest page and answer fit.
#[must_use]
pub fn encode_batch(site: SiteId, meta: &BatchMeta, pages: &[PageRows], limit: usize) -> Encoded {
    let most: usize = pages.iter().map(|page| Unwritten::all_of(page).most_bytes()).sum();
    // Keys are far apart in small batches and close in large ones: two thirds of the most is about what comes out.
    let expected = most.saturating_sub(most / 3).saturating_add(most_meta_bytes(meta));
    let mut current = Vec::with_capacity(expected.min(limit));
    put_meta(&mut current, site, meta);
    let whole_prefix = current.len();
    let mut parts: Vec<Vec<u8>> = Vec::new();
    for page in pages {
        let mut left = Some(Unwritten::all_of(page));
        while let Some(unwritten) = left {
            left = unwritten.put(&mut current, limit);
            if left.is_some() {
                let next = part_prefix(parts.len().saturating_add(1) as u32, site, limit);
                let full = std::mem::replace(&mut current, next);
                parts.push(if parts.is_empty() { first_part(site, &full, whole_prefix) } else { full });
            }
        }
    }
    if parts.is_empty() {
        return Encoded::Whole(current);
    }
    parts.push(current);
    let mut commit = Vec::new();
    put_varint(&mut commit, parts.len() as u64);
    put_meta(&mut commit, site, meta);
    Encoded::Parts { parts, commit }
}

fn part_prefix(index: u32, site: SiteId, capacity: usize) -> Vec<u8> {
    let mut part = Vec::with_capacity(capacity);
    put_varint(&mut part, u64::from(index));
    part.extend_from_slice(&site.0.to_le_bytes());
    part
}

/// What was begun as a whole batch becomes a part, whose prefix is no longer.
fn first_part(site: SiteId, whole: &[u8], whole_prefix: usize) -> Vec<u8> {
    let mut part = part_prefix(0, site, whole.len());
    part.extend_from_slice(whole.get(whole_prefix..).unwrap_or_default());
    part
}

fn site(cursor: &mut Cursor<'_>) -> Result<SiteId, FormatError> {
    cursor.u64().map(SiteId)
}

fn meta(cursor: &mut Cursor<'_>) -> Result<BatchMeta, FormatError> {
    let flags = cursor.u8()?;
    if flags & !(HAS_ID | HAS_KEY) != 0 {
        return Err(cursor.invalid(u64::from(flags)));
    }
    let id = if flags & HAS_ID != 0 { Some(cursor.u64()?) } else { None };
    let key = if flags & HAS_KEY != 0 { Some(key(cursor)?) } else { None };
    Ok(BatchMeta { id, key })
}

fn key(cursor: &mut Cursor<'_>) -> Result<RecordedKey, FormatError> {
    Ok(RecordedKey {
        key: cursor.array()?,
        body: cursor.array()?,
        answer: cursor.counted(IDEMPOTENCY_ANSWER_BYTES)?.into(),
    })
}

/// Reads the payload of a batch.
///
/// # Errors
/// When it is not what `encode_batch` gives.
pub fn decode_batch(payload: &[u8]) -> Result<StoredBatch, FormatError> {
    let mut cursor = Cursor::new("WAL batch", payload);
    let (site, meta) = (site(&mut cursor)?, meta(&mut cursor)?);
    Ok(StoredBatch { site, meta, pages: decode_pages(&mut cursor)? })
}

/// Reads the payload of a part.
///
/// # Errors
/// When it is not what `encode_batch` gives.
pub fn decode_part(payload: &[u8]) -> Result<Part, FormatError> {
    let mut cursor = Cursor::new("WAL part", payload);
    let (index, site) = (cursor.varint_u32()?, site(&mut cursor)?);
    Ok(Part { index, site, pages: decode_pages(&mut cursor)? })
}

/// Reads the payload of a commit.
///
/// # Errors
/// When it is not what `encode_batch` gives.
pub fn decode_commit(payload: &[u8]) -> Result<Commit, FormatError> {
    let mut cursor = Cursor::new("WAL commit", payload);
    let (parts, site, meta) = (cursor.varint_u32()?, site(&mut cursor)?, meta(&mut cursor)?);
    cursor.finish()?;
    Ok(Commit { parts, site, meta })
}

/// Encodes carried ids.
#[must_use]
pub fn encode_carried_ids(oldest_ms: u64, newest_ms: u64, ids: &[u64]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(ids.len().saturating_mul(8).saturating_add(16));
    payload.extend_from_slice(&oldest_ms.to_le_bytes());
    payload.extend_from_slice(&newest_ms.to_le_bytes());
    ids.iter().for_each(|id| payload.extend_from_slice(&id.to_le_bytes()));
    payload
}

/// Reads carried ids.
///
/// # Errors
/// When it is not what `encode_carried_ids` gives.
pub fn decode_carried_ids(payload: &[u8]) -> Result<CarriedIds, FormatError> {
    let mut cursor = Cursor::new("WAL carried ids", payload);
    let (oldest_ms, newest_ms) = (cursor.u64()?, cursor.u64()?);
    if oldest_ms > newest_ms {
        return Err(cursor.invalid(newest_ms));
    }
    let mut ids = Vec::with_capacity(cursor.rest().len() / 8);
    while !cursor.rest().is_empty() {
        ids.push(cursor.u64()?);
    }
    Ok(CarriedIds { oldest_ms, newest_ms, ids })
}

/// Appends one carried key to a payload of them.
pub fn encode_carried_key(payload: &mut Vec<u8>, site: SiteId, time_ms: u64, recorded: &RecordedKey) {
    payload.extend_from_slice(&site.0.to_le_bytes());
    payload.extend_from_slice(&time_ms.to_le_bytes());
    put_key(payload, recorded);
}

/// Reads carried keys.
///
/// # Errors
/// When it is not what `encode_carried_key` gives.
pub fn decode_carried_keys(payload: &[u8]) -> Result<Vec<CarriedKey>, FormatError> {
    let mut cursor = Cursor::new("WAL carried keys", payload);
    let mut keys = Vec::new();
    while !cursor.rest().is_empty() {
        let (site, time_ms) = (site(&mut cursor)?, cursor.u64()?);
        keys.push(CarriedKey { site, time_ms, recorded: key(&mut cursor)? });
    }
    Ok(keys)
}
