//! Sites and their settings: as people write them, checked, and as answers show them.

mod check;

use heatgrid_engine::model::limits::SETTING_ENTRIES;
use heatgrid_engine::model::{InvalidName, PathRules, QueryParams, Site, SiteSettings};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::time::rfc3339;

/// A site as it is written in a request or with options: what is `None` stays as it is, or is the standard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrittenSite {
    /// Its name.
    pub site: Option<String>,
    /// Where its data is to be.
    pub region: Option<String>,
    /// Hosts whose pages are counted.
    pub hosts: Option<Vec<String>>,
    /// IANA name of its time zone.
    pub timezone: Option<String>,
    /// `drop`, `keep`, or the keys to keep.
    pub query_params: Option<WrittenParams>,
    /// `redact` or `keep`.
    pub path_rules: Option<String>,
    /// Pages that are not counted.
    pub exclude_pages: Option<Vec<String>>,
    /// Networks that are not counted.
    pub exclude_networks: Option<Vec<String>>,
    /// Days that cells are kept.
    pub retention_days: Option<u32>,
    /// Days that hour totals are kept.
    pub hourly_days: Option<u32>,
    /// Countries with fewer events a month are `ZZ`.
    pub min_count: Option<u32>,
    /// Origins that may read over CORS.
    pub read_origins: Option<Vec<String>>,
    /// Budget of pages.
    pub page_limits: Option<WrittenLimits>,
}

/// What is kept of a query, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(untagged)]
pub enum WrittenParams {
    /// `drop` or `keep`.
    Word(String),
    /// The keys to keep.
    Keys(Vec<String>),
}

/// A budget of pages, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrittenLimits {
    /// New pages a site-local day.
    pub new_a_day: u32,
    /// Pages that have data.
    pub live: u32,
}

/// What is wrong with a site or its settings.
#[derive(Debug, thiserror::Error)]
pub enum BadSite {
    /// No JSON object of settings.
    #[error("not an object of settings: {0}")]
    Json(#[from] serde_json::Error),
    /// A setting that is missing.
    #[error("{name} is missing")]
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// A name that is none.
    #[error("site: {0}")]
    Name(#[from] InvalidName),
    /// A value that is not what it has to be.
    #[error("{name} is {expected}")]
    Value {
        /// The setting's name.
        name: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// A list with too many entries.
    #[error("{name} has at most {SETTING_ENTRIES} entries")]
    TooMany {
        /// The setting's name.
        name: &'static str,
    },
}

impl WrittenSite {
    /// Reads a JSON object of settings.
    ///
    /// # Errors
    /// When it is none, or has a member that is no setting.
    pub fn from_json(body: &[u8]) -> Result<WrittenSite, BadSite> {
        Ok(serde_json::from_slice(body)?)
    }

    /// The object that `from_json` reads: what was not written is null.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("texts and numbers are valid JSON")
    }
}

/// A new key that is asked for.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrittenRotation {
    /// Days for which the old key stays good, 0 to 365; 7 if not given.
    pub overlap_days: Option<u32>,
}

impl WrittenRotation {
    /// Reads a JSON object; no body is one that says nothing.
    ///
    /// # Errors
    /// When it is something else.
    pub fn from_json(body: &[u8]) -> Result<WrittenRotation, BadSite> {
        if body.is_empty() { Ok(WrittenRotation::default()) } else { Ok(serde_json::from_slice(body)?) }
    }

    /// The days.
    ///
    /// # Errors
    /// When they are too many.
    pub fn overlap_days(&self) -> Result<u32, BadSite> {
        let days = self.overlap_days.unwrap_or(7);
        let expected = "0 to 365";
        if days <= 365 { Ok(days) } else { Err(BadSite::Value { name: "overlap_days", expected }) }
    }
}

/// A site with all its settings, as answers show it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Site)]
pub struct SiteJson<'a> {
    site: &'a str,
    key: &'a str,
    /// Until when the key before a rotation is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_key_until: Option<String>,
    region: &'a str,
    created_at: String,
    closed: bool,
    hosts: &'a [String],
    timezone: &'a str,
    query_params: WrittenParams,
    path_rules: &'static str,
    exclude_pages: &'a [String],
    exclude_networks: &'a [String],
    retention_days: u32,
    hourly_days: u32,
    min_count: u32,
    read_origins: &'a [String],
    page_limits: WrittenLimits,
}

impl<'a> SiteJson<'a> {
    /// Shows a site.
    #[must_use]
    pub fn of(site: &'a Site) -> SiteJson<'a> {
        // Every setting is named, so that a new one cannot be forgotten here.
        let SiteSettings {
            hosts,
            timezone,
            query_params,
            path_rules,
            exclude_pages,
            exclude_networks,
            retention_days,
            hourly_days,
            min_count,
            read_origins,
            page_limits,
        } = &site.settings;
        SiteJson {
            site: site.name.as_str(),
            key: &site.key,
            old_key_until: site.old_key.as_ref().map(|(_, until)| rfc3339(until.saturating_mul(1_000))),
            region: site.region.as_str(),
            created_at: rfc3339(site.created_at.saturating_mul(1_000)),
            closed: site.closed,
            hosts,
            timezone: timezone.name(),
            query_params: match query_params {
                QueryParams::Drop => WrittenParams::Word("drop".into()),
                QueryParams::Keep => WrittenParams::Word("keep".into()),
                QueryParams::Only(keys) => WrittenParams::Keys(keys.clone()),
            },
            path_rules: match path_rules {
                PathRules::Redact => "redact",
                PathRules::Keep => "keep",
            },
            exclude_pages,
            exclude_networks,
            retention_days: *retention_days,
            hourly_days: *hourly_days,
            min_count: *min_count,
            read_origins,
            page_limits: WrittenLimits { new_a_day: page_limits.new_a_day, live: page_limits.live },
        }
    }
}

#[cfg(test)]
mod tests;
