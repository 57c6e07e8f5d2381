//! Purges at targets: of those that keep old versions, of pieces that cannot be read, and what they fetch.

use super::*;
use crate::purge::certificate::Certificate;

/// A store with a target that it knows, and a page there that is to go.
fn backed_up(bench: &Bench, target: &MemoryTarget) -> Store {
    let store = bench.open();
    store.set_targets(vec![Arc::new(target.clone())]);
    count(&store, PAGE, 1);
    count(&store, BAD, 2);
    back_up(&store, target, "one").unwrap();
    store
}

/// A store with a target that it knows, and three months, in the middle one of which is the page that is to go.
fn of_three_months(bench: &Bench, target: &MemoryTarget) -> Store {
    let store = bench.open();
    store.set_targets(vec![Arc::new(target.clone())]);
    for month in [1, 2, 3] {
        let page = if month == 2 { BAD } else { PAGE };
        let events = [(page, event(date(month, 9), 1, "DE", 1))];
        store.append(batch(&store, &events)).unwrap().wait().unwrap();
    }
    store
}

fn state(store: &Store, erasure: &Erasure) -> ErasureState {
    store.erasure(erasure.id).unwrap().state()
}

fn has_old_bytes(target: &MemoryTarget, needle: &str) -> bool {
    let has = |bytes: &Vec<u8>| bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
    target.old_versions().iter().any(has)
}

#[test]
fn a_target_that_keeps_old_versions_must_say_for_how_long_and_no_longer_than_the_deadline_allows() {
    let (bench, target) = (Bench::new(), MemoryTarget::default());
    let store = bench.open();
    target.keep_versions();
    assert!(refusal(back_up(&store, &target, "one")).contains("?expires_days=30"));
    target.say_expires_days(76);
    assert!(refusal(back_up(&store, &target, "one")).contains("7 + 7 + 1 + 76 = 91, more than 90"));
    target.say_expires_days(60);
    back_up(&store, &target, "one").unwrap();
    let refused =
        store.prune_backups(&target, &KeepOptions { most_days: 30, keep: 9 }).unwrap_err().to_string();
    assert!(refused.contains("30 + 7 + 1 + 60 = 98, more than 90"), "{refused}");
    store.prune_backups(&target, &KeepOptions { most_days: 22, keep: 9 }).unwrap();
}

/// It was silently taken for one that forgets: nothing had been put at it since its versioning was switched on.
#[test]
fn a_target_that_begins_to_keep_old_versions_holds_certificates_up_until_it_says_for_how_long() {
    let (bench, target) = (Bench::new(), MemoryTarget::default());
    let store = backed_up(&bench, &target);
    target.keep_versions();
    let erasure = erase(&store, BAD);
    assert!(refusal(store.purge(true)).contains("keeps old versions"));
    assert!(state(&store, &erasure) < ErasureState::BackupsPurged);
    target.say_expires_days(1);
    store.purge(true).unwrap();
    assert_eq!(state(&store, &erasure), ErasureState::SnapshotsPurged);
}

#[test]
fn an_erasure_is_certified_on_the_day_on_which_the_last_old_version_is_gone() {
    let (bench, target) = (Bench::new(), MemoryTarget::default());
    target.keep_versions();
    target.say_expires_days(10);
    let store = backed_up(&bench, &target);
    let erasure = erase(&store, BAD);
    store.purge(true).unwrap();
    assert!(
        !has_bytes(&target, "bad-canary") && has_old_bytes(&target, "bad-canary"),
        "or this test would prove nothing"
    );
    let gone_ms = bench.clock.now_ms() + 11 * DAY_MS;
    assert_eq!(state(&store, &erasure), ErasureState::SnapshotsPurged);
    assert_eq!(store.erasure(erasure.id).unwrap().versions_gone_ms, Some(gone_ms));
    assert_eq!(store.status().erasures.versions_gone_ms, Some(gone_ms));

    // Another one, purged later, moves its own date only; a restart forgets none.
    bench.clock.advance(DAY_MS);
    let later = erase(&store, PAGE);
    store.purge(true).unwrap();
    drop(store);
    let store = bench.open();
    store.set_targets(vec![Arc::new(target.clone())]);
    let mut certified_after = None;
    for day in 2..=13 {
        bench.clock.advance(DAY_MS);
        store.run_due_jobs().unwrap();
        if state(&store, &erasure) == ErasureState::Certified {
            certified_after.get_or_insert(day);
        }
        if day == 11 {
            assert_eq!(state(&store, &later), ErasureState::SnapshotsPurged);
        }
    }
    assert_eq!((certified_after, state(&store, &later)), (Some(11), ErasureState::Certified));
    let signed = store.certificate(erasure.id).unwrap();
    let certificate = Certificate::read(&signed.statement).unwrap();
    assert_eq!(certificate.field("versions_gone_ms"), Some(&*gone_ms.to_string()));
    assert_eq!(certificate.field("snapshots_purged_ms").map(str::len), Some(13));
}

