//! Scripts of append, flush and reopen, held against a list.

use proptest::prelude::*;

use super::harness::{Log, OPTIONS, Read, knows, read};
use crate::disk::simulated::{Call, Failure, Fault, SimulatedDisk, When};
use crate::format::names::{Directory, FileName};
use crate::model::Seq;
use crate::wal::{WalError, WalOptions};

#[derive(Clone, Debug)]
enum Step {
    Group(Vec<usize>),
    Flush,
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // 3,000 rows take several records, and those several files.
    let rows = prop_oneof![8 => 1_usize..40, 1 => 500_usize..3_000];
    let step = prop_oneof![
        6 => prop::collection::vec(rows, 0..5).prop_map(Step::Group),
        1 => Just(Step::Flush),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..25)
}

proptest! {
    #[test]
    fn what_was_synced_is_read_back_and_what_was_flushed_is_not(steps in steps(), small in any::<bool>()) {
        let options = if small { OPTIONS } else { WalOptions { file_bytes: 32_768, first_file_bytes: 4_096 } };
        let mut log = Log::open(SimulatedDisk::new(), Seq(0), options).unwrap();
        let mut first = 0;
        for step in steps {
            match step {
                Step::Group(rows) => {
                    let batches: Vec<_> = rows.into_iter().map(|rows| { first += 1; (first, rows) }).collect();
                    log.group(&batches).unwrap();
                }
                Step::Flush => log.flush().unwrap(),
                Step::Reopen => {
                    let (disk, floor) = (log.disk.clone(), log.floor);
                    log.wal.close();
                    let again = Log::open(disk, floor, options).unwrap();
                    prop_assert_eq!(&again.held, &log.held);
                    prop_assert_eq!(again.wal.last_seq(), log.wal.last_seq());
                    log = again;
                }
            }
            let Read { held, windows, replayed } = read(&log.disk, log.floor).unwrap();
            prop_assert_eq!(&held, &log.held);
            prop_assert_eq!(replayed.last_seq(), log.wal.last_seq());
            let report = &replayed.report;
            prop_assert!(report.is_sound() && report.cuts.is_empty() && report.unfinished == 0, "{report:?}");
            prop_assert!((1..=first).all(|first| knows(&windows, first) && log.knows(first)));
        }
    }
}

#[test]
fn files_are_unlinked_when_their_batches_are_in_segments() {
    let mut log = Log::new();
    for first in 0..200 {
        log.group(&[(first, 20)]).unwrap();
    }
    let (files, bytes) = log.wal.files().size();
    assert!(files > 3 && bytes == files * 4_096, "{files} files of {bytes} bytes");
    // Nothing is trimmed for a floor that no file begins at.
    assert_eq!(log.wal.files().trim(Seq(100)).unwrap().files, 0);
    log.flush().unwrap();
    let left = log.disk.files();
    assert!(left.len() < 4, "windows only: {left:?}");
    assert!((0..200).all(|first| log.knows(first)));
    let again = Log::open(log.disk, log.floor, OPTIONS).unwrap();
    assert!(again.held.is_empty() && (0..200).all(|first| again.knows(first)));
    assert_eq!(again.wal.last_seq(), Seq(200));
}

#[test]
fn files_grow_while_they_fill_and_shrink_on_a_quiet_store() {
    let options = WalOptions { file_bytes: 65_536, first_file_bytes: 4_096 };
    let mut log = Log::open(SimulatedDisk::new(), Seq(0), options).unwrap();
    let newest = |log: &Log| log.disk.files().iter().map(|(_, length)| *length).next_back().unwrap();
    for first in 0..600 {
        log.group(&[(first, 50)]).unwrap();
    }
    assert_eq!(newest(&log), 65_536);
    // Windows of 600 ids are carried in 5 KiB.
    for first in 1_000..1_010 {
        log.group(&[(first, 1)]).unwrap();
        log.flush().unwrap();
    }
    assert!(newest(&log) <= 32_768);
}

#[test]
fn a_full_disk_loses_nothing_and_poisons_nothing() {
    let mut log = Log::new();
    log.group(&[(1, 20)]).unwrap();
    log.disk.set_free_bytes(0);
    let mut first = 1;
    let refused = loop {
        first += 1;
        match log.group(&[(first, 20)]) {
            Ok(()) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(&refused, WalError::Disk(error) if error.is_full()), "{refused}");
    assert!(matches!(log.group(&[(first, 2_000)]), Err(WalError::Disk(_))));
    assert!(matches!(log.flush(), Err(WalError::Disk(_))));
    assert_eq!(read(&log.disk, Seq(0)).unwrap().held, log.held);
    log.disk.set_free_bytes(1 << 20);
    log.group(&[(first, 2_000), (first + 1, 5)]).unwrap();
    let read = read(&log.disk, Seq(0)).unwrap();
    assert!(read.report().is_sound() && read.held == log.held);
}

#[test]
fn after_a_failed_write_or_sync_nothing_is_taken_any_more() {
    for call in [Call::Write, Call::Sync] {
        let mut log = Log::new();
        log.group(&[(1, 20)]).unwrap();
        let nth = log.disk.calls().of(call) + 1;
        log.disk.inject(Fault { call: Some(call), when: When::Once(nth), failure: Failure::InputOutput });
        assert!(matches!(log.group(&[(2, 20)]), Err(WalError::Poisoned(_))));
        // The disk is well again, but nothing is known of the file.
        assert!(matches!(log.group(&[(3, 20)]), Err(WalError::Poisoned(_))));
        assert!(matches!(log.flush(), Err(WalError::Poisoned(_))));
        let again = Log::open(log.disk.survivors().nth(0), Seq(0), OPTIONS).unwrap();
        assert_eq!(again.held, log.held);
    }
}

#[test]
fn a_number_is_never_given_twice() {
    let mut log = Log::new();
    log.group(&[(1, 20)]).unwrap();
    log.disk.put(FileName::QuarantinedWal(77), vec![0; 10]);
    let again = Log::open(log.disk, Seq(0), OPTIONS).unwrap();
    let numbers: Vec<FileName> = again.disk.files().into_iter().map(|(file, _)| file).collect();
    assert!(numbers.contains(&FileName::Wal(78)), "{numbers:?}");
    assert!(numbers.iter().all(|file| file.directory() != Directory::Wal || *file != FileName::Wal(77)));
}
