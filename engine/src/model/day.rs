//! Site-local calendar time: days, hours and months, without any zone.

use std::fmt;
use std::str::FromStr;

/// A site-local calendar day: days since 1970-01-01, up to 2149-06-06. The finest time a cell has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(u16);

impl Day {
    /// 1970-01-01.
    pub const FIRST: Day = Day(0);
    /// 2149-06-06; nothing can be stored on it, so that it can end a half-open range.
    pub const LAST: Day = Day(u16::MAX);

    /// From days since 1970-01-01.
    #[must_use]
    pub fn from_number(number: u16) -> Day {
        Day(number)
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }

    /// From a civil date; `None` if there is no such day or it is out of range.
    #[must_use]
    pub fn from_civil(year: i32, month: u32, day: u32) -> Option<Day> {
        if !(1970..=2149).contains(&year)
            || !(1..=12).contains(&month)
            || day == 0
            || day > month_days(year, month)
        {
            return None;
        }
        // Howard Hinnant, "chrono-compatible low-level date algorithms": days_from_civil.
        let y = i64::from(if month <= 2 { year - 1 } else { year });
        let era = y / 400;
        let year_of_era = y - era * 400;
        let month_from_march = (i64::from(month) + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        u16::try_from(era * 146_097 + day_of_era - 719_468).ok().map(Day)
    }

    /// Year, month (1 to 12) and day of the month (1 to 31).
    #[must_use]
    pub fn civil(self) -> (i32, u32, u32) {
        // Howard Hinnant, civil_from_days; the era is positive for every u16, and 32 bits are enough.
        let z = u32::from(self.0) + 719_468;
        let era = z / 146_097;
        let day_of_era = z - era * 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + u32::from(month <= 2);
        (year as i32, month, day)
    }

    /// The month this day is in.
    #[must_use]
    pub fn month(self) -> Month {
        let (year, month, _) = self.civil();
        Month(((year - 1970) * 12) as u16 + month as u16 - 1)
    }

    /// Days since the first of its month: 0 to 30.
    #[must_use]
    pub fn of_month(self) -> u8 {
        (self.civil().2 - 1) as u8
    }

    /// 0 = Monday to 6 = Sunday.
    #[must_use]
    pub fn weekday(self) -> u8 {
        // 1970-01-01 was a Thursday.
        ((u32::from(self.0) + 3) % 7) as u8
    }

    /// `days` later, held at `LAST`.
    #[must_use]
    pub fn plus(self, days: u32) -> Day {
        Day(u16::try_from(u32::from(self.0) + days.min(u32::from(u16::MAX))).unwrap_or(u16::MAX))
    }

    /// `days` earlier, held at `FIRST`.
    #[must_use]
    pub fn minus(self, days: u32) -> Day {
        Day(u16::try_from(u32::from(self.0).saturating_sub(days)).unwrap_or(0))
    }
}

fn month_days(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Day {
    type Err = ();

    /// `YYYY-MM-DD`, nothing else.
    fn from_str(text: &str) -> Result<Day, ()> {
        let bytes = text.as_bytes();
        let digits = |range: std::ops::Range<usize>| {
            let part = text.get(range).ok_or(())?;
            if part.bytes().all(|b| b.is_ascii_digit()) {
                part.parse::<u32>().map_err(|_| ())
            } else {
                Err(())
            }
        };
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return Err(());
        }
        Day::from_civil(digits(0..4)? as i32, digits(5..7)?, digits(8..10)?).ok_or(())
    }
}

/// A half-open range of days: `from` is in it, `to` is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayRange {
    /// First day.
    pub from: Day,
    /// Day after the last one.
    pub to: Day,
}

impl DayRange {
    /// Every day there is.
    pub const ALL: DayRange = DayRange { from: Day::FIRST, to: Day::LAST };

    /// Whether `day` is in it.
    #[must_use]
    pub fn contains(&self, day: Day) -> bool {
        self.from <= day && day < self.to
    }

