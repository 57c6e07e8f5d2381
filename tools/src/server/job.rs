//! Jobs of a server: asked for, watched until they are over.

use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::{Server, ServerError};
use crate::progress;

/// How often a job is looked at.
const LOOK: Duration = Duration::from_millis(250);

impl Server {
    /// Asks for a job by the name of its route, shows how far it is, and gives what it says in the end.
    pub(crate) fn job(&self, route: &str, what: &'static str) -> Result<Value, ServerError> {
        self.job_at(&["v1", "admin", route], None, what)
    }

    /// As `job`, by the path and body that ask for it.
    pub(crate) fn job_at(
        &self,
        path: &[&str],
        body: Option<&Value>,
        what: &'static str,
    ) -> Result<Value, ServerError> {
        let job = self.json("POST", path, &[], body)?;
        self.watch(job, what)
    }

    /// Shows how far a job is that was asked for, and gives what it says in the end.
    pub(super) fn watch(&self, mut job: Value, what: &'static str) -> Result<Value, ServerError> {
        let bar = progress::bytes(what);
        loop {
            let id = job["job"].as_u64().ok_or_else(|| self.strange())?.to_string();
            let state = job["state"].as_str().ok_or_else(|| self.strange())?;
            if let Some(total) = job["total_bytes"].as_u64().filter(|total| *total > 0) {
                progress::length(&bar, total);
            }
            bar.set_position(job["done_bytes"].as_u64().unwrap_or_default());
            match state {
                "done" => {
                    bar.finish_and_clear();
                    return Ok(job);
                }
                "waiting" | "running" => {}
                ended => {
                    let reason = job["error"].as_str().unwrap_or("no reason was given").to_owned();
                    return Err(ServerError::Job { server: self.name(), state: ended.to_owned(), reason });
                }
            }
            thread::sleep(LOOK);
            job = self.get(&["v1", "admin", "jobs", &id])?;
        }
    }
}
