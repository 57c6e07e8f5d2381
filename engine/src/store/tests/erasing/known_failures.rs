//! What has gone wrong elsewhere, told as it happened, and does not happen here. What came back with a restore, from a log
//! or with late events, and the name that a dictionary kept, are told beside this file.

use super::*;
use crate::disk::simulated::{Call, Failure, Fault, When};
use crate::model::ErasureId;
use crate::model::limits::VIEW_SECONDS;
use crate::store::{JobId, JobKind, JobState};
use crate::view::{View, ViewExpired};

/// Known from stores that answer a delete before it is on disk: the power went, and what had been deleted was back.
#[test]
fn an_erasure_that_was_answered_is_not_undone_by_a_power_loss() {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store);
    store.flush().unwrap();
    fill(&store);
    store.erase(&request(&store, page(CANARY))).unwrap();
    // Of all that was not synced by now, nothing is left; nor is anything of what the process would have done later.
    let survivors = bench.disk.survivors();
    drop(store);
    for survivor in survivors.up_to(50, 1) {
        let bench = Bench { disk: survivor, ..Bench::new() };
        let store = bench.open();
        assert_eq!((total(&store, CANARY), total(&store, KEEP)), (0, 42));
    }
}

/// Known from deletes that rewrite files: the disk was full half-way, and the store was neither old nor new.
#[test]
fn a_disk_that_is_full_half_way_leaves_a_purge_to_be_finished() {
    let bench = Bench::new();
    let store = bench.open();
    for _ in 0..2 {
        fill(&store);
        store.flush().unwrap();
    }
    store.erase(&request(&store, page(CANARY))).unwrap();
    let (before, mut failures) = (files(&bench.disk), 0);
    let mut store = store;
    for nth in 1.. {
        // From the nth write of the purge on, the disk is full.
        let when = When::From(bench.disk.calls().of(Call::Write) + nth);
        bench.disk.inject(Fault { call: Some(Call::Write), when, failure: Failure::Full });
        let stopped = store.purge(false).is_err();
        assert_eq!((total(&store, CANARY), total(&store, KEEP)), (0, 42), "full from write {nth} on");
        bench.disk.heal();
        // A store whose log could not be written is opened again.
        drop(store);
        store = bench.open();
        assert_eq!(
            (total(&store, CANARY), total(&store, KEEP)),
            (0, 42),
            "full from write {nth} on, opened again"
        );
        if !stopped {
            break;
        }
        failures += 1;
    }
    assert!(failures > 3, "{failures}");
    store.purge(false).unwrap();
    assert_eq!(bench.files_with("canary-7f3a"), []);
    assert_eq!(files(&bench.disk), listed(&store), "and no half of a file is left");
    assert_ne!(files(&bench.disk), before);
    assert_eq!(total(&store, KEEP), 42);

    // Too little room from the start is said before anything is written.
    store.erase(&request(&store, page(KEEP))).unwrap();
    bench.disk.set_free_bytes(100);
    let refused = store.purge(false).unwrap_err().to_string();
    assert!(refused.contains("free") || refused.contains("full") || refused.contains("space"), "{refused}");
    bench.disk.set_free_bytes(1 << 30);
    store.purge(false).unwrap();
    assert_eq!(bench.files_with("s.example/keep"), []);
}

/// Known from background deletes: one met a damaged file, died, was started again at once, and so on for days, while
/// nothing else was deleted or merged.
#[test]
fn a_purge_that_keeps_failing_tries_four_times_a_day_and_holds_up_nothing() {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store);
    store.flush().unwrap();
    add(&store, &[(KEEP, event(date(3, 4), 9, "DE", 1))]);
    store.flush().unwrap();
    let broken = store.inspect()[0].as_ref().unwrap().entry.number;
    drop(store);
    let length = bench.disk.contents(FileName::Segment(broken)).unwrap().len();
    bench.disk.flip(FileName::Segment(broken), length - 40, 3);
    let store = bench.open();
    store.erase(&request(&store, page(CANARY))).unwrap();
    bench.clock.advance(8 * DAY_MS);
    store.accept_clock().unwrap();
    let mut tries = std::collections::BTreeSet::new();
    for minute in 0..24 * 60 {
        bench.clock.advance(60_000);
        drop(store.run_due_jobs());
        tries.extend(store.status().erasures.purges.began_ms);
        if minute % 360 == 0 {
            // Everything else goes on.
            add(&store, &[("s.example/other", event(date(3, 5), minute / 360, "DE", 1))]);
            store.flush().unwrap();
        }
    }
    assert!((3..=5).contains(&tries.len()), "{tries:?}");
    let status = store.status().erasures;
    assert!(status.purges.error.is_some() && status.open == 1, "and it is told");
}

/// Known from stores with long transactions: one forgotten reader kept every deleted row for days.
#[test]
fn a_slow_reader_keeps_no_erasure_from_its_certificate() {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store);
    store.flush().unwrap();
    let view = store.view();
    let erasure = store.erase(&request(&store, page(CANARY))).unwrap().erasure;
    store.purge(false).unwrap();
    assert_eq!(store.erasure(erasure.id).unwrap().state(), ErasureState::Certified);
    assert_eq!(bench.files_with("canary-7f3a"), [], "the file is unlinked, whoever reads it");
    // What the reader has is good for as long as any view is, and no longer.
    view.check().unwrap();
    bench.clock.advance(61_000);
    assert_eq!(view.check(), Err(ViewExpired));
}

/// A store that purges on a thread while somebody reads what is to go; the purge has come as far as it can.
fn purging_while_read(bench: &Bench) -> (Store, View, JobId, ErasureId) {
    let store = bench.open();
    fill(&store);
    store.flush().unwrap();
    let view = store.view();
    let erasure = store.erase(&request(&store, page(CANARY))).unwrap().erasure.id;
    let job = store.start(JobKind::Purge { now: false });
    while store.erasure(erasure).unwrap().state() < ErasureState::BackupsPurged {
        std::thread::yield_now();
    }
    (store, view, job, erasure)
}

fn with_threads() -> Bench {
    let mut bench = Bench::new();
    bench.options.background = Background::Threads;
    bench
}

#[test]
fn a_reader_that_never_ends_delays_a_certificate_by_no_more_than_a_view_lives() {
    let bench = with_threads();
    let (store, view, job, erasure) = purging_while_read(&bench);
    let replaced_ms = bench.clock.now_ms();
    bench.clock.advance(VIEW_SECONDS * 1_000);
    view.check().unwrap();
    assert_eq!(store.erasure(erasure).unwrap().state(), ErasureState::BackupsPurged, "it may be read still");
    bench.clock.advance(1);
    assert_eq!(view.check(), Err(ViewExpired));
    assert!(matches!(store.wait(job).unwrap().state, JobState::Done));
    let certified_ms = store.erasure(erasure).unwrap().at_ms(ErasureState::Certified);
    assert_eq!(certified_ms, Some(replaced_ms + VIEW_SECONDS * 1_000 + 1));
    assert_eq!(bench.files_with("canary-7f3a"), []);
}

#[test]
fn a_reader_that_ends_is_waited_for_and_no_longer() {
    let bench = with_threads();
    let (store, view, job, erasure) = purging_while_read(&bench);
    drop(view);
    // The clock stands still: it is the reader's end that the purge goes on with.
    assert!(matches!(store.wait(job).unwrap().state, JobState::Done));
    assert_eq!(store.erasure(erasure).unwrap().state(), ErasureState::Certified);
}
