//! Restoring a snapshot: the present is listed as a snapshot, and one edit swaps what is live. Data only.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::compaction::plan::MERGED;
use crate::error::{EditError, JobError};
use crate::flush;
use crate::manifest::{Edit, Manifest, Snapshot, SnapshotError, SnapshotOrigin};
use crate::model::{CopyName, SiteId};
use crate::segment::{Segment, SegmentEntry};
use crate::snapshot::cut::{self, Cut};

use super::core::{Core, add};
use super::jobs::Job;
use super::merging::Watched;

/// What a restore calls the snapshot of the present, before the time.
const BEFORE_RESTORE: &str = "before-restore";

/// Segments that take the place of others.
#[derive(Default)]
struct Swap {
    /// New files, and those of the snapshot.
    add: Vec<SegmentEntry>,
    /// Those of `add` that are new files.
    written: Vec<SegmentEntry>,
    /// Numbers of those that are no longer live.
    remove: Vec<u64>,
}

impl Core {
    /// Restores a snapshot, or one site of it. What is accepted while this is at work comes before or after it as a
    /// whole, batch by batch.
    pub(super) fn restore(
        &self,
        job: &Job,
        snapshot: CopyName,
        site: Option<SiteId>,
    ) -> Result<(), Arc<JobError>> {
        if !self.clock_is_steady() {
            return Err(Arc::new(JobError::ClockDoubted));
        }
        let sites: Vec<SiteId> = match site {
            None => self.accounts.sites().map(|site| site.id).collect(),
            Some(site) if self.accounts.get(site).is_some_and(|site| !site.closed) => vec![site],
            Some(site) => return Err(Arc::new(JobError::UnknownSite(site))),
        };
        // Open erasures mask what is live whatever it is; here they leave the files too, before these are live again.
        let (_, listed) = self.manifest_with(snapshot)?;
        self.purge_segments(job, &listed.segments)?;
        {
            // No merge and no purge meanwhile: what is listed changes by flushes and by who deletes snapshots only.
            let _merging = self.merging.lock();
            let mut swap = Swap::default();
            let swapped = self.swap(job, snapshot, site, &sites, &mut swap);
            if let Err(error) = swapped {
                if !matches!(*error, JobError::Edit(EditError::Poisoned(_))) {
                    flush::discard(&*self.disk, &swap.written);
                }
                return Err(error);
            }
        }
        self.pages.forget();
        self.signals.work.raise();
        // What has expired since the snapshot was made is in no answer; now it leaves the disk too.
        Ok(self.expire(job)?)
    }

    fn swap(
        &self,
        job: &Job,
        name: CopyName,
        site: Option<SiteId>,
        sites: &[SiteId],
        swap: &mut Swap,
    ) -> Result<(), Arc<JobError>> {
        if let Some(site) = site {
            // Most of the work, while flushes go on.
            let (manifest, snapshot) = self.manifest_with(name)?;
            self.cut_in(job, &manifest, &snapshot, site, swap)?;
            self.cut_out(job, &manifest, &snapshot, site, swap)?;
        }
        let mut pending = self.flushing.lock();
        // Batches that are taken back here may be sent again. Before the freeze: what is accepted after it is counted,
        // and must not be counted twice.
        self.log.forget(sites.to_vec()).map_err(JobError::from)?;
        self.flush_holding(&mut pending)?;
        let (manifest, snapshot) = self.manifest_with(name)?;
        match site {
            Some(site) => self.cut_out(job, &manifest, &snapshot, site, swap)?,
            None => whole(&manifest, &snapshot, swap),
        }
        let name_of_present = self.free_name(BEFORE_RESTORE, self.now_ms());
        let edit = Edit {
            snapshot: Some(self.new_snapshot(name_of_present, SnapshotOrigin::Restore)?),
            source: Some(name),
            remove: &swap.remove,
            add: swap.add.clone(),
            ..Edit::default()
        };
        let released = self.live.edit(edit, self.now_ms()).map_err(JobError::from)?;
        Ok(self.unlink(&released)?)
    }

    pub(super) fn manifest_with(&self, name: CopyName) -> Result<(Manifest, Snapshot), JobError> {
        let manifest = self.live.manifest();
        let snapshot = manifest.snapshot(name).cloned();
        match snapshot {
            Some(snapshot) => Ok((manifest, snapshot)),
            None => Err(SnapshotError::NoSuchSnapshot(name).into()),
        }
    }

    /// Cuts the site out of those segments of the snapshot that are not live.
    fn cut_in(
        &self,
        job: &Job,
        manifest: &Manifest,
        snapshot: &Snapshot,
        site: SiteId,
        swap: &mut Swap,
    ) -> Result<(), JobError> {
        let live: HashSet<u64> = manifest.segments.iter().map(|entry| entry.number).collect();
        for entry in manifest.segments_of(snapshot).filter(|entry| !live.contains(&entry.number)) {
            let segment = Segment::open(&*self.disk, entry, self.options.access)?;
            if segment.extent(site)?.is_some() {
                let cut = self.cut(job, &segment, MERGED, &|of| of == site)?;
                swap.add.extend(cut.clone());
                swap.written.extend(cut);
            }
        }
        Ok(())
    }

    /// Takes the site out of those live segments that the snapshot does not list, but for those that were done.
    fn cut_out(
        &self,
        job: &Job,
        manifest: &Manifest,
        snapshot: &Snapshot,
        site: SiteId,
        swap: &mut Swap,
    ) -> Result<(), JobError> {
        let listed: HashSet<u64> = snapshot.segments.iter().chain(&swap.remove).copied().collect();
        let state = self.live.read();
        if let Some(unreadable) =
            state.segments.unreadable().iter().find(|segment| !listed.contains(&segment.entry.number))
        {
            // Nobody knows what of the site is in it.
            return Err(JobError::Segment(Arc::clone(&unreadable.error)));
        }
        for entry in manifest.segments.iter().filter(|entry| !listed.contains(&entry.number)) {
            let segment = Segment::open(&*self.disk, entry, self.options.access)?;
            if segment.extent(site)?.is_some() {
                let cut = self.cut(job, &segment, entry.level, &|of| of != site)?;
                swap.remove.push(entry.number);
                swap.add.extend(cut.clone());
                swap.written.extend(cut);
            }
        }
        Ok(())
    }

    fn cut(
        &self,
        job: &Job,
        segment: &Segment,
        level: u8,
        keep: &dyn Fn(SiteId) -> bool,
    ) -> Result<Option<SegmentEntry>, JobError> {
        let length_bytes = segment.entry().length_bytes;
        self.check_room(length_bytes)?;
        job.expect_bytes(length_bytes);
        let (number, uuid) = self.live.next_file();
        let mut watch = |_| match job.is_stopped() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let cut = Cut { segment, number, uuid, level, keep };
        let output = cut::run(&*self.disk, &cut, &Watched { core: self, job }, &mut watch)?;
        job.did_bytes(length_bytes);
        add(&self.counters.merged_bytes, output.as_ref().map_or(0, |entry| entry.length_bytes));
        Ok(output)
    }
}

/// All of the snapshot in the place of all that is live.
fn whole(manifest: &Manifest, snapshot: &Snapshot, swap: &mut Swap) {
    let live: HashSet<u64> = manifest.segments.iter().map(|entry| entry.number).collect();
    let past = manifest.segments_of(snapshot).filter(|entry| !live.contains(&entry.number));
    swap.add = past.cloned().collect();
    swap.remove =
        live.into_iter().filter(|number| snapshot.segments.binary_search(number).is_err()).collect();
}
