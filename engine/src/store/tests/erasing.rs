//! Erasures through the store: masked at once, gone after a purge, back by no way.

mod crashes;
mod evidence;
mod known_failures;

use super::*;
use crate::error::{AppendError, EraseError};
use crate::format::names::{Directory, FileName};
use crate::model::{CopyName, Cover, ErasureRequest, ErasureState, NamedPages, Reason};
use crate::purge::certificate::{self, verify};

const CANARY: &str = "s.example/canary-7f3a";
const KEEP: &str = "s.example/keep";

impl Bench {
    /// Files with these bytes in them.
    fn files_with(&self, needle: &str) -> Vec<FileName> {
        let mut found = Vec::new();
        for directory in Directory::ALL {
            for (file, _) in Disk::list(&self.disk, directory).unwrap() {
                let bytes = self.disk.contents(file).unwrap();
                if bytes.windows(needle.len()).any(|part| part == needle.as_bytes()) {
                    found.push(file);
                }
            }
        }
        found
    }
}

fn page(text: &str) -> NamedPages {
    NamedPages::Page(text.into())
}

fn request(store: &Store, pages: NamedPages) -> ErasureRequest {
    ErasureRequest {
        site: site(store),
        pages,
        cover: Cover::ALL,
        block: false,
        reason: Reason::UrlLeak,
        reference: "".into(),
    }
}

fn add(store: &Store, events: &[(&str, Event)]) {
    store.append_wait(batch(store, events)).unwrap();
}

fn total(store: &Store, page: &str) -> u64 {
    columns(store, page, year(), None).unwrap().values().sum()
}

/// A few events on the canary page and on another, on two days, from two countries.
fn fill(store: &Store) {
    for (day, country) in [(1, "DE"), (2, "FR"), (3, "DE")] {
        let events =
            [(CANARY, event(date(3, day), 1, country, 5)), (KEEP, event(date(3, day), 2, country, 7))];
        add(store, &events);
    }
}

fn name(text: &str) -> CopyName {
    CopyName::new(text).unwrap()
}

#[test]
fn what_is_erased_is_in_no_answer_at_once_and_in_no_file_after_the_purge() {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store);
    store.flush().unwrap();
    fill(&store);
    let requested = store.erase(&request(&store, page(CANARY))).unwrap();
    assert_eq!((requested.preview.matched.pages, requested.preview.matched.events), (1, 30));
    assert_eq!(requested.erasure.state(), ErasureState::Masked);
    assert_eq!((total(&store, CANARY), total(&store, KEEP)), (0, 42));
    assert!(!bench.files_with("canary-7f3a").is_empty(), "else this test proves nothing");

    // What comes later counts.
    add(&store, &[(CANARY, event(date(3, 4), 3, "DE", 1))]);
    assert_eq!(total(&store, CANARY), 1);
    drop(store);
    let store = bench.open();
    assert_eq!((total(&store, CANARY), total(&store, KEEP)), (1, 42));
    store.purge(false).unwrap();
    assert_eq!((total(&store, CANARY), total(&store, KEEP)), (1, 42));
    let erasure = store.erasure(requested.erasure.id).unwrap();
    assert_eq!(erasure.state(), ErasureState::Certified);
    for state in [ErasureState::LivePurged, ErasureState::SnapshotsPurged, ErasureState::BackupsPurged] {
        assert!(erasure.at_ms(state).is_some(), "{state:?}");
    }
}

#[test]
fn a_certified_page_is_in_no_byte_of_any_file() {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store);
    store.flush().unwrap();
    store.create_snapshot(name("before")).unwrap();
    fill(&store);
    store.flush().unwrap();
    store.compact().unwrap();
    fill(&store);
    let keep = columns(&store, KEEP, year(), None).unwrap();
    let requested = store.erase(&request(&store, page(CANARY))).unwrap();
    store.purge(false).unwrap();
    assert_eq!(bench.files_with("canary-7f3a"), []);
    assert_eq!(columns(&store, KEEP, year(), None).unwrap(), keep);
    assert_eq!(store.status().erasures.open, 0);

    let signed = store.certificate(requested.erasure.id).unwrap();
    let read = verify(&signed, &store.certificate_keys().unwrap()).unwrap();
    let commitment = certificate::commitment(&requested.salt, &page(CANARY));
    assert_eq!(read.field("commitment"), Some(&*certificate::hex(&commitment)));
    assert_eq!(read.field("matched_events"), Some("45"));
    assert_eq!((read.field("snapshots"), read.field("snapshot_segments")), (Some("1"), Some("1")));
    assert!(!signed.statement.contains("canary"));
}

