//! Calls that fail: once or from then on, one after another, whatever the script.

use std::sync::atomic::AtomicU64;

use heatgrid_engine::disk::simulated::{Failure, Fault, SimulatedDisk, When};

use super::expected::Expected;
use super::explorer::beginning;
use super::play::Play;
use super::script::{Op, batch};
use crate::explore::{Place, count};
use crate::world::Sent;

/// Worlds that are followed at most: every batch that was refused may be there or not.
const WORLDS: usize = 64;

/// Runs `script` with each of its calls failing, in each manner.
pub(super) fn endure_all(base: &SimulatedDisk, script: &[Op], states: &AtomicU64) {
    let calm = base.fork();
    let mut course = beginning();
    let mut play = Play::open(calm.clone(), course.world.now_ms).expect("nothing goes wrong");
    for op in script {
        play.act(*op, &course).expect("nothing goes wrong");
        course = course.after(*op);
    }
    drop(play);
    for call in 1..=calm.calls().all() {
        for failure in [Failure::InputOutput, Failure::Full, Failure::Short] {
            for when in [When::Once(call), When::From(call)] {
                let fault = Fault { call: None, when, failure };
                let _place = Place((script, fault));
                endure(base, script, fault, states);
            }
        }
    }
}

/// Runs `script` while `fault` strikes. Nothing wrong is said meanwhile; afterwards, on a sound disk, everything that
/// was acknowledged is there.
pub(super) fn endure(base: &SimulatedDisk, script: &[Op], fault: Fault, states: &AtomicU64) {
    let disk = base.fork();
    disk.inject(fault);
    let (mut worlds, mut doubtful) = (vec![beginning()], None);
    if let Ok(mut play) = Play::open(disk.clone(), worlds[0].world.now_ms) {
        for op in script {
            if *op == Op::Reopen {
                worlds = with_doubtful(&worlds, &doubtful.take());
            }
            worlds = follow(&mut play, *op, &worlds, &mut doubtful);
            // Opening failed: once more, as a supervisor would.
            if !play.is_open() && play.act(Op::Reopen, &worlds[0]).is_err() {
                break;
            }
            if let Err(difference) = play.says_nothing_wrong(&worlds) {
                panic!("while {fault:?} strikes, after {op:?} of {script:?}: {difference}");
            }
        }
    }
    disk.heal();
    count(states);
    let worlds = with_doubtful(&worlds, &doubtful);
    // The process ended, the machine did not; and the machine as well.
    let power_lost = disk.survivors().up_to(2, 1).collect::<Vec<_>>();
    for (ending, disk) in [disk].into_iter().chain(power_lost).enumerate() {
        let play = match Play::open(disk.fork(), worlds[0].world.now_ms) {
            Ok(play) => play,
            Err(error) => panic!("{script:?} after {fault:?}, ending {ending}: it does not open: {error}"),
        };
        if let Err(difference) = play.looks_like_and_goes_on(&disk, &worlds) {
            panic!("{script:?} after {fault:?}, ending {ending}: {difference}");
        }
    }
}

/// The batch at which a store stopped, and when it was sent, in Unix ms.
type Doubtful = Option<(Sent, u64)>;

/// The worlds that there may be once a store that had stopped is opened: the batch at which it did is in its log, or is not.
/// Until then it is nowhere, and no flush or merge has seen it.
fn with_doubtful(worlds: &[Expected], doubtful: &Doubtful) -> Vec<Expected> {
    let with = doubtful.iter().flat_map(|(batch, at_ms)| {
        worlds.iter().map(|expected| {
            let mut world = expected.world.clone();
            let now_ms = std::mem::replace(&mut world.now_ms, *at_ms);
            world.append(batch);
            world.now_ms = now_ms;
            Expected::new(world, expected.sent)
        })
    });
    worlds.iter().cloned().chain(with).collect()
}

/// Does `op`, and says which worlds there may be then. A batch that stops the store becomes `doubtful`.
fn follow(play: &mut Play, op: Op, worlds: &[Expected], doubtful: &mut Doubtful) -> Vec<Expected> {
    let stopped_before = play.is_stopped();
    let mut after = match play.send(op, &worlds[0]) {
        Ok(receipt) => {
            let says_so = |expected: &&Expected| {
                let batch = batch(op, expected.sent, &expected.world);
                batch.map(|batch| expected.world.receipt(&batch)) == receipt
            };
            let after: Vec<Expected> =
                worlds.iter().filter(says_so).map(|expected| expected.after(op)).collect();
            assert!(!after.is_empty(), "{op:?} was answered {receipt:?}");
            after
        }
        // A batch that is refused is not stored, but by the failure that stops the store: nobody knows of that one.
        Err(_) if op.is_batch() => {
            if !stopped_before && play.is_stopped() {
                let world = &worlds[0].world;
                *doubtful = batch(op, worlds[0].sent, world).map(|batch| (batch, world.now_ms));
            }
            worlds.iter().map(Expected::without).collect()
        }
        Err(_) => worlds.iter().flat_map(|expected| expected.amid(op)).collect(),
    };
    let mut place = 0;
    while place < after.len() {
        let known = after[..place].iter().any(|other| other.world == after[place].world);
        if known { drop(after.remove(place)) } else { place += 1 }
    }
    assert!(after.len() <= WORLDS, "too many worlds to follow");
    after
}
