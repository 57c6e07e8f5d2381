//! What a store must hold, in every copy: what is live, what snapshots list, and what is backed up.

use std::collections::BTreeSet;

use heatgrid_engine::model::{CopyName, Cover, ErasureRequest, NamedPages, SiteId, SiteSettings};

use super::copied::Copied;
use super::script::{Op, Selector, batch};
use crate::crash::expected::Expected;
use crate::crash::script::BEGINS_MS;
use crate::truth::{AskPages, SiteTruth};
use crate::world::{Receipt, Sent, World};

/// The neighbour: the site that is deleted.
pub(super) const NEIGHBOUR: usize = 1;

/// A store and its copies, in plain maps.
#[derive(Clone)]
pub(super) struct Held {
    /// What is live, and what it must answer.
    pub(super) live: Copied,
    pub(super) snapshots: Vec<Copied>,
    pub(super) backups: Vec<Copied>,
    /// Of each site, for each of its erasures, the pages that it has left nowhere.
    pub(super) erasures: Vec<Vec<BTreeSet<String>>>,
    /// Erasures that can be called off as if they had never been, but for what was in memory; the oldest first.
    pub(super) open: Vec<Open>,
    /// Erasures of data that are neither certified nor called off.
    pub(super) due: usize,
    /// Erasures that were called off, of data and of sites.
    pub(super) called_off: usize,
    /// What takes no more events, and for which erasure of its site.
    pub(super) blocked: Vec<(Erased, NamedPages)>,
    /// Names that copies were given, or may have been.
    named: usize,
}

/// An erasure: of which site, and the how manieth of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Erased {
    pub(super) site: usize,
    pub(super) nth: usize,
}

/// An erasure that has taken nothing out of files yet.
#[derive(Clone)]
pub(super) struct Open {
    pub(super) erased: Erased,
    pages: NamedPages,
    cover: Cover,
    /// Live events that it took out of every answer.
    pub(super) matched: u64,
}

impl Open {
    /// Whether it names a page.
    pub(super) fn names(&self, page: &str) -> bool {
        names(&self.pages, page)
    }

