//! Masks: what a reader and a merge leave out of a site.

use super::{Country, Day, DayRange};

/// What of one site is left out: by age, and by rules. Given per input, because a rule covers only what was written before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteMask {
    /// Cells, totals and roll-ups of earlier days are left out (retention).
    pub days_from: Day,
    /// Hour totals of earlier days are left out (`hourly_days`).
    pub hours_from: Day,
    /// What else is left out.
    pub rules: Vec<MaskRule>,
}

/// Rows of these pages, on these days, from this country (any, if none is named).
///
/// Hour totals have no country: a rule with a country covers all hour totals of its pages and days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskRule {
    /// Which pages.
    pub pages: PageSelection,
    /// Which days.
    pub days: DayRange,
    /// Which country; `None` is every one.
    pub country: Option<Country>,
}

/// Which pages of a site a rule covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageSelection {
    /// Every page.
    All,
    /// The page of exactly this text.
    Page(Box<str>),
    /// Pages whose text begins with this.
    Prefix(Box<str>),
}

impl PageSelection {
    /// Whether it covers the page of this text.
    #[must_use]
    pub fn covers(&self, page: &str) -> bool {
        match self {
            PageSelection::All => true,
            PageSelection::Page(text) => **text == *page,
            PageSelection::Prefix(prefix) => page.starts_with(&**prefix),
        }
    }
}

impl SiteMask {
    /// Leaves nothing out.
    #[must_use]
    pub fn nothing() -> SiteMask {
        SiteMask { days_from: Day::FIRST, hours_from: Day::FIRST, rules: Vec::new() }
    }

    /// Whether a row of this page, day and country is left out.
    #[must_use]
    pub fn covers_row(&self, page: &str, day: Day, country: Country) -> bool {
        day < self.days_from
            || self.rules.iter().any(|rule| {
                rule.days.contains(day)
                    && rule.country.is_none_or(|of| of == country)
                    && rule.pages.covers(page)
            })
    }

    /// Whether the hour totals of this page and day are left out.
    #[must_use]
    pub fn covers_hours(&self, page: &str, day: Day) -> bool {
        day < self.days_from.max(self.hours_from)
            || self.rules.iter().any(|rule| rule.days.contains(day) && rule.pages.covers(page))
    }
}
