//! What a store must look like from outside: its sites' plain maps, what it must recognise when it is told again, and
//! the time.

use std::collections::{BTreeMap, BTreeSet};

use heatgrid_engine::model::{Day, Event, Month, SiteSettings};

use crate::truth::{Counts, Question, SiteTruth, Told};

/// How long a batch id is recognised.
const IDS_MS: u64 = 600_000;
/// How long an idempotency key is recognised.
const KEYS_MS: u64 = 86_400_000;
const DAY_MS: u64 = 86_400_000;

/// A batch as a client sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Place of its site in the world's list.
    pub(crate) site: usize,
    pub(crate) events: Vec<(String, Event)>,
    pub(crate) id: Option<u8>,
    /// Idempotency key, and which body it stands for.
    pub(crate) key: Option<(u8, u8)>,
}

/// What the store must say to a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receipt {
    Stored,
    Repeated,
    /// The same key with another body.
    Conflict,
}

/// Everything that a store was told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct World {
    pub(crate) now_ms: u64,
    pub(crate) sites: Vec<SiteTruth>,
    /// When ids were told, by site.
    ids: BTreeMap<(usize, u8), u64>,
    /// Bodies that keys stand for, and when they were told, by site.
    keys: BTreeMap<(usize, u8), (u8, u64)>,
    /// Months with segments that were not merged as a whole since the month closed.
    unsettled: BTreeSet<Month>,
    /// Sites that are closed: they take nothing, answer nothing, and may be opened again.
    closed: BTreeSet<usize>,
    /// Those of them that are gone for good.
    gone: BTreeSet<usize>,
}

impl World {
    pub(crate) fn new(now_ms: u64) -> World {
        World {
            now_ms,
            sites: Vec::new(),
            ids: BTreeMap::new(),
            keys: BTreeMap::new(),
            unsettled: BTreeSet::new(),
            closed: BTreeSet::new(),
            gone: BTreeSet::new(),
        }
    }

    pub(crate) fn add_site(&mut self, settings: SiteSettings) {
        self.sites.push(SiteTruth::new(settings));
    }

    pub(crate) fn is_closed(&self, site: usize) -> bool {
        self.closed.contains(&site)
    }

    /// Whether a site is gone for good.
    pub(crate) fn is_gone(&self, site: usize) -> bool {
        self.gone.contains(&site)
    }

    /// Whether anything is in no segment yet.
    pub(crate) fn is_in_memory(&self) -> bool {
        self.sites.iter().any(SiteTruth::is_in_memory)
    }

    /// Closes a site.
    pub(crate) fn close(&mut self, site: usize) {
        self.closed.insert(site);
    }

    /// Opens every closed site that is not gone.
    pub(crate) fn open_again(&mut self) {
        self.closed.clone_from(&self.gone);
    }

    /// Removes all that a closed site has.
    pub(crate) fn remove(&mut self, site: usize) {
        self.sites[site] = SiteTruth::new(self.sites[site].settings.clone());
        self.close(site);
        self.gone.insert(site);
    }

    /// Takes the data of another world. Which sites there are is no data.
    pub(crate) fn restore(&mut self, past: &World) {
        let (closed, gone) = (self.closed.clone(), self.gone.clone());
        *self = World { closed, gone, ..past.clone() };
    }

    /// How many sites a store may know: those that are being removed may be there or not.
    pub(crate) fn known_sites(&self) -> std::ops::RangeInclusive<usize> {
        self.sites.len() - self.closed.len()..=self.sites.len() - self.gone.len()
    }

    pub(crate) fn today(&self, site: usize) -> Day {
        self.sites[site].settings.day_at(self.now_ms)
    }

    /// What the store must say to a batch, and what it holds from then on.
    pub(crate) fn append(&mut self, sent: &Sent) -> Receipt {
        let receipt = self.receipt(sent);
        if receipt == Receipt::Stored {
            let site = &mut self.sites[sent.site];
            sent.events.iter().for_each(|(page, event)| site.count(page, event));
            if let Some(id) = sent.id {
                self.ids.insert((sent.site, id), self.now_ms);
            }
            if let Some((key, body)) = sent.key {
                self.keys.insert((sent.site, key), (body, self.now_ms));
            }
        }
        receipt
    }

    /// What the store must say to a batch.
    pub(crate) fn receipt(&self, sent: &Sent) -> Receipt {
        let key = sent.key.and_then(|(key, body)| Some((self.keys.get(&(sent.site, key))?, body)));
        match key {
            Some(((told, at_ms), body)) if self.now_ms - at_ms < KEYS_MS => {
                if *told == body {
                    Receipt::Repeated
                } else {
                    Receipt::Conflict
                }
            }
            _ if self.knows_id(sent) => Receipt::Repeated,
            _ => Receipt::Stored,
        }
    }

    fn knows_id(&self, sent: &Sent) -> bool {
        let told = sent.id.and_then(|id| self.ids.get(&(sent.site, id)));
        told.is_some_and(|at_ms| self.now_ms - at_ms < IDS_MS)
    }

    /// Everything is in segments from now on.
    pub(crate) fn flush(&mut self) {
        for site in &mut self.sites {
            self.unsettled.extend(site.flush());
        }
    }

    /// Closed months that are not settled become so: rare countries of what is in segments are recoded for good. `masked`
    /// is what of each site segments hold beside that. Gives the months.
    pub(crate) fn compact(&mut self, grace_days: u32, masked: &[Counts]) -> Vec<Month> {
        let months = self.unsettled_and_closed(grace_days);
        months.iter().for_each(|month| self.settle(*month, masked));
        months
    }

    /// Every world that a compaction may leave that was stopped between two months.
    pub(crate) fn partly_compacted(&self, grace_days: u32, masked: &[Counts]) -> Vec<World> {
        let mut worlds = vec![self.clone()];
        for month in self.unsettled_and_closed(grace_days) {
            for place in 0..worlds.len() {
                let mut world = worlds[place].clone();
                world.settle(month, masked);
                worlds.push(world);
            }
        }
        worlds
    }

    fn unsettled_and_closed(&self, grace_days: u32) -> Vec<Month> {
        self.unsettled.iter().copied().filter(|month| closed(*month, self.now_ms, grace_days)).collect()
    }

    fn settle(&mut self, month: Month, masked: &[Counts]) {
        self.unsettled.remove(&month);
        let nothing = Counts::default();
        for place in 0..self.sites.len() {
            let today = self.today(place);
            self.sites[place].recode(today, month, masked.get(place).unwrap_or(&nothing));
        }
    }

    pub(crate) fn answer(&self, site: usize, question: &Question) -> Told {
        self.sites[site].answer(self.today(site), question)
    }
}

/// Whether a month is over in every zone, the westernmost being 12 hours behind, and `grace_days` more have passed.
fn closed(month: Month, now_ms: u64, grace_days: u32) -> bool {
    let end_ms = u64::from(month.days().to.number()) * DAY_MS;
    now_ms >= end_ms + DAY_MS / 2 + u64::from(grace_days) * DAY_MS
}
