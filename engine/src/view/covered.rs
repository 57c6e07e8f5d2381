//! What tombstones cover of a site in one segment: found once, and not again by each query.
//!
//! A page is told by the hash of its text. A question about a whole site would else hash each of its pages, and read the
//! rows of each that is covered, for as long as the erasure is open.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::model::{Country, Cover, Device, Kind, MaskRules};
use crate::segment::{Extent, PageIndex, SegmentError};

/// Segments of a site of which something is remembered: more than compaction leaves of a year. When there are more, all
/// is found again.
const SEGMENTS: usize = 64;

/// Events that tombstones of pages cover.
#[derive(Debug, Default)]
pub struct CoveredSums {
    by_place: HashMap<(u8, Kind, Device, Country, bool), u64>,
    countries: HashMap<Country, u64>,
}

impl CoveredSums {
    /// Adds events of a day of the month (0 to 30), of a kind, device and country, and of a fixed target or another.
    pub fn add(&mut self, place: (u8, Kind, Device, Country, bool), events: u64) {
        *self.by_place.entry(place).or_insert(0) += events;
        *self.countries.entry(place.3).or_insert(0) += events;
    }

    /// Every sum, in no order.
    pub fn each(&self) -> impl Iterator<Item = (&(u8, Kind, Device, Country, bool), u64)> {
        self.by_place.iter().map(|(place, events)| (place, *events))
    }

    /// Those of a country.
    #[must_use]
    pub fn of_country(&self, country: Country) -> u64 {
        self.countries.get(&country).copied().unwrap_or(0)
    }
}

/// What tombstones that name pages cover of a site in one segment.
#[derive(Debug, Default)]
pub struct Covered {
    pages: HashMap<u32, Box<[Cover]>>,
    sums: OnceLock<CoveredSums>,
}

impl Covered {
    /// Looks at every page of an extent.
    ///
    /// # Errors
    /// When its page dictionary is damaged.
    pub fn find(extent: &Extent<'_>, rules: &MaskRules) -> Result<Covered, SegmentError> {
        let mut covered = Covered::default();
        if rules.name_pages() {
            for page in extent.all_pages() {
                let covers = rules.naming(extent.page_text(page)?);
                if !covers.is_empty() {
                    covered.pages.insert(page.0, covers.into());
                }
            }
        }
        Ok(covered)
    }

    /// What tombstones that name a page cover of it.
    #[must_use]
    pub fn naming(&self, page: PageIndex) -> &[Cover] {
        self.pages.get(&page.0).map_or(&[], |covers| covers)
    }

    /// The pages that any tombstone names, in no order.
    pub fn pages(&self) -> impl Iterator<Item = PageIndex> {
        self.pages.keys().map(|page| PageIndex(*page))
    }

    /// What they cover in all, if somebody has worked it out.
    #[must_use]
    pub fn sums(&self) -> Option<&CoveredSums> {
        self.sums.get()
    }

    /// Remembers what they cover in all.
    pub fn know_sums(&self, sums: CoveredSums) -> &CoveredSums {
        self.sums.get_or_init(|| sums)
    }
}

/// What was found of one site, by number of the segment.
#[derive(Debug, Default)]
pub(super) struct Memo(Mutex<HashMap<u64, Arc<Covered>>>);

impl Memo {
    pub(super) fn get(&self, segment: u64) -> Option<Arc<Covered>> {
        self.0.lock().get(&segment).cloned()
    }

    pub(super) fn put(&self, segment: u64, found: &Arc<Covered>) {
        let mut known = self.0.lock();
        if known.len() >= SEGMENTS {
            known.clear();
        }
        known.insert(segment, Arc::clone(found));
    }
}