/// Known from systems that copy files for snapshots: deleted rows came back with a restore.
#[test]
fn deleted_rows_do_not_come_back_with_a_restore() {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store);
    store.create_snapshot(name("before")).unwrap();
    fill(&store);
    // Masked only, then purged: neither comes back.
    store.erase(&request(&store, page(CANARY))).unwrap();
    store.restore_snapshot(name("before"), None).unwrap();
    assert_eq!((total(&store, CANARY), total(&store, KEEP)), (0, 21));
    store.purge(false).unwrap();
    store.restore_snapshot(name("before"), None).unwrap();
    assert_eq!((total(&store, CANARY), total(&store, KEEP)), (0, 21));
    drop(store);
    let store = bench.open();
    assert_eq!((total(&store, CANARY), total(&store, KEEP)), (0, 21));
    assert_eq!(bench.files_with("canary-7f3a"), []);
}

/// Known from logs that are read again: what was deleted in memory came back after a restart.
#[test]
fn an_erased_batch_does_not_come_back_from_the_log() {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store);
    store.erase(&request(&store, page(CANARY))).unwrap();
    for _ in 0..2 {
        drop(bench.open());
    }
    let store = bench.open();
    assert_eq!((total(&store, CANARY), total(&store, KEEP)), (0, 21));
    store.flush().unwrap();
    assert_eq!((total(&store, CANARY), total(&store, KEEP)), (0, 21));
    store.purge(false).unwrap();
    assert_eq!(bench.files_with("canary-7f3a"), []);
}

/// Merges see files from both sides of an erasure: a rule that is applied to the sum takes too much or too little.
#[test]
fn a_merge_of_files_from_before_and_after_an_erasure_keeps_what_came_later() {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store);
    store.flush().unwrap();
    store.erase(&request(&store, page(CANARY))).unwrap();
    fill(&store);
    store.flush().unwrap();
    store.compact().unwrap();
    assert_eq!((total(&store, CANARY), total(&store, KEEP)), (15, 42));
    // A second one covers the merged file as a whole.
    store.erase(&request(&store, page(CANARY))).unwrap();
    assert_eq!(total(&store, CANARY), 0);
    add(&store, &[(CANARY, event(date(3, 4), 3, "DE", 1))]);
    store.flush().unwrap();
    store.compact().unwrap();
    assert_eq!(total(&store, CANARY), 1);
    store.purge(false).unwrap();
    assert_eq!((total(&store, CANARY), total(&store, KEEP)), (1, 42));
}

#[test]
fn two_erasures_in_a_row_on_a_quiet_store_are_both_done() {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store);
    store.flush().unwrap();
    let first = store.erase(&request(&store, page(CANARY))).unwrap().erasure;
    store.purge(false).unwrap();
    let second = store.erase(&request(&store, page(KEEP))).unwrap().erasure;
    assert_eq!(first.through, second.through);
    assert_eq!(total(&store, KEEP), 0);
    store.purge(false).unwrap();
    assert_eq!(bench.files_with("s.example/keep"), []);
    assert_eq!(store.erasure(second.id).unwrap().state(), ErasureState::Certified);
}

