//! An entry and its line.

use heatgrid_engine::model::SiteId;
use serde::{Deserialize, Serialize};

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Unix second.
    pub at: u64,
    /// Name of the token.
    pub by: String,
    /// Method and route template.
    pub route: String,
    /// The site, if it was about one.
    pub site: Option<SiteId>,
}

/// As it is written. The order of members is that of the file; `site` is what `names` looks for.
#[derive(Serialize, Deserialize)]
struct Line {
    at: u64,
    by: String,
    route: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    site: Option<String>,
}

impl Entry {
    /// The line, its end included.
    pub(super) fn to_line(&self) -> Vec<u8> {
        let line = Line {
            at: self.at,
            by: self.by.clone(),
            route: self.route.clone(),
            site: self.site.map(|site| site.to_string()),
        };
        let mut bytes = serde_json::to_vec(&line).expect("names and numbers are valid JSON");
        bytes.push(b'\n');
        bytes
    }

    /// The entry of a line; `None` of what a crash cut off.
    pub(super) fn of_line(line: &[u8]) -> Option<Entry> {
        let Line { at, by, route, site } = serde_json::from_slice(line).ok()?;
        let site = match site {
            None => None,
            Some(id) => Some(SiteId(u64::from_str_radix(&id, 16).ok()?)),
        };
        Some(Entry { at, by, route, site })
    }
}

/// Looks for the lines of one site.
pub(super) fn of_site(site: SiteId) -> memchr::memmem::Finder<'static> {
    memchr::memmem::Finder::new(&format!("\"site\":\"{site}\"")).into_owned()
}
