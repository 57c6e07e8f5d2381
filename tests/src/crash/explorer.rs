//! Crashes a script at every call that changes the disk, and looks at every disk that may be left.

use std::sync::atomic::AtomicU64;

use heatgrid_engine::disk::simulated::SimulatedDisk;

use super::expected::Expected;
use super::play::Play;
use super::script::{BEGINS_MS, Op, settings};
use crate::explore::{Place, Random, count};
use crate::world::World;

/// How much is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Depth {
    /// Disks that are looked at after one crash; of more, so many are sampled.
    pub(super) survivors: usize,
    /// Of so many disks, one is crashed again at every call of its recovery.
    pub(super) recover_every: usize,
    /// Disks that are looked at after one crash of a recovery.
    pub(super) recovered: usize,
}

/// What has been explored.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) scripts: AtomicU64,
    pub(super) crashes: AtomicU64,
    /// Disks that were opened and checked.
    pub(super) states: AtomicU64,
    /// Those of them that had crashed in a recovery.
    pub(super) recoveries: AtomicU64,
}

/// The world of the base disk.
pub(super) fn beginning() -> Expected {
    let mut world = World::new(BEGINS_MS);
    (0..2).for_each(|place| world.add_site(settings(place)));
    Expected::new(world, 0)
}

/// Crashes `script` at every call of its operations from the `first` on: those before are another script's. With the
/// first operation comes the opening of the store.
pub(super) fn explore(base: &SimulatedDisk, script: &[Op], first: usize, depth: Depth, tally: &Tally) {
    count(&tally.scripts);
    let mut course = vec![beginning()];
    for op in script {
        course.push(course[course.len() - 1].after(*op));
    }
    let disk = base.fork();
    let known = match first {
        0 => 0,
        _ => {
            let before = base.fork();
            drop(run(&before, &script[..first], &course));
            before.calls().mutating()
        }
    };
    let (reached, play) = run(&disk, script, &course);
    assert_eq!(reached, script.len(), "{script:?} goes well when nothing goes wrong");
    let play = play.expect("it opened");
    if let Err(difference) = play.looks_like(&course[script.len()..]) {
        panic!("{script:?} without a crash: {difference}");
    }
    drop(play);
    for call in known + 1..=disk.calls().mutating() {
        let _place = Place((script, call));
        count(&tally.crashes);
        let disk = base.fork();
        disk.crash_at(call);
        let (reached, play) = run(&disk, script, &course);
        // What the process had in memory is gone; what it had not finished, it does not finish while it goes down.
        drop(play);
        let allowed = match script.get(reached) {
            Some(op) => course[reached].amid(*op),
            None => course[reached].amid(Op::Reopen),
        };
        let seed = Random(call ^ script.len() as u64).next();
        for (nth, survivor) in disk.survivors().up_to(depth.survivors, seed).enumerate() {
            let _place = Place(("survivor", nth));
            if (call as usize + nth).is_multiple_of(depth.recover_every) {
                crash_recovery(&survivor, &allowed, depth, tally);
            }
            count(&tally.states);
            if let Err(difference) = check(&survivor, &allowed) {
                panic!(
                    "{script:?}, crashed at call {call} in operation {reached}, survivor {nth}: {difference}"
                );
            }
        }
    }
}

/// Runs a script until an operation fails, and says how many went well. `None` when the store could not be opened.
fn run(disk: &SimulatedDisk, script: &[Op], course: &[Expected]) -> (usize, Option<Play>) {
    let Ok(mut play) = Play::open(disk.clone(), course[0].world.now_ms) else { return (0, None) };
    for (place, op) in script.iter().enumerate() {
        if play.act(*op, &course[place]).is_err() {
            return (place, Some(play));
        }
    }
    (script.len(), Some(play))
}

/// Opens what a crash left, holds it against the worlds that it may look like, and goes on with it.
fn check(disk: &SimulatedDisk, allowed: &[Expected]) -> Result<(), String> {
    open(disk.fork(), allowed)?.looks_like_and_goes_on(disk, allowed)
}

/// A power loss is no damage: nothing that it leaves keeps a store from opening, or is taken for rot.
fn open(disk: SimulatedDisk, allowed: &[Expected]) -> Result<Play, String> {
    let play =
        Play::open(disk, allowed[0].world.now_ms).map_err(|error| format!("it does not open: {error}"))?;
    let report = play.stored().store.report();
    if !report.wal.rot.is_empty() || !report.unreadable.is_empty() {
        return Err(format!("a power loss is taken for damage: {report:?}"));
    }
    Ok(play)
}

/// Crashes the opening of a disk at every call, and looks at what that leaves.
fn crash_recovery(survivor: &SimulatedDisk, allowed: &[Expected], depth: Depth, tally: &Tally) {
    let calm = survivor.fork();
    drop(Play::open(calm.clone(), allowed[0].world.now_ms));
    for call in 1..=calm.calls().mutating() {
        let _place = Place(("recovery crashed at", call));
        let disk = survivor.fork();
        disk.crash_at(call);
        drop(Play::open(disk.clone(), allowed[0].world.now_ms));
        for (nth, survivor) in disk.survivors().up_to(depth.recovered, call).enumerate() {
            count(&tally.states);
            count(&tally.recoveries);
            let looks = open(survivor, allowed).and_then(|play| play.looks_like(allowed).map(drop));
            if let Err(difference) = looks {
                panic!("recovery crashed at call {call}, survivor {nth}: {difference}");
            }
        }
    }
}
