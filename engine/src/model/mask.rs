//! Masks: what a reader and a merge leave out of a site.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Country, Day, DayRange, Month, Seq, SiteId, TextHash, TextHasher};

/// What of one site is left out: by age, and by rules. Given per input, because a rule covers only what was written before it.
#[derive(Clone, Debug)]
pub struct SiteMask {
    /// Cells, totals and roll-ups of earlier days are left out (retention).
    pub days_from: Day,
    /// Hour totals of earlier days are left out (`hourly_days`).
    pub hours_from: Day,
    /// What else is left out.
    pub rules: MaskRules,
}

/// Rows of these pages, on these days, from this country (any, if none is named).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskRule {
    /// Which pages.
    pub pages: PageSelection,
    /// Of these pages.
    pub cover: Cover,
}

/// What a rule covers of its pages.
///
/// Hour totals have no country: a rule with a country covers all hour totals of its pages and days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cover {
    /// Which days.
    pub days: DayRange,
    /// Which country, as it is stored; `None` is every one.
    pub country: Option<Country>,
}

impl Cover {
    /// Every day and country.
    pub const ALL: Cover = Cover { days: DayRange::ALL, country: None };
}

/// Which pages of a site a rule covers, by the hashes of their text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageSelection {
    /// Every page.
    All,
    /// The pages of exactly these texts.
    Pages(Vec<TextHash>),
    /// Pages whose text begins with this, which ends with `/`.
    Prefix(TextHash),
}

/// A rule over everything of a site that was written up to a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// The last batch it covers.
    pub through: Seq,
    /// What it covers.
    pub rule: MaskRule,
}

impl Tombstone {
    /// Up to which batch every tombstone has been applied to a file whose last one is `seq_hi`.
    ///
    /// A tombstone that covers only batches before that was made when the last one did not exist: before the file was
    /// begun, and whoever writes a file applies all there are by then. One that covers the whole file may have come
    /// while it was written; to apply it again takes nothing else away.
    #[must_use]
    pub fn applied_before(seq_hi: Seq) -> Seq {
        Seq(seq_hi.0.saturating_sub(1))
    }
}

/// The tombstones of one site, found by page: ten thousand of them cost a page that none covers no more than one does.
#[derive(Clone, Debug)]
pub struct RuleIndex {
    site: SiteId,
    hasher: TextHasher,
    every_page: Vec<(Seq, Cover)>,
    pages: HashMap<TextHash, Vec<(Seq, Cover)>>,
    prefixes: HashMap<TextHash, Vec<(Seq, Cover)>>,
    /// The last batch that any of them covers, and any that names pages.
    newest: Seq,
    newest_named: Seq,
}

impl RuleIndex {
    /// No tombstones of a site, whose pages are hashed so.
    #[must_use]
    pub fn new(site: SiteId, hasher: TextHasher) -> RuleIndex {
        RuleIndex {
            site,
            hasher,
            every_page: Vec::new(),
            pages: HashMap::new(),
            prefixes: HashMap::new(),
            newest: Seq(0),
            newest_named: Seq(0),
        }
    }

    /// Adds one.
    pub fn insert(&mut self, tombstone: &Tombstone) {
        let Tombstone { through, rule } = tombstone;
        let entry = (*through, rule.cover);
        match &rule.pages {
            PageSelection::All => self.every_page.push(entry),
            PageSelection::Pages(pages) => {
                pages.iter().for_each(|page| self.pages.entry(*page).or_default().push(entry));
            }
            PageSelection::Prefix(prefix) => self.prefixes.entry(*prefix).or_default().push(entry),
        }
        self.newest = self.newest.max(*through);
        if rule.pages != PageSelection::All {
            self.newest_named = self.newest_named.max(*through);
        }
    }

    fn named(&self, page: &str, each: &mut dyn FnMut(&(Seq, Cover))) {
        if !self.pages.is_empty()
            && let Some(found) = self.pages.get(&self.hasher.page(self.site, page))
        {
            found.iter().for_each(&mut *each);
        }
        if self.prefixes.is_empty() {
            return;
        }
        for (slash, _) in page.match_indices('/') {
            let prefix = self.hasher.prefix(self.site, &page[..=slash]);
            self.prefixes.get(&prefix).into_iter().flatten().for_each(&mut *each);
        }
    }
}

/// The tombstones of a site that are open for one file: those that cover batches from one on.
#[derive(Clone, Debug, Default)]
pub struct MaskRules(Option<(Arc<RuleIndex>, Seq)>);

impl MaskRules {
    /// None.
    #[must_use]
    pub fn none() -> MaskRules {
        MaskRules(None)
    }

