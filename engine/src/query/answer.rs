//! What comes back.

use std::fmt;

use crate::model::{Country, Day, DayRange, Device, HourOfSite, Kind, Month, Work};

/// A value, and what has to be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// What was asked for.
    pub value: T,
    /// The asked days without those that retention has taken; may be empty.
    pub days: DayRange,
    /// Whether the value tells countries apart and some, in a month of the answer, were too rare to be named.
    ///
    /// It does not depend on which countries were asked for: that would tell that a rare one is there.
    pub recoded: bool,
    /// Whether converted_click was asked for and left out.
    pub withheld: bool,
    /// What was read.
    pub work: Work,
}

/// A step of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Time {
    /// An hour of the site's wall clock.
    Hour(HourOfSite),
    /// A day.
    Day(Day),
    /// A month.
    Month(Month),
}

impl fmt::Display for Time {
    /// `2026-01-01T13`, `2026-01-01` or `2026-01`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Time::Hour(hour) => hour.fmt(f),
            Time::Day(day) => day.fmt(f),
            Time::Month(month) => month.fmt(f),
        }
    }
}

/// Events of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeCount {
    /// When.
    pub time: Time,
    /// Events; at least 1.
    pub count: u64,
}

/// Events of one page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageTotal {
    /// Its text.
    pub page: Box<str>,
    /// Events; at least 1.
    pub count: u64,
}

/// Totals of the asked events, each broken down by one thing. Without events: empty, or zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Sum of all.
    pub total: u64,
    /// By kind, in order of codes.
    pub kinds: Vec<(Kind, u64)>,
    /// By device, in order of codes.
    pub devices: Vec<(Device, u64)>,
    /// By country, rare ones as `ZZ`, in order of letters.
    pub countries: Vec<(Country, u64)>,
    /// By weekday, Monday first.
    pub weekdays: [u64; 7],
    /// By weekday, Monday first, and hour of the wall clock, over `hour_days`; conversion kinds have no hours.
    /// `None` when the question selects by viewport, fixed or country, which hour totals do not have.
    pub hours: Option<Box<[[u64; 24]; 7]>>,
    /// The days of `hours`: the answer's, at most the last `hourly_days`; may be empty.
    pub hour_days: DayRange,
}

/// How far down pages were seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrollReach {
    /// By row of 8 px, events of kind scroll: views whose deepest row this was. Ends with the last that has any.
    pub deepest: Vec<u64>,
    /// Events of kind view. Not every view tells how deep it went.
    pub views: u64,
}

impl ScrollReach {
    /// Views that told how deep they went.
    #[must_use]
    pub fn scrolls(&self) -> u64 {
        self.deepest.iter().sum()
    }

    /// By row, views that reached it or went deeper; falls from `scrolls()`.
    #[must_use]
    pub fn reached(&self) -> Vec<u64> {
        let mut below = self.deepest.clone();
        for row in (1..below.len()).rev() {
            below[row - 1] += below[row];
        }
        below
    }

    /// By row, the share (0 to 1) of views that reached it, of those that told how deep they went.
    #[must_use]
    pub fn shares(&self) -> Vec<f64> {
        let all = self.scrolls();
        self.reached().into_iter().map(|reached| reached as f64 / all as f64).collect()
    }
}

/// How long rows of pages were looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attention {
    /// By row of 8 px, seconds in which it was on the screen. Ends with the last that has any.
    pub seconds: Vec<u64>,
}
