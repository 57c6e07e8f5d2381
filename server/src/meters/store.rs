//! The store, the places and the connections as metrics: set when somebody asks, from what is counted anyway.

use std::sync::Arc;

use heatgrid_engine::clock::ClockVerdict;
use heatgrid_engine::store::Status;

use super::Meters;
use crate::http::Listening;
use crate::http::limits::Places;

/// Sets what can be seen of a store.
pub fn record_store(meters: &Meters, status: &Status) {
    let gauge = |name, value: u64| meters.gauge(name, value as f64);
    gauge("heatgrid_segments", status.segments as u64);
    gauge("heatgrid_segment_bytes", status.segment_bytes);
    gauge("heatgrid_segment_events", status.segment_events);
    gauge("heatgrid_segments_unreadable", status.unreadable.len() as u64);
    gauge("heatgrid_segments_damaged", status.damaged.len() as u64);
    gauge("heatgrid_snapshots", status.snapshots as u64);
    gauge("heatgrid_snapshot_bytes", status.snapshot_bytes);
    gauge("heatgrid_memtable_bytes", status.memtable_bytes);
    gauge("heatgrid_memtable_limit_bytes", status.memtable_limit_bytes);
    gauge("heatgrid_memtable_events", status.memtable_events);
    gauge("heatgrid_wal_files", status.log.wal_files);
    gauge("heatgrid_wal_bytes", status.log.wal_bytes);
    gauge("heatgrid_commit_queue_batches", status.log.queued_batches as u64);
    gauge("heatgrid_commit_queue_bytes", status.log.queued_bytes as u64);
    meters.gauge("heatgrid_repeat_window_seconds", status.log.window.span_ms as f64 / 1_000.0);
    gauge("heatgrid_idempotency_keys", status.log.window.keys as u64);
    if let Some(free_bytes) = status.free_bytes {
        gauge("heatgrid_disk_free_bytes", free_bytes);
    }
    gauge("heatgrid_disk_reserve_bytes", status.reserve_bytes);
    if let Some(done_ms) = status.flush.done_ms {
        meters.gauge("heatgrid_flush_last_timestamp_seconds", done_ms as f64 / 1_000.0);
    }
    gauge("heatgrid_flush_failing", u64::from(status.flush.error.is_some()));
    gauge("heatgrid_compaction_due_merges", status.compaction.debt.merges as u64);
    gauge("heatgrid_compaction_due_bytes", status.compaction.debt.bytes);
    gauge("heatgrid_erasures_open", status.erasures.open as u64);
    let [days_30, days_60, days_80, days_90] = status.erasures.overdue.map(|count| count as u64);
    gauge("heatgrid_erasures_open_30_days", days_30);
    gauge("heatgrid_erasures_open_60_days", days_60);
    gauge("heatgrid_erasures_open_80_days", days_80);
    gauge("heatgrid_erasures_open_90_days", days_90);
    gauge("heatgrid_erasures_certified", status.erasures.certified as u64);
    if let Some(done_ms) = status.erasures.purges.done_ms {
        meters.gauge("heatgrid_purge_last_timestamp_seconds", done_ms as f64 / 1_000.0);
    }
    gauge("heatgrid_purge_failing", u64::from(status.erasures.purges.error.is_some()));
    gauge("heatgrid_store_stopped", u64::from(status.poison.is_some()));
    gauge("heatgrid_clock_doubted", u64::from(status.clock != ClockVerdict::Steady));
    meters.count("heatgrid_flush_bytes_total", status.flush.bytes);
    meters.count("heatgrid_flush_events_total", status.flush.events);
    meters.count("heatgrid_compaction_read_bytes_total", status.compaction.read_bytes);
    meters.count("heatgrid_compaction_written_bytes_total", status.compaction.written_bytes);
    meters.count("heatgrid_events_on_other_page_total", status.events_moved_to_other);
    meters.count("heatgrid_batches_total", status.log.last_seq.0);
}

/// Sets how many requests are worked on and were turned away.
pub fn record_places(meters: &Meters, places: &Places) {
    meters.gauge("heatgrid_request_places_free", places.free() as f64);
    meters.count("heatgrid_requests_shed_total", places.shed());
}

