//! Snapshots: what they keep, what a restore brings back, and what stays on the disk.

use super::*;
use crate::error::{EditError, JobError};
use crate::manifest::{SnapshotError, SnapshotOrigin};
use crate::snapshot::SnapshotOptions;

const PAGE: &str = "a.example/";

fn name(text: &str) -> CopyName {
    CopyName::new(text).unwrap()
}

/// Adds one event in a column to the page of a site.
fn count(store: &Store, of: SiteId, column: u32) {
    let mut builder = BatchBuilder::new(of);
    builder.add(PAGE, event(date(3, 9), column, "DE", 1)).unwrap();
    store.append(builder.build(None, None)).unwrap().wait().unwrap();
}

/// The columns of a site's page that have events.
fn seen(store: &Store, of: SiteId) -> Vec<u32> {
    let question = GridQuestion {
        selection: Selection {
            pages: Pages::Page(PAGE.into()),
            layers: LayerSelection::of_kinds(Kind::Click),
            countries: None,
            days: year(),
        },
        cell: CellSize::STORED,
        align: Align::None,
    };
    let answer = store.grid(SiteScope::granted(of), &question, &budget()).unwrap();
    answer.value.cells().map(|cell| cell.x).collect()
}

fn second_site(bench: &Bench, store: &Store) -> SiteId {
    let (name, region) = (SiteName::new("other").unwrap(), bench.options.region.clone());
    let new = NewSite { name, region, settings: bench.settings.clone() };
    store.accounts().create_sites(vec![new], 1).unwrap()[0].id
}

fn names(store: &Store) -> Vec<String> {
    store.snapshots().iter().map(|snapshot| snapshot.name.to_string()).collect()
}

#[test]
fn a_restore_brings_back_what_was_there_and_keeps_the_present() {
    let bench = Bench::new();
    let store = bench.open();
    let shop = site(&store);
    count(&store, shop, 1);
    let made = store.create_snapshot(name("a")).unwrap();
    assert_eq!((made.events, made.segments, made.own_bytes), (1, 1, 0));
    assert_eq!(made.days, Some((date(3, 9), date(3, 9))));
    count(&store, shop, 2);
    store.flush().unwrap();
    store.compact().unwrap();
    count(&store, shop, 3);
    assert!(store.snapshots()[0].own_bytes > 0, "the file is not live any more");

    store.restore_snapshot(name("a"), None).unwrap();
    assert_eq!(seen(&store, shop), [1]);
    assert_eq!(names(&store), ["a", "before-restore-20260310t120000z"]);
    count(&store, shop, 4);
    drop(store);
    let store = bench.open();
    assert_eq!(seen(&store, shop), [1, 4], "what comes after a restore counts");

    // And back again, in the same second.
    store.restore_snapshot(name("before-restore-20260310t120000z"), None).unwrap();
    assert_eq!(seen(&store, shop), [1, 2, 3]);
    assert_eq!(names(&store).len(), 3);
    assert_eq!(files(&bench.disk), listed(&store));
}

#[test]
fn files_go_with_the_last_list_that_names_them() {
    let bench = Bench::new();
    let store = bench.open();
    let shop = site(&store);
    for column in 1..=3 {
        count(&store, shop, column);
        store.create_snapshot(name(&format!("s{column}"))).unwrap();
    }
    store.flush().unwrap();
    store.compact().unwrap();
    assert_eq!(files(&bench.disk).len(), 4, "three are kept for the snapshots");
    for column in 1..=3 {
        drop(store.delete_snapshot(name(&format!("s{column}"))));
        assert_eq!(files(&bench.disk), listed(&store));
    }
    assert_eq!(files(&bench.disk).len(), 1);
    assert_eq!(seen(&store, shop), [1, 2, 3]);
    let missing = store.delete_snapshot(name("s1")).unwrap_err();
    let JobError::Edit(EditError::Snapshot(SnapshotError::NoSuchSnapshot(_))) = *missing else {
        panic!("{missing}")
    };
    drop(store);
    let store = bench.open();
    assert_eq!(store.report().orphans, []);
}