#[test]
fn a_purge_fetches_only_the_segments_that_it_touches() {
    let (bench, target) = (Bench::new(), MemoryTarget::default());
    let store = of_three_months(&bench, &target);
    back_up(&store, &target, "one").unwrap();
    let before = target.list(Folder::Segments).unwrap();
    let fetched = |target: &MemoryTarget| {
        let all = target.fetched();
        all.into_iter().filter(|object| before.contains(object)).count() - before.len()
    };
    assert_eq!((before.len(), fetched(&target)), (3, 0), "each was read back once");
    erase(&store, BAD);
    store.purge(true).unwrap();
    assert_eq!(fetched(&target), 1);
    assert_eq!(target.list(Folder::Segments).unwrap().len(), 2);
}

/// It held every certificate up beyond its deadline; and, when that was mended, those of patterns still.
#[test]
fn a_damaged_segment_of_a_backup_is_let_go_of_before_the_deadline_and_named() {
    for named in [NamedPages::Page(BAD.into()), NamedPages::Pattern("*/bad-*".into())] {
        let (bench, target) = (Bench::new(), MemoryTarget::default());
        let store = backed_up(&bench, &target);
        let events = [(BAD, event(date(2, 9), 5, "DE", 1))];
        store.append(batch(&store, &events)).unwrap().wait().unwrap();
        back_up(&store, &target, "two").unwrap();
        let lists = run::lists(&target).unwrap();
        let march = lists.iter().find(|list| list.name == name("one")).unwrap().segments[0].hash;
        // In the footer: nothing of it can be read.
        let damaged = ObjectName::Segment(march);
        let length = target.length(damaged).unwrap().unwrap() as usize;
        target.flip(damaged, length - 10);
        let erasure = erase_named(&store, named);
        let plan = &store.purge_plan(true).unwrap().targets[0];
        assert_eq!((plan.rewrites.len(), plan.unreadable), (1, 1));
        assert!(store.purge(true).is_err());
        let left = target.list(Folder::Segments).unwrap();
        assert_eq!(left.len(), 1, "what can be read is gone from the other: {left:?}");
        assert_eq!(left[0], damaged);
        let mut certified_after = None;
        for day in 1..=90 {
            bench.clock.advance(DAY_MS);
            // It fails until then.
            drop(store.run_due_jobs());
            if state(&store, &erasure) == ErasureState::Certified {
                certified_after.get_or_insert(day);
            }
        }
        assert_eq!(certified_after, Some(83));
        assert!(target.list(Folder::Segments).unwrap().is_empty());
        let statement = store.certificate(erasure.id).unwrap().statement.to_string();
        assert!(statement.contains("\nlost segment "), "{statement}");
    }
}

#[test]
fn a_plan_counts_what_a_purge_does_at_targets_and_changes_nothing() {
    let (bench, target) = (Bench::new(), MemoryTarget::default());
    let store = of_three_months(&bench, &target);
    back_up(&store, &target, "one").unwrap();
    back_up(&store, &target, "two").unwrap();
    let plan = store.purge_plan(true).unwrap();
    assert_eq!((plan.erasures, plan.rewrites.len(), plan.targets[0].rewrites.len()), (0, 0, 0));

    erase(&store, BAD);
    let (fetched, objects, position) = (target.fetched(), target.objects(), store.ledger_position());
    let plan = store.purge_plan(true).unwrap();
    let at = &plan.targets[0];
    assert_eq!((&*at.place, at.unreadable, at.error.is_none()), ("memory", 0, true));
    assert_eq!(at.rewrites.len(), 1, "once, though two backups list it");
    assert_eq!(at.rewrites[0].entry.header.month, date(2, 9).month());
    assert_eq!(plan.headroom_bytes(), 2 * at.rewrites[0].entry.length_bytes);
    let of_segments = |objects: Vec<ObjectName>| {
        objects.into_iter().filter(|object| matches!(object, ObjectName::Segment(_))).count()
    };
    assert_eq!(of_segments(target.fetched()), of_segments(fetched), "no segment was read whole");
    assert_eq!((target.objects(), store.ledger_position()), (objects, position));

    store.purge(true).unwrap();
    let plan = store.purge_plan(true).unwrap();
    assert_eq!((plan.erasures, plan.targets[0].rewrites.len()), (0, 0));
}

