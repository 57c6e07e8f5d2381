//! What a purge would do at this moment, here and at backup targets: read from indexes, and changing nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::backup::places::remembered;
use crate::backup::{BackedSegment, BackupError, BackupTarget, ContentHash, run};
use crate::error::JobError;
use crate::model::Erasure;
use crate::purge::plan::{self, Rewrite};
use crate::segment::Scratch;
use crate::view::Masks;

use super::Store;
use super::core::Core;
use super::erasing::masks_of;
use super::reaching::is_damage;

/// What a purge would do.
#[derive(Debug, Default)]
pub struct PurgePlan {
    /// Erasures it would finish.
    pub erasures: usize,
    /// Deleted sites whose grace it would wait for.
    pub in_grace: usize,
    /// Segments it would rewrite, one after the other.
    pub rewrites: Vec<Rewrite>,
    /// Numbers of segments that cannot be read.
    pub unreadable: Vec<u64>,
    /// What it would do at each backup target.
    pub targets: Vec<TargetPlan>,
    /// Bytes a second that it may read and write together.
    pub bytes_per_second: u64,
}

/// What a purge would do at one backup target.
#[derive(Debug)]
pub struct TargetPlan {
    /// Where it is.
    pub place: Box<str>,
    /// Segments that it would fetch, rewrite and bring anew.
    pub rewrites: Vec<Rewrite>,
    /// Segments that cannot be read.
    pub unreadable: usize,
    /// Why nobody can say more.
    pub error: Option<JobError>,
}

impl TargetPlan {
    /// Nothing, at a place.
    #[must_use]
    pub fn at(place: &str) -> TargetPlan {
        TargetPlan { place: place.into(), rewrites: Vec::new(), unreadable: 0, error: None }
    }
}

impl PurgePlan {
    /// Seconds that moving everything takes at the pace that is allowed. How fast targets are nobody knows.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        let at_targets = self.targets.iter().map(|target| plan::bytes(&target.rewrites));
        let all = at_targets.fold(plan::bytes(&self.rewrites), u64::saturating_add);
        all.saturating_mul(2).div_ceil(self.bytes_per_second.max(1))
    }

    /// Bytes that must be free: it holds one segment twice at a time.
    #[must_use]
    pub fn headroom_bytes(&self) -> u64 {
        let longest = |rewrites: &[Rewrite]| rewrites.iter().map(|rewrite| rewrite.entry.length_bytes).max();
        let here = longest(&self.rewrites).map_or(0, plan::headroom_bytes);
        let at_targets = self.targets.iter().filter_map(|target| longest(&target.rewrites));
        at_targets.map(plan::headroom_bytes_of_backed).fold(here, u64::max)
    }
}

impl Store {
    /// What a purge would do at this moment. Reads dictionaries and directories of the named sites; at targets, of those
    /// segments that backups list.
    ///
    /// # Errors
    /// When nobody can say where backups are, or what a pattern has named.
    pub fn purge_plan(&self, now: bool) -> Result<PurgePlan, JobError> {
        let core = &self.core;
        let is_waiting =
            |erasure: &Arc<Erasure>| erasure.is_in_grace() && !now && !core.grace_is_over(erasure);
        let (waiting, mut due): (Vec<_>, Vec<_>) = core.ledger.open().into_iter().partition(is_waiting);
        for erasure in due.iter_mut().filter(|erasure| erasure.is_in_grace()) {
            // As a purge begins.
            Arc::make_mut(erasure).grace_over_ms = Some(core.now_ms());
        }
        let mut plan = PurgePlan {
            erasures: due.len(),
            in_grace: waiting.len(),
            bytes_per_second: core.options.background_bytes_per_second,
            ..PurgePlan::default()
        };
        core.plan_files(&masks_of(&core.ledger, &due), &mut plan);
        for target in self.targets() {
            plan.targets.push(core.plan_target(&target, &due));
        }
        for place in remembered(&*core.disk)? {
            if !plan.targets.iter().any(|target| target.place == place) {
                let error = BackupError::NotConfigured { place: place.clone() };
                plan.targets.push(TargetPlan { error: Some(error.into()), ..TargetPlan::at(&place) });
            }
        }
        Ok(plan)
    }
}

impl Core {
    fn plan_files(&self, masks: &Masks, plan: &mut PurgePlan) {
        let mut scratch = Scratch::new();
        for entry in self.live.manifest().reachable() {
            let rewrite =
                self.segment(entry).and_then(|segment| plan::of_segment(&segment, masks, &mut scratch));
            match rewrite {
                Ok(rewrite) => plan.rewrites.extend(rewrite),
                Err(_) => plan.unreadable.push(entry.number),
            }
        }
    }

    /// What a purge would do at one target. A target that cannot be read is told, and keeps nobody from the others.
    fn plan_target(&self, target: &Arc<dyn BackupTarget>, due: &[Arc<Erasure>]) -> TargetPlan {
        let mut plan = TargetPlan::at(target.place());
        plan.error = self.plan_backups(target, due, &mut plan).err();
        plan
    }

    fn plan_backups(
        &self,
        target: &Arc<dyn BackupTarget>,
        due: &[Arc<Erasure>],
        plan: &mut TargetPlan,
    ) -> Result<(), JobError> {
        if !self.is_own(&**target)? {
            return Ok(());
        }
        let lists = run::lists(&**target)?;
        // Each once, however many backups list it.
        let segments: BTreeMap<ContentHash, &BackedSegment> =
            lists.iter().flat_map(|list| &list.segments).map(|segment| (segment.hash, segment)).collect();
        // A pattern may match pages that are in no file here any more.
        let mut due = due.to_vec();
        for (id, pages) in self.pages_of_patterns(&due, &|| self.backed_segments(target, &lists))? {
            if let Some(erasure) = due.iter_mut().find(|erasure| erasure.id == id) {
                Arc::make_mut(erasure).hashes.extend(pages);
            }
        }
        let masks = masks_of(&self.ledger, &due);
        for segment in segments.into_values() {
            match self.rewrite_of_backed(target, segment, &masks) {
                Ok(rewrite) => plan.rewrites.extend(rewrite),
                Err(error) if is_damage(&error) => plan.unreadable += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
