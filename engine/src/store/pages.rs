//! Budgets of pages: how many a site may have, and how many new ones a day.
//!
//! Events beyond the budget are never dropped: they count on the page `host/(other)`.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, RandomState};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::model::{AsDrawn, Batch, Day, HourRow, PageLimits, PageRows, Row, SiteId, SiteMap};

/// Hosts of a site that get a page `host/(other)` of their own beyond the budget. Whoever may choose the host (a
/// site that names none) could else make pages without end.
const OTHER_HOSTS: u32 = 1_000;
/// The page of events whose host has no `host/(other)` any more.
const NO_HOST: &str = "(other)";

/// Remembers which pages each site has, as hashes; learns them from the store when it has to.
pub(super) struct PageBudgets {
    hasher: RandomState,
    most: usize,
    sites: Mutex<Sites>,
}

#[derive(Default)]
struct Sites {
    by_id: SiteMap<Arc<Mutex<SitePages>>>,
    /// Hashes in `by_id` when last counted, and uses since: what decides when to forget some.
    hashes: usize,
    uses: u64,
}

#[derive(Default)]
struct SitePages {
    /// Hashes of its pages; `None` until they are learnt, and after they were forgotten.
    known: Option<HashSet<u64, BuildHasherDefault<AsDrawn>>>,
    /// The day that `new` and `others` are of.
    day: Option<Day>,
    new: u32,
    others: u32,
    last_use: u64,
}

impl PageBudgets {
    /// Remembers at most about `most` pages.
    pub(super) fn new(most: usize) -> PageBudgets {
        PageBudgets { hasher: RandomState::new(), most, sites: Mutex::default() }
    }

    /// Moves rows of pages beyond the budget to `host/(other)`. Says how many events were moved.
    ///
    /// `today` is the site's. `learn` gives every page that the site has; it is asked once in a while.
    pub(super) fn fit(
        &self,
        batch: &mut Batch,
        limits: PageLimits,
        today: Day,
        learn: impl FnOnce(&mut dyn FnMut(&str)),
    ) -> u64 {
        let site = self.site(batch.site);
        let mut pages = site.lock();
        let before = pages.known.as_ref().map_or(0, HashSet::len);
        let SitePages { known, day, new, others, .. } = &mut *pages;
        let known = known.get_or_insert_with(|| {
            let mut known = HashSet::default();
            learn(&mut |page| {
                known.insert(self.hasher.hash_one(page));
            });
            known
        });
        if *day != Some(today) {
            (*day, *new, *others) = (Some(today), 0, 0);
        }
        let mut moved: Vec<PageRows> = Vec::new();
        batch.pages.retain_mut(|page| {
            let hash = self.hasher.hash_one(&*page.page);
            if known.contains(&hash) {
                return true;
            }
            if known.len() < limits.live as usize && *new < limits.new_a_day {
                *new += 1;
                known.insert(hash);
                return true;
            }
            let target = other_page(&page.page, |other| {
                let hash = self.hasher.hash_one(other);
                let fits = known.contains(&hash) || *others < OTHER_HOSTS;
                if fits && known.insert(hash) {
                    *others += 1;
                }
                fits
            });
            moved.push(PageRows {
                page: target,
                rows: std::mem::take(&mut page.rows),
                hours: std::mem::take(&mut page.hours),
            });
            false
        });
        let after = known.len();
        drop(pages);
        self.account(after.saturating_sub(before));
        let events = moved.iter().flat_map(|page| &page.rows).map(|row| u64::from(row.count)).sum();
        if !moved.is_empty() {
            add_pages(&mut batch.pages, moved);
        }
        events
    }

    /// Forgets every page, but not how many were new today: what a site has may have become less.
    pub(super) fn forget(&self) {
        let mut sites = self.sites.lock();
        sites.hashes = 0;
        for site in sites.by_id.values() {
            site.lock().known = None;
        }
    }

    fn site(&self, id: SiteId) -> Arc<Mutex<SitePages>> {
        let mut sites = self.sites.lock();
        sites.uses += 1;
        let uses = sites.uses;
        let site = Arc::clone(sites.by_id.entry(id).or_default());
        drop(sites);
        site.lock().last_use = uses;
        site
    }

    /// Counts hashes that were added; forgets the sites that were not used for longest when there are too many.
    fn account(&self, added: usize) {
        if added == 0 {
            return;
        }
        let mut sites = self.sites.lock();
        sites.hashes += added;
        if sites.hashes <= self.most {
            return;
        }
        let mut by_use: Vec<_> = sites
            .by_id
            .values()
            .map(|site| {
                let pages = site.lock();
                (pages.last_use, pages.known.as_ref().map_or(0, HashSet::len), Arc::clone(site))
            })
            .collect();
        by_use.sort_unstable_by_key(|(last_use, _, _)| *last_use);
        let mut left: usize = by_use.iter().map(|(_, hashes, _)| hashes).sum();
        for (_, hashes, site) in by_use {
            if left <= self.most / 4 * 3 {
                break;
            }
            site.lock().known = None;
            left -= hashes;
        }
        sites.hashes = left;
    }
}

/// `host/(other)` of a page, if that `fits`.
fn other_page(page: &str, fits: impl FnOnce(&str) -> bool) -> Box<str> {
    let host = page.split('/').next().unwrap_or_default();
    let other = format!("{host}/{NO_HOST}");
    if fits(&other) { other.into() } else { NO_HOST.into() }
}