    /// Whether no day is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.from >= self.to
    }

    /// The days that are in both.
    #[must_use]
    pub fn intersect(&self, other: &DayRange) -> DayRange {
        DayRange { from: self.from.max(other.from), to: self.to.min(other.to) }
    }

    /// Whether every day of `other` is in it.
    #[must_use]
    pub fn covers(&self, other: &DayRange) -> bool {
        other.is_empty() || (self.from <= other.from && other.to <= self.to)
    }

    /// Its months, ascending.
    pub fn months(&self) -> impl Iterator<Item = Month> + use<> {
        let range = *self;
        let last = if range.is_empty() { None } else { Some(range.to.minus(1).month()) };
        std::iter::successors(last.map(|_| range.from.month()), |month| Some(month.next()))
            .take_while(move |month| Some(*month) <= last)
    }
}

/// A calendar month: months since January 1970. What a segment covers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(u16);

impl Month {
    /// From months since January 1970; `None` past June 2149, the last that `Day` can say.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Month> {
        (number <= Day::LAST.month().0).then_some(Month(number))
    }

    /// Months since January 1970.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }

    /// Its first day.
    #[must_use]
    pub fn first_day(self) -> Day {
        Day::from_civil(1970 + i32::from(self.0 / 12), u32::from(self.0 % 12) + 1, 1).unwrap_or(Day::LAST)
    }

    /// The month after.
    #[must_use]
    pub fn next(self) -> Month {
        Month(self.0.saturating_add(1))
    }

    /// Its days.
    #[must_use]
    pub fn days(self) -> DayRange {
        DayRange { from: self.first_day(), to: self.next().first_day() }
    }

    /// The day at `of_month` (0 to 30) after the first.
    #[must_use]
    pub fn day(self, of_month: u8) -> Day {
        self.first_day().plus(u32::from(of_month))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", 1970 + self.0 / 12, self.0 % 12 + 1)
    }
}

impl fmt::Debug for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A site-local hour: `24 * day + hour of the wall clock`. A repeated hour is one hour.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HourOfSite(u32);

impl HourOfSite {
    /// From a day and an hour of the wall clock (0 to 23; more is held at 23).
    #[must_use]
    pub fn new(day: Day, hour: u8) -> HourOfSite {
        HourOfSite(u32::from(day.0) * 24 + u32::from(hour.min(23)))
    }

    /// From hours since 1970-01-01T00 of the wall clock; `None` past the last day.
    #[must_use]
    pub fn from_number(number: u32) -> Option<HourOfSite> {
        (number / 24 <= u32::from(u16::MAX)).then_some(HourOfSite(number))
    }

    /// Hours since 1970-01-01T00 of the wall clock.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }

    /// Its day.
    #[must_use]
    pub fn day(self) -> Day {
        Day((self.0 / 24) as u16)
    }

    /// Its hour on the wall clock, 0 to 23.
    #[must_use]
    pub fn hour(self) -> u8 {
        (self.0 % 24) as u8
    }
}

impl fmt::Display for HourOfSite {
    /// `YYYY-MM-DDTHH`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{:02}", self.day(), self.hour())
    }
}

impl fmt::Debug for HourOfSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_is_its_own_civil_date() {
        for number in 0..=u16::MAX {
            let day = Day::from_number(number);
            let (year, month, of_month) = day.civil();
            assert_eq!(Day::from_civil(year, month, of_month), Some(day));
            assert_eq!(day.to_string().parse(), Ok(day));
            assert_eq!(day.month().day(day.of_month()), day);
            assert!(day == Day::LAST || day.month().days().contains(day));
        }
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for text in [
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-1-01",
            "1969-12-31",
            "2149-06-07",
            "20260101",
            "+026-01-01",
        ] {
            assert_eq!(text.parse::<Day>(), Err(()), "{text}");
        }
        assert_eq!("2024-02-29".parse::<Day>().map(|d| d.weekday()), Ok(3));
    }

    #[test]
    fn a_range_names_its_months() {
        let range = DayRange { from: "2025-12-31".parse().unwrap(), to: "2026-02-01".parse().unwrap() };
        let months: Vec<_> = range.months().map(|m| m.to_string()).collect();
        assert_eq!(months, ["2025-12", "2026-01"]);
        assert_eq!(DayRange { from: range.to, to: range.from }.months().count(), 0);
    }
}
