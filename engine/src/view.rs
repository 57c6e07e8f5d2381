//! Views: a consistent read set, pinned while it is used.
//!
//! A view holds the segments and memtables that made up the store at one moment, and the masks that apply to them.
//! Files that are replaced meanwhile stay readable through it, which is why it may not live for long.

mod covered;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::clock::Clock;
use crate::memtable::Memtable;
use crate::model::limits::VIEW_SECONDS;
use crate::model::{DayRange, MaskRules, Month, RuleIndex, Seq, SiteId, TextHasher, Tombstone};
use crate::segment::{Segment, SegmentEntry, SegmentError, SegmentHeader};

pub use covered::{Covered, CoveredSums};

use covered::Memo;

/// Live segments, by month.
#[derive(Clone, Default)]
pub struct SegmentSet {
    months: BTreeMap<Month, Vec<Arc<Segment>>>,
    unreadable: Vec<Unreadable>,
}

/// A live segment that could not be opened. What it holds is in no answer, so that its month has none.
#[derive(Clone, Debug, thiserror::Error)]
#[error("nothing of {} can be answered: {error}", entry.header.month)]
pub struct Unreadable {
    /// What the manifest knows of it.
    pub entry: SegmentEntry,
    /// Why.
    #[source]
    pub error: Arc<SegmentError>,
}

impl SegmentSet {
    /// A set of segments.
    #[must_use]
    pub fn new(segments: impl IntoIterator<Item = Arc<Segment>>) -> SegmentSet {
        let mut months = BTreeMap::<Month, Vec<Arc<Segment>>>::new();
        for segment in segments {
            months.entry(segment.entry().header.month).or_default().push(segment);
        }
        SegmentSet { months, unreadable: Vec::new() }
    }

    /// The set with segments that are live and cannot be read.
    #[must_use]
    pub fn with_unreadable(self, unreadable: Vec<Unreadable>) -> SegmentSet {
        SegmentSet { unreadable, ..self }
    }

    /// The set without the segments of these numbers and with others: what one manifest edit makes of it.
    #[must_use]
    pub fn edited(&self, removed: &[u64], added: impl IntoIterator<Item = Arc<Segment>>) -> SegmentSet {
        let stays = |segment: &&Arc<Segment>| !removed.contains(&segment.entry().number);
        let mut unreadable = self.unreadable.clone();
        unreadable.retain(|segment| !removed.contains(&segment.entry.number));
        SegmentSet::new(self.iter().filter(stays).cloned().chain(added)).with_unreadable(unreadable)
    }

    /// Segments that are live and cannot be read.
    #[must_use]
    pub fn unreadable(&self) -> &[Unreadable] {
        &self.unreadable
    }

    /// A segment that cannot be read, of a month that has a day in `days`: which of its countries are rare cannot be
    /// known then, whatever days of it are asked for.
    #[must_use]
    pub fn first_unreadable(&self, days: &DayRange) -> Option<&Unreadable> {
        let months: Vec<Month> =
            if self.unreadable.is_empty() { Vec::new() } else { days.months().collect() };
        self.unreadable.iter().find(|segment| months.contains(&segment.entry.header.month))
    }

    /// The months that have segments and a day in `days`, ascending, with their segments.
    pub fn months(&self, days: &DayRange) -> impl Iterator<Item = (Month, &[Arc<Segment>])> {
        let days = *days;
        self.months
            .iter()
            .skip_while(move |(month, _)| month.days().to <= days.from)
            .take_while(move |(month, _)| !days.is_empty() && month.first_day() < days.to)
            .map(|(month, segments)| (*month, segments.as_slice()))
    }

    /// The segments of one month.
    #[must_use]
    pub fn month(&self, month: Month) -> &[Arc<Segment>] {
        self.months.get(&month).map_or(&[], Vec::as_slice)
    }

    /// All segments, by month.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Segment>> {
        self.months.values().flatten()
    }
}

/// The tombstones that are not yet purged from every segment, by site.
///
/// Memtables need none: they are masked in place before a tombstone is answered.
#[derive(Clone, Debug)]
pub struct Masks {
    hasher: TextHasher,
    sites: HashMap<SiteId, SiteMasks>,
}

