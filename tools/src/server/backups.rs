//! Backups of a server, at the targets that it is configured with.

use serde_json::{Value, json};

use super::{Server, ServerError};

impl Server {
    /// Brings everything to every target, and waits for it. What each has then.
    pub(crate) fn back_up(&self, name: &str) -> Result<Value, ServerError> {
        let path = ["v1", "admin", "backups"];
        let begun = self.json("POST", &path, &[], Some(&json!({ "name": name })))?;
        let Value::Array(jobs) = begun else { return Err(self.strange()) };
        // All are watched, whatever happens at another target.
        let ended: Vec<_> = jobs.into_iter().map(|job| self.watch(job, "backing up")).collect();
        ended.into_iter().collect::<Result<Vec<_>, _>>()?;
        self.get(&["v1", "admin", "backups", name])
    }

    /// Every backup of every target.
    pub(crate) fn backups(&self) -> Result<Value, ServerError> {
        self.list(&["v1", "admin", "backups"])
    }

    /// Has all of a backup read, at every target that has it.
    pub(crate) fn verify_backup(&self, name: &str) -> Result<Value, ServerError> {
        self.json("POST", &["v1", "admin", "backups", name, "verify"], &[], None)
    }

    /// Deletes a backup at every target that has it.
    pub(crate) fn delete_backup(&self, name: &str) -> Result<(), ServerError> {
        self.call("DELETE", &["v1", "admin", "backups", name], &[], None).map(drop)
    }

    /// Deletes backups that are too old or too many by the server's settings.
    pub(crate) fn prune_backups(&self) -> Result<Value, ServerError> {
        self.json("POST", &["v1", "admin", "prune-backups"], &[], None)
    }
}
