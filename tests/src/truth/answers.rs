//! Every answer, by walking over all counters.

use std::collections::BTreeMap;

use heatgrid_engine::model::{Country, Day, DayRange, Device, Kind};
use heatgrid_engine::query::{Align, Step};

use super::question::{Ask, Question};
use super::{Counter, SiteTruth, oldest_day};

/// What an answer says, in the plainest form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) value: Value,
    /// The answered days; `None` when age has left none of them.
    pub(crate) days: Option<(Day, Day)>,
    pub(crate) recoded: bool,
    pub(crate) withheld: bool,
}

/// The value of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// `(x, y, count)` in cells of the asked size, by x, then y; and what was moved out of the picture.
    Grid(Vec<(u32, u32, u64)>, u64),
    /// `(time as on the wire, count)`, ascending.
    Series(Vec<(String, u64)>),
    /// `(page, count)`, in the order of the question.
    Pages(Vec<(String, u64)>),
    Summary(Box<Summary>),
    /// Views by deepest row, and all views.
    Scroll(Vec<u64>, u64),
    /// Seconds by row.
    Attention(Vec<u64>),
}

/// Totals by one thing each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) kinds: BTreeMap<Kind, u64>,
    pub(crate) devices: BTreeMap<Device, u64>,
    pub(crate) countries: BTreeMap<Country, u64>,
    pub(crate) weekdays: [u64; 7],
    /// By weekday and hour, those with events. `None` where hour totals do not know what was selected by; fixed and
    /// other targets are counted together, whichever were asked for.
    pub(crate) hours: Option<BTreeMap<(u8, u8), u64>>,
}

/// Fewest conversions of the site in the asked days that let converted clicks be shown.
const CONVERSIONS_SHOWN: u64 = 10;

impl SiteTruth {
    /// What the engine must say on `today`.
    pub(crate) fn answer(&self, today: Day, question: &Question) -> Told {
        let ask = question.ask();
        let days = after(&ask.days, oldest_day(today, self.settings.retention_days));
        let mut kinds: Vec<Kind> = match question {
            Question::Scroll(_) => vec![Kind::Scroll, Kind::View],
            Question::Attention(_) => vec![Kind::Attention, Kind::AttentionEnd],
            _ => ask.kinds.clone(),
        };
        let all = self.answerable(today);
        let conversions: u64 = all
            .iter()
            .filter(|(counter, _)| counter.kind == Kind::Conversion && days.contains(counter.day))
            .map(|(_, count)| count)
            .sum();
        let withheld = kinds.contains(&Kind::ConvertedClick) && conversions < CONVERSIONS_SHOWN;
        if withheld {
            kinds.retain(|kind| *kind != Kind::ConvertedClick);
        }
        let asked: Vec<&(Counter, u64)> = all
            .iter()
            .filter(|(counter, _)| {
                kinds.contains(&counter.kind) && days.contains(counter.day) && ask.selects(counter)
            })
            .collect();
        let tells_countries = ask.countries.is_some() || matches!(question, Question::Summary(_));
        Told {
            value: self.value(today, question, &days, &kinds, &asked),
            days: (!days.is_empty()).then_some((days.from, days.to)),
            recoded: tells_countries && self.recodes(today, &days),
            withheld,
        }
    }

