//! Snapshots as JSON.

use heatgrid_engine::model::SiteName;
use heatgrid_engine::snapshot::{SnapshotOrigin, SnapshotStatus};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::time::rfc3339;

/// A snapshot as it is shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Snapshot)]
pub struct SnapshotJson {
    /// What it is called.
    pub name: String,
    /// `asked`, `schedule`, `restore` or `backup`: who made it.
    pub origin: &'static str,
    /// When it was made.
    pub created_at: String,
    /// From when on it goes by itself.
    pub expires_at: String,
    /// Entries that the ledger of erasures had.
    pub ledger_position: u64,
    /// Its segments.
    pub segments: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes that deleting it frees.
    pub own_bytes: u64,
    /// Its events.
    pub events: u64,
    /// First day of anything in it.
    pub first_day: Option<String>,
    /// Last day of anything in it.
    pub last_day: Option<String>,
}

impl SnapshotJson {
    /// A snapshot as it is shown.
    #[must_use]
    pub fn of(snapshot: &SnapshotStatus) -> SnapshotJson {
        SnapshotJson {
            name: snapshot.name.to_string(),
            origin: match snapshot.origin {
                SnapshotOrigin::Asked => "asked",
                SnapshotOrigin::Schedule => "schedule",
                SnapshotOrigin::Restore => "restore",
                SnapshotOrigin::Backup => "backup",
            },
            created_at: rfc3339(snapshot.created_ms),
            expires_at: rfc3339(snapshot.expires_ms),
            ledger_position: snapshot.ledger_position,
            segments: snapshot.segments,
            bytes: snapshot.bytes,
            own_bytes: snapshot.own_bytes,
            events: snapshot.events,
            first_day: snapshot.days.map(|(first, _)| first.to_string()),
            last_day: snapshot.days.map(|(_, last)| last.to_string()),
        }
    }
}

/// What is asked for when a snapshot or a backup is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCopy)]
pub struct WrittenCopy {
    /// What it is to be called.
    pub name: String,
}

/// What is asked for when a snapshot is to be restored.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Restore)]
pub struct WrittenRestore {
    /// The snapshot's name again: what is live is replaced.
    pub confirm: String,
    /// One site alone.
    pub site: Option<String>,
}

impl WrittenRestore {
    /// The site that is to be restored alone, if one is.
    ///
    /// # Errors
    /// When its name is not of the allowed form.
    pub fn site(&self) -> Result<Option<SiteName>, heatgrid_engine::model::InvalidName> {
        self.site.as_deref().map(SiteName::new).transpose()
    }
}
