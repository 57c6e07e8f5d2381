//! Sites, their names and settings.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

use super::{Day, MaskRules, SiteMask, Zone};

/// Position of a batch in the order of all batches of a store; the first is 1. 0 is before every batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub u64);

/// A site's random identity, one per creation: making a site again under an old name makes a new one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteId(pub u64);

/// A table by site. Ids are drawn at random, and not by who asks: nobody chooses which of them meet, so that nothing is
/// gained by hashing them.
pub type SiteMap<T> = HashMap<SiteId, T, BuildHasherDefault<AsDrawn>>;

/// Takes a random number as its own hash.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsDrawn(u64);

impl Hasher for AsDrawn {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0 << 8 | u64::from(*byte));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl fmt::Display for SiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for SiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A label that a person gave: `[a-z0-9][a-z0-9-]{0,62}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteName(Box<str>);

/// A name that is not of the allowed form.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a name is 1 to 63 of a-z, 0-9 and -, and does not begin with -")]
pub struct InvalidName;

/// Whether a text is of the form of all names that people give: `[a-z0-9][a-z0-9-]{0,62}`.
pub(super) fn check_name(text: &str) -> Result<(), InvalidName> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let ok = (1..=63).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with('-');
    if ok { Ok(()) } else { Err(InvalidName) }
}

impl SiteName {
    /// Checks a name.
    ///
    /// # Errors
    /// When it is not of the allowed form.
    pub fn new(text: &str) -> Result<SiteName, InvalidName> {
        check_name(text)?;
        Ok(SiteName(text.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SiteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a store and its sites are: 1 to 8 letters a-z, such as `eu`. Data never leaves its region.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Region(Box<str>);

impl Region {
    /// Most bytes of a name: it stands in a fixed field of every file.
    pub const MAX_BYTES: usize = 8;

    /// Checks a region's name.
    ///
    /// # Errors
    /// When it is not of the allowed form.
    pub fn new(text: &str) -> Result<Region, InvalidName> {
        let ok = (1..=Self::MAX_BYTES).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase());
        if ok { Ok(Region(text.into())) } else { Err(InvalidName) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which parts of a URL's query a page keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryParams {
    /// None.
    Drop,
    /// All.
    Keep,
    /// Those of these keys.
    Only(Vec<String>),
}

/// What happens to path segments that look personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathRules {
    /// They become `*`.
    Redact,
    /// They stay.
    Keep,
}

/// How many pages a site may have; events of more pages count on `host/(other)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimits {
    /// New pages a site-local day.
    pub new_a_day: u32,
    /// Pages that have data.
    pub live: u32,
}

/// What the owner or operator of a site has chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteSettings {
    /// Hosts whose pages are counted; empty is any.
    pub hosts: Vec<String>,
    /// Decides the day of an event. Cannot change once there is data.
    pub timezone: Zone,
    /// What is kept of a query.
    pub query_params: QueryParams,
    /// What is kept of a path.
    pub path_rules: PathRules,
    /// Pages that are not counted: exact, or with `*`.
    pub exclude_pages: Vec<String>,
    /// Networks that are not counted, as CIDR.
    pub exclude_networks: Vec<String>,
    /// Days that cells are kept, 1 to 36,500.
    pub retention_days: u32,
    /// Days that hour totals are kept.
    pub hourly_days: u32,
    /// Countries with fewer events a month are `ZZ`; 0 switches it off.
    pub min_count: u32,
    /// Origins that may read over CORS.
    pub read_origins: Vec<String>,
    /// Budget of pages.
    pub page_limits: PageLimits,
}

impl SiteSettings {
    /// What a site has when only its name was given.
    #[must_use]
    pub fn standard() -> SiteSettings {
        SiteSettings {
            hosts: Vec::new(),
            timezone: Zone::utc(),
            query_params: QueryParams::Drop,
            path_rules: PathRules::Redact,
            exclude_pages: Vec::new(),
            exclude_networks: Vec::new(),
            retention_days: 730,
            hourly_days: 35,
            min_count: 5,
            read_origins: Vec::new(),
            page_limits: PageLimits { new_a_day: 10_000, live: 100_000 },
        }
    }

    /// What age alone leaves out on the site-local day `today`, the same for every query and every merge.
    ///
    /// Kept for `n` days means: today and the `n - 1` days before it. Days in the future are kept.
    #[must_use]
    pub fn expiry(&self, today: Day) -> SiteMask {
        let oldest = |days: u32| match days {
            0 => Day::LAST,
            days => today.minus(days - 1),
        };
        let days_from = oldest(self.retention_days);
        SiteMask { days_from, hours_from: oldest(self.hourly_days).max(days_from), rules: MaskRules::none() }
    }

    /// The site-local day of an instant in Unix ms, held at the first and the last day there is.
    #[must_use]
    pub fn day_at(&self, unix_ms: u64) -> Day {
        let unix_ms = i64::try_from(unix_ms).unwrap_or(i64::MAX);
        match self.timezone.local_hour(unix_ms) {
            Some(hour) => hour.day(),
            // A zone is at most a day away from UTC: what has no local hour is at one end or the other.
            None if unix_ms < 7 * 86_400_000 => Day::FIRST,
            None => Day::LAST,
        }
    }
}

/// A site as the accounts know it.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// Its identity.
    pub id: SiteId,
    /// Its label.
    pub name: SiteName,
    /// Where its data is.
    pub region: Region,
    /// The public key that its pages carry; begins with the region.
    pub key: Box<str>,
    /// The key before a rotation, and the Unix second until which it is good.
    pub old_key: Option<(Box<str>, u64)>,
    /// Unix second of its creation.
    pub created_at: u64,
    /// Whether it has been deleted: closed to reads and writes, and waiting for its erasure.
    pub closed: bool,
    /// What was chosen.
    pub settings: SiteSettings,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_for_n_days_means_today_and_the_days_before_it() {
        let today = Day::from_number(20_000);
        let mut settings = SiteSettings::standard();
        (settings.retention_days, settings.hourly_days) = (1, 0);
        let mask = settings.expiry(today);
        assert_eq!((mask.days_from, mask.hours_from), (today, Day::LAST));
        (settings.retention_days, settings.hourly_days) = (30, 35);
        let mask = settings.expiry(today);
        assert_eq!((mask.days_from, mask.hours_from), (today.minus(29), today.minus(29)));
        settings.retention_days = 36_500;
        assert_eq!(settings.expiry(today).days_from, Day::FIRST);
    }

    #[test]
    fn an_instant_beyond_the_calendar_is_held_at_its_ends() {
        let mut settings = SiteSettings::standard();
        settings.timezone = Zone::named("America/Los_Angeles").unwrap();
        assert_eq!(settings.day_at(0), Day::FIRST);
        assert_eq!(settings.day_at(u64::MAX), Day::LAST);
        assert_eq!(settings.day_at(86_400_000 * 100), Day::from_number(99));
    }
}
