//! Snapshots of the store: made, listed, deleted, and gone when they are too old.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::JobError;
use crate::manifest::{Edit, Manifest, NewSnapshot, Snapshot, SnapshotError, SnapshotOrigin};
use crate::model::{CopyName, SiteId};
use crate::segment::SegmentEntry;
use crate::snapshot::{SnapshotStatus, plan};

use super::Store;
use super::core::Core;
use super::jobs::JobKind;

/// What the schedule calls its snapshots, before the time.
const SCHEDULED: &str = "scheduled";

impl Store {
    /// Makes a snapshot of everything that was accepted before the call. Nothing is copied: it lists the same files.
    ///
    /// # Errors
    /// When there is one of this name, what is in memory cannot be flushed, or the clock is doubted: it decides when
    /// the snapshot goes.
    pub fn create_snapshot(&self, name: CopyName) -> Result<SnapshotStatus, Arc<JobError>> {
        self.core.take_snapshot(name, SnapshotOrigin::Asked)?;
        self.snapshot(name).ok_or_else(|| Arc::new(SnapshotError::NoSuchSnapshot(name).into()))
    }

    /// Every snapshot, by name.
    #[must_use]
    pub fn snapshots(&self) -> Vec<SnapshotStatus> {
        let manifest = self.core.live.manifest();
        let lists = lists(&manifest);
        manifest.snapshots.iter().map(|snapshot| self.core.status_of(&manifest, &lists, snapshot)).collect()
    }

    /// The snapshot of a name.
    #[must_use]
    pub fn snapshot(&self, name: CopyName) -> Option<SnapshotStatus> {
        self.snapshots().into_iter().find(|snapshot| snapshot.name == name)
    }

    /// Deletes a snapshot, and the files that nothing else lists.
    ///
    /// # Errors
    /// When there is none of this name, or the disk fails.
    pub fn delete_snapshot(&self, name: CopyName) -> Result<(), Arc<JobError>> {
        Ok(self.core.forget_snapshots(&[name])?)
    }

    /// Puts what a snapshot lists in the place of what is live, or one site of it, and waits for it. The present is
    /// kept as a snapshot `before-restore-<time>`; accounts, settings and tokens stay as they are.
    ///
    /// # Errors
    /// When there is no such snapshot or no such site, a segment of it cannot be read, or the clock is doubted.
    /// Nothing was changed then.
    pub fn restore_snapshot(&self, snapshot: CopyName, site: Option<SiteId>) -> Result<(), Arc<JobError>> {
        self.finish(self.start(JobKind::Restore { snapshot, site }))
    }
}

impl Core {
    pub(super) fn take_snapshot(&self, name: CopyName, origin: SnapshotOrigin) -> Result<(), Arc<JobError>> {
        if self.live.manifest().snapshot(name).is_some() {
            // Told before the work of a flush; the edit looks again.
            return Err(Arc::new(SnapshotError::NameTaken(name).into()));
        }
        let new = self.new_snapshot(name, origin)?;
        self.flush()?;
        Ok(self.edit(Edit { snapshot: Some(new), ..Edit::default() })?)
    }

    /// A snapshot of this moment, to be made.
    pub(super) fn new_snapshot(
        &self,
        name: CopyName,
        origin: SnapshotOrigin,
    ) -> Result<NewSnapshot, JobError> {
        match self.clock_is_steady() {
            // The ledger's position is asked for before what is listed is: what it has by then applies to all of it.
            true => Ok(NewSnapshot {
                name,
                origin,
                created_ms: self.now_ms(),
                ledger_position: self.ledger.position(),
            }),
            false => Err(JobError::ClockDoubted),
        }
    }

    pub(super) fn forget_snapshots(&self, names: &[CopyName]) -> Result<(), JobError> {
        self.edit(Edit { forget: names, ..Edit::default() })
    }

    /// One edit of the manifest that brings no new files, and the end of those that nothing lists any more.
    fn edit(&self, edit: Edit<'_>) -> Result<(), JobError> {
        let released = self.live.edit(edit, self.now_ms())?;
        self.unlink(&released)
    }

    /// Deletes the snapshots that are too old or too many, and makes the one that the schedule wants. Says whether
    /// anything was to be done.
    pub(super) fn tend_snapshots(&self) -> Result<bool, Arc<JobError>> {
        if !self.clock_is_steady() {
            return Ok(false);
        }
        let now_ms = self.now_ms();
        let due = plan::due(&self.live.manifest().snapshots, now_ms, &self.options.snapshots);
        if !due.delete.is_empty() {
            self.forget_snapshots(&due.delete)?;
        }
        if due.take {
            self.take_snapshot(self.free_name(SCHEDULED, now_ms), SnapshotOrigin::Schedule)?;
        }
        Ok(due.take || !due.delete.is_empty())
    }

    /// `<label>-<time>`, or the like if that is taken.
    pub(super) fn free_name(&self, label: &str, now_ms: u64) -> CopyName {
        let manifest = self.live.manifest();
        // One second after the other: there are fewer snapshots than seconds.
        let mut names = (0..).map(|second| CopyName::of_time(label, now_ms + second * 1_000));
        names.find(|name| manifest.snapshot(*name).is_none()).expect("there are more seconds than snapshots")
    }

    fn status_of(
        &self,
        manifest: &Manifest,
        lists: &HashMap<u64, usize>,
        snapshot: &Snapshot,
    ) -> SnapshotStatus {
        let segments: Vec<&SegmentEntry> = manifest.segments_of(snapshot).collect();
        let own = |entry: &&&SegmentEntry| lists.get(&entry.number) == Some(&1);
        let first = segments.iter().map(|entry| entry.first_day).min();
        let last = segments.iter().map(|entry| entry.last_day).max();
        SnapshotStatus {
            name: snapshot.name,
            origin: snapshot.origin,
            created_ms: snapshot.created_ms,
            expires_ms: plan::expires_ms(snapshot.created_ms, &self.options.snapshots),
            ledger_position: snapshot.ledger_position,
            through: snapshot.through,
            segments: segments.len(),
            bytes: segments.iter().map(|entry| entry.length_bytes).sum(),
            own_bytes: segments.iter().filter(own).map(|entry| entry.length_bytes).sum(),
            events: segments.iter().map(|entry| entry.events).sum(),
            days: first.zip(last),
        }
    }
}

/// How many lists name each segment, the live one among them.
fn lists(manifest: &Manifest) -> HashMap<u64, usize> {
    let live = manifest.segments.iter().map(|entry| entry.number);
    let listed = manifest.snapshots.iter().flat_map(|snapshot| &snapshot.segments).copied();
    let mut lists = HashMap::new();
    live.chain(listed).for_each(|number| *lists.entry(number).or_default() += 1);
    lists
}