#[test]
fn selectors_cover_what_they_say() {
    let pages = ["s.example/a/x", "s.example/a/y/z", "s.example/ab/x", "s.example/b/x"];
    let days = DayRange { from: date(3, 2), to: date(3, 3) };
    let all = Cover::ALL;
    let cases: [(NamedPages, Cover, fn(&str, Day, &str) -> bool); 6] = [
        (page("s.example/a/x"), all, |page, _, _| page == "s.example/a/x"),
        (NamedPages::Prefix("s.example/a/".into()), all, |page, _, _| page.starts_with("s.example/a/")),
        (NamedPages::Pattern("s.example/*/x".into()), all, |page, _, _| page.ends_with("/x")),
        (NamedPages::All, Cover { days, country: None }, |_, day, _| day == date(3, 2)),
        (
            page("s.example/b/x"),
            Cover { days: DayRange::ALL, country: Some("FR".parse().unwrap()) },
            |page, _, country| page == "s.example/b/x" && country == "FR",
        ),
        (NamedPages::All, all, |_, _, _| true),
    ];
    for (named, cover, covered) in cases {
        for flushed in [false, true] {
            let bench = Bench::new();
            let store = bench.open();
            let mut rows = Vec::new();
            for page in pages {
                for day in 1..=3 {
                    rows.extend(["DE", "FR"].map(|country| (page, date(3, day), country)));
                }
            }
            for (place, (page, day, country)) in rows.iter().enumerate() {
                add(&store, &[(page, event(*day, place as u32, country, 1))]);
            }
            if flushed {
                store.flush().unwrap();
            }
            let request = ErasureRequest { cover, ..request(&store, named.clone()) };
            let dry = store.dry_run(&request).unwrap();
            let requested = store.erase(&request).unwrap();
            let expected = rows.iter().filter(|(page, day, country)| covered(page, *day, country)).count();
            assert_eq!(requested.preview.matched.events, expected as u64, "{named:?}");
            assert_eq!(dry, requested.preview);
            let check = |stage: &str| {
                for (page, day, country) in &rows {
                    let days = DayRange { from: *day, to: day.plus(1) };
                    let left = columns(&store, page, days, Some(&[country])).unwrap().len();
                    assert_eq!(
                        left,
                        usize::from(!covered(page, *day, country)),
                        "{named:?} {stage} {page} {day}"
                    );
                }
            };
            check("masked");
            store.purge(false).unwrap();
            check("purged");
            assert_eq!(store.erasure(requested.erasure.id).unwrap().state(), ErasureState::Certified);
        }
    }
}

#[test]
fn a_blocked_page_takes_nothing_more_also_after_a_restart_and_a_certificate() {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store);
    let prefix = NamedPages::Prefix("s.example/".into());
    store.erase(&ErasureRequest { block: true, ..request(&store, prefix) }).unwrap();
    store.purge(false).unwrap();
    drop(store);
    let store = bench.open();
    let blocked = store.blocked(site(&store));
    assert!(blocked.covers(CANARY) && blocked.covers(KEEP) && !blocked.covers("t.example/"));
    let refused = store.append(batch(&store, &[(CANARY, event(date(3, 4), 1, "DE", 1))])).err().unwrap();
    assert!(matches!(refused, AppendError::Blocked(_)) && !refused.is_busy(), "{refused}");
    add(&store, &[("t.example/", event(date(3, 4), 1, "DE", 1))]);
    let pattern = NamedPages::Pattern("*".into());
    let refused = store.erase(&ErasureRequest { block: true, ..request(&store, pattern) }).unwrap_err();
    assert!(matches!(refused, EraseError::Invalid(_)), "{refused}");
}

#[test]
fn a_cancelled_erasure_shows_what_is_in_files_again() {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store);
    store.flush().unwrap();
    let erasure = store.erase(&request(&store, page(CANARY))).unwrap().erasure;
    assert_eq!(total(&store, CANARY), 0);
    assert_eq!(store.cancel_erasure(erasure.id).unwrap().state(), ErasureState::Cancelled);
    assert_eq!(total(&store, CANARY), 15);
    store.purge(false).unwrap();
    let store = bench.open();
    assert_eq!(total(&store, CANARY), 15);
    let erasure = store.erase(&request(&store, page(CANARY))).unwrap().erasure;
    store.purge(false).unwrap();
    let late = store.cancel_erasure(erasure.id).unwrap_err();
    assert!(matches!(late, EraseError::TooLate { state: ErasureState::Certified }), "{late}");
}

/// It came back from the log: what a store answered depended on whether it had been opened again.
#[test]
fn what_an_erasure_took_out_of_memory_stays_gone_when_it_is_called_off_and_the_store_is_opened_again() {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store);
    store.flush().unwrap();
    fill(&store);
    let erasure = store.erase(&request(&store, page(CANARY))).unwrap().erasure;
    add(&store, &[(CANARY, event(date(3, 4), 3, "DE", 1))]);
    store.cancel_erasure(erasure.id).unwrap();
    assert_eq!(total(&store, CANARY), 16, "what is in files, and what came later");
    drop(store);
    let store = bench.open();
    assert_eq!(total(&store, CANARY), 16);
    store.flush().unwrap();
    assert_eq!((total(&store, CANARY), total(&store, KEEP)), (16, 42));
}