/// Adds pages to sorted ones, of which they may repeat some.
fn add_pages(pages: &mut Vec<PageRows>, moved: Vec<PageRows>) {
    pages.extend(moved);
    pages.sort_by(|a, b| a.page.cmp(&b.page));
    let mut touched = Vec::new();
    pages.dedup_by(|page, kept| {
        let same = page.page == kept.page;
        if same {
            kept.rows.append(&mut page.rows);
            kept.hours.append(&mut page.hours);
            touched.push(kept.page.clone());
        }
        same
    });
    for page in pages.iter_mut().filter(|page| touched.contains(&page.page)) {
        Row::sum(&mut page.rows);
        HourRow::sum(&mut page.hours);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BatchBuilder, Cell, Country, Event, HourOfSite, Kind, Viewport};

    const TODAY: Day = Day::FIRST;

    fn batch(site: u64, pages: &[&str]) -> Batch {
        let mut builder = BatchBuilder::new(SiteId(site));
        for page in pages {
            let event = Event {
                kind: Kind::Click,
                viewport: Viewport::of_px(1_440),
                fixed: false,
                cell: Cell::ORIGIN,
                hour: HourOfSite::new(TODAY, 7),
                country: Country::ZZ,
                count: 1,
            };
            builder.add(page, event).unwrap();
        }
        builder.build(None, None)
    }

    /// Pages of a batch after the budget, each with its events.
    fn fitted(
        budgets: &PageBudgets,
        pages: &[&str],
        limits: (u32, u32),
        today: Day,
    ) -> Vec<(String, u64, u64)> {
        let mut batch = batch(1, pages);
        let limits = PageLimits { new_a_day: limits.0, live: limits.1 };
        budgets.fit(&mut batch, limits, today, |page| page("a/old"));
        let events = |page: &PageRows| page.rows.iter().map(|row| u64::from(row.count)).sum();
        let hours = |page: &PageRows| page.hours.iter().map(|hour| hour.count).sum();
        batch.pages.iter().map(|page| (page.page.to_string(), events(page), hours(page))).collect()
    }

    #[test]
    fn pages_beyond_the_days_budget_count_on_other_until_tomorrow() {
        let budgets = PageBudgets::new(100);
        let got = fitted(&budgets, &["a/1", "a/2", "a/3", "a/3", "a/old", "b/1"], (2, 100), TODAY);
        let expected =
            [("a/(other)", 2, 2), ("a/1", 1, 1), ("a/2", 1, 1), ("a/old", 1, 1), ("b/(other)", 1, 1)];
        assert_eq!(got, expected.map(|(page, events, hours)| (page.to_owned(), events, hours)));
        assert_eq!(fitted(&budgets, &["a/3"], (2, 100), TODAY)[0].0, "a/(other)");
        assert_eq!(fitted(&budgets, &["a/3"], (2, 100), TODAY.plus(1))[0].0, "a/3");
    }

    #[test]
    fn live_pages_are_bounded_and_known_ones_stay() {
        let budgets = PageBudgets::new(100);
        let got = fitted(&budgets, &["a/1", "a/2", "a/3"], (100, 3), TODAY);
        assert_eq!(got.iter().map(|page| &*page.0).collect::<Vec<_>>(), ["a/(other)", "a/1", "a/2"]);
        assert_eq!(fitted(&budgets, &["a/1"], (0, 0), TODAY)[0].0, "a/1");
        assert_eq!(fitted(&budgets, &["a/(other)"], (0, 0), TODAY)[0].0, "a/(other)");
    }

    #[test]
    fn rows_that_meet_on_other_are_summed() {
        let budgets = PageBudgets::new(100);
        let mut batch = batch(1, &["a/(other)", "a/1", "a/2"]);
        let moved = budgets.fit(&mut batch, PageLimits { new_a_day: 1, live: 100 }, TODAY, |_| {});
        assert_eq!((moved, batch.pages.len(), batch.events), (2, 1, 3));
        assert_eq!((batch.pages[0].rows[0].count, batch.pages[0].hours[0].count), (3, 3));
    }

    #[test]
    fn hosts_without_end_end_on_one_page() {
        let budgets = PageBudgets::new(100_000);
        let hosts: Vec<String> = (0..OTHER_HOSTS + 2).map(|host| format!("h{host:05}/")).collect();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        let got = fitted(&budgets, &hosts, (0, 0), TODAY);
        assert_eq!(got.len(), OTHER_HOSTS as usize + 1);
        assert_eq!(got[0], ("(other)".to_owned(), 2, 2));
    }

    #[test]
    fn what_is_forgotten_is_learnt_again_but_todays_count_stays() {
        let budgets = PageBudgets::new(10);
        let limits = PageLimits { new_a_day: 8, live: 100 };
        for site in 0..50 {
            let moved = budgets.fit(&mut batch(site, &["a/1", "a/2", "a/3", "a/4"]), limits, TODAY, |_| {});
            assert_eq!(moved, 0);
        }
        assert!(budgets.sites.lock().hashes <= 10);
        let mut learnt = false;
        let moved = budgets.fit(&mut batch(0, &["a/5", "a/6", "a/7", "a/8", "a/9"]), limits, TODAY, |page| {
            learnt = true;
            page("a/1");
        });
        assert!(learnt);
        assert_eq!(moved, 1, "four were new before they were forgotten");
    }
}
