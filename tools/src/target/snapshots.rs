//! Snapshots of a store in a directory.

use heatgrid_engine::model::CopyName;
use heatgrid_engine::snapshot::SnapshotStatus;
use heatgrid_server::wire::snapshot::SnapshotJson;
use serde_json::{Value, json};

use super::{Target, TargetError};

impl Target {
    /// Makes a snapshot.
    pub(crate) fn create_snapshot(&self, name: &str) -> Result<Value, TargetError> {
        Ok(shown(&self.store.create_snapshot(copy_name(name)?)?))
    }

    /// Every snapshot, by name.
    pub(crate) fn snapshots(&self) -> Value {
        self.store.snapshots().iter().map(shown).collect()
    }

    /// One snapshot.
    pub(crate) fn snapshot(&self, name: &str) -> Result<Value, TargetError> {
        let found = self.store.snapshot(copy_name(name)?);
        Ok(shown(&found.ok_or_else(|| TargetError::UnknownSnapshot(name.to_owned()))?))
    }

    /// Deletes a snapshot.
    pub(crate) fn delete_snapshot(&self, name: &str) -> Result<(), TargetError> {
        Ok(self.store.delete_snapshot(copy_name(name)?)?)
    }

    /// Restores a snapshot, or one site of it.
    pub(crate) fn restore_snapshot(&self, name: &str, site: Option<&str>) -> Result<Value, TargetError> {
        let site_id = site.map(|site| self.find(site)).transpose()?.map(|site| site.id);
        self.store.restore_snapshot(copy_name(name)?, site_id)?;
        Ok(json!({"restored": name, "site": site, "segment_events": self.store.status().segment_events}))
    }
}

fn shown(snapshot: &SnapshotStatus) -> Value {
    serde_json::to_value(SnapshotJson::of(snapshot)).expect("a snapshot is valid JSON")
}

/// A name that somebody gave to a snapshot or backup.
pub(super) fn copy_name(text: &str) -> Result<CopyName, TargetError> {
    CopyName::new(text).map_err(TargetError::CopyName)
}
