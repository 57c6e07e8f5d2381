//! The end of a purge: nobody reads what was replaced any more, every file is read again, and the certificate is signed.

use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::error::JobError;
use crate::format::names::{Directory, FileName};
use crate::ledger::{LedgerEdit, LedgerError};
use crate::model::limits::VIEW_SECONDS;
use crate::model::{Erasure, ErasureId, Loss, Seq, SiteId};
use crate::options::Background;
use crate::purge::certificate::{self, Copies, Signer};
use crate::purge::evidence::{Evidence, Roots};
use crate::purge::plan;
use crate::purge::verify;
use crate::segment::{Lanes, Segment};

use super::core::Core;
use super::erasing::masks_of;
use super::jobs::Job;
use super::lanes::{StoreLanes, in_lanes};
use super::rewriting::Purge;

/// How long it sleeps between two looks at readers that hold what it has replaced.
const NAP: Duration = Duration::from_millis(50);
/// Files that are unlinked at the same time for each lane: most of it is waiting for the disk.
const UNLINKING: usize = 8;

impl Core {
    /// Waits until nobody reads any more what was replaced at `replaced_ms` at the latest: no longer than the views live
    /// that were open then, by the clock that they go by.
    pub(super) fn wait_for_readers(
        &self,
        job: &Job,
        held: &[Weak<Segment>],
        replaced_ms: u64,
    ) -> Result<(), JobError> {
        let are_read = || held.iter().any(|segment| segment.strong_count() > 0);
        let may_be_read = || self.now_ms().abs_diff(replaced_ms) <= VIEW_SECONDS * 1_000;
        // Without threads nobody reads beside the caller.
        while self.options.background == Background::Threads && are_read() && may_be_read() {
            if job.is_stopped() {
                return Err(JobError::Stopped);
            }
            let seen = self.signals.work.count();
            self.signals.work.wait(seen, NAP);
        }
        Ok(())
    }

    /// Reads everything again, and certifies what is in none of it.
    pub(super) fn certify(&self, due: &[Arc<Erasure>], through: Seq, purge: &Purge) -> Result<(), JobError> {
        self.remove_orphans()?;
        let ids: HashSet<_> = due.iter().map(|erasure| erasure.id).collect();
        let all = self.ledger.all();
        let masks = masks_of(&self.ledger, all.iter().filter(|erasure| ids.contains(&erasure.id)));
        let manifest = self.live.manifest();
        let (sites, lanes) = (masks.sites(), self.options.purge_lanes);
        for entry in manifest.reachable() {
            let segment = verify::open(&*self.disk, entry)?;
            let verified = in_lanes(lanes, &sites, |site| verify::site(&segment, *site, &masks));
            verified.into_iter().collect::<Result<(), _>>()?;
        }
        self.verify_other_files(due, through)?;

        self.pages.forget();
        let now_ms = self.now_ms();
        let evidence = Evidence::of(now_ms, &purge.before, manifest.reachable());
        let copies = Copies {
            region: manifest.region.clone(),
            live_segments: manifest.segments.len() as u64,
            snapshots: manifest.snapshots.len() as u64,
            snapshot_segments: manifest.pinned.len() as u64,
            backup_targets: purge.targets as u64,
            files: Roots::of(&evidence.files),
        };
        self.ledger.put_evidence(copies.files.number(), &evidence)?;
        let signer = Signer::new(&self.ledger.signing_key()?);
        let certified: Vec<_> =
            due.iter().filter_map(|erasure| self.ledger.get(erasure.id)).filter(|of| of.is_open()).collect();
        let (mut forgotten, mut edits) = (Ok(()), Vec::new());
        StoreLanes(lanes).beside(&mut || forgotten = self.forget_names_of(&ids), &mut || {
            edits = in_lanes(lanes, &certified, |erasure| {
                let statement = certificate::statement(erasure, &copies, now_ms);
                LedgerEdit::Certify(erasure.id, now_ms, signer.sign(&statement))
            });
        });
        // The text goes before it is said that nothing is left.
        forgotten?;
        self.ledger.record(edits)?;
        self.refresh_masks();
        Ok(())
    }

