//! Whether an instant is counted, and in which hour of the site.

use std::ops::Range;

use heatgrid_engine::model::{Day, HourOfSite, Site, Zone};

use super::DropReason;

/// Events this far ahead of the clock are still believed: a site's and the server's clocks differ.
const FUTURE_MS: i64 = 24 * 3_600 * 1_000;

/// The time that a site's events may be of, as it is at one moment.
pub(super) struct Placing<'a> {
    zone: &'a Zone,
    /// Events of earlier days are older than the site's retention.
    first_day: Day,
    /// Events after this instant are not believed.
    last_ms: i64,
    /// The hour of the event before, and its instants: the next one is mostly of it too.
    latest: Option<(HourOfSite, Range<i64>)>,
}

impl<'a> Placing<'a> {
    /// That of `site` at `now_ms` (Unix ms).
    pub(super) fn new(site: &'a Site, now_ms: u64) -> Placing<'a> {
        let settings = &site.settings;
        Placing {
            zone: &settings.timezone,
            first_day: settings.expiry(settings.day_at(now_ms)).days_from,
            last_ms: i64::try_from(now_ms).unwrap_or(i64::MAX).saturating_add(FUTURE_MS),
            latest: None,
        }
    }

    /// The hour of an instant (Unix ms), or why its event is dropped.
    #[inline]
    pub(super) fn hour(&mut self, at_ms: i64) -> Result<HourOfSite, DropReason> {
        if at_ms > self.last_ms {
            return Err(DropReason::Future);
        }
        let hour = match &self.latest {
            Some((hour, instants)) if instants.contains(&at_ms) => *hour,
            _ => self.another_hour(at_ms)?,
        };
        if hour.day() < self.first_day { Err(DropReason::Expired) } else { Ok(hour) }
    }

    #[cold]
    fn another_hour(&mut self, at_ms: i64) -> Result<HourOfSite, DropReason> {
        let latest = self.zone.local_hour_span(at_ms).ok_or(DropReason::Expired)?;
        Ok(self.latest.insert(latest).0)
    }
}
