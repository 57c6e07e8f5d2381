//! Backups at a target in memory: what they bring, what comes back, and what a purge leaves there.

mod crashes;
mod reaching;

use super::*;
use crate::backup::memory::MemoryTarget;
use crate::backup::{BackupError, BackupTarget, Folder, KeepOptions, ObjectName, restore, run};
use crate::error::JobError;
use crate::model::{Cover, Erasure, ErasureRequest, ErasureState, NamedPages, Reason};

const PAGE: &str = "a.example/";
const BAD: &str = "a.example/bad-canary";

fn name(text: &str) -> CopyName {
    CopyName::new(text).unwrap()
}

fn count(store: &Store, page: &str, column: u32) {
    let events = [(page, event(date(3, 9), column, "DE", 1))];
    store.append(batch(store, &events)).unwrap().wait().unwrap();
}

fn seen(store: &Store, page: &str) -> Vec<u32> {
    columns(store, page, year(), None).unwrap().into_keys().collect()
}

fn back_up(store: &Store, target: &MemoryTarget, text: &str) -> Result<usize, Arc<JobError>> {
    Ok(store.back_up(store.new_backup(), target, name(text))?.uploaded_segments)
}

/// What a failed call said.
fn refusal(result: Result<impl Sized, Arc<JobError>>) -> String {
    result.map(drop).unwrap_err().to_string()
}

fn erase(store: &Store, page: &str) -> Arc<Erasure> {
    erase_named(store, NamedPages::Page(page.into()))
}

fn erase_named(store: &Store, pages: NamedPages) -> Arc<Erasure> {
    let request = ErasureRequest {
        site: site(store),
        pages,
        cover: Cover::ALL,
        block: false,
        reason: Reason::SubjectRequest,
        reference: "".into(),
    };
    store.erase(&request).unwrap().erasure
}

/// Whether any object of a target has these bytes in it.
fn has_bytes(target: &MemoryTarget, needle: &str) -> bool {
    target.objects().into_iter().any(|object| {
        let bytes = target.contents(object).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
    })
}

/// Restores a backup onto another disk, with the key of the first; a crash at any call of the target may come between.
fn restored(bench: &Bench, target: &MemoryTarget, text: &str, disk: SimulatedDisk) -> Result<Bench, String> {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let (mark, _) = restore::begin(target, &*shared, name(text)).map_err(|error| error.to_string())?;
    if let Some(key) = bench.disk.contents(FileName::LedgerKey) {
        restore::put_ledger_key(&*shared, &key).map_err(|error| error.to_string())?;
    }
    let other = Bench { disk, clock: bench.clock.clone(), ..Bench::new() };
    let opened = Store::open(Arc::new(other.disk.clone()), other.clock.clone(), other.options.clone());
    assert!(opened.is_err(), "nobody opens it before it is done");
    let store = Store::open_to_restore(shared, other.clock.clone(), other.options.clone(), mark.store);
    let store = store.map_err(|error| error.to_string())?;
    store
        .restore_backup(target, name(text), &mut |_| std::ops::ControlFlow::Continue(()))
        .map_err(|error| error.to_string())?;
    Ok(other)
}

