//! A store on a simulated disk with a backup target in memory: what is done to it, and what is looked at.

use std::collections::BTreeSet;
use std::error::Error;
use std::ops::ControlFlow;
use std::sync::Arc;

use heatgrid_engine::backup::memory::MemoryTarget;
use heatgrid_engine::backup::{restore, run};
use heatgrid_engine::disk::Disk;
use heatgrid_engine::disk::simulated::SimulatedDisk;
use heatgrid_engine::error::{AppendError, AskError, EraseError, OpenError};
use heatgrid_engine::format::names::FileName;
use heatgrid_engine::model::{CopyName, Erasure, ErasureState, SiteId};
use heatgrid_engine::store::Store;

use super::copied::Copied;
use super::held::{Erased, Held, NEIGHBOUR, events};
use super::script::{MARK, Op, Selector};
use crate::crash::expected::Expected;
use crate::crash::play::{Play, clock_and_options};
use crate::world::{Receipt, Sent};

/// What a copy is called that nobody asked for has no name beginning with this.
const ASKED: &str = "copy-";

/// A store, and where it is backed up.
pub(super) struct Keeper {
    pub(super) play: Play,
    pub(super) target: MemoryTarget,
    /// Ids of the sites, also of one that is gone.
    sites: [SiteId; 2],
}

impl Keeper {
    /// Opens the store of a disk.
    pub(super) fn open(
        disk: SimulatedDisk,
        target: MemoryTarget,
        held: &Held,
        sites: [SiteId; 2],
    ) -> Result<Keeper, OpenError> {
        let play = Play::open(disk, held.world().now_ms)?;
        let keeper = Keeper { play, target, sites };
        keeper.name_target();
        Ok(keeper)
    }

    fn name_target(&self) {
        self.store().set_targets(vec![Arc::new(self.target.clone())]);
    }

    pub(super) fn store(&self) -> &Store {
        &self.play.stored().store
    }

    pub(super) fn reopen(&mut self) -> Result<(), OpenError> {
        self.play.reopen()?;
        self.name_target();
        Ok(())
    }

    /// Does `op` to a store that holds `held`.
    pub(super) fn act(&mut self, op: Op, held: &Held) -> Result<(), Box<dyn Error>> {
        let (stored, store) = (self.play.stored(), self.store());
        if let Some((sent, taken)) = held.sends(op) {
            return self.send(&sent, &taken);
        }
        let oldest = held.oldest().and_then(|copy| copy.name);
        match op {
            Op::Flush => stored.flush()?,
            Op::Compact => stored.compact()?,
            Op::Reopen => self.reopen()?,
            Op::Snapshot => store.create_snapshot(held.next_name()).map(|_| ())?,
            Op::DeleteSnapshot => held.newest().map_or(Ok(()), |newest| store.delete_snapshot(newest))?,
            Op::Restore => oldest.map_or(Ok(()), |oldest| store.restore_snapshot(oldest, None))?,
            Op::RestoreSite => {
                let site = Some(self.sites[0]);
                oldest.map_or(Ok(()), |oldest| store.restore_snapshot(oldest, site))?;
            }
            Op::BackUp => store.back_up(store.new_backup(), &self.target, held.next_name()).map(|_| ())?,
            Op::Purge => store.purge(true)?,
            Op::PurgeInGrace => store.purge(false)?,
            Op::Erase(selector) => self.erase(selector, held)?,
            Op::Cancel => {
                let oldest = held.open.first().map(|open| self.erasure(open.erased));
                oldest.map_or(Ok(()), |erasure| store.cancel_erasure(erasure.id).map(drop))?;
            }
            Op::DeleteSite => {
                match (store.delete_site(self.sites[NEIGHBOUR]), held.world().is_closed(NEIGHBOUR)) {
                    (Err(EraseError::UnknownSite(_)), true) => {}
                    (deleted, false) => drop(deleted?),
                    (deleted, true) => panic!("a site that is closed is deleted again: {deleted:?}"),
                }
            }
            Op::CancelDeletion => {
                let is_waiting = |erasure: &&Arc<Erasure>| erasure.is_in_grace();
                let erasures = store.erasures(self.sites[NEIGHBOUR]);
                erasures
                    .iter()
                    .find(is_waiting)
                    .map_or(Ok(()), |erasure| store.cancel_erasure(erasure.id).map(drop))?;
            }
            Op::Append | Op::AppendOther | Op::AppendLarge => unreachable!("batches were sent above"),
        }
        // Whoever serves a store brings the ledger to its targets with each entry.
        if matches!(op, Op::Erase(_) | Op::Cancel | Op::DeleteSite | Op::CancelDeletion) {
            self.store().copy_ledger(&self.target)?;
        }
        Ok(())
    }

