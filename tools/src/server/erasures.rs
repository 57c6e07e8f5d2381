//! Erasures and purges at a server.

use serde_json::Value;

use super::{Server, ServerError};

impl Server {
    /// Has data of a site erased, or only counts what it would be.
    pub(crate) fn request_erasure(
        &self,
        site: &str,
        written: &Value,
        dry_run: bool,
    ) -> Result<Value, ServerError> {
        let query: &[(&str, &str)] = if dry_run { &[("dry_run", "true")] } else { &[] };
        self.json("POST", &["v1", "sites", site, "erasures"], query, Some(written))
    }

    /// The erasures of a site, the oldest first.
    pub(crate) fn erasures(&self, site: &str) -> Result<Value, ServerError> {
        self.list(&["v1", "sites", site, "erasures"])
    }

    /// One erasure of a site.
    pub(crate) fn erasure(&self, site: &str, id: &str) -> Result<Value, ServerError> {
        self.get(&["v1", "sites", site, "erasures", id])
    }

    /// Calls an erasure off.
    pub(crate) fn cancel_erasure(&self, site: &str, id: &str) -> Result<Value, ServerError> {
        self.json("POST", &["v1", "sites", site, "erasures", id, "cancel"], &[], None)
    }

    /// The certificate of a finished erasure.
    pub(crate) fn certificate(&self, site: &str, id: &str) -> Result<Value, ServerError> {
        self.get(&["v1", "sites", site, "erasures", id, "certificate"])
    }

    /// The list of files behind a certificate.
    pub(crate) fn evidence(&self, id: &str) -> Result<Value, ServerError> {
        self.get(&["v1", "admin", "erasures", id, "evidence"])
    }

    /// The public keys that certificates are signed with.
    pub(crate) fn certificate_keys(&self) -> Result<Value, ServerError> {
        self.get(&[".well-known", "heatgrid-keys.json"])
    }

    /// What a purge would do.
    pub(crate) fn purge_plan(&self, now: bool) -> Result<Value, ServerError> {
        self.json("GET", &["v1", "admin", "purge"], now_or_not(now), None)
    }

    /// Removes from every file what erasures mask.
    pub(crate) fn purge(&self, now: bool) -> Result<Value, ServerError> {
        let job = self.json("POST", &["v1", "admin", "purge"], now_or_not(now), None)?;
        self.watch(job, "purging")
    }
}

fn now_or_not(now: bool) -> &'static [(&'static str, &'static str)] {
    if now { &[("now", "true")] } else { &[] }
}
