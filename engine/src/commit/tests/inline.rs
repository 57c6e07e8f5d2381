//! On the caller's thread: windows over flush and restart, floors, failures.

use std::sync::Arc;

use super::harness::{Harness, batch, events, with_id, with_key};
use crate::commit::{AppendError, Appended};
use crate::disk::simulated::{Call, Failure, Fault, SimulatedDisk, When};
use crate::model::{Batch, Seq, SiteId};
use crate::wal::WalError;

fn open() -> Harness {
    Harness::open(SimulatedDisk::new(), Seq(0), false)
}

fn append(harness: &Harness, batch: Batch) -> Result<Appended, AppendError> {
    harness.log.append(batch)?.wait()
}

#[test]
fn a_batch_is_visible_when_it_is_acknowledged_and_there_after_a_restart() {
    let harness = open();
    assert_eq!(append(&harness, batch(1, 20)).unwrap(), Appended::Stored { seq: Seq(1), events: 20 });
    assert_eq!(append(&harness, batch(2, 3_000)).unwrap(), Appended::Stored { seq: Seq(2), events: 3_000 });
    assert_eq!(harness.visible(), 3_020);
    let harness = harness.reopen(Seq(0), false);
    assert_eq!((harness.visible(), harness.log.status().last_seq), (3_020, Seq(2)));
    assert_eq!(append(&harness, batch(1, 1)).unwrap(), Appended::Stored { seq: Seq(3), events: 1 });
}

#[test]
fn a_repeated_batch_is_known_over_flush_and_restart_for_ten_minutes() {
    let mut harness = open();
    let mut floor = Seq(0);
    assert!(matches!(append(&harness, with_id(1, 9)).unwrap(), Appended::Stored { .. }));
    for round in 0..4 {
        assert_eq!(append(&harness, with_id(1, 9)).unwrap(), Appended::Repeated { answer: None }, "{round}");
        assert!(matches!(append(&harness, with_id(2, 9)).unwrap(), Appended::Stored { .. }) == (round == 0));
        append(&harness, batch(3, 5)).unwrap();
        if round % 2 == 0 {
            let (memtable, frozen) = harness.flush().unwrap();
            assert!(memtable.seq_hi() == Some(frozen) && frozen > floor);
            floor = frozen;
            assert!(harness.log.trim(floor).unwrap().files > 0);
        } else {
            harness = harness.reopen(floor, false);
        }
    }
    harness.clock.pass(700_000);
    assert!(matches!(append(&harness, with_id(1, 9)).unwrap(), Appended::Stored { .. }));
}

#[test]
fn a_key_gives_its_answer_over_flush_and_restart_for_a_day() {
    let mut harness = open();
    let answer = Some(Arc::from(b"{\"accepted\":1}".as_slice()));
    let first = with_key(1, "k", 1, "{\"accepted\":1}");
    assert!(matches!(append(&harness, first).unwrap(), Appended::Stored { .. }));
    for _ in 0..2 {
        let again = append(&harness, with_key(1, "k", 1, "another answer")).unwrap();
        assert_eq!(again, Appended::Repeated { answer: answer.clone() });
        assert_eq!(append(&harness, with_key(1, "k", 2, "")).unwrap(), Appended::KeyConflict);
        let floor = harness.flush().map_or(Seq(1), |(_, floor)| floor);
        harness.log.trim(floor).unwrap();
        harness = harness.reopen(floor, false);
    }
    harness.log.forget(vec![SiteId(1)]).unwrap();
    assert!(matches!(append(&harness, with_key(1, "k", 2, "")).unwrap(), Appended::Stored { .. }));
    harness.clock.pass(24 * 3_600_000 + 1);
    assert!(matches!(append(&harness, with_key(1, "k", 1, "")).unwrap(), Appended::Stored { .. }));
}

#[test]
fn a_batch_without_rows_keeps_its_key() {
    let harness = open();
    let empty = Batch { pages: Vec::new(), events: 0, ..with_key(1, "k", 1, "none") };
    assert_eq!(append(&harness, empty).unwrap(), Appended::Stored { seq: Seq(1), events: 0 });
    let (_, floor) = harness.flush().unwrap();
    let harness = harness.reopen(floor, false);
    assert!(matches!(append(&harness, with_key(1, "k", 1, "")).unwrap(), Appended::Repeated { .. }));
}

#[test]
fn freezing_splits_at_a_batch_and_an_empty_memtable_is_not_frozen() {
    let harness = open();
    assert!(harness.flush().is_none());
    append(&harness, batch(1, 10)).unwrap();
    let (memtable, floor) = harness.flush().unwrap();
    append(&harness, batch(1, 5)).unwrap();
    assert_eq!((events(&memtable), floor, harness.visible()), (10, Seq(1), 15));
    let seen = harness.log.between_groups(|seq, active| (seq, events(active))).unwrap();
    assert_eq!(seen, (Seq(2), 5));
    // Not trimmed, but in a segment by the manifest: it is not read again.
    let harness = harness.reopen(floor, false);
    assert_eq!(harness.visible(), 5);
}

#[test]
fn a_log_that_is_all_in_segments_is_trimmed_when_it_is_opened() {
    let harness = open();
    append(&harness, with_id(1, 4)).unwrap();
    let (_, floor) = harness.flush().unwrap();
    let before = harness.disk.files();
    let harness = harness.reopen(floor, false);
    let after = harness.disk.files();
    assert!(before.iter().all(|file| !after.contains(file)), "{before:?} {after:?}");
    assert_eq!(append(&harness, with_id(1, 4)).unwrap(), Appended::Repeated { answer: None });
}

#[test]
fn after_a_failed_sync_every_append_is_told_so() {
    let harness = open();
    append(&harness, batch(1, 10)).unwrap();
    let nth = harness.disk.calls().of(Call::Sync) + 1;
    harness.disk.inject(Fault {
        call: Some(Call::Sync),
        when: When::Once(nth),
        failure: Failure::InputOutput,
    });
    for _ in 0..2 {
        let error = append(&harness, with_id(1, 1)).unwrap_err();
        assert!(matches!(error, AppendError::Log(WalError::Poisoned(_))), "{error}");
    }
    assert_eq!(harness.visible(), 10, "what may not be durable is not shown");
    assert!(matches!(harness.log.status().poisoned, Some(WalError::Poisoned(_))));
    assert!(harness.log.freeze(|_, _| {}).is_err());
    harness.log.close();
    assert!(matches!(append(&harness, batch(1, 1)), Err(AppendError::Stopped)));
}

#[test]
fn a_full_disk_refuses_batches_until_there_is_room() {
    let harness = open();
    harness.disk.set_free_bytes(0);
    let mut stored = 0;
    let refused = loop {
        match append(&harness, with_id(1, stored)) {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, AppendError::Log(WalError::Disk(_))), "{refused}");
    assert_eq!(harness.visible(), stored);
    harness.disk.set_free_bytes(1 << 30);
    // What was refused is not taken for repeated.
    assert!(matches!(append(&harness, with_id(1, stored)).unwrap(), Appended::Stored { .. }));
    let harness = harness.reopen(Seq(0), false);
    assert_eq!(harness.visible(), stored + 1);
    assert!(harness.report.is_sound());
}
