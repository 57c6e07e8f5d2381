//! Torn tails, rot and truncation: what can be read is read, and what cannot is said.

use super::harness::{Held, Log, OPTIONS, Read, read};
use crate::disk::simulated::SimulatedDisk;
use crate::format::names::FileName;
use crate::format::wal::RECORDS_AT;
use crate::model::Seq;

const FIRST: FileName = FileName::Wal(1);

/// Batches that `report` says are lost.
fn told_lost(read: &Read) -> Vec<u64> {
    let lost = read.report().rot.iter().filter_map(|rot| rot.lost);
    lost.flat_map(|(first, last)| first.0..=last.0).collect()
}

/// What is read is true, and what is missing is told.
fn check_partial(read: &Read, truth: &Held, what: &str) {
    for (seq, content) in &read.held {
        assert_eq!(truth.get(seq), Some(content), "{what}: batch {seq}");
    }
    let lost = told_lost(read);
    for seq in truth.keys().filter(|seq| !read.held.contains_key(seq)) {
        assert!(lost.contains(seq), "{what}: batch {seq} is missing and not told: {:?}", read.report());
    }
    assert!(lost.iter().all(|seq| !read.held.contains_key(seq)), "{what}: lost and there");
}

/// Opens what is left, appends to it, and finds all of it when it is read again: damage is dealt with once.
fn check_goes_on(disk: &SimulatedDisk, what: &str) {
    let mut log = Log::open(disk.clone(), Seq(0), OPTIONS).unwrap();
    log.group(&[(5_000, 3), (5_001, 900)]).unwrap();
    let again = read(&log.disk, Seq(0)).unwrap();
    assert_eq!(again.held, log.held, "{what}");
    log.flush().unwrap();
    assert!(read(&log.disk, log.floor).unwrap().report().is_sound(), "{what}");
    let rotten = |(file, _): &(FileName, u64)| matches!(file, FileName::QuarantinedWal(_));
    let damaged = !again.report().is_sound();
    assert_eq!(log.disk.files().iter().any(rotten), damaged, "{what}: {:?}", again.report());
}

#[test]
fn a_torn_tail_is_cut_wherever_it_is_torn() {
    let mut log = Log::new();
    log.group(&[(1, 20), (2, 5)]).unwrap();
    let durable = log.held.clone();
    let before = log.disk.contents(FIRST).unwrap();
    log.group(&[(3, 10), (4, 30), (5, 1)]).unwrap();
    let after = log.disk.contents(FIRST).unwrap();
    let from = before.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let to = after.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for end in from..=to {
        let mut torn = after[..end].to_vec();
        torn.extend_from_slice(&before[end..]);
        let disk = SimulatedDisk::new();
        disk.put(FIRST, torn);
        let got = read(&disk, Seq(0)).unwrap();
        assert!(got.report().is_sound(), "{end}: {:?}", got.report());
        assert!(durable.iter().all(|(seq, content)| got.held.get(seq) == Some(content)));
        assert!(got.held.iter().all(|(seq, content)| log.held.get(seq) == Some(content)));
        // A byte of zero may be the same torn or not.
        assert!(end == to || got.held.len() < 5);
        check_goes_on(&disk, &format!("torn at {end}"));
    }
}

#[test]
fn sectors_of_a_group_that_are_missing_are_no_rot() {
    let mut log = Log::new();
    log.group(&[(1, 20)]).unwrap();
    let before = log.disk.contents(FIRST).unwrap();
    log.group(&[(2, 100), (3, 100), (4, 100)]).unwrap();
    let after = log.disk.contents(FIRST).unwrap();
    for sector in RECORDS_AT as usize / 512..after.len() / 512 {
        let (from, to) = (sector * 512, (sector + 1) * 512);
        let mut torn = after.to_vec();
        torn[from..to].copy_from_slice(&before[from..to]);
        let disk = SimulatedDisk::new();
        disk.put(FIRST, torn);
        let got = read(&disk, Seq(0)).unwrap();
        assert!(got.report().is_sound() && got.held.contains_key(&1), "sector {sector}: {:?}", got.report());
        check_goes_on(&disk, &format!("sector {sector}"));
    }
}

/// Three files: two that are full, one that is being written; every batch a group of its own.
fn three_files() -> Log {
    let mut log = Log::new();
    let mut first = 0;
    while log.wal.files().size().0 < 3 {
        first += 1;
        // Every seventh has several parts.
        log.group(&[(first, if first % 7 == 0 { 700 } else { 30 })]).unwrap();
    }
    log.group(&[(first + 1, 30), (first + 2, 30)]).unwrap();
    log.group(&[(first + 3, 30)]).unwrap();
    log
}

