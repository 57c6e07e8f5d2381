//! What a purge would do, as JSON.

use heatgrid_engine::purge::plan::{self, Rewrite};
use heatgrid_engine::store::{PurgePlan, TargetPlan};
use serde::Serialize;
use utoipa::ToSchema;

/// What a purge would do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PurgePlan)]
pub struct PurgePlanJson {
    /// Erasures that it would finish.
    pub erasures: usize,
    /// Deleted sites whose grace it would wait for.
    pub in_grace: usize,
    /// Segments that it would rewrite.
    pub segments: usize,
    /// Bytes that it would read, and write at most.
    pub bytes: u64,
    /// Of these, bytes that are made anew; the rest is copied as it is.
    pub touched_bytes: u64,
    /// Bytes that must be free.
    pub headroom_bytes: u64,
    /// Seconds that it takes at the pace that background work may have, what is to be done for targets included.
    pub seconds: u64,
    /// Segments that cannot be read.
    pub unreadable: usize,
    /// What it would do at each backup target.
    pub targets: Vec<TargetPlanJson>,
}

/// What a purge would do at a backup target.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TargetPurgePlan)]
pub struct TargetPlanJson {
    /// Where it is.
    pub target: String,
    /// Segments that it would fetch, rewrite and bring anew.
    pub segments: usize,
    /// Bytes that it would fetch, and bring at most.
    pub bytes: u64,
    /// Of these, bytes that are made anew; the rest is copied as it is.
    pub touched_bytes: u64,
    /// Segments that cannot be read.
    pub unreadable: usize,
    /// Why nobody can say more, if it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl PurgePlanJson {
    /// As it is shown.
    #[must_use]
    pub fn of(plan: &PurgePlan) -> PurgePlanJson {
        PurgePlanJson {
            erasures: plan.erasures,
            in_grace: plan.in_grace,
            segments: plan.rewrites.len(),
            bytes: plan::bytes(&plan.rewrites),
            touched_bytes: touched_bytes(&plan.rewrites),
            headroom_bytes: plan.headroom_bytes(),
            seconds: plan.seconds(),
            unreadable: plan.unreadable.len(),
            targets: plan.targets.iter().map(TargetPlanJson::of).collect(),
        }
    }
}

impl TargetPlanJson {
    fn of(plan: &TargetPlan) -> TargetPlanJson {
        TargetPlanJson {
            target: plan.place.to_string(),
            segments: plan.rewrites.len(),
            bytes: plan::bytes(&plan.rewrites),
            touched_bytes: touched_bytes(&plan.rewrites),
            unreadable: plan.unreadable,
            error: plan.error.as_ref().map(ToString::to_string),
        }
    }
}

fn touched_bytes(rewrites: &[Rewrite]) -> u64 {
    rewrites.iter().map(|rewrite| rewrite.touched_bytes).sum()
}