#[test]
fn what_expires_leaves_live_segments_and_stays_in_a_snapshot_until_that_goes() {
    let mut bench = Bench::new();
    bench.settings.retention_days = 10;
    let store = bench.open();
    let shop = site(&store);
    count(&store, shop, 1);
    store.create_snapshot(name("a")).unwrap();
    for _ in 0..20 {
        bench.clock.advance(DAY_MS);
        store.run_due_jobs().unwrap();
    }
    assert_eq!(store.status().segments, 0);
    assert_eq!(files(&bench.disk).len(), 1);
    // Restored, it is in no answer, and leaves live again at once.
    store.restore_snapshot(name("a"), None).unwrap();
    assert_eq!((seen(&store, shop), store.status().segments), (vec![], 0));
    for _ in 20..30 {
        bench.clock.advance(DAY_MS);
        store.run_due_jobs().unwrap();
    }
    assert_eq!(files(&bench.disk), [], "the snapshot went when it was 30 days old");
}

#[test]
fn one_site_alone_is_restored_and_its_neighbours_stay() {
    let bench = Bench::new();
    let store = bench.open();
    let (shop, other) = (site(&store), second_site(&bench, &store));
    for (of, column) in [(shop, 1), (other, 11)] {
        count(&store, of, column);
    }
    store.create_snapshot(name("a")).unwrap();
    for (of, column) in [(shop, 2), (other, 12)] {
        count(&store, of, column);
    }
    store.flush().unwrap();
    store.compact().unwrap();
    for (of, column) in [(shop, 3), (other, 13)] {
        count(&store, of, column);
    }
    store.restore_snapshot(name("a"), Some(shop)).unwrap();
    for store in [store, bench.open()] {
        assert_eq!((seen(&store, shop), seen(&store, other)), (vec![1], vec![11, 12, 13]));
        assert_eq!(files(&bench.disk), listed(&store));
    }
    let store = bench.open();
    let unknown = store.restore_snapshot(name("a"), Some(SiteId(77))).unwrap_err();
    assert!(matches!(*unknown, JobError::UnknownSite(SiteId(77))), "{unknown}");
    store.flush().unwrap();
    store.compact().unwrap();
    assert_eq!((seen(&store, shop), seen(&store, other)), (vec![1], vec![11, 12, 13]));
    store.accounts().close(shop).unwrap();
    let closed = store.restore_snapshot(name("a"), Some(shop)).unwrap_err();
    assert!(matches!(*closed, JobError::UnknownSite(_)), "a site that was deleted stays deleted: {closed}");
}

#[test]
fn the_schedule_makes_snapshots_and_deletes_its_own() {
    let mut bench = Bench::new();
    bench.options.snapshots = SnapshotOptions { most_days: 30, every_hours: 24, keep: 2 };
    let store = bench.open();
    count(&store, site(&store), 1);
    store.create_snapshot(name("mine")).unwrap();
    for _ in 0..5 {
        store.run_due_jobs().unwrap();
        bench.clock.advance(DAY_MS);
    }
    assert_eq!(names(&store), ["mine", "scheduled-20260313t120000z", "scheduled-20260314t120000z"]);
    assert_eq!(store.snapshots()[1].origin, SnapshotOrigin::Schedule);
}

#[test]
fn nothing_that_a_clock_decides_happens_by_one_that_is_doubted() {
    let bench = Bench::new();
    let store = bench.open();
    store.create_snapshot(name("a")).unwrap();
    bench.clock.advance(400 * DAY_MS);
    store.run_due_jobs().unwrap();
    assert_eq!(names(&store), ["a"]);
    for refused in [store.create_snapshot(name("b")).map(drop), store.restore_snapshot(name("a"), None)] {
        assert!(matches!(*refused.unwrap_err(), JobError::ClockDoubted));
    }
    store.accept_clock().unwrap();
    store.run_due_jobs().unwrap();
    assert_eq!(names(&store), [""; 0]);
}

