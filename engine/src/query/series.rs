//! Series: events by hour, day or month.

use super::plan::{check_step, is_of_rollups};
use super::source::{Meter, Source};
use super::{Answer, Budget, QueryError, Selection, SeriesQuestion, SiteContext, Step, Time, TimeCount};
use crate::model::{Day, HourOfSite, Month};
use crate::view::View;

/// Answers with counts over time, ascending, steps without events left out.
///
/// Read from hour totals, from roll-ups or from the per-day totals of strips; from cells only where countries have to
/// be told apart.
///
/// # Errors
/// When the question cannot be asked, costs too much or was cancelled, or a segment cannot be read.
pub fn series(
    view: &View,
    context: &SiteContext<'_>,
    question: &SeriesQuestion,
    budget: &Budget,
) -> Result<Answer<Vec<TimeCount>>, QueryError> {
    check_step(&question.selection, question.step)?;
    let (mut source, mut meter) = Source::begin(view, context, &question.selection.days, budget)?;
    let layers = source.withhold(&mut meter, &question.selection.layers)?;
    let selection = Selection { layers, ..question.selection.clone() };
    if selection.countries.is_some() {
        source.learn_rare(&mut meter)?;
    }
    let counts = match question.step {
        Step::Hour => hours(&source, &mut meter, &selection)?
            .counts(|number| HourOfSite::from_number(number).map(Time::Hour)),
        Step::Day => days(&source, &mut meter, &selection)?.counts(|number| day(number).map(Time::Day)),
        Step::Month => by_month(&days(&source, &mut meter, &selection)?),
    };
    Ok(source.answer(&meter, counts))
}

fn hours(source: &Source<'_>, meter: &mut Meter<'_>, selection: &Selection) -> Result<Steps, QueryError> {
    let mut steps = Steps::since(HourOfSite::new(source.days.hours.from, 0).number());
    source.hour_rows(meter, &selection.pages, selection.layers.kinds, &mut |row| {
        steps.add(row.hour.number(), row.count);
    })?;
    Ok(steps)
}

fn days(source: &Source<'_>, meter: &mut Meter<'_>, selection: &Selection) -> Result<Steps, QueryError> {
    let mut steps = Steps::since(u32::from(source.days.days.from.number()));
    let number = |month: Month, of_month| u32::from(month.day(of_month).number());
    if is_of_rollups(selection) {
        let countries = selection.countries.as_ref();
        source.site_sums(meter, &selection.layers, countries, &mut |sum| {
            steps.add(number(sum.month, sum.of_month), sum.count);
        })?;
        return Ok(steps);
    }
    source.strips(meter, selection, &mut |meter, strip| {
        let counts = strip.day_counts(meter)?;
        for (of_month, count) in (0..).zip(counts).filter(|(_, count)| *count > 0) {
            steps.add(number(strip.month, of_month), count);
        }
        Ok(())
    })?;
    source.memory_rows(meter, selection, &mut |found| {
        steps.add(number(found.month, found.of_month), u64::from(found.row.count));
    })?;
    Ok(steps)
}

fn day(number: u32) -> Option<Day> {
    u16::try_from(number).ok().map(Day::from_number)
}

fn by_month(days: &Steps) -> Vec<TimeCount> {
    let mut months: Vec<TimeCount> = Vec::new();
    for TimeCount { time, count } in days.counts(|number| day(number).map(|day| Time::Month(day.month()))) {
        match months.last_mut() {
            Some(last) if last.time == time => last.count = last.count.saturating_add(count),
            _ => months.push(TimeCount { time, count }),
        }
    }
    months
}

/// Counts of days or hours, by number, from the first one that is asked for.
struct Steps {
    first: u32,
    counts: Vec<u64>,
}

impl Steps {
    fn since(first: u32) -> Steps {
        Steps { first, counts: Vec::new() }
    }

    fn add(&mut self, number: u32, count: u64) {
        // Steps before the first are not of the answer, so none comes.
        let at = number.saturating_sub(self.first) as usize;
        if at >= self.counts.len() {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] = self.counts[at].saturating_add(count);
    }

    /// Those that are not 0, ascending.
    fn counts(&self, time: impl Fn(u32) -> Option<Time>) -> Vec<TimeCount> {
        let counts = (self.first..).zip(&self.counts).filter(|(_, count)| **count > 0);
        counts.filter_map(|(number, count)| Some(TimeCount { time: time(number)?, count: *count })).collect()
    }
}
