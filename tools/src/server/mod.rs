//! A server at the other end of a connection: what HTTP answers, as bytes and JSON.

mod backups;
mod client;
mod erasures;
mod error;
mod import;
mod job;

use heatgrid_server::ask::Route;
use heatgrid_server::wire::format::Format;
use heatgrid_server::wire::question::Written;
use serde_json::{Value, json};

pub(crate) use client::Server;
pub(crate) use error::ServerError;

impl Server {
    /// The answer to a question, as bytes. It is asked by POST, so that pages stay out of proxies' logs.
    pub(crate) fn ask(
        &self,
        site: &str,
        route: Route,
        question: &Written,
        form: Format,
    ) -> Result<Vec<u8>, ServerError> {
        let question = Written { format: Some(form.name().to_owned()), ..question.clone() };
        let path = ["v1", "sites", site, route.name()];
        self.call("POST", &path, &[], Some(&question.to_json()))
    }

    /// Every site that the token may see, with its settings, by name.
    pub(crate) fn sites(&self) -> Result<Value, ServerError> {
        self.list(&["v1", "sites"])
    }

    /// One site with its settings.
    pub(crate) fn site(&self, site: &str) -> Result<Value, ServerError> {
        self.get(&["v1", "sites", site])
    }

    /// Makes a site.
    pub(crate) fn create_site(&self, settings: &Value) -> Result<Value, ServerError> {
        self.json("POST", &["v1", "sites"], &[], Some(settings))
    }

    /// Makes a site unless it is there with the settings that were written: those that are not null.
    pub(crate) fn site_or_new(&self, written: &Value) -> Result<(), ServerError> {
        let name = written["site"].as_str().unwrap_or_default();
        let mut settings = written.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        match self.site(name) {
            Ok(site) if settings.all(|(setting, value)| site[setting] == *value) => Ok(()),
            Ok(_) => Err(ServerError::OtherSettings(name.to_owned())),
            Err(ServerError::Refused { refusal, .. }) if refusal.status == 404 => {
                self.create_site(written).map(drop)
            }
            // A writer may not look at its site, and needs not: that it is there is found out with the first events.
            Err(ServerError::Refused { refusal, .. }) if refusal.status == 403 && settings.count() <= 1 => {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Gives a site other settings.
    pub(crate) fn change_site(&self, site: &str, settings: &Value) -> Result<Value, ServerError> {
        self.json("PATCH", &["v1", "sites", site], &[], Some(settings))
    }

    /// Closes a site and has it erased.
    pub(crate) fn delete_site(&self, site: &str) -> Result<Value, ServerError> {
        self.json("DELETE", &["v1", "sites", site], &[], None)
    }

    /// Makes a token of a site. What comes back is shown nowhere again.
    pub(crate) fn create_token(&self, site: &str, token: &Value) -> Result<Value, ServerError> {
        self.json("POST", &["v1", "sites", site, "tokens"], &[], Some(token))
    }

    /// The tokens of a site: names, roles and last days of use.
    pub(crate) fn tokens(&self, site: &str) -> Result<Value, ServerError> {
        self.list(&["v1", "sites", site, "tokens"])
    }

    /// Revokes a token of a site.
    pub(crate) fn revoke_token(&self, site: &str, name: &str) -> Result<(), ServerError> {
        self.call("DELETE", &["v1", "sites", site, "tokens", name], &[], None).map(drop)
    }

    /// Sends a beacon through the tracker's door, from a page of `origin`.
    pub(crate) fn beacon(&self, origin: &str, body: &[u8]) -> Result<(), ServerError> {
        let headers = [("content-type", "text/plain"), ("origin", origin)];
        self.post(&["v1", "collect"], &headers, body).map(drop)
    }

    /// Makes a snapshot.
    pub(crate) fn create_snapshot(&self, name: &str) -> Result<Value, ServerError> {
        self.json("POST", &["v1", "admin", "snapshots"], &[], Some(&json!({ "name": name })))
    }

    /// Deletes a snapshot.
    pub(crate) fn delete_snapshot(&self, name: &str) -> Result<(), ServerError> {
        self.call("DELETE", &["v1", "admin", "snapshots", name], &[], None).map(drop)
    }

    /// Restores a snapshot, or one site of it, and waits for it.
    pub(crate) fn restore_snapshot(&self, name: &str, site: Option<&str>) -> Result<Value, ServerError> {
        let mut body = json!({ "confirm": name });
        if let Some(site) = site {
            body["site"] = site.into();
        }
        self.job_at(&["v1", "admin", "snapshots", name, "restore"], Some(&body), "restoring")
    }

    /// How the store does.
    pub(crate) fn status(&self) -> Result<Value, ServerError> {
        self.get(&["v1", "admin", "status"])
    }
}