    pub(super) fn cover(&self) -> &Cover {
        &self.cover
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
    /// Two sites of these settings, and nothing else.
    pub(super) fn nothing(settings: impl Fn(usize) -> SiteSettings) -> Held {
        let mut world = World::new(BEGINS_MS);
        (0..2).for_each(|place| world.add_site(settings(place)));
        Held {
            live: Copied::of(Expected::new(world, 0)),
            snapshots: Vec::new(),
            backups: Vec::new(),
            erasures: vec![Vec::new(); 2],
            open: Vec::new(),
            due: 0,
            called_off: 0,
            blocked: Vec::new(),
            named: 0,
        }
    }

    /// What is live.
    pub(super) fn world(&self) -> &World {
        &self.live.live.world
    }

    /// Whether the neighbour is closed and may be opened again.
    pub(super) fn is_deleting(&self) -> bool {
        self.world().is_closed(NEIGHBOUR) && !self.world().is_gone(NEIGHBOUR)
    }

    /// Batches that were sent.
    pub(super) fn sent(&self) -> usize {
        self.live.live.sent
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

    /// The batch that `op` sends, and what of it is taken: nothing of a site that is closed, and no event of a page that
    /// is blocked.
    pub(super) fn sends(&self, op: Op) -> Option<(Sent, Sent)> {
        let sent = batch(op, self.sent(), self.world())?;
        let mut taken = sent.clone();
        let is_blocked = |page: &str| {
            self.blocked.iter().any(|(erased, pages)| erased.site == sent.site && names(pages, page))
        };
        taken.events.retain(|(page, _)| !self.world().is_closed(sent.site) && !is_blocked(page));
        Some((sent, taken))
    }

    /// After `op`, which went well.
    pub(super) fn after(&self, op: Op) -> Held {
        let mut held = self.clone();
        match op {
            Op::Append | Op::AppendOther | Op::AppendLarge => {
                let (_, taken) = self.sends(op).expect("a batch");
                held.live.change(|world| assert_eq!(world.append(&taken), Receipt::Stored));
                held.live.live.sent += 1;
            }
            Op::Flush => held.live.flush(),
            Op::Compact => {
                held.live.compact();
                // What is masked in a month that was merged is gone.
                held.open.clear();
            }
            Op::Reopen => {}
            Op::Snapshot | Op::BackUp => {
                held.live.flush();
                let copy = held.live.named(Some(self.next_name()));
                let copies = if op == Op::Snapshot { &mut held.snapshots } else { &mut held.backups };
                copies.push(copy);
                held.named += 1;
            }
            Op::DeleteSnapshot => {
                if let Some(newest) = self.newest() {
                    held.snapshots.retain(|copy| copy.name != Some(newest));
                }
            }
            Op::Restore | Op::RestoreSite => {
                if let Some(oldest) = self.oldest().cloned() {
                    held.restore(&oldest, op == Op::RestoreSite);
                }
            }
            Op::Erase(selector) => held.erase(selector),
            Op::Cancel => held.cancel(),
            Op::DeleteSite => held.delete_site(),
            Op::CancelDeletion => {
                held.live.change(World::open_again);
                held.called_off += usize::from(self.is_deleting());
            }
            Op::PurgeInGrace if self.due > 0 => held.purge(),
            Op::Purge if self.due > 0 || self.is_deleting() => {
                if self.is_deleting() {
                    held.each_copy(|copy| copy.change(|world| world.remove(NEIGHBOUR)));
                }
                held.purge();
            }
            // With nothing to go, memory stays as it is too.
            Op::PurgeInGrace | Op::Purge => {}
        }
        held
    }

    fn each_copy(&mut self, mut change: impl FnMut(&mut Copied)) {
        let copies = self.snapshots.iter_mut().chain(&mut self.backups);
        copies.chain([&mut self.live]).for_each(&mut change);
    }

    fn restore(&mut self, oldest: &Copied, site_alone: bool) {
        self.live.flush();
        let present = self.live.named(None);
        self.live.change(|world| match site_alone {
            true => world.sites[0] = oldest.live.world.sites[0].clone(),
            false => world.restore(&oldest.live.world),
        });
        self.snapshots.push(present);
        self.take_from_files();
    }

    fn erase(&mut self, selector: Selector) {
        let ErasureRequest { pages, cover, block, .. } =
            selector.request(SiteId(0), self.world(), self.sent());
        let site = selector.site();
        if self.world().is_closed(site) {
            return;
        }
        let (before, events_before) = (self.pages(site), self.live.events());
        let erased = Erased { site, nth: self.erasures[site].len() };
        self.each_copy(|copy| copy.erase(erased, |page| names(&pages, page), &cover));
        let (after, matched) = (self.pages(site), events_before - self.live.events());
        self.erasures[site].push(before.difference(&after).cloned().collect());
        if block {
            self.blocked.push((erased, pages.clone()));
        }
        self.due += 1;
        self.open.push(Open { erased, pages, cover, matched });
    }

    /// Calls the oldest erasure off. What others cover as well stays away.
    fn cancel(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let cancelled = self.open.remove(0);
        (self.due, self.called_off) = (self.due - 1, self.called_off + 1);
        let later = self.open.clone();
        self.each_copy(|copy| copy.show_again(cancelled.erased, &later));
        // Of a page of which each of several took a part, the last one had left nothing, and it is there again.
        let (site, shown) = (cancelled.erased.site, self.pages(cancelled.erased.site));
        self.erasures[site]
            .iter_mut()
            .for_each(|left_nowhere| left_nowhere.retain(|page| !shown.contains(page)));
        self.blocked.retain(|(erased, _)| *erased != cancelled.erased);
    }

    fn delete_site(&mut self) {
        if self.world().is_closed(NEIGHBOUR) {
            return;
        }
        let pages = self.pages(NEIGHBOUR);
        self.erasures[NEIGHBOUR].push(pages);
        self.live.change(|world| world.close(NEIGHBOUR));
    }

    /// What waits to go has begun to leave files, so that it cannot be called off any more.
    fn take_from_files(&mut self) {
        self.open.clear();
        self.each_copy(Copied::forget_masked);
    }

    fn purge(&mut self) {
        self.live.flush();
        self.take_from_files();
        self.due = 0;
    }

    /// Every page that a site has anywhere.
    fn pages(&self, site: usize) -> BTreeSet<String> {
        let copies = self.snapshots.iter().chain(&self.backups).chain([&self.live]);
        copies.flat_map(|copy| copy.live.world.sites[site].pages()).map(str::to_string).collect()
    }

    /// What a store may hold when `op` was begun and not answered.
    pub(super) fn amid(&self, op: Op) -> Vec<Held> {
        let (mut before, mut after) = (self.clone(), self.after(op));
        match op {
            Op::Reopen => return vec![before],
            // Month by month.
            Op::Compact => {
                let worlds = self.live.partly_compacted();
                let partly = |world: World| {
                    let mut held = after.clone();
                    held.live.change(|live| *live = world);
                    held
                };
                return worlds.into_iter().map(partly).collect();
            }
            Op::BackUp => {
                // The snapshot that it reads from may be there still.
                let left = after.live.named(None);
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