    /// Those of an index that cover the batch `from` or later ones.
    #[must_use]
    pub fn open_from(index: &Arc<RuleIndex>, from: Seq) -> MaskRules {
        MaskRules((from <= index.newest).then(|| (Arc::clone(index), from)))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether some cover only certain pages.
    #[must_use]
    pub fn name_pages(&self) -> bool {
        self.0.as_ref().is_some_and(|(index, from)| *from <= index.newest_named)
    }

    /// What is left out of every page.
    #[must_use]
    pub fn of_site(&self) -> Vec<Cover> {
        let Some((index, from)) = &self.0 else { return Vec::new() };
        let open = index.every_page.iter().filter(|(through, _)| from <= through);
        open.map(|(_, cover)| *cover).collect()
    }

    /// What is left out of one page, beside what is left out of all.
    #[must_use]
    pub fn naming(&self, page: &str) -> Vec<Cover> {
        let mut covers = Vec::new();
        if let Some((index, from)) = self.0.as_ref().filter(|_| self.name_pages()) {
            index.named(page, &mut |(through, cover)| {
                if from <= through {
                    covers.push(*cover);
                }
            });
        }
        covers
    }

    /// What is left out of one page.
    #[must_use]
    pub fn of_page(&self, page: &str) -> Vec<Cover> {
        let mut covers = self.of_site();
        covers.extend(self.naming(page));
        covers
    }
}

/// What of one page is left out.
#[derive(Clone, Debug)]
pub struct PageMask {
    days_from: Day,
    hours_from: Day,
    covers: Vec<Cover>,
}

impl PageMask {
    /// Rows of earlier days are left out, whatever the rules say.
    #[must_use]
    pub fn days_from(&self) -> Day {
        self.days_from
    }

    /// Whether a row of this day and country is left out.
    #[must_use]
    pub fn covers_row(&self, day: Day, country: Country) -> bool {
        let covers = |cover: &Cover| cover.days.contains(day) && cover.country.is_none_or(|of| of == country);
        day < self.days_from || self.covers.iter().any(covers)
    }

    /// Whether the hour totals of this day are left out.
    #[must_use]
    pub fn covers_hours(&self, day: Day) -> bool {
        day < self.days_from.max(self.hours_from) || self.covers.iter().any(|cover| cover.days.contains(day))
    }

    /// What the rules leave out.
    #[must_use]
    pub fn covers(&self) -> &[Cover] {
        &self.covers
    }
}

impl SiteMask {
    /// Leaves nothing out.
    #[must_use]
    pub fn nothing() -> SiteMask {
        SiteMask { days_from: Day::FIRST, hours_from: Day::FIRST, rules: MaskRules::none() }
    }

    /// Leaves out what these rules cover.
    #[must_use]
    pub fn of_rules(rules: MaskRules) -> SiteMask {
        SiteMask { rules, ..SiteMask::nothing() }
    }

    /// Whether it leaves out everything of a month, on whatever page.
    #[must_use]
    pub fn covers_month(&self, month: Month) -> bool {
        let days = month.days();
        let covers = |cover: &Cover| cover.country.is_none() && cover.days.covers(&days);
        self.days_from >= days.to || self.rules.of_site().iter().any(covers)
    }

    /// What it leaves out of one page.
    #[must_use]
    pub fn page(&self, page: &str) -> PageMask {
        PageMask { days_from: self.days_from, hours_from: self.hours_from, covers: self.rules.of_page(page) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(marks: &[(u64, PageSelection)]) -> Arc<RuleIndex> {
        let mut index = RuleIndex::new(SiteId(1), hasher());
        for (through, pages) in marks {
            let rule = MaskRule { pages: pages.clone(), cover: Cover::ALL };
            index.insert(&Tombstone { through: Seq(*through), rule });
        }
        Arc::new(index)
    }

    fn hasher() -> TextHasher {
        TextHasher::new([3; 32])
    }

    #[test]
    fn a_prefix_covers_what_begins_with_it_and_nothing_that_only_looks_like_it() {
        let prefix = hasher().prefix(SiteId(1), "s.example/a/");
        let index = index(&[(5, PageSelection::Prefix(prefix))]);
        let rules = MaskRules::open_from(&index, Seq(5));
        for (page, covered) in [
            ("s.example/a/", true),
            ("s.example/a/x", true),
            ("s.example/a/x/y?q=1/2", true),
            ("s.example/a", false),
            ("s.example/ab/x", false),
            ("s.example/b/a/", false),
        ] {
            assert_eq!(!rules.of_page(page).is_empty(), covered, "{page}");
        }
    }

    #[test]
    fn only_what_covers_a_file_is_open_for_it() {
        let page = hasher().page(SiteId(1), "s.example/");
        let index = index(&[(5, PageSelection::Pages(vec![page])), (9, PageSelection::All)]);
        let open = |from| {
            let rules = MaskRules::open_from(&index, Seq(from));
            (rules.of_page("s.example/").len(), rules.of_page("s.example/b").len(), rules.name_pages())
        };
        assert_eq!(open(5), (2, 1, true));
        assert_eq!(open(6), (1, 1, false));
        assert_eq!(open(10), (0, 0, false));
        assert!(MaskRules::open_from(&index, Seq(10)).is_empty());
    }
}
