//! What the store does when the disk fails it.

use super::*;
use crate::disk::simulated::{Call, Failure, Fault, When};
use crate::error::JobError;
use crate::format::names::FileName;

/// A store with two segments of one month, and what was counted.
fn two_segments(bench: &Bench) -> (Store, BTreeMap<u32, u64>) {
    let store = bench.open();
    for x in [3, 4] {
        append(&store, x, 5);
        store.flush().unwrap();
    }
    (store, BTreeMap::from([(3, 5), (4, 5)]))
}

fn append(store: &Store, x: u32, count: u32) {
    let events = [("a.example/", event(date(3, 10), x, "DE", count))];
    store.append(batch(store, &events)).unwrap().wait().unwrap();
}

/// The sync after the rename of a manifest failed, the store was started again and removed what the new manifest does
/// not list; then the power went, and the old manifest was back, without its segments.
#[test]
fn nothing_is_unlinked_before_the_name_of_the_manifest_is_durable() {
    let bench = Bench::new();
    let (store, counted) = two_segments(&bench);
    let calls = bench.disk.calls().of(Call::SyncDirectory);
    // The merged segment's own name is synced first.
    let fault =
        Fault { call: Some(Call::SyncDirectory), when: When::Once(calls + 2), failure: Failure::InputOutput };
    bench.disk.inject(fault);
    let error = store.compact().unwrap_err();
    assert!(error.to_string().contains("manifest could not be replaced"), "{error}");
    drop(store);
    let again = bench.open();
    assert_eq!(again.report().orphans.len(), 2, "the new manifest is what is read");
    drop(again);
    let left = Bench { disk: bench.disk.survivors().nth(0), ..bench };
    let store = left.open();
    assert!(store.report().unreadable.is_empty());
    assert_eq!(columns(&store, "a.example/", year(), None).unwrap(), counted);
}

/// Flushing waits for merges that are behind. When they could not be done at all it waited for ever, memory filled up,
/// and batches were turned away although there was room for them.
#[test]
fn a_merge_that_keeps_failing_does_not_hold_up_flushing() {
    let mut bench = Bench::new();
    bench.options.compaction.stall_segments = 3;
    bench.options.reserve_bytes = 1 << 20;
    let store = bench.open();
    for x in 0..3 {
        append(&store, x, 1);
        store.flush().unwrap();
    }
    assert!(store.core.compaction_is_behind());
    // Enough for a flush, which takes what is kept free, and not for a merge, which leaves it.
    bench.disk.set_free_bytes(1 << 20);
    let error = store.run_due_jobs().unwrap_err();
    assert!(matches!(*error, JobError::NoRoom { .. }), "{error}");
    assert!(!store.core.compaction_is_behind());
    append(&store, 3, 1);
    store.flush().unwrap();
    assert_eq!(store.status().segments, 4);
    // With room again the merges are done, and waited for when they are behind.
    bench.disk.set_free_bytes(64 << 20);
    store.run_due_jobs().unwrap();
    assert_eq!(store.status().segments, 1);
    assert_eq!(columns(&store, "a.example/", year(), None).unwrap().len(), 4);
}

/// The merge of one month is damaged; those of the others go on, and so does flushing.
#[test]
fn a_damaged_segment_holds_up_no_other_month() {
    let bench = Bench::new();
    let store = bench.open();
    for (month, x) in [(2, 0), (2, 1), (2, 2), (3, 3), (3, 4), (3, 5)] {
        let events = [("a.example/", event(date(month, 10), x, "DE", 1))];
        store.append(batch(&store, &events)).unwrap().wait().unwrap();
        store.flush().unwrap();
    }
    let damaged = store.core.live.read().segments.iter().next().unwrap().entry().number;
    let length = bench.disk.contents(FileName::Segment(damaged)).unwrap().len();
    drop(store);
    // In the extent, which opening does not read.
    bench.disk.flip(FileName::Segment(damaged), length / 3, 0);
    let store = bench.open();
    while store.run_due_jobs().is_err() {}
    let status = store.status();
    assert_eq!(status.damaged.keys().copied().collect::<Vec<u64>>(), [damaged]);
    assert_eq!(status.compaction.debt.merges, 0, "nothing that can be done is left");
    let march = DayRange { from: date(3, 1), to: date(3, 31) };
    assert_eq!(columns(&store, "a.example/", march, None).unwrap().len(), 3);
    append(&store, 6, 1);
    store.flush().unwrap();
}
