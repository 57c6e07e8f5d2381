//! Which rows of one month count: by day and country, in one table.

use crate::model::{Country, CountrySet, Cover, DayRange, Kind, Month};

/// Days of a month, one bit each, from its first.
pub(super) type DayBits = u32;

/// The days of `month` that are in `range`.
pub(super) fn day_bits(month: Month, range: &DayRange) -> DayBits {
    let (days, first) = (range.intersect(&month.days()), month.first_day().number());
    if days.is_empty() {
        return 0;
    }
    let below = |day: u16| (1_u32 << (day - first)) - 1;
    below(days.to.number()) & !below(days.from.number())
}

/// Which rows of one month count: asked days and countries, without what is masked.
#[derive(Clone)]
pub(super) struct RowFilter {
    /// By country as stored: the days on which its rows count.
    keep: Box<[DayBits; Country::CODES as usize]>,
    /// Days on which rows of every country count.
    every: DayBits,
    /// Days on which rows of some country count.
    some: DayBits,
}

/// What a strip has on the days that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weight {
    /// Events that count for sure.
    pub(super) counted: u64,
    /// Events that count or do not: their rows decide.
    pub(super) undecided: u64,
}

/// How much of a strip has to be read for its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// None of its rows counts.
    Nothing,
    /// All of them count.
    Summary,
    /// Some of them count.
    Detail,
}

impl RowFilter {
    /// Rows of every country on these days.
    pub(super) fn of_days(days: DayBits) -> RowFilter {
        RowFilter { keep: Box::new([days; Country::CODES as usize]), every: days, some: days }
    }

    /// Rows of the countries that, after the rare ones of the month became `ZZ`, are among the asked ones.
    pub(super) fn of_countries(days: DayBits, asked: &CountrySet, rare: &CountrySet) -> RowFilter {
        let named = |country| if rare.contains(country) { Country::ZZ } else { country };
        let keep = |country| if asked.contains(named(country)) { days } else { 0 };
        RowFilter::new(|code| Country::from_code(code).map_or(0, keep))
    }

    /// The same without what is covered of this month.
    pub(super) fn without<'r>(&self, month: Month, covers: impl IntoIterator<Item = &'r Cover>) -> RowFilter {
        let mut keep = self.keep.clone();
        for cover in covers {
            let left = !day_bits(month, &cover.days);
            match cover.country {
                Some(country) => keep[usize::from(country.code())] &= left,
                None => keep.iter_mut().for_each(|days| *days &= left),
            }
        }
        RowFilter::new(|code| keep[usize::from(code)])
    }

    fn new(keep: impl Fn(u16) -> DayBits) -> RowFilter {
        let keep: [DayBits; Country::CODES as usize] = std::array::from_fn(|code| keep(code as u16));
        RowFilter {
            every: keep.iter().fold(DayBits::MAX, |all, days| all & days),
            some: keep.iter().fold(0, |all, days| all | days),
            keep: Box::new(keep),
        }
    }

    /// Whether the rows of this country (as stored) and day (0 to 30, from the first of the month) count.
    #[inline]
    pub(super) fn keeps(&self, country: u16, of_month: u8) -> bool {
        self.keep[usize::from(country)] >> of_month & 1 == 1
    }

    /// The days on which rows of this country (as stored) count.
    pub(super) fn days_of(&self, country: Country) -> DayBits {
        self.keep[usize::from(country.code())]
    }

    /// Whether no row counts.
    pub(super) fn is_empty(&self) -> bool {
        self.some == 0
    }

    /// The days on which rows of a kind count for sure, and those on which it depends on the country. Conversions
    /// have no country, so that it never depends on it.
    fn days(&self, kind: Kind) -> (DayBits, DayBits) {
        match kind.is_conversion() {
            true => (self.keep[usize::from(Country::ZZ.code())], 0),
            false => (self.every, self.some & !self.every),
        }
    }

    /// Whether rows of a kind on a day (0 to 30) count for sure.
    pub(super) fn keeps_day(&self, kind: Kind, of_month: u8) -> bool {
        self.days(kind).0 >> of_month & 1 == 1
    }

    /// Weighs the per-day totals of a strip.
    pub(super) fn weigh(&self, kind: Kind, day_totals: impl IntoIterator<Item = (u8, u64)>) -> Weight {
        let (every, depends) = self.days(kind);
        let mut weight = Weight { counted: 0, undecided: 0 };
        for (of_month, events) in day_totals {
            weight.counted += events * u64::from(every >> of_month & 1);
            weight.undecided += events * u64::from(depends >> of_month & 1);
        }
        weight
    }

    /// Whether every row of a kind on any day counts, whatever its strip's days are.
    pub(super) fn keeps_all(&self, kind: Kind, month: Month) -> bool {
        let all = day_bits(month, &month.days());
        self.days(kind).0 & all == all
    }
}

