//! Crashes a script at every call that changes the disk, and looks for what was erased on every disk that may be left.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use heatgrid_engine::backup::memory::MemoryTarget;
use heatgrid_engine::disk::simulated::SimulatedDisk;
use heatgrid_engine::format::names::{Directory, FileName};
use heatgrid_engine::model::{SiteId, SiteSettings};

use super::deeds::{Deed, deeds, has_work};
use super::held::Held;
use super::keeper::{Keeper, has_none_of};
use super::script::Op;
use crate::crash::play::{Play, base_of};
use crate::explore::{Place, Random, count};

/// Where every script begins.
pub(super) struct Base {
    disk: SimulatedDisk,
    held: Held,
    sites: [SiteId; 2],
    /// What scripts did that began here.
    met: Mutex<BTreeSet<Deed>>,
}

impl Base {
    /// A store of two sites of these settings.
    pub(super) fn of(settings: impl Fn(usize) -> SiteSettings) -> Base {
        let (disk, held) = (base_of(&settings), Held::nothing(&settings));
        let play = Play::open(disk.fork(), held.world().now_ms).expect("a store of two sites opens");
        let sites = [0, 1].map(|place| play.stored().site(place));
        Base { disk, held, sites, met: Mutex::default() }
    }

    fn meet(&self, deeds: impl IntoIterator<Item = Deed>) {
        self.met.lock().expect("nobody panicked").extend(deeds);
    }

    /// Those of some deeds that no script did.
    pub(super) fn missing(&self, wanted: impl IntoIterator<Item = Deed>) -> Vec<Deed> {
        let met = self.met.lock().expect("nobody panicked");
        wanted.into_iter().filter(|deed| !met.contains(deed)).collect()
    }
}

/// How much is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Depth {
    /// Disks that are looked at after one crash; of more, so many are sampled.
    pub(super) survivors: usize,
    /// Of so many disks, one is gone on with: purged, restored and opened again.
    pub(super) go_on_every: usize,
    /// Of so many disks, one is crashed again at every call of its recovery.
    pub(super) recover_every: usize,
}

/// What has been explored.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) scripts: AtomicU64,
    pub(super) crashes: AtomicU64,
    /// Disks that were opened and asked.
    pub(super) states: AtomicU64,
    /// Those of them that were gone on with.
    pub(super) gone_on: AtomicU64,
    /// Those of them that had crashed in a recovery.
    pub(super) recoveries: AtomicU64,
    /// Those of them on which something was certified, and looked for in every byte.
    pub(super) certified: AtomicU64,
}

/// Crashes `script` at every call of its operations but the first, which is the same in all of them.
pub(super) fn explore(base: &Base, script: &[Op], depth: Depth, tally: &Tally) {
    let _place = Place(script);
    count(&tally.scripts);
    let mut course = vec![base.held.clone()];
    for op in script {
        let before = &course[course.len() - 1];
        let after = before.after(*op);
        base.meet(deeds(*op, before, &after));
        course.push(after);
    }
    let calm = Run::of(base, base.disk.fork(), &script[..1], &course);
    let known = calm.disk.calls().mutating();
    drop(calm);
    let mut calm = Run::of(base, base.disk.fork(), script, &course);
    assert_eq!(
        calm.reached,
        script.len(),
        "{script:?} goes well when nothing goes wrong: {:?}",
        calm.failure
    );
    let keeper = calm.keeper.as_mut().expect("it opened");
    let ended = &course[script.len()];
    if let Err(wrong) = keeper.is_like(ended).and_then(|()| keeper.holds_no_more_than(ended)) {
        panic!("{script:?} without a crash: {wrong}");
    }
    let calls = calm.disk.calls().mutating();
    if let Err(wrong) = keeper.go_on(ended) {
        panic!("{script:?} without a crash: {wrong}");
    }
    for call in known + 1..=calls {
        let _place = Place(("call", call));
        count(&tally.crashes);
        let disk = base.disk.fork();
        disk.crash_at(call);
        let crashed = Run::of(base, disk, script, &course);
        let allowed = match script.get(crashed.reached) {
            Some(op) => {
                let (before, after) = (&course[crashed.reached], &course[crashed.reached + 1]);
                base.meet(has_work(*op, before, after).then_some(Deed::CutOff(*op)));
                before.amid(*op)
            }
            None => vec![course[crashed.reached].clone()],
        };
        let Run { disk, target, reached, .. } = crashed;
        let seed = Random(call ^ script.len() as u64).next();
        for (nth, survivor) in disk.survivors().up_to(depth.survivors, seed).enumerate() {
            let at = call as usize + nth;
            let left = Left { sites: base.sites, disk: &survivor, target: &target, allowed: &allowed };
            let checked = left.check(at.is_multiple_of(depth.go_on_every), tally).and_then(|()| {
                match at.is_multiple_of(depth.recover_every) {
                    true => left.crash_recovery(tally),
                    false => Ok(()),
                }
            });
            if let Err(wrong) = checked {
                panic!("{script:?}, crashed at call {call} in operation {reached}, survivor {nth}: {wrong}");
            }
        }
    }
}