    /// Sends a batch. What is not taken of it is refused with all that stands beside it; then the rest is sent, as who
    /// looks before sends it.
    fn send(&self, sent: &Sent, taken: &Sent) -> Result<(), Box<dyn Error>> {
        let append = |batch: &Sent| self.play.stored().append_to(self.sites[batch.site], batch);
        if taken == sent {
            assert_eq!(append(sent)?, Receipt::Stored, "the answer to a batch");
            return Ok(());
        }
        let is_closed = taken.events.is_empty();
        match append(sent) {
            Err(AppendError::ClosedSite(_) | AppendError::UnknownSite(_)) if is_closed => return Ok(()),
            Err(AppendError::Blocked(_)) if !is_closed => {}
            answer => panic!("a batch of a closed site or a blocked page is answered {answer:?}"),
        }
        assert_eq!(append(taken)?, Receipt::Stored, "the answer to what is not blocked");
        Ok(())
    }

    fn erase(&self, selector: Selector, held: &Held) -> Result<(), Box<dyn Error>> {
        let (world, site) = (held.world(), selector.site());
        let request = selector.request(self.sites[site], world, held.sent());
        let preview = match (self.store().erase(&request), world.is_closed(site)) {
            (Err(EraseError::UnknownSite(_)), true) => return Ok(()),
            (requested, _) => requested?.preview,
        };
        let after = held.after(Op::Erase(selector));
        assert_eq!(preview.matched.events, events(world) - events(after.world()), "events that matched");
        Ok(())
    }

    fn erasure(&self, erased: Erased) -> Arc<Erasure> {
        Arc::clone(&self.store().erasures(self.sites[erased.site])[erased.nth])
    }

    /// Whether the store holds `held`, as far as it tells.
    pub(super) fn is_like(&self, held: &Held) -> Result<(), String> {
        let mut called_off = 0;
        for (place, expected) in held.erasures.iter().enumerate() {
            let erasures = self.store().erasures(self.sites[place]);
            if erasures.len() != expected.len() {
                return Err(format!(
                    "{} erasures of site {place} instead of {}",
                    erasures.len(),
                    expected.len()
                ));
            }
            let is_called_off = |erasure: &&Arc<Erasure>| erasure.state() == ErasureState::Cancelled;
            called_off += erasures.iter().filter(is_called_off).count();
        }
        if called_off != held.called_off {
            return Err(format!("{called_off} erasures are called off instead of {}", held.called_off));
        }
        let snapshots = self.store().snapshots().into_iter().map(|snapshot| snapshot.name);
        let asked: BTreeSet<CopyName> = snapshots.filter(|name| name.as_str().starts_with(ASKED)).collect();
        same_names("snapshots", &asked, &held.snapshots)?;
        let lists = run::lists(&self.target).map_err(|error| error.to_string())?;
        same_names("backups", &lists.iter().map(|list| list.name).collect(), &held.backups)?;
        if held.world().is_closed(NEIGHBOUR) {
            self.neighbour_answers_nothing(held)?;
        }
        self.play.looks_like(std::slice::from_ref(&held.live.live)).map(drop)
    }

    fn neighbour_answers_nothing(&self, held: &Held) -> Result<(), String> {
        let stored = self.play.stored();
        let (_, question, _) = &held.live.live.answers()[0];
        match (NEIGHBOUR < stored.sites()).then(|| stored.answer(NEIGHBOUR, question)) {
            None | Some(Err(AskError::UnknownSite(_))) => Ok(()),
            Some(answer) => Err(format!("a closed site answers {answer:?}")),
        }
    }

    /// Whether every erasure is certified, or was called off.
    fn all_are_certified(&self) -> Result<(), String> {
        for (place, site) in self.sites.into_iter().enumerate() {
            for erasure in self.store().erasures(site) {
                if ![ErasureState::Certified, ErasureState::Cancelled].contains(&erasure.state()) {
                    return Err(format!(
                        "erasure {} of site {place} is {:?}",
                        erasure.number,
                        erasure.state()
                    ));
                }
            }
        }
        Ok(())
    }

    /// Whether any erasure is open.
    pub(super) fn any_is_open(&self) -> bool {
        self.store().status().erasures.open > 0
    }

    /// Pages of which certificates say that they are nowhere.
    pub(super) fn certified_pages(&self, held: &Held) -> BTreeSet<String> {
        let mut pages = BTreeSet::new();
        for (place, left_nowhere) in held.erasures.iter().enumerate() {
            let erasures = self.store().erasures(self.sites[place]);
            for (erasure, left_nowhere) in erasures.iter().zip(left_nowhere) {
                if erasure.state() == ErasureState::Certified {
                    pages.extend(left_nowhere.iter().cloned());
                }
            }
        }
        pages
    }

