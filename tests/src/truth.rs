//! The plain map: every counter under its whole name, and every answer by walking over all of them.
//!
//! It shares no code with the engine but the words of `model`. It is the specification that the engine is held against:
//! slow, obvious, and without any file.

mod answers;
mod question;

pub(crate) use answers::{Summary, Told, Value};
pub(crate) use question::{Ask, AskPages, AskWindows, Question};

use std::collections::{BTreeMap, BTreeSet};

use heatgrid_engine::model::{
    Cell, Country, Cover, Day, DayRange, Device, Event, HourOfSite, Kind, Month, SiteSettings, Viewport,
};

/// One counter of a site, under its whole name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Counter {
    pub(crate) page: String,
    pub(crate) kind: Kind,
    pub(crate) viewport: Viewport,
    pub(crate) fixed: bool,
    pub(crate) cell: Cell,
    pub(crate) day: Day,
    pub(crate) country: Country,
}

/// Everything that one site has been told, on one day of its calendar.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SiteTruth {
    pub(crate) settings: SiteSettings,
    /// What is in segments: it can be recoded for good, and shows again when an erasure is called off.
    stored: Counts,
    /// What is in memory.
    fresh: Counts,
}

/// Counters, and hour totals beside them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    counters: BTreeMap<Counter, u64>,
    hours: BTreeMap<(String, Kind, HourOfSite), u64>,
}

impl Counts {
    /// Takes out what an erasure covers. Hour totals know no country: they go for each.
    pub(crate) fn take(&mut self, names: impl Fn(&str) -> bool, cover: &Cover) -> Counts {
        let covers = |counter: &Counter| {
            names(&counter.page)
                && cover.days.contains(counter.day)
                && cover.country.is_none_or(|of| of == counter.country)
        };
        let counters = self.counters.extract_if(.., |counter, _| covers(counter)).collect();
        let covers = |page: &str, hour: &HourOfSite| names(page) && cover.days.contains(hour.day());
        let hours = self.hours.extract_if(.., |(page, _, hour), _| covers(page, hour)).collect();
        Counts { counters, hours }
    }

    /// Takes out everything of a month.
    pub(crate) fn take_month(&mut self, month: Month) {
        self.take(|_| true, &Cover { days: month.days(), country: None });
    }

    pub(crate) fn add(&mut self, others: Counts) {
        for (counter, count) in others.counters {
            *self.counters.entry(counter).or_default() += count;
        }
        for (hour, count) in others.hours {
            *self.hours.entry(hour).or_default() += count;
        }
    }
}

impl SiteTruth {
    pub(crate) fn new(settings: SiteSettings) -> SiteTruth {
        SiteTruth { settings, stored: Counts::default(), fresh: Counts::default() }
    }

    /// Counts an event. A conversion keeps neither country nor width nor hour.
    pub(crate) fn count(&mut self, page: &str, event: &Event) {
        let conversion = matches!(event.kind, Kind::Conversion | Kind::ConvertedClick);
        let counter = Counter {
            page: page.into(),
            kind: event.kind,
            viewport: if conversion { stored_for_conversions(event.viewport) } else { event.viewport },
            fixed: event.fixed,
            cell: event.cell,
            day: event.hour.day(),
            country: if conversion { zz() } else { event.country },
        };
        *self.fresh.counters.entry(counter).or_default() += u64::from(event.count);
        if !conversion {
            let hour = (page.into(), event.kind, event.hour);
            *self.fresh.hours.entry(hour).or_default() += u64::from(event.count);
        }
    }

    /// Moves what is in memory into segments; names the months that got some.
    pub(crate) fn flush(&mut self) -> BTreeSet<Month> {
        let fresh = std::mem::take(&mut self.fresh);
        let months = fresh.counters.keys().map(|counter| counter.day.month()).collect();
        self.stored.add(fresh);
        months
    }

    /// Whether anything is in memory.
    pub(crate) fn is_in_memory(&self) -> bool {
        self.fresh != Counts::default()
    }

    /// Takes out what an erasure covers. What was in segments is given back: it shows again if the erasure is called off.
    pub(crate) fn erase(&mut self, names: impl Fn(&str) -> bool, cover: &Cover) -> Counts {
        drop(self.fresh.take(&names, cover));
        self.stored.take(&names, cover)
    }

    /// Shows what an erasure had taken out of segments.
    pub(crate) fn show_again(&mut self, counts: Counts) {
        self.stored.add(counts);
    }

