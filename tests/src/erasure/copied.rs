//! One copy of the data in plain maps, and what erasures mask of it that may yet be called off.

use heatgrid_engine::model::{CopyName, Cover};

use super::held::{Erased, Open, events};
use crate::crash::expected::{Expected, GRACE_DAYS};
use crate::truth::Counts;
use crate::world::World;

/// What is live, or what a snapshot or a backup has.
#[derive(Clone)]
pub(super) struct Copied {
    /// `None` of what is live, and of a snapshot that nobody asked for: of the present before a restore, or of a backup
    /// that was cut off.
    pub(super) name: Option<CopyName>,
    pub(super) live: Expected,
    /// What erasures mask that the files of this copy still have, each under the first that masks it.
    masked: Vec<(Erased, Counts)>,
}

impl Copied {
    pub(super) fn of(live: Expected) -> Copied {
        Copied { name: None, live, masked: Vec::new() }
    }

    /// The same under another name.
    pub(super) fn named(&self, name: Option<CopyName>) -> Copied {
        Copied { name, ..self.clone() }
    }

    /// Events of all sites.
    pub(super) fn events(&self) -> u64 {
        events(&self.live.world)
    }

    pub(super) fn change(&mut self, change: impl FnOnce(&mut World)) {
        let mut world = self.live.world.clone();
        change(&mut world);
        self.live = Expected::new(world, self.live.sent);
    }

    /// Everything is in files from now on; no answer changes by it.
    pub(super) fn flush(&mut self) {
        self.live.world.flush();
    }

    pub(super) fn erase(&mut self, erased: Erased, names: impl Fn(&str) -> bool, cover: &Cover) {
        let mut masked = Counts::default();
        self.change(|world| masked = world.sites[erased.site].erase(names, cover));
        self.masked.push((erased, masked));
    }

    /// Shows what an erasure masks, but for what one of the later ones masks as well.
    pub(super) fn show_again(&mut self, cancelled: Erased, later: &[Open]) {
        let mut shown = self.unmask(cancelled);
        for open in later.iter().filter(|open| open.erased.site == cancelled.site) {
            let mut masked = self.unmask(open.erased);
            masked.add(shown.take(|page| open.names(page), open.cover()));
            self.masked.push((open.erased, masked));
        }
        self.change(|world| world.sites[cancelled.site].show_again(shown));
    }

    /// Takes out what one erasure masks.
    fn unmask(&mut self, erased: Erased) -> Counts {
        self.masked
            .extract_if(.., |(of, _)| *of == erased)
            .map(|(_, masked)| masked)
            .next()
            .unwrap_or_default()
    }

    /// Closed months are merged.
    pub(super) fn compact(&mut self) {
        let (masked, mut months) = (self.masked_by_site(), Vec::new());
        self.change(|world| months = world.compact(GRACE_DAYS, &masked));
        for (_, masked) in &mut self.masked {
            months.iter().for_each(|month| masked.take_month(*month));
        }
    }

    /// Every world that a compaction may leave that was stopped between two months.
    pub(super) fn partly_compacted(&self) -> Vec<World> {
        self.live.world.partly_compacted(GRACE_DAYS, &self.masked_by_site())
    }

    fn masked_by_site(&self) -> Vec<Counts> {
        let mut sites = vec![Counts::default(); self.live.world.sites.len()];
        self.masked.iter().for_each(|(erased, masked)| sites[erased.site].add(masked.clone()));
        sites
    }

    /// No file has anything any more that is masked.
    pub(super) fn forget_masked(&mut self) {
        self.masked.clear();
    }
}
