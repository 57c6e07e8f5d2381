//! Power is lost at every call of a backup, a prune, a purge of a target and a restore, and the target fails at every
//! call: nothing is lost, nothing comes back, and the same again finishes.

use super::*;
use crate::disk::simulated::Survivors;

/// What is done while something fails.
type Work = fn(&Store, &MemoryTarget) -> Result<(), Arc<JobError>>;

/// A store whose erased page is in an old backup, and new events that no backup has.
fn prepared(target: &MemoryTarget) -> Bench {
    let bench = Bench::new();
    let store = bench.open();
    store.set_targets(vec![Arc::new(target.clone())]);
    count(&store, PAGE, 1);
    count(&store, BAD, 2);
    back_up(&store, target, "old").unwrap();
    erase(&store, BAD);
    count(&store, PAGE, 3);
    drop(store);
    bench.on(bench.disk.survivors().nth(0))
}

fn opened(bench: &Bench, target: &MemoryTarget) -> Option<Store> {
    let (clock, options) = (bench.clock.clone(), bench.options.clone());
    let store = Store::open(Arc::new(bench.disk.clone()), clock, options).ok()?;
    store.set_targets(vec![Arc::new(target.clone())]);
    Some(store)
}

fn whole(target: &MemoryTarget, at: &str) {
    for list in run::lists(target).unwrap() {
        let verified = run::verify(target, list.name, &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
        assert!(verified.findings.is_empty(), "{at}, {}: {:?}", list.name, verified.findings);
    }
}

/// Whatever the failure left: what is listed is whole, the store as it was, and doing it again finishes.
fn holds(bench: &Bench, target: &MemoryTarget, work: Work, at: &str) {
    whole(target, at);
    let store = opened(bench, target).unwrap();
    assert_eq!((seen(&store, PAGE), seen(&store, BAD)), (vec![1, 3], vec![]), "{at}");
    match work(&store, target) {
        // The crash came after the list was there.
        Err(error) if error.to_string().contains("there is a backup") => {}
        done => done.unwrap(),
    }
    whole(target, at);
    assert_eq!(files(&bench.disk), listed(&store), "{at}");
    // The next one ends whatever is left, and nothing of the erased page stays anywhere.
    store.purge(true).unwrap();
    assert!(!has_bytes(target, "bad-canary"), "{at}");
    assert!(store.erasures(site(&store)).iter().all(|one| one.state() == ErasureState::Certified), "{at}");
    for list in run::lists(target).unwrap() {
        let other = restored(bench, target, list.name.as_str(), SimulatedDisk::new()).unwrap();
        let other = other.open();
        assert!(seen(&other, PAGE).contains(&1) && seen(&other, BAD).is_empty(), "{at}");
    }
}

fn crashed_everywhere(work: Work) {
    let calm_target = MemoryTarget::default();
    let calm = prepared(&calm_target);
    let before = calm.disk.calls().mutating();
    work(&opened(&calm, &calm_target).unwrap(), &calm_target).unwrap();
    let calls = calm.disk.calls().mutating() - before;
    assert!(calls > 0);
    for call in 1..=calls {
        let target = MemoryTarget::default();
        let bench = prepared(&target);
        bench.disk.crash_at(call);
        if let Some(store) = opened(&bench, &target) {
            drop(work(&store, &target));
        }
        let survivors: Survivors = bench.disk.survivors();
        // A target is shared by all that may have survived: one of them goes on with it.
        let survivor = survivors.up_to(3, call).last().unwrap();
        holds(&bench.on(survivor), &target, work, &format!("crash at {call}"));
    }
}

fn failing_everywhere(work: Work) {
    for once in [true, false] {
        for call in 1.. {
            let target = MemoryTarget::default();
            let bench = prepared(&target);
            match once {
                true => target.fail_once_at(call),
                false => target.fail_at(call),
            }
            let store = opened(&bench, &target).unwrap();
            let calls = target.calls();
            let done = work(&store, &target);
            let used = target.calls() - calls;
            target.heal();
            drop(store);
            holds(&bench, &target, work, &format!("failure at {call}"));
            if used < call {
                assert!(done.is_ok() && call > 3);
                break;
            }
        }
    }
}

fn create(store: &Store, target: &MemoryTarget) -> Result<(), Arc<JobError>> {
    back_up(store, target, "new").map(drop)
}

fn prune(store: &Store, target: &MemoryTarget) -> Result<(), Arc<JobError>> {
    match back_up(store, target, "new") {
        Err(error) if error.to_string().contains("there is a backup") => {}
        done => drop(done?),
    }
    let keep = KeepOptions { most_days: 30, keep: 1 };
    store.prune_backups(target, &keep).map(drop).map_err(Arc::new)
}

fn purge(store: &Store, _: &MemoryTarget) -> Result<(), Arc<JobError>> {
    store.purge(true)
}

#[test]
fn a_crash_or_failure_at_any_call_of_a_backup_loses_nothing() {
    crashed_everywhere(create);
    failing_everywhere(create);
}

#[test]
fn a_crash_or_failure_at_any_call_of_a_prune_loses_nothing() {
    crashed_everywhere(prune);
    failing_everywhere(prune);
}

#[test]
fn a_crash_or_failure_at_any_call_of_a_purge_with_a_target_brings_nothing_back() {
    crashed_everywhere(purge);
    failing_everywhere(purge);
}

#[test]
fn a_restore_that_crashes_or_fails_at_any_call_serves_nothing_and_can_be_begun_again() {
    let target = MemoryTarget::default();
    let bench = prepared(&target);
    opened(&bench, &target).unwrap().copy_ledger(&target).unwrap();
    let calm = SimulatedDisk::new();
    restored(&bench, &target, "old", calm.clone()).unwrap();
    let calls = calm.calls().mutating();
    assert!(calls > 10, "{calls}");
    let again = |survivor: SimulatedDisk, at: &str| {
        let other = match survivor.contents(FileName::Restoring) {
            // It was over before the crash, or has not begun.
            None if survivor.contents(FileName::Manifest).is_some() => bench.on(survivor),
            _ => restored(&bench, &target, "old", survivor).unwrap_or_else(|error| panic!("{at}: {error}")),
        };
        let store = other.open();
        assert_eq!((seen(&store, PAGE), seen(&store, BAD)), (vec![1], vec![]), "{at}");
        assert_eq!(files(&other.disk), listed(&store), "{at}");
    };
    for call in 1..=calls {
        let disk = SimulatedDisk::new();
        disk.crash_at(call);
        drop(restored(&bench, &target, "old", disk.clone()));
        for survivor in disk.survivors().up_to(3, call) {
            again(survivor, &format!("crash at {call}"));
        }
    }
    for call in 1.. {
        let (disk, before) = (SimulatedDisk::new(), target.calls());
        target.fail_once_at(call);
        let done = restored(&bench, &target, "old", disk.clone());
        let used = target.calls() - before;
        target.heal();
        again(disk, &format!("failure at {call}"));
        if used < call {
            done.map(drop).unwrap();
            break;
        }
    }
}