#[test]
fn a_flipped_bit_costs_one_batch_and_is_told() {
    let log = three_files();
    for number in 1..=3 {
        let file = FileName::Wal(number);
        let length = log.disk.contents(file).unwrap().len();
        for byte in 0..length {
            let disk = log.disk.fork();
            disk.flip(file, byte, (byte % 8) as u32);
            let got = read(&disk, Seq(0)).unwrap();
            let what = format!("{file} byte {byte}");
            // The last group may have been torn as well as rotten: it was durable, but nothing says so.
            let mut truth = log.held.clone();
            if !got.report().cuts.is_empty() && got.held != log.held {
                truth.pop_last();
            }
            check_partial(&got, &truth, &what);
            assert!(log.held.len() <= got.held.len() + 1, "{what}: more than one is lost");
            if byte % 37 == 0 {
                check_goes_on(&disk, &what);
            }
        }
    }
}

/// After a crash, damage to the last group looks like a write that did not finish. A store that was closed knows better.
#[test]
fn damage_to_the_end_of_a_closed_log_is_never_taken_for_a_write_that_did_not_finish() {
    let mut log = three_files();
    log.wal.close();
    let file = FileName::Wal(3);
    let end = log.disk.contents(file).unwrap().iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let mut lost = 0;
    for byte in RECORDS_AT as usize..end {
        let disk = log.disk.fork();
        disk.flip(file, byte, (byte % 8) as u32);
        let got = read(&disk, Seq(0)).unwrap();
        let what = format!("byte {byte} of {end}");
        check_partial(&got, &log.held, &what);
        assert!(log.held.len() <= got.held.len() + 1, "{what}: more than one is lost");
        lost += usize::from(got.held.len() < log.held.len());
    }
    assert!(lost > 500, "only {lost} bytes cost a batch");
    // What changes places with the last records may be the header and the closing; each has another copy.
    for sector in [0, 1] {
        let disk = log.disk.fork();
        let last = end - end % 512..end - end % 512 + 512;
        disk.swap(file, sector * 512..(sector + 1) * 512, last);
        let got = read(&disk, Seq(0)).unwrap();
        check_partial(&got, &log.held, &format!("sector {sector} and the last"));
    }
}

#[test]
fn a_file_that_is_too_short_is_told() {
    let log = three_files();
    for number in 1..=3 {
        let file = FileName::Wal(number);
        let bytes = log.disk.contents(file).unwrap();
        for length in 0..bytes.len() {
            let disk = log.disk.fork();
            disk.truncate(file, length);
            let got = read(&disk, Seq(0)).unwrap();
            let what = format!("{file} cut to {length}");
            assert!(!got.report().is_sound(), "{what}");
            if number < 3 {
                check_partial(&got, &log.held, &what);
            } else {
                // Nothing says which batches were at the end of the last file.
                assert!(got.held.iter().all(|(seq, content)| log.held.get(seq) == Some(content)), "{what}");
            }
            if length % 61 == 0 {
                check_goes_on(&disk, &what);
            }
        }
    }
}

#[test]
fn swapped_and_stale_sectors_are_told() {
    let log = three_files();
    let file = FileName::Wal(1);
    let bytes = log.disk.contents(file).unwrap();
    let sectors = bytes.len() / 512;
    for a in 0..sectors {
        for b in 0..sectors {
            let (at_a, at_b) = (a * 512, b * 512);
            let swapped = log.disk.fork();
            if a < b {
                swapped.swap(file, at_a..at_a + 512, at_b..at_b + 512);
            } else {
                // The other file's bytes at the same place or another.
                let other = log.disk.contents(FileName::Wal(2)).unwrap();
                swapped.replace(file, at_a, &other[at_b..at_b + 512]);
            }
            let got = read(&swapped, Seq(0)).unwrap();
            check_partial(&got, &log.held, &format!("sectors {a} and {b}"));
        }
    }
}

#[test]
fn a_file_that_is_gone_is_told() {
    let log = three_files();
    for number in 1..=2 {
        let disk = log.disk.fork();
        crate::disk::Disk::remove(&disk, FileName::Wal(number)).unwrap();
        let got = read(&disk, Seq(0)).unwrap();
        check_partial(&got, &log.held, &format!("file {number} gone"));
        assert!(!got.report().is_sound());
    }
    // Not when all of it is in segments.
    crate::disk::Disk::remove(&log.disk, FileName::Wal(1)).unwrap();
    let got = read(&log.disk, Seq(log.held.len() as u64)).unwrap();
    assert!(got.report().is_sound(), "{:?}", got.report());
}

#[test]
fn two_headers_lost_cost_the_file_and_no_other() {
    let log = three_files();
    let file = FileName::Wal(2);
    log.disk.flip(file, 3, 0);
    log.disk.flip(file, 512 + 20, 0);
    let got = read(&log.disk, Seq(0)).unwrap();
    check_partial(&got, &log.held, "without headers");
    assert!(got.held.contains_key(&1) && got.held.len() < log.held.len());
    check_goes_on(&log.disk, "without headers");
}
