//! A store at one moment, as operators see it.

use heatgrid_engine::clock::ClockVerdict;
use heatgrid_engine::model::DEADLINE_DAYS;
use heatgrid_engine::purge::plan::OVERDUE_DAYS;
use heatgrid_engine::store::Status;
use serde::Serialize;
use utoipa::ToSchema;

use super::time::rfc3339;

/// Whether a server runs, or is ready.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
pub struct ReadyJson {
    /// alive or ready.
    status: &'static str,
    /// How the store is, for operators who ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<StatusJson>,
}

impl ReadyJson {
    /// So it is, in a word.
    #[must_use]
    pub fn of(status: &'static str) -> ReadyJson {
        ReadyJson { status, store: None }
    }
}

/// A store at one moment. Sizes are in bytes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Status)]
pub struct StatusJson {
    region: String,
    sites: usize,
    snapshots: usize,
    segments: SegmentsJson,
    memtable: MemtableJson,
    log: LogJson,
    disk: DiskJson,
    flush: FlushJson,
    compaction: CompactionJson,
    erasures: ErasuresJson,
    clock: ClockJson,
    /// Why nothing is accepted any more, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<String>,
    /// What an operator should see to.
    warnings: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct SegmentsJson {
    count: usize,
    bytes: u64,
    events: u64,
    /// Bytes of segments that only snapshots list.
    pinned_bytes: u64,
    unreadable: usize,
    damaged: usize,
}

#[derive(Debug, Serialize, ToSchema)]
struct MemtableJson {
    bytes: u64,
    limit_bytes: u64,
    events: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct LogJson {
    last_batch: u64,
    files: u64,
    bytes: u64,
    queued_batches: usize,
    queued_bytes: usize,
    /// How far back a repeated batch is known.
    repeat_window_seconds: u64,
    idempotency_keys: usize,
}

#[derive(Debug, Serialize, ToSchema)]
struct DiskJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    free_bytes: Option<u64>,
    reserve_bytes: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct FlushJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    last_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    bytes: u64,
    events: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct CompactionJson {
    merges_due: usize,
    due_bytes: u64,
    read_bytes: u64,
    written_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    write_amplification: Option<f64>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ErasuresJson {
    open: usize,
    /// Deleted sites whose grace is not over.
    in_grace: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_at: Option<String>,
    /// Open ones that are 30, 60, 80 and 90 days old or older.
    overdue: [usize; 4],
    certified: usize,
    /// From when on no backup target has an old version that an open one waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    versions_gone_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purged_at: Option<String>,
    /// Why the last purge did not finish.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ClockJson {
    now: String,
    /// steady, jumped_back or jumped_forward; unless it is steady nothing expires until it is accepted.
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    jump_seconds: Option<u64>,
}

impl StatusJson {
    /// Shows a store with so many sites at `now_ms` (Unix ms).
    #[must_use]
    pub fn of(status: &Status, sites: usize, now_ms: u64) -> StatusJson {
        StatusJson {
            region: status.region.to_string(),
            sites,
            snapshots: status.snapshots,
            segments: SegmentsJson {
                count: status.segments,
                bytes: status.segment_bytes,
                events: status.segment_events,
                pinned_bytes: status.snapshot_bytes,
                unreadable: status.unreadable.len(),
                damaged: status.damaged.len(),
            },
            memtable: MemtableJson {
                bytes: status.memtable_bytes,
                limit_bytes: status.memtable_limit_bytes,
                events: status.memtable_events,
            },
            log: LogJson {
                last_batch: status.log.last_seq.0,
                files: status.log.wal_files,
                bytes: status.log.wal_bytes,
                queued_batches: status.log.queued_batches,
                queued_bytes: status.log.queued_bytes,
                repeat_window_seconds: status.log.window.span_ms / 1_000,
                idempotency_keys: status.log.window.keys,
            },
            disk: DiskJson { free_bytes: status.free_bytes, reserve_bytes: status.reserve_bytes },
            flush: FlushJson {
                last_at: status.flush.done_ms.map(rfc3339),
                error: status.flush.error.as_ref().map(ToString::to_string),
                bytes: status.flush.bytes,
                events: status.flush.events,
            },
            compaction: CompactionJson {
                merges_due: status.compaction.debt.merges,
                due_bytes: status.compaction.debt.bytes,
                read_bytes: status.compaction.read_bytes,
                written_bytes: status.compaction.written_bytes,
                write_amplification: status.compaction.write_amplification,
            },
            erasures: ErasuresJson {
                open: status.erasures.open,
                in_grace: status.erasures.in_grace,
                oldest_at: status.erasures.oldest_ms.map(rfc3339),
                overdue: status.erasures.overdue,
                certified: status.erasures.certified,
                versions_gone_at: status.erasures.versions_gone_ms.map(rfc3339),
                purged_at: status.erasures.purges.done_ms.map(rfc3339),
                error: status.erasures.purges.error.as_ref().map(ToString::to_string),
            },
            clock: clock(status.clock, now_ms),
            stopped: status.poison.as_ref().map(ToString::to_string),
            warnings: warnings(status),
        }
    }
}

fn clock(verdict: ClockVerdict, now_ms: u64) -> ClockJson {
    let (verdict, jump_ms) = match verdict {
        ClockVerdict::Steady => ("steady", None),
        ClockVerdict::JumpedBack(ms) => ("jumped_back", Some(ms)),
        ClockVerdict::JumpedForward(ms) => ("jumped_forward", Some(ms)),
    };
    ClockJson { now: rfc3339(now_ms), verdict, jump_seconds: jump_ms.map(|ms| ms / 1_000) }
}

/// What an operator should see to, each with what to do.
#[must_use]
pub fn warnings(status: &Status) -> Vec<String> {
    let mut warnings = Vec::new();
    if status.clock != ClockVerdict::Steady {
        warnings
            .push("the clock jumped, and nothing expires: POST /v1/admin/clock when it is right".to_owned());
    }
    if let Some(error) = &status.flush.error {
        warnings.push(format!("the last flush failed: {error}"));
    }
    if let Some(error) = &status.erasures.purges.error {
        warnings.push(format!("the last purge did not finish: {error}"));
    }
    let overdue = status.erasures.overdue.iter().zip(OVERDUE_DAYS).rfind(|(count, _)| **count > 0);
    if let Some((count, days)) = overdue {
        warnings.push(format!(
            "{count} erasures are open for {days} days or longer, of {DEADLINE_DAYS}: POST /v1/admin/purge?wait=true says why"
        ));
    }
    if status.free_bytes.is_some_and(|free| free < status.reserve_bytes) {
        warnings
            .push("the disk is full but for the reserve: make room, or events will be refused".to_owned());
    }
    if !status.unreadable.is_empty() || !status.damaged.is_empty() {
        warnings.push("segments are damaged: `heatgrid verify` names them".to_owned());
    }
    warnings
}