#[test]
fn a_backup_brings_what_is_not_there_yet_and_comes_back_elsewhere() {
    let (bench, target) = (Bench::new(), MemoryTarget::default());
    let store = bench.open();
    count(&store, PAGE, 1);
    assert_eq!(back_up(&store, &target, "one").unwrap(), 1);
    count(&store, PAGE, 2);
    assert_eq!(back_up(&store, &target, "two").unwrap(), 1, "what is there is not brought again");
    assert!(store.snapshots().is_empty(), "the snapshot that it read is gone");
    assert!(refusal(back_up(&store, &target, "two")).contains("there is a backup two already"));
    let verified = run::verify(&target, name("two"), &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    assert_eq!((verified.segments, verified.findings.len()), (2, 0));

    count(&store, PAGE, 3);
    for (text, columns) in [("one", vec![1]), ("two", vec![1, 2])] {
        let other = restored(&bench, &target, text, SimulatedDisk::new()).unwrap();
        let store = other.open();
        assert!(!store.report().made, "the accounts came with it");
        assert_eq!(seen(&store, PAGE), columns);
        count(&store, PAGE, 9);
        assert_eq!(files(&other.disk), listed(&store));
        drop(store);
        assert_eq!(seen(&other.open(), PAGE), [columns, vec![9]].concat());
    }
}

#[test]
fn accounts_that_are_there_stay_and_a_store_that_is_there_is_left_alone() {
    let (bench, target) = (Bench::new(), MemoryTarget::default());
    let store = bench.open();
    count(&store, PAGE, 1);
    back_up(&store, &target, "one").unwrap();
    let shop = site(&store);
    store.accounts().rotate_key(shop, 5).unwrap();
    let key = store.accounts().get(shop).unwrap().key.clone();
    drop(store);
    let refused = restore::begin(&target, &bench.disk, name("one"));
    assert!(matches!(refused, Err(BackupError::NotEmpty)));
    let disk = SimulatedDisk::new();
    let mut writer = Disk::create(&disk, FileName::Accounts).unwrap();
    writer.write_at(0, &bench.disk.contents(FileName::Accounts).unwrap()).unwrap();
    drop(writer);
    let other = restored(&bench, &target, "one", disk).unwrap();
    assert_eq!(other.open().accounts().get(shop).unwrap().key, key, "no older accounts come back");
}

#[test]
fn what_was_erased_since_does_not_come_back_and_leaves_the_target() {
    let (bench, target) = (Bench::new(), MemoryTarget::default());
    let store = bench.open();
    store.set_targets(vec![Arc::new(target.clone())]);
    count(&store, PAGE, 1);
    count(&store, BAD, 2);
    back_up(&store, &target, "one").unwrap();
    back_up(&store, &target, "two").unwrap();
    assert!(has_bytes(&target, "bad-canary"), "or this test would prove nothing");
    erase(&store, BAD);
    store.copy_ledger(&target).unwrap();
    // Before any purge: the newer ledger masks what comes back.
    let other = restored(&bench, &target, "one", SimulatedDisk::new()).unwrap();
    assert_eq!((seen(&other.open(), BAD), seen(&other.open(), PAGE)), (vec![], vec![1]));

    // A target that cannot be reached holds the certificate up.
    target.fail_at(1);
    store.purge(true).unwrap_err();
    let state = store.erasures(site(&store))[0].state();
    assert!(state < ErasureState::BackupsPurged, "{state:?}");
    target.heal();
    store.purge(true).unwrap();
    let erasure = &store.erasures(site(&store))[0];
    assert_eq!(erasure.state(), ErasureState::Certified);
    let statement = store.certificate(erasure.id).unwrap().statement.to_string();
    assert!(
        statement.contains("\nbackup_targets 1\n"),
        "it once said 0 of them, whatever it had reached: {statement}"
    );
    assert!(!has_bytes(&target, "bad-canary"));
    assert_eq!(target.list(Folder::Segments).unwrap().len(), 1);
    for text in ["one", "two"] {
        let other = restored(&bench, &target, text, SimulatedDisk::new()).unwrap();
        assert_eq!((seen(&other.open(), BAD), seen(&other.open(), PAGE)), (vec![], vec![1]));
    }
    assert_eq!(files(&bench.disk), listed(&store));
}

/// It came back closed, with nothing left to be called off: the accounts of the backup knew of the deletion alone, and
/// the ledger was asked only which sites to close.
#[test]
fn a_site_whose_deletion_was_called_off_after_a_backup_comes_back_open() {
    let (bench, target) = (Bench::new(), MemoryTarget::default());
    let store = bench.open();
    count(&store, PAGE, 1);
    back_up(&store, &target, "before").unwrap();
    let deletion = store.delete_site(site(&store)).unwrap().erasure;
    back_up(&store, &target, "in-grace").unwrap();
    store.cancel_erasure(deletion.id).unwrap();
    store.copy_ledger(&target).unwrap();
    for text in ["before", "in-grace"] {
        let other = restored(&bench, &target, text, SimulatedDisk::new()).unwrap();
        assert_eq!(seen(&other.open(), PAGE), [1], "{text}");
    }
    // A deletion that is asked for after a backup closes what comes back.
    back_up(&store, &target, "open").unwrap();
    store.delete_site(site(&store)).unwrap();
    store.copy_ledger(&target).unwrap();
    let other = restored(&bench, &target, "open", SimulatedDisk::new()).unwrap();
    assert!(other.open().accounts().by_name("shop").is_none());
}

/// A name is free while its site is closed, and goes back to it when the site that took it is deleted in turn.
#[test]
fn of_two_sites_of_one_name_the_one_comes_back_that_was_called_off_last() {
    let (bench, target) = (Bench::new(), MemoryTarget::default());
    let store = bench.open();
    let (first, shop) = (site(&store), SiteName::new("shop").unwrap());
    let deletion = store.delete_site(first).unwrap().erasure;
    let (region, settings) = (bench.options.region.clone(), bench.settings.clone());
    let new = NewSite { name: shop, region, settings };
    let second = store.accounts().create_sites(vec![new], 5).unwrap()[0].id;
    back_up(&store, &target, "one").unwrap();
    store.delete_site(second).unwrap();
    store.cancel_erasure(deletion.id).unwrap();
    store.copy_ledger(&target).unwrap();
    let other = restored(&bench, &target, "one", SimulatedDisk::new()).unwrap();
    let named = other.open().accounts().by_name("shop").map(|site| site.id);
    assert_eq!(named, Some(first));
}

#[test]
fn a_purge_that_fails_at_any_call_of_the_target_is_made_good_by_the_next() {
    for call in 1.. {
        let (bench, target) = (Bench::new(), MemoryTarget::default());
        let store = bench.open();
        store.set_targets(vec![Arc::new(target.clone())]);
        count(&store, PAGE, 1);
        count(&store, BAD, 2);
        back_up(&store, &target, "one").unwrap();
        erase(&store, BAD);
        target.fail_at(call);
        let first = store.purge(true);
        target.heal();
        // Whatever the failure left, the backup is whole.
        let verified =
            run::verify(&target, name("one"), &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
        assert!(verified.findings.is_empty(), "call {call}: {:?}", verified.findings);
        store.purge(true).unwrap();
        assert!(!has_bytes(&target, "bad-canary"), "call {call}");
        assert_eq!(files(&bench.disk), listed(&store), "call {call}");
        if first.is_ok() {
            assert!(call > 5);
            break;
        }
    }
}

#[test]
fn a_target_that_is_not_named_any_more_holds_a_purge_up_until_it_is_forgotten() {
    let (bench, target) = (Bench::new(), MemoryTarget::default());
    let store = bench.open();
    count(&store, BAD, 2);
    back_up(&store, &target, "one").unwrap();
    erase(&store, BAD);
    assert!(refusal(store.purge(true)).contains("backed up to memory, which is not named"));
    assert!(store.forget_target("memory").unwrap());
    store.purge(true).unwrap();
}

#[test]
fn without_a_ledger_as_new_or_its_key_nothing_is_restored() {
    let (bench, target) = (Bench::new(), MemoryTarget::default());
    let store = bench.open();
    count(&store, PAGE, 1);
    erase(&store, BAD);
    back_up(&store, &target, "one").unwrap();
    drop(store);
    let keyless = Bench::new();
    let refused = restored(&keyless, &target, "one", SimulatedDisk::new()).map(drop).unwrap_err();
    assert!(refused.contains("ledger.key"), "{refused}");
    target.delete(ObjectName::Ledger).unwrap();
    let refused = restored(&bench, &target, "one", SimulatedDisk::new()).map(drop).unwrap_err();
    assert!(refused.contains("the ledger has 0 entries"), "{refused}");
}

#[test]
fn a_failing_target_leaves_what_is_listed_whole_and_the_next_run_goes_on() {
    for call in 1.. {
        let (bench, target) = (Bench::new(), MemoryTarget::default());
        let store = bench.open();
        count(&store, PAGE, 1);
        back_up(&store, &target, "one").unwrap();
        count(&store, PAGE, 2);
        target.fail_at(call);
        let failed = back_up(&store, &target, "two").is_err();
        target.heal();
        assert!(store.snapshots().is_empty(), "call {call}");
        for list in run::lists(&target).unwrap() {
            let verified =
                run::verify(&target, list.name, &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
            assert!(verified.findings.is_empty(), "call {call}: {:?}", verified.findings);
        }
        back_up(&store, &target, "three").unwrap();
        if !failed {
            break;
        }
    }
}

#[test]
fn backups_go_by_age_and_damage_is_named() {
    let (bench, target) = (Bench::new(), MemoryTarget::default());
    let store = bench.open();
    count(&store, PAGE, 1);
    back_up(&store, &target, "old").unwrap();
    count(&store, PAGE, 2);
    store.flush().unwrap();
    store.compact().unwrap();
    bench.clock.advance(DAY_MS);
    back_up(&store, &target, "new").unwrap();
    let pruned = store.prune_backups(&target, &KeepOptions { most_days: 30, keep: 1 }).unwrap();
    assert_eq!((pruned.backups, pruned.segments), (vec![name("old")], 1));
    let [segment] = target.list(Folder::Segments).unwrap()[..] else { panic!() };
    target.flip(segment, 100);
    let verified = run::verify(&target, name("new"), &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    assert!(matches!(verified.findings[..], [BackupError::Damaged { object, .. }] if object == segment));
    let refused = restored(&bench, &target, "new", SimulatedDisk::new()).map(drop).unwrap_err();
    assert!(refused.contains("is damaged"), "{refused}");
}

#[test]
fn data_stays_in_its_region_and_stores_keep_apart() {
    let (bench, target) = (Bench::new(), MemoryTarget::default());
    let store = bench.open();
    back_up(&store, &target, "one").unwrap();
    let mut elsewhere = Bench::new();
    elsewhere.options.region = Region::new("us").unwrap();
    assert!(refusal(back_up(&elsewhere.open(), &target, "two")).contains("data stays in its region"));
    assert!(refusal(back_up(&Bench::new().open(), &target, "two")).contains("backups of another store"));
}

/// A target that was named by mistake lost the other store's ledger, accounts and backups.
#[test]
fn nothing_is_changed_at_the_target_of_another_store() {
    let (bench, target) = (Bench::new(), MemoryTarget::default());
    let store = bench.open();
    count(&store, PAGE, 1);
    erase(&store, BAD);
    back_up(&store, &target, "one").unwrap();
    let all = |target: &MemoryTarget| {
        let objects = target.objects().into_iter();
        objects.map(|object| (object, target.contents(object))).collect::<Vec<_>>()
    };
    let before = all(&target);
    let stranger = Bench::new().open();
    count(&stranger, PAGE, 1);
    erase(&stranger, PAGE);
    stranger.set_targets(vec![Arc::new(target.clone())]);
    let keep = KeepOptions { most_days: 1, keep: 1 };
    let refused = [
        refusal(stranger.purge(true)),
        refusal(stranger.copy_ledger(&target).map_err(Arc::new)),
        refusal(stranger.prune_backups(&target, &keep).map_err(Arc::new)),
        refusal(stranger.delete_backup(&target, name("one")).map_err(Arc::new)),
        stranger.purge_plan(true).unwrap().targets[0].error.as_ref().unwrap().to_string(),
    ];
    for refused in refused {
        assert!(refused.contains("holds backups of another store"), "{refused}");
    }
    assert_eq!(all(&target), before);
}

#[test]
fn a_backup_whose_list_is_damaged_can_be_deleted() {
    let (bench, target) = (Bench::new(), MemoryTarget::default());
    let store = bench.open();
    store.set_targets(vec![Arc::new(target.clone())]);
    count(&store, BAD, 1);
    back_up(&store, &target, "one").unwrap();
    back_up(&store, &target, "two").unwrap();
    target.flip(ObjectName::Backup(name("one")), 30);
    erase(&store, BAD);
    assert!(refusal(store.purge(true)).contains("backups/one"), "nobody knows what it needs");
    assert!(store.delete_backup(&target, name("one")).unwrap());
    assert!(!store.delete_backup(&target, name("one")).unwrap());
    store.purge(true).unwrap();
    assert!(!has_bytes(&target, "bad-canary"));
}
