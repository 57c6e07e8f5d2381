//! How a store does, and the jobs that can be asked for.

use heatgrid_server::wire::time::rfc3339;
use serde_json::{Value, json};

use super::{Target, TargetError};

impl Target {
    /// The store at this moment, as numbers.
    pub(crate) fn status(&self) -> Value {
        let status = self.store.status();
        let report = self.store.report();
        let texts = |errors: &mut dyn Iterator<Item = String>| errors.collect::<Vec<_>>();
        json!({
            "region": status.region.as_str(),
            "sites": self.store.accounts().sites().len(),
            "segments": status.segments,
            "segment_bytes": status.segment_bytes,
            "segment_events": status.segment_events,
            "memtable_events": status.memtable_events,
            "wal_files": status.log.wal_files,
            "wal_bytes": status.log.wal_bytes,
            "free_bytes": status.free_bytes,
            "reserve_bytes": status.reserve_bytes,
            "manifest_edition": status.manifest_edition,
            "merges_due": status.compaction.debt.merges,
            "merge_bytes_due": status.compaction.debt.bytes,
            "clock": format!("{:?}", status.clock),
            "flushed_at": status.flush.done_ms.map(rfc3339),
            "orphans_removed": report.orphans.len(),
            "unreadable": texts(&mut status.unreadable.iter().map(|segment| segment.error.to_string())),
            "log_damage": texts(&mut report.wal.rot.iter().map(ToString::to_string)),
        })
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