/// A script as far as it came.
struct Run {
    disk: SimulatedDisk,
    target: MemoryTarget,
    keeper: Option<Keeper>,
    /// Operations that went well.
    reached: usize,
    failure: Option<String>,
}

impl Run {
    fn of(base: &Base, disk: SimulatedDisk, script: &[Op], course: &[Held]) -> Run {
        let target = MemoryTarget::default();
        let mut run =
            Run { disk: disk.clone(), target: target.clone(), keeper: None, reached: 0, failure: None };
        match Keeper::open(disk, target, &course[0], base.sites) {
            Ok(keeper) => run.keeper = Some(keeper),
            Err(error) => run.failure = Some(error.to_string()),
        }
        for (op, held) in script.iter().zip(course) {
            let Some(keeper) = &mut run.keeper else { break };
            if let Err(error) = keeper.act(*op, held) {
                run.failure = Some(error.to_string());
                break;
            }
            run.reached += 1;
        }
        run
    }
}

/// What a crash left, and what it may hold.
struct Left<'a> {
    sites: [SiteId; 2],
    disk: &'a SimulatedDisk,
    target: &'a MemoryTarget,
    allowed: &'a [Held],
}

impl Left<'_> {
    /// Opens it, and holds it against what it may hold; with `go_on`, goes on with it.
    fn check(&self, go_on: bool, tally: &Tally) -> Result<(), String> {
        count(&tally.states);
        let keeper = self.open()?;
        let found = self.like(&keeper)?;
        let certified = keeper.certified_pages(found[0]);
        if !certified.is_empty() {
            count(&tally.certified);
            // Who asks for what is gone already names it once more, until that is certified too.
            let named_again = self.allowed.len() > 1 || keeper.any_is_open();
            let searched = |file: FileName| !(named_again && file.directory() == Directory::Erasures);
            has_none_of(&certified, self.disk, self.target, searched)?;
        }
        drop(keeper);
        if go_on {
            count(&tally.gone_on);
            // Some differ only in what comes of them: a month that is recoded, or is not yet.
            let gone_on = found.into_iter().map(|held| self.open().and_then(|mut keeper| keeper.go_on(held)));
            return any_of(gone_on);
        }
        Ok(())
    }

    /// Opens a copy of the disk. A power loss is no damage: nothing that it leaves is taken for rot.
    fn open(&self) -> Result<Keeper, String> {
        let keeper = Keeper::open(self.disk.fork(), self.target.fork(), &self.allowed[0], self.sites);
        let keeper = keeper.map_err(|error| format!("it does not open: {error}"))?;
        let report = keeper.store().report();
        match report.wal.rot.is_empty() && report.unreadable.is_empty() {
            true => Ok(keeper),
            false => Err(format!("a power loss is taken for damage: {report:?}")),
        }
    }

    /// All that a store may hold and looks like.
    fn like(&self, keeper: &Keeper) -> Result<Vec<&Held>, String> {
        let (mut found, mut reasons) = (Vec::new(), Vec::new());
        for held in self.allowed {
            match keeper.is_like(held) {
                Ok(()) => found.push(held),
                Err(difference) => reasons.push(difference),
            }
        }
        if found.is_empty() { Err(reasons.join("\nnor ")) } else { Ok(found) }
    }

    /// Crashes the opening of it at every call, and looks at what that leaves.
    fn crash_recovery(&self, tally: &Tally) -> Result<(), String> {
        let calm = self.disk.fork();
        drop(Keeper::open(calm.clone(), self.target.fork(), &self.allowed[0], self.sites));
        for call in 1..=calm.calls().mutating() {
            let disk = self.disk.fork();
            disk.crash_at(call);
            drop(Keeper::open(disk.clone(), self.target.fork(), &self.allowed[0], self.sites));
            for survivor in disk.survivors().up_to(RECOVERED, call) {
                count(&tally.recoveries);
                Left { disk: &survivor, ..*self }
                    .check(false, tally)
                    .map_err(|wrong| format!("recovery crashed at call {call}: {wrong}"))?;
            }
        }
        Ok(())
    }
}

/// Whether anything went well; all that went wrong, if nothing did.
fn any_of(results: impl Iterator<Item = Result<(), String>>) -> Result<(), String> {
    let mut reasons = Vec::new();
    for result in results {
        match result {
            Ok(()) => return Ok(()),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(reasons.join("\nnor "))
}

/// Disks that are looked at after one crash of a recovery.
const RECOVERED: usize = 2;