#[test]
fn snapshots_that_would_outlive_the_deadline_are_refused_at_the_start() {
    let mut bench = Bench::new();
    bench.options.snapshots.most_days = 84;
    let opened = Store::open(Arc::new(bench.disk.clone()), bench.clock.clone(), bench.options.clone());
    assert!(opened.is_err_and(|error| error.to_string().contains("83")));
}

#[test]
fn the_zone_of_a_site_cannot_change_while_a_snapshot_has_its_days() {
    let bench = Bench::new();
    let store = bench.open();
    let shop = site(&store);
    store.create_snapshot(name("empty")).unwrap();
    count(&store, shop, 1);
    store.create_snapshot(name("a")).unwrap();
    store.restore_snapshot(name("empty"), None).unwrap();
    assert!(seen(&store, shop).is_empty() && store.has_data(shop).unwrap());
}

/// What a store of the crash tests may look like: columns of both sites, and the names of its snapshots but for those
/// that restores have made.
type Look = (Vec<u32>, Vec<u32>, Vec<String>);

fn look(store: &Store, sites: [SiteId; 2]) -> Look {
    let mut names = names(store);
    names.retain(|name| !name.starts_with("before-restore"));
    (seen(store, sites[0]), seen(store, sites[1]), names)
}

#[test]
fn a_crash_anywhere_leaves_the_old_state_or_the_new_one_and_no_file_too_many() {
    let bench = Bench::new();
    let store = bench.open();
    let sites = [site(&store), second_site(&bench, &store)];
    count(&store, sites[0], 1);
    count(&store, sites[1], 11);
    store.create_snapshot(name("a")).unwrap();
    count(&store, sites[0], 2);
    store.flush().unwrap();
    store.compact().unwrap();
    count(&store, sites[0], 3);
    count(&store, sites[1], 12);
    let old = look(&store, sites);
    drop(store);
    let start = bench.disk.survivors().nth(0);

    type Act = fn(&Store, [SiteId; 2]) -> Result<(), Arc<JobError>>;
    let acts: [(&str, Act, Look); 4] = [
        (
            "create",
            |store, _| store.create_snapshot(name("b")).map(drop),
            (old.0.clone(), old.1.clone(), vec!["a".into(), "b".into()]),
        ),
        ("delete", |store, _| store.delete_snapshot(name("a")), (old.0.clone(), old.1.clone(), vec![])),
        (
            "restore",
            |store, _| store.restore_snapshot(name("a"), None),
            (vec![1], vec![11], vec!["a".into()]),
        ),
        (
            "restore one",
            |store, [shop, _]| store.restore_snapshot(name("a"), Some(shop)),
            (vec![1], old.1.clone(), vec!["a".into()]),
        ),
    ];
    let mut states = 0;
    for (what, act, new) in acts {
        for call in 1.. {
            let disk = start.fork();
            let crashed = Bench { disk: disk.clone(), ..Bench::new() };
            let store = crashed.open();
            let before = disk.calls().mutating();
            disk.crash_at(before + call);
            let done = act(&store, sites).is_ok();
            let over = disk.calls().mutating() < before + call;
            drop(store);
            for survivor in disk.survivors().up_to(12, call) {
                let survived = Bench { disk: survivor, ..Bench::new() };
                let store = survived.open();
                let found = look(&store, sites);
                assert!(found == new || !done && found == old, "{what}, call {call}, done {done}: {found:?}");
                assert_eq!(files(&survived.disk), listed(&store), "{what}, call {call}");
                assert_eq!(store.status().unreadable.len(), 0);
                // What was begun can be done again.
                if found == old {
                    act(&store, sites).unwrap();
                    assert_eq!(look(&store, sites), new, "{what}, call {call}");
                }
                states += 1;
            }
            if over {
                assert!(done, "{what}");
                break;
            }
        }
    }
    assert!(states > 200, "{states}");
}