    /// Every page that has anything.
    pub(crate) fn pages(&self) -> BTreeSet<&str> {
        let both = [&self.stored, &self.fresh];
        let counted =
            both.iter().flat_map(|counts| counts.counters.keys().map(|counter| counter.page.as_str()));
        let by_hours = both.iter().flat_map(|counts| counts.hours.keys().map(|(page, ..)| page.as_str()));
        counted.chain(by_hours).collect()
    }

    /// Events by page, kind and hour.
    fn hours(&self) -> impl Iterator<Item = (&(String, Kind, HourOfSite), u64)> {
        self.stored.hours.iter().chain(&self.fresh.hours).map(|(hour, count)| (hour, *count))
    }

    /// Sum of everything of some kinds that age has left.
    pub(crate) fn events(&self, today: Day, of: impl Fn(Kind) -> bool) -> u64 {
        self.kept(today).filter(|(counter, _)| of(counter.kind)).map(|(_, count)| count).sum()
    }

    /// Every counter that age has left, as stored: rare countries under their own name.
    fn kept(&self, today: Day) -> impl Iterator<Item = (&Counter, u64)> {
        let oldest = oldest_day(today, self.settings.retention_days);
        let all = self.stored.counters.iter().chain(&self.fresh.counters);
        all.filter(move |(counter, _)| counter.day >= oldest).map(|(counter, count)| (counter, *count))
    }

    /// Countries with events of the month, but fewer than `min_count`.
    fn rare(&self, today: Day, month: Month) -> BTreeSet<Country> {
        self.rare_among(self.kept(today), month)
    }

    fn rare_among<'c>(
        &self,
        counters: impl Iterator<Item = (&'c Counter, u64)>,
        month: Month,
    ) -> BTreeSet<Country> {
        let mut totals: BTreeMap<Country, u64> = BTreeMap::new();
        let days = month.days();
        for (counter, count) in counters.filter(|(counter, _)| days.contains(counter.day)) {
            *totals.entry(counter.country).or_default() += count;
        }
        let few = |(country, count): (Country, u64)| {
            (country != zz() && count < u64::from(self.settings.min_count)).then_some(country)
        };
        totals.into_iter().filter_map(few).collect()
    }

    /// What every question is answered over: counters that age has left, rare countries of each month as `ZZ`.
    fn answerable(&self, today: Day) -> Vec<(Counter, u64)> {
        let months: BTreeSet<Month> = self.kept(today).map(|(counter, _)| counter.day.month()).collect();
        let rare: BTreeMap<Month, BTreeSet<Country>> =
            months.into_iter().map(|month| (month, self.rare(today, month))).collect();
        let named = |(counter, count): (&Counter, u64)| {
            let mut counter = counter.clone();
            if rare[&counter.day.month()].contains(&counter.country) {
                counter.country = zz();
            }
            (counter, count)
        };
        self.kept(today).map(named).collect()
    }

    /// Whether any country of the months of these days is recoded.
    fn recodes(&self, today: Day, days: &DayRange) -> bool {
        let months: BTreeSet<Month> = self.kept(today).map(|(counter, _)| counter.day.month()).collect();
        let asked = |month: &Month| {
            let shared = month.days().intersect(days);
            !shared.is_empty()
        };
        months.into_iter().filter(asked).any(|month| !self.rare(today, month).is_empty())
    }

    /// Makes the recoding of what segments hold of a month final, as the merge of a closed month does. What is `masked` in
    /// segments counts too: its country is named a while longer.
    pub(crate) fn recode(&mut self, today: Day, month: Month, masked: &Counts) {
        let masked = masked.counters.iter().map(|(counter, count)| (counter, *count));
        let rare = self.rare_among(self.kept(today).chain(masked), month);
        let old = std::mem::take(&mut self.stored.counters);
        let days = month.days();
        for (mut counter, count) in old {
            if days.contains(counter.day) && rare.contains(&counter.country) {
                counter.country = zz();
            }
            *self.stored.counters.entry(counter).or_default() += count;
        }
    }
}

/// Kept for `n` days: today and the `n - 1` days before it; 0 keeps none.
fn oldest_day(today: Day, days: u32) -> Day {
    if days == 0 { Day::LAST } else { today.minus(days - 1) }
}

fn zz() -> Country {
    "ZZ".parse().expect("ZZ is a country")
}

/// Conversions are stored by device: mobile in class 0, tablet in 12, desktop in 16.
fn stored_for_conversions(viewport: Viewport) -> Viewport {
    let class = match viewport.device() {
        Device::Mobile => 0,
        Device::Tablet => 12,
        Device::Desktop => 16,
        Device::Unknown => return Viewport::UNKNOWN,
    };
    Viewport::from_code(class).expect("a class")
}
