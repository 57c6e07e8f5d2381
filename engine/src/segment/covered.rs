//! What of an extent some covers reach: exactly, row by row where countries have to be told apart.

use crate::model::{Country, Cover, Day, MaskRules, Month, Work};

use super::{Extent, PageIndex, Scratch, SegmentError};

/// What of one page is covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Covered {
    /// Events of its rows.
    pub events: u64,
    /// Whether any of its hour totals are.
    pub hours: bool,
}

impl Covered {
    /// Whether nothing is.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.events == 0 && !self.hours
    }
}

impl Extent<'_> {
    /// What `covers` reach of a page, but for what `except` reaches too. Reads rows only if a country is named.
    ///
    /// # Errors
    /// When a part of it is damaged.
    pub fn covered(
        &self,
        page: PageIndex,
        covers: &[Cover],
        except: &[Cover],
        scratch: &mut Scratch,
    ) -> Result<Covered, SegmentError> {
        let month = self.month();
        let (reach, spared) = (Reach::of(month, covers), Reach::of(month, except));
        let mut covered = Covered::default();
        if covers.is_empty()
            || self.header().days & reach.some == 0 && self.header().hour_days & reach.some == 0
        {
            return Ok(covered);
        }
        for hour in self.hours(page, scratch)? {
            let day = of_month(month, hour.hour.day());
            covered.hours |= reach.some >> day & 1 == 1 && spared.some >> day & 1 == 0;
        }
        for strip in self.strips(page, scratch)? {
            let undecided = reach.some & !spared.every & !(reach.every & !spared.some);
            let mut some_undecided = false;
            let mut sure = 0_u64;
            for (day, total) in strip.day_totals() {
                some_undecided |= undecided >> day & 1 == 1;
                sure += total * u64::from((reach.every & !spared.some) >> day & 1);
            }
            if !some_undecided {
                covered.events += sure;
                continue;
            }
            let mut events = 0_u64;
            self.scan_detail(&strip, scratch, &mut Work::default(), &mut |rows| {
                for ((country, day), count) in rows.countries.iter().zip(rows.days).zip(rows.counts) {
                    if reach.covers(*country, *day) && !spared.covers(*country, *day) {
                        events += u64::from(*count);
                    }
                }
            })?;
            covered.events += events;
        }
        Ok(covered)
    }

    /// Whether rules leave anything out of it, of any page.
    ///
    /// # Errors
    /// When a part of it is damaged.
    pub fn has_covered(&self, rules: &MaskRules, scratch: &mut Scratch) -> Result<bool, SegmentError> {
        if rules.is_empty() {
            return Ok(false);
        }
        let of_site = rules.of_site();
        for page in self.all_pages() {
            let mut covers = rules.naming(self.page_text(page)?);
            covers.extend(&of_site);
            if !self.covered(page, &covers, &[], scratch)?.is_nothing() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The days of one month that covers reach: one bit each.
struct Reach {
    /// Of every country.
    every: u32,
    /// Of some country.
    some: u32,
    of_countries: Vec<(Country, u32)>,
}

impl Reach {
    fn of(month: Month, covers: &[Cover]) -> Reach {
        let mut reach = Reach { every: 0, some: 0, of_countries: Vec::new() };
        for cover in covers {
            let days = cover.days.intersect(&month.days());
            let bits = (days.from.number()..days.to.number())
                .fold(0, |bits, day| bits | 1 << of_month(month, Day::from_number(day)));
            reach.some |= bits;
            match cover.country {
                Some(country) => reach.of_countries.push((country, bits)),
                None => reach.every |= bits,
            }
        }
        reach
    }

    fn covers(&self, country: Country, day: u8) -> bool {
        let of_country = || self.of_countries.iter().filter(|(of, _)| *of == country);
        (self.every >> day & 1 == 1) || of_country().any(|(_, bits)| bits >> day & 1 == 1)
    }
}

/// The day of the month, 0 to 30, of a day that is in it.
fn of_month(month: Month, day: Day) -> u16 {
    day.number() - month.first_day().number()
}
