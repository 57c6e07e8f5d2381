//! Which segments hold anything that is masked, and what rewriting them costs: from their indexes.

use crate::model::{Erasure, LAST_DAYS, SiteId};
use crate::segment::{Scratch, Segment, SegmentEntry, SegmentError};
use crate::view::Masks;

/// What a purge would do to one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// Which.
    pub entry: SegmentEntry,
    /// Sites of which something goes, ascending.
    pub sites: Vec<SiteId>,
    /// Bytes of their extents, which are made anew; all others are copied as they are.
    pub touched_bytes: u64,
}

/// Bytes that rewriting reads, and writes at most.
#[must_use]
pub fn bytes(rewrites: &[Rewrite]) -> u64 {
    rewrites.iter().map(|rewrite| rewrite.entry.length_bytes).sum()
}

/// Bytes that rewriting a segment of this length takes at most: what is left of it, in blocks that are cut anew.
#[must_use]
pub fn headroom_bytes(length_bytes: u64) -> u64 {
    length_bytes.saturating_add(length_bytes / 16)
}

/// As `headroom_bytes`, of a segment that is fetched from a target first.
#[must_use]
pub fn headroom_bytes_of_backed(length_bytes: u64) -> u64 {
    length_bytes.saturating_mul(2)
}

/// What a purge would do to a segment; `None` if nothing of it is masked. Reads dictionaries and directories of the
/// masked sites, and rows only where countries have to be told apart.
///
/// # Errors
/// When one of these is damaged.
pub fn of_segment(
    segment: &Segment,
    masks: &Masks,
    scratch: &mut Scratch,
) -> Result<Option<Rewrite>, SegmentError> {
    let entry = segment.entry();
    let (mut sites, mut touched_bytes) = (Vec::new(), 0);
    for site in masks.sites() {
        let rules = masks.rules(site, &entry.header);
        if rules.is_empty() {
            continue;
        }
        let Some(extent) = segment.extent(site)? else { continue };
        if extent.has_covered(&rules, scratch)? {
            sites.push(site);
            touched_bytes += extent.length_bytes();
        }
    }
    Ok((!sites.is_empty()).then(|| Rewrite { entry: entry.clone(), sites, touched_bytes }))
}

/// Whether what cannot be read must go now, so that an erasure keeps its deadline.
#[must_use]
pub fn is_last_chance(erasure: &Erasure, now_ms: u64) -> bool {
    now_ms.saturating_add(LAST_DAYS * 86_400_000) >= erasure.deadline_ms()
}

/// Days since its request after which an open erasure is told of ever louder; after the last it is late.
pub const OVERDUE_DAYS: [u64; 4] = [30, 60, 80, 90];

/// How many of `OVERDUE_DAYS` have passed.
#[must_use]
pub fn overdue(erasure: &Erasure, now_ms: u64) -> usize {
    let age_ms = now_ms.saturating_sub(erasure.requested_ms());
    OVERDUE_DAYS.iter().filter(|days| age_ms >= **days * 86_400_000).count()
}
