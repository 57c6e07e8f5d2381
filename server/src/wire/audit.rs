//! What operators did, as answers show it.

use serde::Serialize;
use utoipa::ToSchema;

use super::time::rfc3339;
use crate::audit::Entry;

/// One call of an operator.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct EntryJson<'a> {
    at: String,
    /// Name of the operator's token.
    by: &'a str,
    /// Method and route template.
    route: &'a str,
    /// Name of the site; its id, if it has none any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    site: Option<String>,
}

impl<'a> EntryJson<'a> {
    /// Shows an entry about the site of this name.
    #[must_use]
    pub fn of(entry: &'a Entry, site: Option<String>) -> EntryJson<'a> {
        EntryJson { at: rfc3339(entry.at.saturating_mul(1_000)), by: &entry.by, route: &entry.route, site }
    }
}
