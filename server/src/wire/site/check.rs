//! From what was written to what it means.

use heatgrid_engine::model::limits::{RETENTION_DAYS, SETTING_BYTES, SETTING_ENTRIES};
use heatgrid_engine::model::{PageLimits, PathRules, QueryParams, Region, SiteName, SiteSettings, Zone};
use ipnet::IpNet;

use super::{BadSite, WrittenParams, WrittenSite};
use crate::privacy::{is_exclusion, url};

impl WrittenSite {
    /// The site's name.
    ///
    /// # Errors
    /// When it is missing, or not of the allowed form.
    pub fn name(&self) -> Result<SiteName, BadSite> {
        let name = self.site.as_deref().ok_or(BadSite::Missing { name: "site" })?;
        Ok(SiteName::new(name)?)
    }

    /// The site's region, if it was written.
    ///
    /// # Errors
    /// When it is not of the allowed form.
    pub fn region(&self) -> Result<Option<Region>, BadSite> {
        let bad = BadSite::Value { name: "region", expected: "1 to 8 letters a-z, such as eu" };
        self.region.as_deref().map(|text| Region::new(text).map_err(|_| bad)).transpose()
    }

    /// `base` with the settings that were written.
    ///
    /// # Errors
    /// When one of them is not what it has to be.
    pub fn settings(&self, base: &SiteSettings) -> Result<SiteSettings, BadSite> {
        let mut settings = base.clone();
        replace(
            &mut settings.hosts,
            "hosts",
            &self.hosts,
            url::is_host,
            "hosts such as shop.example or localhost:8080",
        )?;
        if let Some(name) = &self.timezone {
            let bad =
                BadSite::Value { name: "timezone", expected: "an IANA name such as UTC or Europe/Berlin" };
            settings.timezone = Zone::named(name).map_err(|_| bad)?;
        }
        if let Some(params) = &self.query_params {
            settings.query_params = query_params(params)?;
        }
        settings.path_rules = match self.path_rules.as_deref() {
            None => settings.path_rules,
            Some("redact") => PathRules::Redact,
            Some("keep") => PathRules::Keep,
            Some(_) => return Err(BadSite::Value { name: "path_rules", expected: "redact or keep" }),
        };
        let expected = "pages, or patterns of at most 8 *";
        replace(&mut settings.exclude_pages, "exclude_pages", &self.exclude_pages, is_exclusion, expected)?;
        let is_network = |text: &str| text.parse::<IpNet>().is_ok();
        let expected = "networks such as 192.0.2.0/24";
        replace(
            &mut settings.exclude_networks,
            "exclude_networks",
            &self.exclude_networks,
            is_network,
            expected,
        )?;
        if let Some(days) = self.retention_days {
            settings.retention_days = in_range("retention_days", days, 1, "1 to 36500")?;
        }
        if let Some(days) = self.hourly_days {
            settings.hourly_days = in_range("hourly_days", days, 0, "0 to 36500")?;
        }
        settings.min_count = self.min_count.unwrap_or(settings.min_count);
        let expected = "origins such as https://dashboard.example";
        replace(&mut settings.read_origins, "read_origins", &self.read_origins, url::is_origin, expected)?;
        if let Some(limits) = self.page_limits {
            settings.page_limits = PageLimits { new_a_day: limits.new_a_day, live: limits.live };
        }
        Ok(settings)
    }
}

fn in_range(name: &'static str, days: u32, from: u32, expected: &'static str) -> Result<u32, BadSite> {
    let ok = (from..=RETENTION_DAYS).contains(&days);
    if ok { Ok(days) } else { Err(BadSite::Value { name, expected }) }
}

fn query_params(written: &WrittenParams) -> Result<QueryParams, BadSite> {
    let bad = BadSite::Value { name: "query_params", expected: "drop, keep, or a list of the keys to keep" };
    match written {
        WrittenParams::Word(word) if word == "drop" => Ok(QueryParams::Drop),
        WrittenParams::Word(word) if word == "keep" => Ok(QueryParams::Keep),
        WrittenParams::Word(_) => Err(bad),
        WrittenParams::Keys(keys) => {
            let mut kept = Vec::new();
            replace(
                &mut kept,
                "query_params",
                &Some(keys.clone()),
                |key| !key.is_empty(),
                "keys that are not empty",
            )?;
            Ok(QueryParams::Only(kept))
        }
    }
}

fn replace(
    list: &mut Vec<String>,
    name: &'static str,
    written: &Option<Vec<String>>,
    is_valid: impl Fn(&str) -> bool,
    expected: &'static str,
) -> Result<(), BadSite> {
    let Some(written) = written else { return Ok(()) };
    if written.len() > SETTING_ENTRIES {
        return Err(BadSite::TooMany { name });
    }
    if !written.iter().all(|entry| is_entry(entry) && is_valid(entry)) {
        return Err(BadSite::Value { name, expected });
    }
    list.clone_from(written);
    Ok(())
}

/// What the accounts take at all.
fn is_entry(entry: &str) -> bool {
    entry.len() <= SETTING_BYTES && !entry.chars().any(char::is_control)
}