/// The tombstones of one site, and what queries have found of them in its segments.
#[derive(Clone, Debug)]
struct SiteMasks {
    index: Arc<RuleIndex>,
    found: Arc<Memo>,
}

impl Masks {
    /// No tombstones, of a store that hashes its pages so.
    #[must_use]
    pub fn none(hasher: TextHasher) -> Masks {
        Masks { hasher, sites: HashMap::new() }
    }

    /// Adds one of a site.
    pub fn insert(&mut self, site: SiteId, tombstone: &Tombstone) {
        let hasher = self.hasher;
        let none = || SiteMasks { index: Arc::new(RuleIndex::new(site, hasher)), found: Arc::default() };
        let masks = self.sites.entry(site).or_insert_with(none);
        Arc::make_mut(&mut masks.index).insert(tombstone);
        // What was found is of the tombstones before.
        masks.found = Arc::default();
    }

    /// The rules that a segment's rows of a site are still to be read through. A segment never holds rows from both
    /// sides of a tombstone that is not applied to it.
    #[must_use]
    pub fn rules(&self, site: SiteId, header: &SegmentHeader) -> MaskRules {
        self.open_from(site, header.seq_lo.max(Seq(header.purged_through.0.saturating_add(1))))
    }

    /// The rules of a site that cover the batch `from` or later ones.
    #[must_use]
    pub fn open_from(&self, site: SiteId, from: Seq) -> MaskRules {
        self.sites.get(&site).map_or_else(MaskRules::none, |masks| MaskRules::open_from(&masks.index, from))
    }

    /// What was found to be covered of a site in a segment, by its number.
    #[must_use]
    pub fn found(&self, site: SiteId, segment: u64) -> Option<Arc<Covered>> {
        self.sites.get(&site)?.found.get(segment)
    }

    /// Remembers what was found, for as long as the site gets no other tombstone.
    pub fn remember(&self, site: SiteId, segment: u64, found: &Arc<Covered>) {
        if let Some(masks) = self.sites.get(&site) {
            masks.found.put(segment, found);
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sites.is_empty()
    }

    /// Sites that have any, ascending.
    #[must_use]
    pub fn sites(&self) -> Vec<SiteId> {
        let mut sites: Vec<SiteId> = self.sites.keys().copied().collect();
        sites.sort_unstable();
        sites
    }
}

/// The view was held for longer than `limits::VIEW_SECONDS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a view lives {VIEW_SECONDS} s; open another one")]
pub struct ViewExpired;

/// A consistent read set: segments, memtables and masks of one moment.
#[derive(Clone)]
pub struct View {
    segments: Arc<SegmentSet>,
    memtables: Vec<Arc<Memtable>>,
    masks: Arc<Masks>,
    clock: Arc<dyn Clock>,
    opened_ms: u64,
}

impl View {
    /// Pins a read set, from now on.
    #[must_use]
    pub fn open(
        segments: Arc<SegmentSet>,
        memtables: Vec<Arc<Memtable>>,
        masks: Arc<Masks>,
        clock: Arc<dyn Clock>,
    ) -> View {
        let opened_ms = clock.now_ms();
        View { segments, memtables, masks, clock, opened_ms }
    }

    /// Its segments.
    #[must_use]
    pub fn segments(&self) -> &SegmentSet {
        &self.segments
    }

    /// Its memtables: the one that takes batches, and those that are being flushed.
    #[must_use]
    pub fn memtables(&self) -> &[Arc<Memtable>] {
        &self.memtables
    }

    /// Its masks.
    #[must_use]
    pub fn masks(&self) -> &Masks {
        &self.masks
    }

    /// Says whether it may still be read.
    ///
    /// # Errors
    /// When it has been held for longer than `limits::VIEW_SECONDS`. A clock that was set back does not prolong its
    /// life by more than that.
    pub fn check(&self) -> Result<(), ViewExpired> {
        match self.clock.now_ms().abs_diff(self.opened_ms) > VIEW_SECONDS * 1_000 {
            true => Err(ViewExpired),
            false => Ok(()),
        }
    }
}
