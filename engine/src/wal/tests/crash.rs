//! Power is lost at every call of a script, and what may be left is read.

use std::collections::BTreeSet;

use super::harness::{Held, Log, OPTIONS};
use crate::disk::simulated::{Call, Failure, Fault, SimulatedDisk, When};
use crate::model::Seq;

/// What a script is sure of when it stops.
#[derive(Default)]
struct Progress {
    /// Acknowledged and after the floor.
    held: Held,
    /// Everything that was ever handed over: (first cell, rows).
    tried: BTreeSet<(u64, usize)>,
    /// The floor as the manifest has it.
    floor: Seq,
    /// First cells of what was acknowledged, flushed or not.
    acknowledged: Vec<u64>,
}

/// Groups of one and of several files, a flush, a reopening; stops at the first error. Gives the calls before the log
/// is closed for the last time, which says nothing of an error.
fn script(disk: &SimulatedDisk, progress: &mut Progress) -> Option<u64> {
    let (mut first, mut calls) = (0, 0);
    for round in 0..3 {
        let mut log = Log::open(disk.clone(), progress.floor, OPTIONS).ok()?;
        for rows in [&[10, 20][..], &[700], &[5], &[100, 100, 100]] {
            let batches: Vec<_> = rows
                .iter()
                .map(|rows| {
                    first += 1;
                    (first, *rows)
                })
                .collect();
            progress.tried.extend(&batches);
            let before = log.held.clone();
            log.group(&batches).ok()?;
            progress.held.extend(log.held.iter().filter(|(seq, _)| !before.contains_key(seq)));
            progress.acknowledged.extend(batches.iter().map(|(first, _)| *first));
        }
        if round == 1 {
            let limit = log.wal.payload_bytes();
            log.wal.rotate(1_000, log.windows.carried(1_000, limit)).ok()?;
            // The manifest's edit, which is another's: from here on these batches are in segments.
            progress.floor = log.wal.last_seq();
            progress.held.clear();
            log.wal.files().trim(progress.floor).ok()?;
        }
        calls = disk.calls().mutating();
        log.wal.close();
    }
    Some(calls)
}

#[test]
fn what_was_acknowledged_survives_a_crash_at_every_call() {
    let whole = SimulatedDisk::new();
    let mut progress = Progress::default();
    let told = script(&whole, &mut progress).expect("it works without a crash");
    let calls = whole.calls().mutating();
    let mut states = 0;
    for call in 1..=calls {
        let disk = SimulatedDisk::new();
        disk.crash_at(call);
        let mut progress = Progress::default();
        assert!(script(&disk, &mut progress).is_none() || call > told);
        for left in disk.survivors().up_to(200, call) {
            states += 1;
            check(left, &progress, &format!("crash at call {call}, state {states}"));
        }
    }
    assert!(states > 1_000, "{states} states");
}

/// A store lost what it had shown: its sync failed, it was started again, read the batch from the operating system's
/// memory, counted it and built upon it; then the power went, and the batch had never been on the disk.
#[test]
fn what_a_failed_sync_left_behind_is_durable_before_it_is_built_upon() {
    for rows in [20, 700] {
        let mut log = Log::new();
        log.group(&[(1, 20)]).unwrap();
        let nth = log.disk.calls().of(Call::Sync) + 1;
        log.disk.inject(Fault {
            call: Some(Call::Sync),
            when: When::Once(nth),
            failure: Failure::InputOutput,
        });
        assert!(log.group(&[(2, rows)]).is_err());
        log.wal.close();
        let mut again = Log::open(log.disk.clone(), Seq(0), OPTIONS).unwrap();
        again.group(&[(3, 20)]).unwrap();
        let left = super::harness::read(&again.disk.survivors().nth(0), Seq(0)).unwrap();
        assert_eq!(left.held, again.held, "{rows} rows");
        assert!(left.report().is_sound(), "{:?}", left.report());
    }
}

fn check(left: SimulatedDisk, progress: &Progress, what: &str) {
    let report = super::harness::read(&left, progress.floor).unwrap();
    assert!(report.report().is_sound(), "{what}: {:?}", report.report());
    let mut log = Log::open(left, progress.floor, OPTIONS).unwrap();
    for (seq, content) in &progress.held {
        assert_eq!(log.held.get(seq), Some(content), "{what}: batch {seq} was acknowledged");
    }
    for content in log.held.values() {
        assert!(progress.tried.contains(content), "{what}: {content:?} was never appended");
    }
    let batches: BTreeSet<u64> = log.held.values().map(|(first, _)| *first).collect();
    assert_eq!(batches.len(), log.held.len(), "{what}: a batch is there twice");
    assert!(progress.acknowledged.iter().all(|first| log.knows(*first)), "{what}: an id was forgotten");
    // It goes on from there, and loses power again before anything more is synced.
    let held = log.held.clone();
    log.group(&[(9_000, 10)]).unwrap();
    let acknowledged = log.held.clone();
    log.append(9_001, 10).unwrap();
    let again = Log::open(log.disk.survivors().nth(0), progress.floor, OPTIONS).unwrap();
    assert_eq!(again.held, acknowledged, "{what}: after {} batches", held.len());
}
