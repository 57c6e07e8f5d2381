//! One query at work: what there is to read, what it has read, and which countries it has found rare.

use std::collections::{BTreeMap, HashSet};

use super::filter::{RowFilter, day_bits};
use super::plan::AnsweredDays;
use super::pool::PooledScratch;
use super::{Answer, Budget, InvalidQuestion, PagePattern, QueryError, SiteContext};
use crate::model::limits::{CONVERSIONS_SHOWN, PATTERN_PAGES};
use crate::model::{Country, CountrySet, DayRange, Kind, LayerSelection, Month, SiteId, Work};
use crate::segment::Spend;
use crate::view::View;

/// What there is to read: one site, over the answered days.
pub(super) struct Source<'q> {
    pub(super) view: &'q View,
    pub(super) site: SiteId,
    pub(super) days: AnsweredDays,
    min_count: u32,
    rare: RareMonths,
    withheld: bool,
}

/// What a query works with: memory, and a count of what it has read.
pub(super) struct Meter<'q> {
    pub(super) spent: Spent<'q>,
    pub(super) scratch: PooledScratch,
    pub(super) matched: MatchedPages,
}

/// What a query has read, and what ends it.
pub(super) struct Spent<'q> {
    work: Work,
    view: &'q View,
    budget: &'q Budget,
}

impl Spent<'_> {
    /// Says whether to go on; asked between blocks, strips and pages.
    pub(super) fn check(&self) -> Result<(), QueryError> {
        self.view.check()?;
        self.budget.check(&self.work)
    }
}

impl Spend for Spent<'_> {
    type Error = QueryError;

    fn spend(&mut self, work: Work) -> Result<(), QueryError> {
        self.work += work;
        self.check()
    }
}

impl<'q> Source<'q> {
    /// Begins a query over the asked days as far as they are kept.
    pub(super) fn begin(
        view: &'q View,
        context: &SiteContext<'_>,
        asked: &DayRange,
        budget: &'q Budget,
    ) -> Result<(Source<'q>, Meter<'q>), QueryError> {
        let spent = Spent { work: Work::default(), view, budget };
        spent.check()?;
        let meter = Meter { spent, scratch: PooledScratch::take(), matched: MatchedPages::default() };
        let days = AnsweredDays::new(context, asked)?;
        if let Some(unreadable) = view.segments().first_unreadable(&days.days) {
            return Err(QueryError::Unreadable(Box::new(unreadable.clone())));
        }
        let source = Source {
            view,
            site: context.scope.site(),
            days,
            min_count: context.settings.min_count,
            rare: RareMonths::default(),
            withheld: false,
        };
        Ok((source, meter))
    }

    /// Finds the rare countries of each month of the answer. Questions that tell countries apart need it first.
    pub(super) fn learn_rare(&mut self, meter: &mut Meter<'_>) -> Result<(), QueryError> {
        if self.min_count > 0 {
            let months = self.country_totals(meter)?.into_iter();
            let rare = months.map(|(month, totals)| (month, totals.rare(self.min_count))).collect();
            self.rare = RareMonths(Some(rare));
        }
        Ok(())
    }

    /// The rare countries of a month.
    pub(super) fn rare(&self, month: Month) -> CountrySet {
        self.rare.of(month)
    }

    /// Which rows of a month count: on the answered days, from the asked countries.
    pub(super) fn filter(&self, month: Month, countries: Option<&CountrySet>) -> RowFilter {
        let days = day_bits(month, &self.days.days);
        match countries {
            None => RowFilter::of_days(days),
            Some(asked) => RowFilter::of_countries(days, asked, &self.rare(month)),
        }
    }

    /// Takes converted_click out of the asked kinds when too few conversions of the whole site are in the answered
    /// days.
    pub(super) fn withhold(
        &mut self,
        meter: &mut Meter<'_>,
        layers: &LayerSelection,
    ) -> Result<LayerSelection, QueryError> {
        let mut layers = *layers;
        if layers.kinds.contains(Kind::ConvertedClick) {
            let mut conversions = 0_u64;
            let of = LayerSelection::of_kinds(Kind::Conversion);
            self.site_sums(meter, &of, None, &mut |sum| conversions = conversions.saturating_add(sum.count))?;
            self.withheld = conversions < CONVERSIONS_SHOWN;
            if self.withheld {
                layers.kinds.remove(Kind::ConvertedClick);
            }
        }
        Ok(layers)
    }

    /// Ends the query with its value.
    pub(super) fn answer<T>(&self, meter: &Meter<'_>, value: T) -> Answer<T> {
        Answer {
            value,
            days: self.days.days,
            recoded: self.rare.any(),
            withheld: self.withheld,
            work: meter.spent.work,
        }
    }
}

/// The rare countries of each month; `None` until they are learnt, or when no country is rare.
#[derive(Default)]
struct RareMonths(Option<BTreeMap<Month, CountrySet>>);

impl RareMonths {
    /// The rare countries of a month. Of a month whose first rows came after the others were counted, all.
    fn of(&self, month: Month) -> CountrySet {
        let every = || (0..Country::CODES).filter_map(Country::from_code).collect();
        match &self.0 {
            None => CountrySet::new(),
            Some(months) => months.get(&month).copied().unwrap_or_else(every),
        }
    }

    fn any(&self) -> bool {
        self.0.as_ref().is_some_and(|months| months.values().any(|rare| !rare.is_empty()))
    }
}

/// The pages that a pattern has matched so far.
#[derive(Default)]
pub(super) struct MatchedPages(HashSet<Box<str>>);

impl MatchedPages {
    /// Whether a page matches. Each page counts once against the limit, in however many files it stands.
    ///
    /// # Errors
    /// When more than `limits::PATTERN_PAGES` have matched.
    pub(super) fn test(&mut self, pattern: &PagePattern, page: &str) -> Result<bool, InvalidQuestion> {
        if !pattern.matches(page) {
            return Ok(false);
        }
        if !self.0.contains(page) {
            if self.0.len() == PATTERN_PAGES {
                return Err(InvalidQuestion::TooManyPages);
            }
            self.0.insert(page.into());
        }
        Ok(true)
    }
}
