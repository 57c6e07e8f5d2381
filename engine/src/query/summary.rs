//! Summaries: totals by kind, device, country, weekday and hour.

use std::collections::BTreeMap;

use super::plan::is_of_rollups;
use super::rollups::SiteSum;
use super::source::{Meter, Source};
use super::{Answer, Budget, QueryError, Selection, SiteContext, Summary};
use crate::model::{Country, CountrySet, DayRange, Device, Kind, Layer, Month, ViewportSet};
use crate::view::View;

/// Answers with totals of the selection, each broken down by one thing.
///
/// Of a whole site it reads roll-ups, of pages their details, for only these know countries. Hours are of fixed and
/// other targets together, whichever were asked for: hour totals do not know them.
///
/// # Errors
/// When the question cannot be asked, costs too much or was cancelled, or a segment cannot be read.
pub fn summary(
    view: &View,
    context: &SiteContext<'_>,
    selection: &Selection,
    budget: &Budget,
) -> Result<Answer<Summary>, QueryError> {
    let (mut source, mut meter) = Source::begin(view, context, &selection.days, budget)?;
    let layers = source.withhold(&mut meter, &selection.layers)?;
    let selection = Selection { layers, ..selection.clone() };
    source.learn_rare(&mut meter)?;
    let mut totals = Totals::new(&source);
    if is_of_rollups(&selection) {
        let countries = selection.countries.as_ref();
        source.site_sums(&mut meter, &selection.layers, countries, &mut |sum| totals.add(&sum))?;
    } else {
        add_rows(&source, &mut meter, &selection, &mut totals)?;
    }
    let mut summary = totals.into_summary(source.days.hours);
    if selection.layers.viewports == ViewportSet::ALL && selection.countries.is_none() {
        summary.hours = Some(hours(&source, &mut meter, &selection)?);
    }
    Ok(source.answer(&meter, summary))
}

fn add_rows(
    source: &Source<'_>,
    meter: &mut Meter<'_>,
    selection: &Selection,
    totals: &mut Totals<'_>,
) -> Result<(), QueryError> {
    source.strips(meter, selection, &mut |meter, strip| {
        let (layer, month) = (strip.layer(), strip.month);
        strip.rows(meter, &mut |country, of_month, count| {
            totals.add(&site_sum(layer, month, of_month, country, count));
        })
    })?;
    source.memory_rows(meter, selection, &mut |found| {
        let (key, count) = (found.row.key, u64::from(found.row.count));
        totals.add(&site_sum(key.layer(), found.month, found.of_month, key.country(), count));
    })
}

fn site_sum(layer: Layer, month: Month, of_month: u8, country: Country, count: u64) -> SiteSum {
    SiteSum { month, of_month, kind: layer.kind(), device: layer.viewport().device(), country, count }
}

fn hours(
    source: &Source<'_>,
    meter: &mut Meter<'_>,
    selection: &Selection,
) -> Result<Box<[[u64; 24]; 7]>, QueryError> {
    let mut hours = Box::new([[0_u64; 24]; 7]);
    source.hour_rows(meter, &selection.pages, selection.layers.kinds, &mut |row| {
        let of_day = &mut hours[usize::from(row.hour.day().weekday())];
        let count = &mut of_day[usize::from(row.hour.hour())];
        *count = count.saturating_add(row.count);
    })?;
    Ok(hours)
}

/// The totals so far.
struct Totals<'s> {
    source: &'s Source<'s>,
    /// The month of the last sum, its first weekday and its rare countries: sums come month by month, mostly.
    month: Option<(Month, u8, CountrySet)>,
    total: u64,
    kinds: BTreeMap<Kind, u64>,
    devices: BTreeMap<Device, u64>,
    countries: Vec<u64>,
    weekdays: [u64; 7],
}

impl<'s> Totals<'s> {
    fn new(source: &'s Source<'s>) -> Totals<'s> {
        Totals {
            source,
            month: None,
            total: 0,
            kinds: BTreeMap::new(),
            devices: BTreeMap::new(),
            countries: vec![0; usize::from(Country::CODES)],
            weekdays: [0; 7],
        }
    }

    fn add(&mut self, sum: &SiteSum) {
        let (weekday, rare) = match self.month {
            Some((month, weekday, rare)) if month == sum.month => (weekday, rare),
            _ => {
                let month = (sum.month, sum.month.first_day().weekday(), self.source.rare(sum.month));
                self.month = Some(month);
                (month.1, month.2)
            }
        };
        let named = if rare.contains(sum.country) { Country::ZZ } else { sum.country };
        for total in [
            &mut self.total,
            self.kinds.entry(sum.kind).or_default(),
            self.devices.entry(sum.device).or_default(),
            &mut self.countries[usize::from(named.code())],
            &mut self.weekdays[usize::from((weekday + sum.of_month) % 7)],
        ] {
            *total = total.saturating_add(sum.count);
        }
    }

    fn into_summary(self, hour_days: DayRange) -> Summary {
        let countries = (0..).zip(self.countries).filter(|(_, count)| *count > 0);
        Summary {
            total: self.total,
            kinds: self.kinds.into_iter().collect(),
            devices: self.devices.into_iter().collect(),
            countries: countries
                .filter_map(|(code, count)| Some((Country::from_code(code)?, count)))
                .collect(),
            weekdays: self.weekdays,
            hours: None,
            hour_days,
        }
    }
}