#[test]
fn a_deleted_site_waits_for_its_grace_and_is_gone_then() {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store);
    let id = site(&store);
    let deleted = store.delete_site(id).unwrap().erasure;
    assert!(
        store.append(Batch { site: id, id: None, idempotency: None, pages: Vec::new(), events: 0 }).is_err()
    );
    store.purge(false).unwrap();
    assert_eq!(store.erasure(deleted.id).unwrap().state(), ErasureState::Masked);
    // Called off: everything is as it was, what was in memory too.
    store.cancel_erasure(deleted.id).unwrap();
    assert_eq!((total(&store, CANARY), total(&store, KEEP)), (15, 21));

    let deleted = store.delete_site(id).unwrap().erasure;
    drop(store);
    let store = bench.open();
    assert!(store.accounts().by_name("shop").is_none());
    bench.clock.advance(71 * HOUR_MS);
    store.accept_clock().unwrap();
    store.purge(false).unwrap();
    assert!(store.erasure(deleted.id).unwrap().is_in_grace());
    bench.clock.advance(HOUR_MS);
    store.purge(false).unwrap();
    assert_eq!(store.erasure(deleted.id).unwrap().state(), ErasureState::Certified);
    assert_eq!(bench.files_with("s.example"), []);
    assert_eq!(bench.files_with("shop"), [], "nor its name");
    assert!(store.accounts().get(id).is_none() && store.certificate(deleted.id).is_some());
}

/// Known from stores where a site is a name: late events made it again.
#[test]
fn late_events_do_not_make_a_deleted_site_again() {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store);
    let late = batch(&store, &[(CANARY, event(date(3, 4), 1, "DE", 1))]);
    store.delete_site(site(&store)).unwrap();
    assert!(matches!(store.append(late.clone()), Err(AppendError::ClosedSite(_))));
    store.purge(true).unwrap();
    assert!(matches!(store.append(late), Err(AppendError::UnknownSite(_))));
    assert_eq!(bench.files_with("canary-7f3a"), []);
}

/// Known from columnar stores: rows were deleted, the dictionary kept the name.
#[test]
fn no_dictionary_keeps_the_name_of_a_page_whose_rows_are_gone() {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store);
    store.flush().unwrap();
    let days = DayRange { from: date(3, 1), to: date(3, 4) };
    let request = ErasureRequest { cover: Cover { days, country: None }, ..request(&store, page(CANARY)) };
    store.erase(&request).unwrap();
    store.purge(false).unwrap();
    assert_eq!(bench.files_with("canary-7f3a"), []);
    assert_eq!(total(&store, KEEP), 21);
}

#[test]
fn an_idle_store_purges_by_itself_long_before_the_deadline() {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store);
    let erasure = store.erase(&request(&store, page(CANARY))).unwrap().erasure;
    let mut certified_after = None;
    for day in 1..=90 {
        bench.clock.advance(DAY_MS);
        store.run_due_jobs().unwrap();
        if store.erasure(erasure.id).unwrap().state() == ErasureState::Certified {
            certified_after.get_or_insert(day);
        }
    }
    assert_eq!(certified_after, Some(7));
}

#[test]
fn a_segment_that_cannot_be_read_is_reported_and_removed_before_the_deadline() {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store);
    store.flush().unwrap();
    add(&store, &[(KEEP, event(date(3, 4), 9, "DE", 1))]);
    store.flush().unwrap();
    let broken = store.inspect()[0].as_ref().unwrap().entry.clone();
    drop(store);
    let length = bench.disk.contents(FileName::Segment(broken.number)).unwrap().len();
    bench.disk.flip(FileName::Segment(broken.number), length - 40, 3);
    let store = bench.open();
    let erasure = store.erase(&request(&store, page(CANARY))).unwrap().erasure;
    let mut reported = Vec::new();
    for day in 1..=90 {
        bench.clock.advance(DAY_MS);
        drop(store.run_due_jobs());
        let status = store.status().erasures;
        if status.purges.error.is_some() && store.erasure(erasure.id).unwrap().is_open() {
            reported.push((day, status.overdue));
        }
    }
    assert_eq!(reported.first().map(|(day, _)| *day), Some(7));
    assert_eq!(reported.last(), Some(&(82, [1, 1, 1, 0])), "and told of ever louder");
    let done = store.erasure(erasure.id).unwrap();
    assert_eq!(done.state(), ErasureState::Certified);
    assert!(done.at_ms(ErasureState::Certified).unwrap() < done.deadline_ms());
    assert_eq!((done.losses.len(), done.losses[0].segment), (1, broken.number));
    assert!(store.certificate(erasure.id).unwrap().statement.contains("lost segment"));
    assert_eq!(bench.files_with("canary-7f3a"), []);
    assert_eq!(total(&store, KEEP), 1);
}
