//! A site's time zone: from an instant to the site's wall clock, by the IANA data compiled in.

use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use parking_lot::Mutex;

use super::{Day, HourOfSite};

/// An IANA time zone. Cheap to clone.
#[derive(Clone)]
pub struct Zone(Arc<Inner>);

struct Inner {
    name: Box<str>,
    zone: TimeZone,
    /// The last stretch of constant offset that was asked for: events come in order of time, mostly.
    stretch: Mutex<Stretch>,
}

#[derive(Clone, Copy)]
struct Stretch {
    from_seconds: i64,
    to_seconds: i64,
    offset_seconds: i64,
}

/// No IANA zone has this name in the data compiled in.
#[derive(Debug, thiserror::Error)]
#[error("no time zone is named {0:?}; use an IANA name such as UTC or Europe/Berlin")]
pub struct UnknownZone(pub Box<str>);

impl Stretch {
    /// The hour of an instant in it, in Unix ms.
    fn hour(&self, unix_ms: i64) -> Option<HourOfSite> {
        let wall_seconds = unix_ms.div_euclid(1_000) + self.offset_seconds;
        let hour = HourOfSite::from_number(u32::try_from(wall_seconds.div_euclid(3_600)).ok()?)?;
        (hour.day() < Day::LAST).then_some(hour)
    }
}

impl Zone {
    /// Coordinated universal time.
    #[must_use]
    pub fn utc() -> Zone {
        Zone::from_jiff("UTC", TimeZone::UTC)
    }

    /// The zone of an IANA name.
    ///
    /// # Errors
    /// When the data compiled in has no zone of that name.
    pub fn named(name: &str) -> Result<Zone, UnknownZone> {
        match jiff::tz::db().get(name) {
            Ok(zone) => Ok(Zone::from_jiff(zone.iana_name().unwrap_or(name), zone.clone())),
            Err(_) => Err(UnknownZone(name.into())),
        }
    }

    fn from_jiff(name: &str, zone: TimeZone) -> Zone {
        let nowhere = Stretch { from_seconds: 0, to_seconds: 0, offset_seconds: 0 };
        Zone(Arc::new(Inner { name: name.into(), zone, stretch: Mutex::new(nowhere) }))
    }

    /// Its IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The site-local hour of an instant in Unix ms, and which other instants are of it; `None` where `local_hour` is.
    #[must_use]
    pub fn local_hour_span(&self, unix_ms: i64) -> Option<(HourOfSite, Range<i64>)> {
        let stretch = self.stretch(unix_ms.div_euclid(1_000))?;
        let hour = stretch.hour(unix_ms)?;
        let begin = i64::from(hour.number()) * 3_600 - stretch.offset_seconds;
        let from = begin.max(stretch.from_seconds);
        let to = (begin + 3_600).min(stretch.to_seconds);
        Some((hour, from.saturating_mul(1_000)..to.saturating_mul(1_000)))
    }

    /// The site-local hour of an instant in Unix ms; `None` outside 1970-01-01 to 2149-06-05 of the wall clock.
    #[must_use]
    pub fn local_hour(&self, unix_ms: i64) -> Option<HourOfSite> {
        self.stretch(unix_ms.div_euclid(1_000))?.hour(unix_ms)
    }

    fn stretch(&self, seconds: i64) -> Option<Stretch> {
        // Many sites share a zone: who finds the memory in use by another thread does without it.
        let remembered = self.0.stretch.try_lock().map(|stretch| *stretch);
        match remembered {
            Some(stretch) if (stretch.from_seconds..stretch.to_seconds).contains(&seconds) => Some(stretch),
            _ => {
                let stretch = self.stretch_at(seconds)?;
                if let Some(mut remembered) = self.0.stretch.try_lock() {
                    *remembered = stretch;
                }
                Some(stretch)
            }
        }
    }

    fn stretch_at(&self, seconds: i64) -> Option<Stretch> {
        let instant = Timestamp::from_second(seconds).ok()?;
        let zone = &self.0.zone;
        // `preceding` is strictly before, so that an instant on a border looks one second ahead.
        let after = Timestamp::from_second(seconds + 1).ok()?;
        Some(Stretch {
            from_seconds: zone
                .preceding(after)
                .next()
                .map_or(i64::MIN, |border| border.timestamp().as_second()),
            to_seconds: zone
                .following(instant)
                .next()
                .map_or(i64::MAX, |border| border.timestamp().as_second()),
            offset_seconds: i64::from(zone.to_offset(instant).seconds()),
        })
    }
}

impl std::fmt::Debug for Zone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Zone) -> bool {
        self.name() == other.name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(zone: &str, instant: &str, wall: &str) {
        let instant: Timestamp = instant.parse().unwrap();
        let (zone, ms) = (Zone::named(zone).unwrap(), instant.as_millisecond());
        let hour = zone.local_hour(ms).unwrap();
        assert_eq!(hour.to_string(), wall, "{instant} in {zone:?}");
        let (same, span) = zone.local_hour_span(ms).unwrap();
        assert!(same == hour && span.contains(&ms), "{instant} in {zone:?}: {span:?}");
        for inside in [span.start, span.end - 1] {
            assert_eq!(zone.local_hour(inside), Some(hour), "{inside} in {zone:?}");
        }
    }

    #[test]
    fn days_of_23_and_25_hours_and_half_hour_zones_are_the_sites_own() {
        check("UTC", "2026-03-29T00:59:59Z", "2026-03-29T00");
        check("Europe/Berlin", "2026-03-29T00:59:59Z", "2026-03-29T01");
        check("Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T03");
        check("Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T02");
        check("Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25T02");
        check("Asia/Kolkata", "2026-01-01T18:29:59Z", "2026-01-01T23");
        check("Asia/Kolkata", "2026-01-01T18:30:00Z", "2026-01-02T00");
        check("Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29T23");
        check("Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31T00");
        check("Australia/Lord_Howe", "2026-04-04T15:00:00Z", "2026-04-05T01");
        check("America/St_Johns", "2026-07-01T02:29:59Z", "2026-06-30T23");
    }

    #[test]
    fn the_remembered_stretch_gives_what_the_zone_gives() {
        for name in ["America/Sao_Paulo", "Africa/Casablanca", "Australia/Lord_Howe", "Asia/Kathmandu"] {
            let zone = Zone::named(name).unwrap();
            // A step that visits the borders from both sides, forwards and in jumps.
            for step in 0..20_000_i64 {
                let seconds = 100_000 + (step * 7_919_113) % 2_000_000_000;
                let wall = zone.0.zone.to_datetime(Timestamp::from_second(seconds).unwrap());
                let hour = zone.local_hour(seconds * 1_000).unwrap();
                assert_eq!(hour.to_string(), wall.strftime("%Y-%m-%dT%H").to_string(), "{seconds} in {name}");
            }
        }
    }

    #[test]
    fn instants_out_of_range_have_no_hour() {
        let zone = Zone::named("Asia/Tokyo").unwrap();
        for ms in [i64::MIN, i64::MAX, -40_000_000, 5_662_310_400_000] {
            assert_eq!(zone.local_hour(ms), None, "{ms}");
        }
        assert!(Zone::named("Mars/Olympus").is_err());
    }
}
