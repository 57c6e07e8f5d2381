//! Crashes a script at every call that changes the disk, and looks for what was erased on every disk that may be left.

use std::sync::atomic::AtomicU64;

use heatgrid_engine::backup::memory::MemoryTarget;
use heatgrid_engine::disk::simulated::SimulatedDisk;
use heatgrid_engine::format::names::{Directory, FileName};

use super::held::Held;
use super::keeper::{Keeper, has_none_of};
use super::script::Op;
use crate::explore::{Place, Random, count};

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
pub(super) fn explore(base: &SimulatedDisk, script: &[Op], depth: Depth, tally: &Tally) {
    let _place = Place(script);
    count(&tally.scripts);
    let mut course = vec![Held::nothing()];
    for op in script {
        course.push(course[course.len() - 1].after(*op));
    }
    let calm = Run::of(base.fork(), &script[..1], &course);
    let known = calm.disk.calls().mutating();
    drop(calm);
    let mut calm = Run::of(base.fork(), script, &course);
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
        let disk = base.fork();
        disk.crash_at(call);
        let crashed = Run::of(disk, script, &course);
        let allowed = match script.get(crashed.reached) {
            Some(op) => course[crashed.reached].amid(*op),
            None => vec![course[crashed.reached].clone()],
        };
        let Run { disk, target, reached, .. } = crashed;
        let seed = Random(call ^ script.len() as u64).next();
        for (nth, survivor) in disk.survivors().up_to(depth.survivors, seed).enumerate() {
            let at = call as usize + nth;
            let checked = check(&survivor, &target, &allowed, at.is_multiple_of(depth.go_on_every), tally)
                .and_then(|()| match at.is_multiple_of(depth.recover_every) {
                    true => crash_recovery(&survivor, &target, &allowed, tally),
                    false => Ok(()),
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
    fn of(disk: SimulatedDisk, script: &[Op], course: &[Held]) -> Run {
        let target = MemoryTarget::default();
        let mut run =
            Run { disk: disk.clone(), target: target.clone(), keeper: None, reached: 0, failure: None };
        match Keeper::open(disk, target, &course[0]) {
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

/// Opens what a crash left, and holds it against what it may hold; with `go_on`, goes on with it.
fn check(
    survivor: &SimulatedDisk,
    target: &MemoryTarget,
    allowed: &[Held],
    go_on: bool,
    tally: &Tally,
) -> Result<(), String> {
    count(&tally.states);
    let (mut keeper, found) = open(survivor.fork(), target.fork(), allowed)?;
    let certified = keeper.certified_pages(found);
    if !certified.is_empty() {
        count(&tally.certified);
        // Who asks for what is gone already names it once more, until that is certified too.
        let named_again = allowed.len() > 1 || keeper.any_is_open();
        let searched = |file: FileName| !(named_again && file.directory() == Directory::Erasures);
        has_none_of(&certified, survivor, target, searched)?;
    }
    if go_on {
        count(&tally.gone_on);
        keeper.go_on(found)?;
    }
    Ok(())
}

/// Opens a disk, and says what it holds. A power loss is no damage: nothing that it leaves is taken for rot.
fn open(disk: SimulatedDisk, target: MemoryTarget, allowed: &[Held]) -> Result<(Keeper, &Held), String> {
    let keeper =
        Keeper::open(disk, target, &allowed[0]).map_err(|error| format!("it does not open: {error}"))?;
    let report = keeper.store().report();
    if !report.wal.rot.is_empty() || !report.unreadable.is_empty() {
        return Err(format!("a power loss is taken for damage: {report:?}"));
    }
    let mut reasons = Vec::new();
    for held in allowed {
        match keeper.is_like(held) {
            Ok(()) => return Ok((keeper, held)),
            Err(difference) => reasons.push(difference),
        }
    }
    Err(reasons.join("\nnor "))
}

/// Crashes the opening of a disk at every call, and looks at what that leaves.
fn crash_recovery(
    survivor: &SimulatedDisk,
    target: &MemoryTarget,
    allowed: &[Held],
    tally: &Tally,
) -> Result<(), String> {
    let calm = survivor.fork();
    drop(Keeper::open(calm.clone(), target.fork(), &allowed[0]));
    for call in 1..=calm.calls().mutating() {
        let disk = survivor.fork();
        disk.crash_at(call);
        drop(Keeper::open(disk.clone(), target.fork(), &allowed[0]));
        for survivor in disk.survivors().up_to(RECOVERED, call) {
            count(&tally.recoveries);
            check(&survivor, target, allowed, false, tally)
                .map_err(|wrong| format!("recovery crashed at call {call}: {wrong}"))?;
        }
    }
    Ok(())
}

/// Disks that are looked at after one crash of a recovery.
const RECOVERED: usize = 2;