    fn value(
        &self,
        today: Day,
        question: &Question,
        days: &DayRange,
        kinds: &[Kind],
        asked: &[&(Counter, u64)],
    ) -> Value {
        let hours = |ask: &Ask| {
            let days = after(days, oldest_day(today, self.settings.hourly_days));
            let hours = self.hours().filter(move |((page, kind, hour), _)| {
                kinds.contains(kind) && days.contains(hour.day()) && ask.pages.matches(page)
            });
            hours.map(|((_, _, hour), count)| (*hour, count)).collect::<Vec<_>>()
        };
        match question {
            Question::Grid(_, size, align) => {
                let place = |counter: &Counter| place(counter, size.px(), *align);
                let mut cells = sums(asked.iter().map(|(counter, count)| (place(counter), *count)));
                let outside = cells.remove(&None).unwrap_or(0);
                let cell = |(at, count): (Option<(u32, u32)>, u64)| at.map(|(x, y)| (x, y, count));
                Value::Grid(cells.into_iter().filter_map(cell).collect(), outside)
            }
            Question::Series(ask, Step::Hour) => {
                let hours = sums(hours(ask));
                Value::Series(hours.into_iter().map(|(hour, count)| (hour.to_string(), count)).collect())
            }
            Question::Series(_, step) => {
                let time = |day: Day| match step {
                    Step::Month => day.month().to_string(),
                    _ => day.to_string(),
                };
                let steps = sums(asked.iter().map(|(counter, count)| (time(counter.day), *count)));
                Value::Series(steps.into_iter().collect())
            }
            Question::TopPages(..) => {
                let mut pages: Vec<(String, u64)> = by_page(asked).into_iter().collect();
                pages.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
                Value::Pages(pages)
            }
            Question::PageList(..) => Value::Pages(by_page(asked).into_iter().collect()),
            Question::Summary(ask) => {
                let mut weekdays = [0; 7];
                asked
                    .iter()
                    .for_each(|(counter, count)| weekdays[usize::from(counter.day.weekday())] += count);
                Value::Summary(Box::new(Summary {
                    kinds: sums(asked.iter().map(|(counter, count)| (counter.kind, *count))),
                    devices: sums(asked.iter().map(|(counter, count)| (counter.viewport.device(), *count))),
                    countries: sums(asked.iter().map(|(counter, count)| (counter.country, *count))),
                    weekdays,
                    hours: ask.is_of_hours().then(|| {
                        sums(hours(ask).into_iter().map(|(hour, n)| ((hour.day().weekday(), hour.hour()), n)))
                    }),
                }))
            }
            Question::Scroll(_) => {
                let of_kind = |kind| asked.iter().filter(move |(counter, _)| counter.kind == kind);
                let rows = sums(of_kind(Kind::Scroll).map(|(counter, count)| (counter.cell.y(), *count)));
                Value::Scroll(dense(&rows), of_kind(Kind::View).map(|(_, count)| count).sum())
            }
            Question::Attention(_) => {
                let last = asked.iter().map(|(counter, _)| counter.cell.y()).max().map_or(0, |row| row + 1);
                let mut seconds = Vec::new();
                for row in 0..last {
                    let up_to_here = |kind| -> u64 {
                        let bands = asked.iter().filter(|(c, _)| c.kind == kind && c.cell.y() <= row);
                        bands.map(|(_, count)| count).sum()
                    };
                    // An end without its start is a tracker's mistake: nothing was looked at for less than no time.
                    seconds.push(up_to_here(Kind::Attention).saturating_sub(up_to_here(Kind::AttentionEnd)));
                }
                while seconds.last() == Some(&0) {
                    seconds.pop();
                }
                Value::Attention(seconds)
            }
        }
    }
}

/// Where a counter stands in a picture; `None` outside of it. A cell goes where its middle goes.
fn place(counter: &Counter, cell_px: u32, align: Align) -> Option<(u32, u32)> {
    let middle_px = f64::from(counter.cell.x() * 8 + 4);
    let class = match (counter.kind, counter.viewport.device()) {
        (_, Device::Unknown) => None,
        (Kind::Conversion | Kind::ConvertedClick, Device::Mobile) => Some(6),
        (Kind::Conversion | Kind::ConvertedClick, Device::Tablet) => Some(13),
        (Kind::Conversion | Kind::ConvertedClick, Device::Desktop) => Some(22),
        _ => Some(counter.viewport.code()),
    };
    let window_px = class.map(|class| f64::from(class) * 64.0 + 32.0);
    let moved_px = match (align, window_px) {
        (Align::None, _) | (_, None) => middle_px,
        (Align::Center { width_px }, Some(window_px)) => {
            middle_px + ((f64::from(width_px) - window_px) / 2.0).floor()
        }
        (Align::Scale { width_px }, Some(window_px)) => middle_px * f64::from(width_px) / window_px,
    };
    let column = (moved_px / f64::from(cell_px)).floor();
    let inside = (0.0..16_384.0).contains(&moved_px);
    inside.then_some((column as u32, counter.cell.y() * 8 / cell_px))
}

/// The part of a range that is not before `oldest`.
fn after(range: &DayRange, oldest: Day) -> DayRange {
    DayRange { from: range.from.max(oldest), to: range.to }
}

fn sums<K: Ord>(counts: impl IntoIterator<Item = (K, u64)>) -> BTreeMap<K, u64> {
    let mut sums = BTreeMap::new();
    for (key, count) in counts {
        *sums.entry(key).or_default() += count;
    }
    sums
}

fn by_page(asked: &[&(Counter, u64)]) -> BTreeMap<String, u64> {
    sums(asked.iter().map(|(counter, count)| (counter.page.clone(), *count)))
}

/// Counts by row up to the last that has any.
fn dense(rows: &BTreeMap<u32, u64>) -> Vec<u64> {
    let last = rows.keys().max().map_or(0, |row| row + 1);
    (0..last).map(|row| rows.get(&row).copied().unwrap_or(0)).collect()
}
