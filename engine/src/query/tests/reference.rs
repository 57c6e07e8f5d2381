//! The plain model: every answer by going through the list of events.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{HASHER, Happened, SITE, World, part_seqs};
use crate::model::limits::CONVERSIONS_SHOWN;
use crate::model::{
    Cell, Country, DayRange, Kind, Layer, LayerSelection, MaskRules, Month, RuleIndex, Seq, SiteMask,
};
use crate::query::{Pages, Selection, Step, Summary, Time};

impl World {
    /// What a reader of a part leaves out.
    fn mask(&self, part: usize) -> SiteMask {
        let covers = |through| part < self.segment_parts && part_seqs(part).1 <= through;
        let mut index = RuleIndex::new(SITE, HASHER);
        self.tombstones.iter().filter(|mark| covers(mark.through)).for_each(|mark| index.insert(mark));
        let rules = MaskRules::open_from(&Arc::new(index), Seq(1));
        SiteMask { rules, ..self.settings.expiry(self.today) }
    }

    /// The events whose rows can be seen, as they are stored.
    fn stored(&self) -> impl Iterator<Item = Happened> + '_ {
        let masks: Vec<SiteMask> =
            (0..self.segment_parts + self.memtable_parts).map(|part| self.mask(part)).collect();
        self.events.iter().cloned().filter_map(move |mut happened| {
            let event = &mut happened.event;
            if event.kind.is_conversion() {
                event.country = Country::ZZ;
                event.viewport = event.viewport.device().lowest_viewport();
            }
            let covered =
                masks[happened.part].page(happened.page).covers_row(event.hour.day(), event.country);
            (!covered).then_some(happened)
        })
    }

    /// The rare countries of each month.
    fn rare(&self) -> BTreeMap<Month, BTreeSet<Country>> {
        let mut totals = BTreeMap::<(Month, Country), u64>::new();
        for Happened { event, .. } in self.stored() {
            *totals.entry((event.hour.day().month(), event.country)).or_default() += u64::from(event.count);
        }
        let mut rare = BTreeMap::<Month, BTreeSet<Country>>::new();
        for ((month, country), total) in totals {
            if country != Country::ZZ && total < u64::from(self.settings.min_count) {
                rare.entry(month).or_default().insert(country);
            }
        }
        rare
    }

    /// The asked days that are kept.
    pub(super) fn answered_days(&self, asked: &DayRange) -> DayRange {
        let edge = self.settings.expiry(self.today).days_from;
        DayRange { from: asked.from.max(edge).min(asked.to), to: asked.to }
    }

    /// Whether some country of a month of the answer is rare.
    pub(super) fn recoded(&self, selection: &Selection) -> bool {
        let months: Vec<Month> = self.answered_days(&selection.days).months().collect();
        self.rare().keys().any(|month| months.contains(month))
    }

    /// Whether converted_click is asked for and must not be told.
    pub(super) fn withheld(&self, selection: &Selection) -> bool {
        let conversions = self.stored().filter(|happened| {
            happened.event.kind == Kind::Conversion && selection.days.contains(happened.event.hour.day())
        });
        let conversions: u64 = conversions.map(|happened| u64::from(happened.event.count)).sum();
        selection.layers.kinds.contains(Kind::ConvertedClick) && conversions < CONVERSIONS_SHOWN
    }

    /// The events of a selection, their countries as answers name them.
    pub(super) fn selected(&self, selection: &Selection) -> Vec<Happened> {
        let (rare, withheld) = (self.rare(), self.withheld(selection));
        let mut selected: Vec<Happened> = self.stored().collect();
        for Happened { event, .. } in &mut selected {
            if rare.get(&event.hour.day().month()).is_some_and(|rare| rare.contains(&event.country)) {
                event.country = Country::ZZ;
            }
        }
        selected.retain(|Happened { page, event, .. }| {
            asked_page(&selection.pages, page)
                && selection.layers.contains(Layer::new(event.kind, event.viewport, event.fixed))
                && selection.countries.is_none_or(|countries| countries.contains(event.country))
                && selection.days.contains(event.hour.day())
                && !(withheld && event.kind == Kind::ConvertedClick)
        });
        selected
    }

    pub(super) fn cells(
        &self,
        selection: &Selection,
        place: impl Fn(Layer, Cell) -> Option<(u32, u32)>,
    ) -> (BTreeMap<(u32, u32), u64>, u64) {
        let (mut cells, mut outside) = (BTreeMap::new(), 0);
        for Happened { event, .. } in self.selected(selection) {
            match place(Layer::new(event.kind, event.viewport, event.fixed), event.cell) {
                Some(at) => *cells.entry(at).or_default() += u64::from(event.count),
                None => outside += u64::from(event.count),
            }
        }
        (cells, outside)
    }

    /// Events that have hour totals, and whose hour totals can be seen.
    fn hour_events(&self, pages: &Pages, layers: &LayerSelection, days: &DayRange) -> Vec<Happened> {
        let asked = |Happened { part, page, event }: &&Happened| {
            asked_page(pages, page)
                && !event.kind.is_conversion()
                && layers.kinds.contains(event.kind)
                && days.contains(event.hour.day())
                && !self.mask(*part).page(page).covers_hours(event.hour.day())
        };
        self.events.iter().filter(asked).cloned().collect()
    }

    pub(super) fn series(&self, selection: &Selection, step: Step) -> BTreeMap<Time, u64> {
        let events = match step {
            Step::Hour => self.hour_events(&selection.pages, &selection.layers, &selection.days),
            Step::Day | Step::Month => self.selected(selection),
        };
        let mut series = BTreeMap::new();
        for Happened { event, .. } in events {
            let time = match step {
                Step::Hour => Time::Hour(event.hour),
                Step::Day => Time::Day(event.hour.day()),
                Step::Month => Time::Month(event.hour.day().month()),
            };
            *series.entry(time).or_default() += u64::from(event.count);
        }
        series
    }

    pub(super) fn page_totals(&self, selection: &Selection) -> BTreeMap<String, u64> {
        let mut totals = BTreeMap::new();
        for Happened { page, event, .. } in self.selected(selection) {
            *totals.entry(page.to_owned()).or_default() += u64::from(event.count);
        }
        totals
    }

    /// The summary; its hours always.
    pub(super) fn summary(&self, selection: &Selection) -> Summary {
        let (mut kinds, mut devices, mut countries) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (mut total, mut weekdays) = (0, [0; 7]);
        for Happened { event, .. } in self.selected(selection) {
            let count = u64::from(event.count);
            total += count;
            *kinds.entry(event.kind).or_default() += count;
            *devices.entry(event.viewport.device()).or_default() += count;
            *countries.entry(event.country).or_default() += count;
            weekdays[usize::from(event.hour.day().weekday())] += count;
        }
        let mut hours = Box::new([[0; 24]; 7]);
        for Happened { event, .. } in self.hour_events(&selection.pages, &selection.layers, &selection.days) {
            hours[usize::from(event.hour.day().weekday())][usize::from(event.hour.hour())] +=
                u64::from(event.count);
        }
        let answered = self.answered_days(&selection.days);
        let edge = self.settings.expiry(self.today).hours_from;
        Summary {
            total,
            kinds: kinds.into_iter().collect(),
            devices: devices.into_iter().collect(),
            countries: countries.into_iter().collect(),
            weekdays,
            hours: Some(hours),
            hour_days: DayRange { from: answered.from.max(edge).min(answered.to), to: answered.to },
        }
    }

    /// By row, the events of a kind.
    pub(super) fn rows(&self, selection: &Selection, kind: Kind) -> BTreeMap<u32, u64> {
        let layers = LayerSelection { kinds: kind.into(), ..selection.layers };
        let mut rows = BTreeMap::new();
        for Happened { event, .. } in self.selected(&Selection { layers, ..selection.clone() }) {
            *rows.entry(event.cell.y()).or_default() += u64::from(event.count);
        }
        rows
    }
}

fn asked_page(pages: &Pages, page: &str) -> bool {
    match pages {
        Pages::Site => true,
        Pages::Page(text) => **text == *page,
        Pages::Matching(pattern) => pattern.matches(page),
    }
}
