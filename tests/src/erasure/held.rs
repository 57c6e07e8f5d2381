//! What a store must hold, in every copy: what is live, what snapshots list, and what is backed up.

use std::collections::BTreeSet;

use heatgrid_engine::model::{CopyName, NamedPages, SiteId};

use super::script::{Op, Selector, batch, exact_settings};
use crate::crash::expected::Expected;
use crate::crash::script::BEGINS_MS;
use crate::truth::{AskPages, SiteTruth};
use crate::world::World;

/// A store and its copies, in plain maps.
#[derive(Clone)]
pub(super) struct Held {
    /// What is live, and what it must answer.
    pub(super) live: Expected,
    pub(super) snapshots: Vec<Copied>,
    pub(super) backups: Vec<Copied>,
    /// Of each site, for each of its erasures, the pages that it has left nowhere.
    pub(super) erasures: Vec<Vec<BTreeSet<String>>>,
    /// Names that copies were given, or may have been.
    named: usize,
}

/// What a snapshot or a backup has.
#[derive(Clone)]
pub(super) struct Copied {
    /// `None` of a snapshot that nobody asked for: of the present before a restore, or of a backup that was cut off.
    pub(super) name: Option<CopyName>,
    pub(super) live: Expected,
}

impl Copied {
    /// Events of all sites.
    pub(super) fn events(&self) -> u64 {
        events(&self.live.world)
    }
}

pub(super) fn events(world: &World) -> u64 {
    let of_site = |(place, site): (usize, &SiteTruth)| site.events(world.today(place), |_| true);
    world.sites.iter().enumerate().map(of_site).sum()
}

/// Whether a page is named.
fn names(pages: &NamedPages, page: &str) -> bool {
    match pages {
        NamedPages::All => true,
        NamedPages::Page(text) => **text == *page,
        NamedPages::Prefix(text) => page.starts_with(&**text),
        NamedPages::Pattern(text) => AskPages::Pattern(text.to_string()).matches(page),
    }
}

impl Held {
    /// Two sites, and nothing else.
    pub(super) fn nothing() -> Held {
        let mut world = World::new(BEGINS_MS);
        (0..2).for_each(|place| world.add_site(exact_settings(place)));
        Held {
            live: Expected::new(world, 0),
            snapshots: Vec::new(),
            backups: Vec::new(),
            erasures: vec![Vec::new(); 2],
            named: 0,
        }
    }

    /// The name that the next copy is given.
    pub(super) fn next_name(&self) -> CopyName {
        CopyName::new(&format!("copy-{}", self.named)).expect("a name")
    }

    /// The oldest snapshot that somebody asked for.
    pub(super) fn oldest(&self) -> Option<&Copied> {
        self.snapshots.iter().find(|copy| copy.name.is_some())
    }

    /// The newest of them.
    pub(super) fn newest(&self) -> Option<CopyName> {
        self.snapshots.iter().rev().find_map(|copy| copy.name)
    }

    /// After `op`, which went well.
    pub(super) fn after(&self, op: Op) -> Held {
        let mut held = self.clone();
        let present = |name| Copied { name, live: self.live.clone() };
        match op {
            Op::Append | Op::AppendOther | Op::AppendLarge => {
                let mut world = self.live.world.clone();
                let sent = batch(op, self.live.sent, &world).expect("a batch");
                world.append(&sent);
                held.live = Expected::new(world, self.live.sent + 1);
            }
            Op::Flush | Op::Compact | Op::Reopen | Op::Purge => {}
            Op::Snapshot => {
                held.snapshots.push(present(Some(self.next_name())));
                held.named += 1;
            }
            Op::DeleteSnapshot => {
                if let Some(newest) = self.newest() {
                    held.snapshots.retain(|copy| copy.name != Some(newest));
                }
            }
            Op::Restore => {
                if let Some(oldest) = self.oldest() {
                    held.live = Expected::new(oldest.live.world.clone(), self.live.sent);
                    held.snapshots.push(present(None));
                }
            }
            Op::RestoreSite => {
                if let Some(oldest) = self.oldest() {
                    let mut world = self.live.world.clone();
                    world.sites[0] = oldest.live.world.sites[0].clone();
                    held.live = Expected::new(world, self.live.sent);
                    held.snapshots.push(present(None));
                }
            }
            Op::BackUp => {
                held.backups.push(present(Some(self.next_name())));
                held.named += 1;
            }
            Op::Erase(selector) => held.erase(selector),
        }
        held
    }

    fn erase(&mut self, selector: Selector) {
        let (site, sent) = (selector.site(), self.live.sent);
        let request = selector.request(SiteId(0), &self.live.world, sent);
        let before = self.pages(site);
        let copies = self.snapshots.iter_mut().chain(&mut self.backups).map(|copy| &mut copy.live);
        for live in copies.chain([&mut self.live]) {
            let mut world = live.world.clone();
            world.sites[site].erase(|page| names(&request.pages, page), &request.cover);
            *live = Expected::new(world, live.sent);
        }
        let after = self.pages(site);
        self.erasures[site].push(before.difference(&after).cloned().collect());
    }

    /// Every page that a site has anywhere.
    fn pages(&self, site: usize) -> BTreeSet<String> {
        let copies = self.snapshots.iter().chain(&self.backups).map(|copy| &copy.live).chain([&self.live]);
        copies.flat_map(|live| live.world.sites[site].pages()).map(str::to_string).collect()
    }

    /// What a store may hold when `op` was begun and not answered.
    pub(super) fn amid(&self, op: Op) -> Vec<Held> {
        let mut before = self.clone();
        let mut after = self.after(op);
        match op {
            Op::Flush | Op::Compact | Op::Reopen | Op::Purge => return vec![before],
            Op::BackUp => {
                // The snapshot that it reads from may be there still.
                let left = Copied { name: None, live: self.live.clone() };
                before.snapshots.push(left.clone());
                after.snapshots.push(left);
            }
            _ => {}
        }
        // A name that was used up may be taken.
        before.named = after.named;
        vec![before, after]
    }
}