impl Weight {
    /// What has to be read of a strip of `total` events.
    pub(super) fn reading(&self, total: u64) -> Reading {
        match self {
            Weight { counted: 0, undecided: 0 } => Reading::Nothing,
            Weight { counted, .. } if *counted == total => Reading::Summary,
            _ => Reading::Detail,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Day;

    fn country(text: &str) -> Country {
        text.parse().unwrap()
    }

    fn january() -> Month {
        "2026-01-01".parse::<Day>().unwrap().month()
    }

    fn days(from: &str, to: &str) -> DayRange {
        DayRange { from: from.parse().unwrap(), to: to.parse().unwrap() }
    }

    #[test]
    fn days_of_a_range_are_bits_of_its_months() {
        for (from, to, bits) in [
            ("2026-01-01", "2026-02-01", 0x7fff_ffff),
            ("2025-01-01", "2027-01-01", 0x7fff_ffff),
            ("2026-01-02", "2026-01-04", 0b110),
            ("2026-01-31", "2026-03-01", 1 << 30),
            ("2026-02-01", "2026-03-01", 0),
            ("2026-01-09", "2026-01-09", 0),
            ("2026-01-09", "2026-01-02", 0),
        ] {
            assert_eq!(day_bits(january(), &days(from, to)), bits, "{from} {to}");
        }
        // The last month ends where days end.
        let last = Day::LAST.month();
        assert_eq!(day_bits(last, &DayRange::ALL), 0b1_1111);
    }

    #[test]
    fn a_strip_is_read_no_deeper_than_its_days_and_countries_ask() {
        let all = RowFilter::of_days(day_bits(january(), &january().days()));
        assert!(all.keeps_all(Kind::Move, january()));
        let week = RowFilter::of_days(0b111_1111);
        assert!(!week.keeps_all(Kind::Move, january()));
        let german =
            RowFilter::of_countries(0b11, &[country("DE")].into_iter().collect(), &CountrySet::new());
        let unknown = RowFilter::of_countries(0b11, &[Country::ZZ].into_iter().collect(), &CountrySet::new());
        let inside: &[(u8, u64)] = &[(0, 3), (6, 4)];
        let across: &[(u8, u64)] = &[(0, 3), (9, 4)];
        let after: &[(u8, u64)] = &[(9, 4)];
        for (filter, kind, totals, expected) in [
            (&week, Kind::Click, inside, Reading::Summary),
            (&week, Kind::Click, across, Reading::Detail),
            (&week, Kind::Click, after, Reading::Nothing),
            (&german, Kind::Click, inside, Reading::Detail),
            (&german, Kind::Click, after, Reading::Nothing),
            (&german, Kind::ConvertedClick, inside, Reading::Nothing),
            (&unknown, Kind::ConvertedClick, &inside[..1], Reading::Summary),
        ] {
            let total = totals.iter().map(|(_, events)| events).sum();
            assert_eq!(
                filter.weigh(kind, totals.iter().copied()).reading(total),
                expected,
                "{kind} {totals:?}"
            );
        }
    }

    #[test]
    fn rare_countries_count_as_zz_and_only_so() {
        let rare: CountrySet = [country("LI")].into_iter().collect();
        let zz = RowFilter::of_countries(1, &[Country::ZZ].into_iter().collect(), &rare);
        let li = RowFilter::of_countries(1, &[country("LI")].into_iter().collect(), &rare);
        assert!(zz.keeps(country("LI").code(), 0) && zz.keeps(Country::ZZ.code(), 0));
        assert!(!zz.keeps(country("DE").code(), 0));
        assert!(li.is_empty());
    }

    #[test]
    fn a_rule_covers_the_stored_country_on_its_days() {
        let rule = |country, from: &str, to: &str| Cover { days: days(from, to), country };
        let rules =
            [rule(Some(country("DE")), "2025-12-01", "2026-01-03"), rule(None, "2026-01-04", "2026-01-05")];
        let filter = RowFilter::of_days(0b1111).without(january(), &rules);
        let kept = |text: &str| (0..4).map(|day| filter.keeps(country(text).code(), day)).collect::<Vec<_>>();
        assert_eq!(kept("DE"), [false, false, true, false]);
        assert_eq!(kept("FR"), [true, true, true, false]);
        let weight = filter.weigh(Kind::Move, [(0, 1), (1, 2), (2, 4), (3, 8), (30, 16)]);
        assert_eq!(weight, Weight { counted: 4, undecided: 3 });
    }
}
