//! Jobs, as answers show them.

use heatgrid_engine::store::{JobKind, JobState, JobStatus};
use serde::Serialize;
use utoipa::ToSchema;

use super::time::rfc3339;

/// A job.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Job)]
pub struct JobJson {
    /// Its number; until the server is started again.
    job: u64,
    /// What it does.
    kind: &'static str,
    /// waiting, running, done, stopped or failed.
    state: &'static str,
    /// Bytes it has read.
    done_bytes: u64,
    /// Bytes it will have read, as far as is known.
    total_bytes: u64,
    asked_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    over_at: Option<String>,
    /// Why it failed, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl JobJson {
    /// Shows a job.
    #[must_use]
    pub fn of(status: &JobStatus) -> JobJson {
        JobJson {
            job: status.id.0,
            kind: kind(status.kind),
            state: state(&status.state),
            done_bytes: status.done_bytes,
            total_bytes: status.total_bytes,
            asked_at: rfc3339(status.asked_ms),
            over_at: status.over_ms.map(rfc3339),
            error: match &status.state {
                JobState::Failed(error) => Some(error.to_string()),
                _ => None,
            },
        }
    }
}

fn kind(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Flush => "flush",
        JobKind::Compaction => "compaction",
        JobKind::FullCompaction => "full_compaction",
        JobKind::Merge(_) => "merge",
        JobKind::Retention => "retention",
        JobKind::Purge { .. } => "purge",
        JobKind::Restore { .. } => "restore",
        JobKind::Backup => "backup",
    }
}

fn state(state: &JobState) -> &'static str {
    match state {
        JobState::Waiting => "waiting",
        JobState::Running => "running",
        JobState::Done => "done",
        JobState::Stopped => "stopped",
        JobState::Failed(_) => "failed",
    }
}