    /// Whether files and target hold what `held` says, to the event: nothing that is masked, nothing less.
    pub(super) fn holds_no_more_than(&self, held: &Held) -> Result<(), String> {
        self.all_are_certified()?;
        has_none_of(&self.certified_pages(held), &self.play.disk, &self.target, |_| true)?;
        let same = |what: &str, got: u64, expected: u64| match got == expected {
            true => Ok(()),
            false => Err(format!("{what}: {got} events instead of {expected}")),
        };
        let status = self.store().status();
        same("live", status.segment_events + status.memtable_events, events(held.world()))?;
        for copy in &held.snapshots {
            let Some(name) = copy.name else { continue };
            let snapshot = self.store().snapshot(name).ok_or_else(|| format!("no snapshot {name}"))?;
            same(name.as_str(), snapshot.events, copy.events())?;
        }
        for copy in &held.backups {
            let Some(name) = copy.name else { continue };
            let list = run::list(&self.target, name).map_err(|error| error.to_string())?;
            same(
                name.as_str(),
                list.segments.iter().map(|segment| segment.entry.events).sum(),
                copy.events(),
            )?;
        }
        Ok(())
    }

    /// Restores every backup into a directory of its own, and looks at what it answers.
    pub(super) fn backups_come_back_as(&self, held: &Held) -> Result<(), String> {
        for copy in &held.backups {
            let Some(name) = copy.name else { continue };
            // Which sites there are is as it is now.
            let mut world = held.world().clone();
            world.restore(&copy.live.world);
            let expected = Expected::new(world, held.sent());
            self.restored_is_like(name, &expected)
                .map_err(|error| format!("backup {name} elsewhere: {error}"))?;
        }
        Ok(())
    }

    fn restored_is_like(&self, name: CopyName, expected: &Expected) -> Result<(), String> {
        let said = |error: &dyn Error| error.to_string();
        let disk = SimulatedDisk::new();
        let (mark, _) = restore::begin(&self.target, &disk, name).map_err(|error| said(&error))?;
        let key = self.play.disk.contents(FileName::LedgerKey).expect("a store has a key");
        let mut writer = disk.create(FileName::LedgerKey).map_err(|error| said(&error))?;
        writer.write_at(0, &key).and_then(|()| writer.sync()).map_err(|error| said(&error))?;
        drop(writer);
        let (clock, options) = clock_and_options(expected.world.now_ms);
        let store = Store::open_to_restore(Arc::new(disk.clone()), clock, options, mark.store);
        store
            .map_err(|error| said(&error))?
            .restore_backup(&self.target, name, &mut |_| ControlFlow::Continue(()))
            .map_err(|error| said(&error))?;
        let play = Play::open(disk, expected.world.now_ms).map_err(|error| said(&error))?;
        play.looks_like(std::slice::from_ref(expected)).map(drop)
    }

    /// Goes on with a store that holds `held`: more comes in, everything that was erased goes, and nothing of it comes
    /// back by any way.
    pub(super) fn go_on(&mut self, held: &Held) -> Result<(), String> {
        // Whoever serves it brings the ledger first, whatever the crash kept from it.
        self.store().copy_ledger(&self.target).map_err(|error| error.to_string())?;
        if self.any_is_open() {
            self.backups_come_back_as(held)?;
        }
        let mut now = held.clone();
        for op in [Op::Append, Op::Purge, Op::Restore, Op::Reopen] {
            self.act(op, &now).map_err(|error| format!("{op:?} afterwards: {error}"))?;
            now = now.after(op);
            self.is_like(&now).map_err(|difference| format!("after {op:?} afterwards: {difference}"))?;
        }
        self.holds_no_more_than(&now)?;
        self.backups_come_back_as(&now)
    }
}

fn same_names(what: &str, got: &BTreeSet<CopyName>, expected: &[Copied]) -> Result<(), String> {
    let expected: BTreeSet<CopyName> = expected.iter().filter_map(|copy| copy.name).collect();
    match *got == expected {
        true => Ok(()),
        false => Err(format!("{what} {got:?} instead of {expected:?}")),
    }
}

/// Whether none of some pages is in any byte of those files of a disk that are `searched`, or of a target.
pub(super) fn has_none_of(
    pages: &BTreeSet<String>,
    disk: &SimulatedDisk,
    target: &MemoryTarget,
    searched: impl Fn(FileName) -> bool,
) -> Result<(), String> {
    if pages.is_empty() {
        return Ok(());
    }
    // Every page is found by its name, which stands between two marks.
    let canaries: BTreeSet<&[u8]> =
        pages.iter().filter_map(|page| page.as_bytes().split(|b| *b == MARK).nth(1)).collect();
    let found =
        |bytes: &[u8]| bytes.split(|b| *b == MARK).find(|part| canaries.contains(part)).map(<[u8]>::to_vec);
    let told = |place: &dyn std::fmt::Display, name: &[u8]| {
        Err(format!("{place} has the certified canary {}", String::from_utf8_lossy(name)))
    };
    for (file, _) in disk.files().into_iter().filter(|(file, _)| searched(*file)) {
        if let Some(name) = found(&disk.contents(file).expect("it is there")) {
            return told(&file, &name);
        }
    }
    for object in target.objects() {
        if let Some(name) = found(&target.contents(object).expect("it is there")) {
            return told(&object, &name);
        }
    }
    Ok(())
}