/// Sets how many connections there are and were.
pub fn record_connections(meters: &Meters, listenings: &[Arc<Listening>]) {
    let sum = |count: fn(&Listening) -> u64| listenings.iter().map(|listening| count(listening)).sum();
    let open: u64 = sum(|listening| listening.open() as u64);
    meters.gauge("heatgrid_connections_open", open as f64);
    meters.count("heatgrid_connections_accepted_total", sum(Listening::accepted));
    meters.count("heatgrid_connections_refused_total", sum(Listening::refused));
}

/// Name and meaning of the gauges.
pub(super) const GAUGES: &[(&str, &str)] = &[
    ("heatgrid_segments", "Live segments."),
    ("heatgrid_segment_bytes", "Bytes of live segments."),
    ("heatgrid_segment_events", "Events in live segments."),
    ("heatgrid_segments_unreadable", "Segments that cannot be read."),
    ("heatgrid_segments_damaged", "Segments in which damage was found."),
    ("heatgrid_snapshots", "Snapshots."),
    ("heatgrid_snapshot_bytes", "Bytes of segments that only snapshots list."),
    ("heatgrid_memtable_bytes", "Bytes of memory that hold what is not in segments yet."),
    ("heatgrid_memtable_limit_bytes", "Bytes beyond which events are refused until a flush."),
    ("heatgrid_memtable_events", "Events that are not in segments yet."),
    ("heatgrid_wal_files", "Files of the log."),
    ("heatgrid_wal_bytes", "Bytes of the log, zeros included."),
    ("heatgrid_commit_queue_batches", "Batches that wait to be committed."),
    ("heatgrid_commit_queue_bytes", "Bytes of batches that wait to be committed."),
    ("heatgrid_repeat_window_seconds", "How far back a repeated batch is known."),
    ("heatgrid_idempotency_keys", "Idempotency keys that are remembered."),
    ("heatgrid_disk_free_bytes", "Free bytes of the store's disk."),
    ("heatgrid_disk_reserve_bytes", "Free bytes that only a purge may use."),
    ("heatgrid_flush_last_timestamp_seconds", "When the last flush was done, Unix time."),
    ("heatgrid_flush_failing", "1 while the last flush failed."),
    ("heatgrid_compaction_due_merges", "Merges that are due."),
    ("heatgrid_compaction_due_bytes", "Bytes that due merges will read."),
    ("heatgrid_erasures_open", "Erasures that are neither certified nor cancelled."),
    ("heatgrid_erasures_open_30_days", "Open erasures that are 30 days old or older."),
    ("heatgrid_erasures_open_60_days", "Open erasures that are 60 days old or older."),
    ("heatgrid_erasures_open_80_days", "Open erasures that are 80 days old or older."),
    ("heatgrid_erasures_open_90_days", "Open erasures that have missed their deadline."),
    ("heatgrid_erasures_certified", "Erasures that are certified."),
    ("heatgrid_purge_last_timestamp_seconds", "When the last purge was over, as Unix time."),
    ("heatgrid_purge_failing", "1 while the last purge failed."),
    ("heatgrid_store_stopped", "1 when the store takes nothing any more."),
    ("heatgrid_clock_doubted", "1 while the clock is not believed, and nothing expires."),
    ("heatgrid_request_places_free", "Requests that may begin before others are turned away."),
    ("heatgrid_connections_open", "Open connections."),
];

/// Name and meaning of the counts that are kept elsewhere.
pub(super) const COUNTS: &[(&str, &str)] = &[
    ("heatgrid_flush_bytes_total", "Bytes written by flushes."),
    ("heatgrid_flush_events_total", "Events written by flushes."),
    ("heatgrid_compaction_read_bytes_total", "Bytes read by merges."),
    ("heatgrid_compaction_written_bytes_total", "Bytes written by merges."),
    (
        "heatgrid_events_on_other_page_total",
        "Events beyond a site's budget of pages, counted on host/(other).",
    ),
    ("heatgrid_batches_total", "Batches of the store, those of earlier processes included."),
    ("heatgrid_requests_shed_total", "Requests turned away because too many were worked on."),
    ("heatgrid_connections_accepted_total", "Connections that were taken."),
    ("heatgrid_connections_refused_total", "Connections closed at once because too many were open."),
];
