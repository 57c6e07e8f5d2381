//! What a mask leaves out of an extent, and of one of its pages.

use crate::model::{Country, CountrySet, Cover, Day, DayRange, Month, PageMask, SiteMask};
use crate::segment::{Extent, SegmentError, Strip};

/// Whether a mask leaves out anything of an extent.
pub(super) fn touches(mask: &SiteMask, extent: &Extent<'_>) -> Result<bool, SegmentError> {
    let month = extent.month();
    let (days, hour_days) = (extent.header().days, extent.header().hour_days);
    let expired = before(month, mask.days_from);
    let expired_hours = before(month, mask.days_from.max(mask.hours_from));
    if days & expired != 0 || hour_days & expired_hours != 0 {
        return Ok(true);
    }
    let is_touched = |cover: &Cover| touches_cover(cover, extent);
    if extent.page_count() > 0 && any(&mask.rules.of_site(), is_touched)? {
        return Ok(true);
    }
    if mask.rules.name_pages() {
        for page in extent.all_pages() {
            if any(&mask.rules.naming(extent.page_text(page)?), is_touched)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn any(
    covers: &[Cover],
    is_touched: impl Fn(&Cover) -> Result<bool, SegmentError>,
) -> Result<bool, SegmentError> {
    for cover in covers {
        if is_touched(cover)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether an extent has anything of a cover's days and country, on any page.
fn touches_cover(cover: &Cover, extent: &Extent<'_>) -> Result<bool, SegmentError> {
    let covered = of_month(extent.month(), &cover.days);
    // A rule with a country covers the hour totals of every country.
    if extent.header().hour_days & covered != 0 {
        return Ok(true);
    }
    Ok(extent.header().days & covered != 0 && has_country(extent, cover)?)
}

fn has_country(extent: &Extent<'_>, cover: &Cover) -> Result<bool, SegmentError> {
    let Some(country) = cover.country else { return Ok(true) };
    Ok(extent.country_totals()?.iter().any(|(of, _)| *of == country))
}

/// The days of a month that are in a range: bit `d` is day `d` of the month.
fn of_month(month: Month, days: &DayRange) -> u32 {
    let month_days = month.days();
    let covered = days.intersect(&month_days);
    let first = month_days.from.number();
    (covered.from.number()..covered.to.number()).fold(0, |bits, day| bits | 1 << (day - first))
}

fn before(month: Month, day: Day) -> u32 {
    of_month(month, &DayRange { from: Day::FIRST, to: day })
}

/// Whether a mask may leave out rows of a page in a month.
pub(super) fn leaves_out_rows(mask: &PageMask, month: Month) -> bool {
    mask.days_from() > month.first_day() || !mask.covers().is_empty()
}

/// What becomes of the rows of one page of one input.
pub(super) struct PageRules {
    /// By the index of their country.
    of_countries: Vec<CountryRule>,
    /// The days of the month whose rows are left out of some country, and of every one.
    some: u32,
    every: u32,
}

/// What becomes of the rows of one country.
#[derive(Clone, Copy)]
pub(super) struct CountryRule {
    /// The country that they are written with.
    pub(super) country: Country,
    /// The days of the month whose rows are left out.
    pub(super) masked: u32,
}

impl PageRules {
    pub(super) fn new(
        mask: Option<&PageMask>,
        extent: &Extent<'_>,
        recode: &CountrySet,
    ) -> Result<PageRules, SegmentError> {
        let month = extent.month();
        let rules: Vec<(Option<Country>, u32)> = mask
            .into_iter()
            .flat_map(|mask| mask.covers())
            .map(|cover| (cover.country, of_month(month, &cover.days)))
            .collect();
        let expired = mask.map_or(0, |mask| before(month, mask.days_from()));
        let rule = |(country, _): &(Country, u64)| {
            let of_country = rules.iter().filter(|(of, _)| of.is_none_or(|of| of == *country));
            CountryRule {
                country: if recode.contains(*country) { Country::ZZ } else { *country },
                masked: of_country.fold(expired, |masked, (_, days)| masked | days),
            }
        };
        let of_countries: Vec<CountryRule> = extent.country_totals()?.iter().map(rule).collect();
        let some = of_countries.iter().fold(0, |masked, rule| masked | rule.masked);
        let every = of_countries.iter().fold(u32::MAX, |masked, rule| masked & rule.masked);
        Ok(PageRules { of_countries, some, every })
    }

    /// Whether anything of a strip may be left out: it has days of which rows of some country are.
    pub(super) fn touch(&self, strip: &Strip) -> bool {
        self.some != 0 && strip.day_totals().any(|(day, _)| self.some >> day & 1 == 1)
    }

    /// Whether all of a strip is left out, of whatever countries its rows are.
    pub(super) fn cover(&self, strip: &Strip) -> bool {
        self.every != 0 && strip.day_totals().all(|(day, _)| self.every >> day & 1 == 1)
    }

    /// The rule of a country by its index, which a block that was read has below the number of countries.
    #[inline]
    pub(super) fn of(&self, country: u16) -> CountryRule {
        self.of_countries[usize::from(country)]
    }
}