#[test]
fn a_plan_finds_what_a_pattern_matches_in_a_backup_alone() {
    let (bench, target) = (Bench::new(), MemoryTarget::default());
    let store = bench.open();
    store.set_targets(vec![Arc::new(target.clone())]);
    store.create_snapshot(name("past")).unwrap();
    count(&store, BAD, 2);
    back_up(&store, &target, "one").unwrap();
    store.restore_snapshot(name("past"), None).unwrap();
    for snapshot in store.snapshots() {
        store.delete_snapshot(snapshot.name).unwrap();
    }
    erase_named(&store, NamedPages::Pattern("a.example/b*".into()));
    let plan = store.purge_plan(true).unwrap();
    assert_eq!((plan.rewrites.len(), plan.targets[0].rewrites.len()), (0, 1));
}

#[test]
fn a_plan_names_targets_that_cannot_be_read_or_are_not_named() {
    let (bench, target) = (Bench::new(), MemoryTarget::default());
    let store = backed_up(&bench, &target);
    erase(&store, BAD);
    target.fail_at(1);
    let told = |store: &Store| {
        let plan = store.purge_plan(true).unwrap();
        assert_eq!(plan.rewrites.len(), 1, "what is here is told all the same");
        plan.targets[0].error.as_ref().map(ToString::to_string).unwrap()
    };
    assert!(told(&store).contains("as the test wants it"));
    store.set_targets(Vec::new());
    assert!(told(&store).contains("which is not named"));
}

/// A plan left out what a purge that does not wait takes first.
#[test]
fn a_plan_counts_a_deleted_site_once_its_grace_is_over_or_not_waited_for() {
    let (bench, target) = (Bench::new(), MemoryTarget::default());
    let store = backed_up(&bench, &target);
    store.delete_site(site(&store)).unwrap();
    let plan = |now| {
        let plan = store.purge_plan(now).unwrap();
        (plan.erasures, plan.in_grace, plan.rewrites.len(), plan.targets[0].rewrites.len())
    };
    assert_eq!((plan(false), plan(true)), ((0, 1, 0, 0), (1, 0, 1, 1)));
    for _ in 0..3 {
        bench.clock.advance(DAY_MS);
        store.run_due_jobs().unwrap();
    }
    assert_eq!(plan(false), (1, 0, 1, 1));
}

/// Patterns were expanded to the pages of live segments and snapshots only.
#[test]
fn a_pattern_reaches_a_page_that_only_a_backup_has() {
    let (bench, target) = (Bench::new(), MemoryTarget::default());
    let store = bench.open();
    store.set_targets(vec![Arc::new(target.clone())]);
    count(&store, PAGE, 1);
    store.create_snapshot(name("past")).unwrap();
    count(&store, BAD, 2);
    back_up(&store, &target, "one").unwrap();
    store.restore_snapshot(name("past"), None).unwrap();
    for snapshot in store.snapshots() {
        store.delete_snapshot(snapshot.name).unwrap();
    }
    assert!(
        seen(&store, BAD).is_empty() && has_bytes(&target, "bad-canary"),
        "or this test would prove nothing"
    );
    let erasure = erase_named(&store, NamedPages::Pattern("a.example/b*".into()));
    assert_eq!(erasure.matched.pages, 0);
    store.purge(true).unwrap();
    assert_eq!(state(&store, &erasure), ErasureState::Certified);
    assert!(!has_bytes(&target, "bad-canary"));
}

/// The accounts at a target kept the name of a site that was certified to be gone, until the next backup.
#[test]
fn the_name_of_a_deleted_site_leaves_the_target_before_its_certificate() {
    let (bench, target) = (Bench::new(), MemoryTarget::default());
    let store = backed_up(&bench, &target);
    assert!(has_bytes(&target, "shop"), "or this test would prove nothing");
    let deleted = store.delete_site(site(&store)).unwrap().erasure;
    store.purge(true).unwrap();
    assert_eq!(state(&store, &deleted), ErasureState::Certified);
    assert!(!has_bytes(&target, "shop"));
}
