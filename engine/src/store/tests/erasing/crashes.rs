//! Power is lost at every call of an erasure and of a purge, and calls fail.

use super::*;
use crate::disk::simulated::{Failure, Fault, When};

/// A store with a canary in memory, in the log, in live segments and in one that only a snapshot lists.
fn everywhere() -> Bench {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store);
    store.flush().unwrap();
    store.create_snapshot(name("before")).unwrap();
    fill(&store);
    store.flush().unwrap();
    store.compact().unwrap();
    fill(&store);
    drop(store);
    bench.on(bench.disk.survivors().nth(0))
}

/// Asks for the erasure of the canary, and purges. Says how far it came.
fn erase_and_purge(bench: &Bench) -> (bool, bool) {
    let Ok(store) = Store::open(Arc::new(bench.disk.clone()), bench.clock.clone(), bench.options.clone())
    else {
        return (false, false);
    };
    let erased = store.erase(&request(&store, page(CANARY))).is_ok();
    (erased, erased && store.purge(false).is_ok())
}

/// Whatever a crash or failure left: an answered erasure holds, its neighbour is whole, and a purge finishes it.
fn holds(bench: &Bench, (erased, certified): (bool, bool)) {
    let store = bench.open();
    let canary = total(&store, CANARY);
    assert_eq!(total(&store, KEEP), 63, "the neighbour is as it was");
    assert!(canary == 0 || (canary == 45 && !erased), "{canary} of an erased page");
    if certified {
        assert_eq!(bench.files_with("canary-7f3a"), []);
    }
    for erasure in store.erasures(site(&store)).iter().filter(|erasure| !erasure.is_open()) {
        store.evidence(erasure.id).expect("what is certified has its list of files");
    }
    if canary > 0 {
        store.erase(&request(&store, page(CANARY))).unwrap();
    }
    store.purge(false).unwrap();
    assert_eq!(bench.files_with("canary-7f3a"), [], "after the purge was done again");
    for erasure in store.erasures(site(&store)) {
        assert_eq!(erasure.state(), ErasureState::Certified);
        store.evidence(erasure.id).expect("also when the purge was done again");
    }
    store.restore_snapshot(name("before"), None).unwrap();
    assert_eq!((total(&store, CANARY), total(&store, KEEP)), (0, 21));
}

#[test]
fn a_crash_at_any_call_of_an_erasure_or_purge_brings_nothing_back() {
    let base = everywhere();
    let calm = base.on(base.disk.fork());
    assert_eq!(erase_and_purge(&calm), (true, true));
    let calls = calm.disk.calls().mutating();
    assert!(calls > 60, "{calls}");
    for call in 1..=calls {
        let bench = base.on(base.disk.fork());
        bench.disk.crash_at(call);
        let reached = erase_and_purge(&bench);
        for survivor in bench.disk.survivors().up_to(3, call) {
            holds(&base.on(survivor), reached);
        }
    }
}

#[test]
fn a_failing_call_of_an_erasure_or_purge_brings_nothing_back() {
    let base = everywhere();
    let calm = base.on(base.disk.fork());
    erase_and_purge(&calm);
    let calls = calm.disk.calls().mutating();
    for failure in [Failure::InputOutput, Failure::Full] {
        for nth in (1..=calls).step_by(2) {
            let bench = base.on(base.disk.fork());
            bench.disk.inject(Fault { call: None, when: When::Once(nth), failure });
            let reached = erase_and_purge(&bench);
            bench.disk.heal();
            holds(&bench, reached);
        }
    }
}
