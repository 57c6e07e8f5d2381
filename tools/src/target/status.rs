//! How a store does, and the jobs that can be asked for.

use heatgrid_engine::clock::Clock;
use heatgrid_server::wire::status::StatusJson;
use serde_json::{Value, json};

use super::{Target, TargetError};

impl Target {
    /// The store at this moment, as a server shows it, and what opening it found.
    pub(crate) fn status(&self) -> Value {
        let sites = self.store.accounts().sites().len();
        let status = StatusJson::of(&self.store.status(), sites, self.clock.now_ms());
        let report = self.store.report();
        let damage: Vec<String> = report.wal.rot.iter().map(ToString::to_string).collect();
        let mut shown = serde_json::to_value(status).expect("texts and numbers are valid JSON");
        shown["opening"] = json!({"orphans_removed": report.orphans.len(), "log_damage": damage});
        shown
    }

    /// Writes what is in memory and in the log into segments.
    pub(crate) fn flush(&self) -> Result<Value, TargetError> {
        self.store.flush()?;
        Ok(self.after())
    }

    /// Merges what can be merged.
    pub(crate) fn compact(&self) -> Result<Value, TargetError> {
        self.store.flush()?;
        self.store.compact()?;
        Ok(self.after())
    }

    fn after(&self) -> Value {
        let status = self.store.status();
        json!({
            "segments": status.segments,
            "segment_bytes": status.segment_bytes,
            "segment_events": status.segment_events,
            "flushed_events": status.flush.events,
            "merge_read_bytes": status.compaction.read_bytes,
            "merge_written_bytes": status.compaction.written_bytes,
        })
    }
}