    /// Unlinks what these erasures have named, and none that came later, some files at a time.
    fn forget_names_of(&self, ids: &HashSet<ErasureId>) -> Result<(), LedgerError> {
        let open = self.ledger.open();
        let later: HashSet<u64> =
            open.iter().filter(|erasure| !ids.contains(&erasure.id)).map(|erasure| erasure.number).collect();
        let lanes = match self.options.purge_lanes {
            lanes @ (0 | 1) => lanes,
            lanes => lanes.saturating_mul(UNLINKING),
        };
        self.ledger.forget_named_by(
            |number| later.contains(&number),
            |files| in_lanes(lanes, files, |file| self.disk.remove(*file)).into_iter().collect(),
        )
    }

    /// Takes deleted sites out of log and accounts. Before targets are purged: they have the accounts as well.
    pub(super) fn remove_accounts(&self, due: &[Arc<Erasure>]) -> Result<(), JobError> {
        let deleted: Vec<SiteId> =
            due.iter().filter(|erasure| erasure.deletes_site).map(|erasure| erasure.site).collect();
        if !deleted.is_empty() {
            self.log.forget(deleted.clone())?;
            for site in deleted {
                if self.accounts.get(site).is_some() {
                    self.accounts.remove(site)?;
                }
            }
        }
        Ok(())
    }

    /// Those erasures that can wait no longer for what cannot be read: a deadline is near, and targets that keep old
    /// versions need their time before it. None while the clock is doubted.
    pub(super) fn urgent<'e>(&self, due: &'e [Arc<Erasure>]) -> Vec<&'e Arc<Erasure>> {
        let by_ms = self.now_ms().saturating_add(self.versions_kept_ms());
        let urgent: Vec<_> = due.iter().filter(|erasure| plan::is_last_chance(erasure, by_ms)).collect();
        if urgent.is_empty() || self.clock_is_steady() { urgent } else { Vec::new() }
    }

    /// Writes down what is lost to erasures.
    pub(super) fn lose(&self, erasures: &[&Arc<Erasure>], loss: Loss) -> Result<(), JobError> {
        let edits = erasures.iter().map(|erasure| LedgerEdit::Lose(erasure.id, loss));
        Ok(self.ledger.record(edits.collect())?)
    }

    /// Looks at log and quarantine. What was put aside goes unread when a deadline is near, and is named.
    fn verify_other_files(&self, due: &[Arc<Erasure>], through: Seq) -> Result<(), JobError> {
        let urgent = self.urgent(due);
        if !urgent.is_empty() {
            for (file, _) in self.disk.list(Directory::Quarantine)? {
                let (FileName::QuarantinedWal(number) | FileName::QuarantinedSegment(number)) = file else {
                    continue;
                };
                self.lose(&urgent, Loss { segment: number, whole: true, events: 0 })?;
                self.disk.remove(file)?;
                self.disk.sync_directory(Directory::Quarantine)?;
            }
        }
        Ok(verify::other_files(&*self.disk, through)?)
    }

    /// Removes segment files that no list names: those that an earlier edit let go and that could not be unlinked.
    fn remove_orphans(&self) -> Result<(), JobError> {
        // Nobody else makes segment files meanwhile.
        let _flushing = self.flushing.lock();
        let _merging = self.merging.lock();
        let listed: HashSet<u64> = self.live.manifest().reachable().map(|entry| entry.number).collect();
        let mut removed = false;
        for (file, _) in self.disk.list(Directory::Segments)? {
            let stays = matches!(file, FileName::Segment(number) if listed.contains(&number));
            if !stays {
                self.disk.remove(file)?;
                removed = true;
            }
        }
        // Also for what was unlinked before: a sync that failed then is made good here.
        if removed || !listed.is_empty() {
            self.disk.sync_directory(Directory::Segments)?;
        }
        Ok(())
    }
}
