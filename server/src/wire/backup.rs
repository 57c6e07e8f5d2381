//! Backups as JSON.

use heatgrid_engine::backup::{BackupList, BackupReport, BackupVerification, KeepOptions, run};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::time::rfc3339;

/// A backup at a target.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Backup)]
pub struct BackupJson {
    /// Where it is.
    pub target: String,
    /// What it is called.
    pub name: String,
    /// When it was begun.
    pub created_at: String,
    /// From when on it goes with the next prune.
    pub expires_at: String,
    /// Entries of the ledger of erasures that have been applied to it.
    pub ledger_position: u64,
    /// Its segments.
    pub segments: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Their events.
    pub events: u64,
}

impl BackupJson {
    /// A backup as it is shown.
    #[must_use]
    pub fn of(target: &str, list: &BackupList, keep: &KeepOptions) -> BackupJson {
        let age_ms = u64::from(keep.most_days) * 86_400_000;
        BackupJson {
            target: target.to_owned(),
            name: list.name.to_string(),
            created_at: rfc3339(list.created_ms),
            expires_at: rfc3339(list.created_ms.saturating_add(age_ms)),
            ledger_position: list.ledger_position,
            segments: list.segments.len(),
            bytes: list.segments.iter().map(|segment| segment.entry.length_bytes).sum(),
            events: list.segments.iter().map(|segment| segment.entry.events).sum(),
        }
    }
}

/// What a backup brought to a target.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BackupReport)]
pub struct ReportJson {
    /// Where.
    pub target: String,
    /// What it is called.
    pub name: String,
    /// Segments that it lists.
    pub segments: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Segments that were not there before.
    pub uploaded_segments: usize,
    /// Their bytes.
    pub uploaded_bytes: u64,
}

impl ReportJson {
    /// What a backup brought, as it is shown.
    #[must_use]
    pub fn of(target: &str, name: &str, report: &BackupReport) -> ReportJson {
        ReportJson {
            target: target.to_owned(),
            name: name.to_owned(),
            segments: report.segments,
            bytes: report.bytes,
            uploaded_segments: report.uploaded_segments,
            uploaded_bytes: report.uploaded_bytes,
        }
    }
}

/// What was found of a backup.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BackupVerification)]
pub struct VerificationJson {
    /// Where it is.
    pub target: String,
    /// Segments that were read.
    pub segments: usize,
    /// Bytes of them.
    pub bytes: u64,
    /// What is wrong; nothing, if it is empty.
    pub problems: Vec<String>,
}

impl VerificationJson {
    /// What was found, as it is shown.
    #[must_use]
    pub fn of(target: &str, found: &BackupVerification) -> VerificationJson {
        VerificationJson {
            target: target.to_owned(),
            segments: found.segments,
            bytes: found.bytes,
            problems: found.findings.iter().map(ToString::to_string).collect(),
        }
    }
}

/// What a prune did at a target.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Pruned)]
pub struct PrunedJson {
    /// Where.
    pub target: String,
    /// Backups that were deleted.
    pub backups: Vec<String>,
    /// Segments that were deleted with them.
    pub segments: usize,
    /// Uploads that were never finished.
    pub uploads: u64,
}

impl PrunedJson {
    /// What a prune did, as it is shown.
    #[must_use]
    pub fn of(target: &str, pruned: &run::Pruned) -> PrunedJson {
        PrunedJson {
            target: target.to_owned(),
            backups: pruned.backups.iter().map(ToString::to_string).collect(),
            segments: pruned.segments,
            uploads: pruned.uploads,
        }
    }
}

/// What is asked for when a backup is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewBackup)]
pub struct WrittenBackup {
    /// What it is to be called; the time, if nothing is said.
    pub name: Option<String>,
}
