//! What the store does when the disk fails it.

use super::*;
use crate::disk::simulated::{Call, Failure, Fault, When};

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
