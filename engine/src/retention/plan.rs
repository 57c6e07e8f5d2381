//! What to drop and what to rewrite: decided from ages alone.

use crate::model::{Day, SiteId, SiteMask};

/// Days that something wholly expired may wait for company. A month is wholly expired at most 31 days after its
/// first day expired, and a snapshot keeps things for 30 more: together 75 of the 90 days that are promised.
pub const WAIT_DAYS: u32 = 14;

/// What one segment holds, by site. Found once per segment: segments do not change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentAges {
    /// Its file number.
    pub number: u64,
    /// What it holds of each site.
    pub sites: Vec<SiteAges>,
}

/// What a segment holds of one site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteAges {
    /// The site.
    pub site: SiteId,
    /// Bytes of its extent.
    pub bytes: u64,
    /// First and last day of its rows; `None` if it has none.
    pub days: Option<(Day, Day)>,
    /// First and last day of its hour totals; `None` if it has none.
    pub hours: Option<(Day, Day)>,
}

/// What to do with a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing, yet.
    Keep,
    /// Take it out of the manifest: every row is expired, of every site.
    Drop,
    /// Merge it with itself, through the masks.
    Rewrite,
}

/// What to do with a segment. `expiry` says what age leaves out of a site; a site without it is kept whole.
pub fn verdict(segment: &SegmentAges, expiry: impl Fn(SiteId) -> Option<SiteMask>) -> Verdict {
    let (mut all_expired, mut overdue, mut expired_bytes, mut bytes) = (true, false, 0, 0_u64);
    for ages in &segment.sites {
        bytes += ages.bytes;
        let Some(mask) = expiry(ages.site) else {
            all_expired = false;
            continue;
        };
        let rows = Expired::of(ages.days, mask.days_from);
        let hours = Expired::of(ages.hours, mask.hours_from);
        all_expired &= rows.wholly && hours.wholly;
        overdue |= rows.overdue || hours.overdue;
        expired_bytes += rows.share_of(ages.bytes);
    }
    match () {
        () if all_expired => Verdict::Drop,
        () if overdue || (expired_bytes > 0 && expired_bytes.saturating_mul(2) >= bytes) => Verdict::Rewrite,
        () => Verdict::Keep,
    }
}

struct Expired {
    wholly: bool,
    overdue: bool,
    expired_days: u64,
    days: u64,
}

impl Expired {
    fn of(range: Option<(Day, Day)>, from: Day) -> Expired {
        let Some((first, last)) = range else {
            return Expired { wholly: true, overdue: false, expired_days: 0, days: 0 };
        };
        let wholly = last < from;
        let days = |to: Day| u64::from(to.number().saturating_sub(first.number()));
        Expired {
            wholly,
            overdue: wholly && last.plus(WAIT_DAYS) < from,
            expired_days: days(from.min(last.plus(1))),
            days: days(last.plus(1)),
        }
    }

    fn share_of(&self, bytes: u64) -> u64 {
        (bytes * self.expired_days).checked_div(self.days).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: u16) -> Day {
        Day::from_number(20_000 + number)
    }

    fn ages(site: u64, bytes: u64, days: (u16, u16), hours: Option<(u16, u16)>) -> SiteAges {
        let range = |(first, last)| (day(first), day(last));
        SiteAges { site: SiteId(site), bytes, days: Some(range(days)), hours: hours.map(range) }
    }

    fn check(sites: &[SiteAges], edges: &[(u64, u16, u16)], expected: Verdict) {
        let expiry = |site: SiteId| {
            let (_, days_from, hours_from) = *edges.iter().find(|edge| edge.0 == site.0)?;
            let (days_from, hours_from) = (day(days_from), day(hours_from));
            Some(SiteMask { days_from, hours_from, ..SiteMask::nothing() })
        };
        let segment = SegmentAges { number: 1, sites: sites.to_vec() };
        assert_eq!(verdict(&segment, expiry), expected, "{sites:?} {edges:?}");
    }

    #[test]
    fn a_segment_is_dropped_when_every_row_of_every_site_is_expired() {
        let two = [ages(1, 100, (0, 29), Some((0, 29))), ages(2, 100, (0, 29), None)];
        check(&two, &[(1, 30, 30), (2, 30, 30)], Verdict::Drop);
        check(&two, &[(1, 29, 29), (2, 0, 0)], Verdict::Keep);
    }

    #[test]
    fn a_site_that_nobody_knows_expires_never() {
        check(&[ages(1, 100, (0, 29), None)], &[], Verdict::Keep);
        check(&[ages(1, 1, (0, 29), None), ages(2, 100, (0, 29), None)], &[(1, 30, 30)], Verdict::Keep);
    }

    #[test]
    fn something_small_waits_for_company_but_not_for_long() {
        let two = [ages(1, 1, (0, 29), None), ages(2, 1_000, (0, 29), None)];
        check(&two, &[(1, 30 + 14, 0), (2, 0, 0)], Verdict::Rewrite);
        check(&two, &[(1, 30 + 13, 0), (2, 0, 0)], Verdict::Keep);
    }

    #[test]
    fn the_edge_is_cut_when_half_of_the_bytes_are_behind_it() {
        let one = [ages(1, 1_000, (0, 29), None)];
        check(&one, &[(1, 14, 14)], Verdict::Keep);
        check(&one, &[(1, 15, 15)], Verdict::Rewrite);
    }

    #[test]
    fn hour_totals_leave_before_the_cells_do() {
        let one = [ages(1, 1_000, (0, 29), Some((0, 29)))];
        check(&one, &[(1, 0, 30 + 13)], Verdict::Keep);
        check(&one, &[(1, 0, 30 + 14)], Verdict::Rewrite);
        check(&[ages(1, 1_000, (0, 29), None)], &[(1, 0, 90)], Verdict::Keep);
    }
}
