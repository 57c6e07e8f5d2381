//! The list of files behind a certificate.

use super::*;
use crate::inspect::{self, Finding};
use crate::ledger::LedgerError;
use crate::model::limits::EVIDENCE_DAYS;
use crate::purge::EvidenceError;
use crate::purge::evidence::Stood;

/// The lists of files on a disk.
fn lists(bench: &Bench) -> Vec<FileName> {
    Disk::list(&bench.disk, Directory::Evidence).unwrap().into_iter().map(|(file, _)| file).collect()
}

/// What is wrong with the evidence of a store that is closed.
fn damaged(bench: &Bench) -> usize {
    let disk: Arc<dyn Disk> = Arc::new(bench.disk.clone());
    let found = inspect::verify(&disk, Access::Read, false, &mut |_| {}).findings;
    found.iter().filter(|finding| matches!(finding, Finding::Evidence(LedgerError::Evidence { .. }))).count()
}

/// Advances the clock as time passes by itself.
fn pass(bench: &Bench, store: &Store, days: u32) {
    for _ in 0..days {
        bench.clock.advance(DAY_MS);
        store.run_due_jobs().unwrap();
    }
}

#[test]
fn the_files_behind_a_certificate_are_told_also_when_the_site_is_gone() {
    let bench = Bench::new();
    let store = bench.open();
    add(&store, &[(KEEP, event(date(2, 1), 1, "DE", 7))]);
    store.flush().unwrap();
    add(&store, &[(CANARY, event(date(3, 1), 1, "DE", 5)), (KEEP, event(date(3, 1), 1, "DE", 7))]);
    store.flush().unwrap();
    let before = files(&bench.disk);
    let erasure = store.erase(&request(&store, page(CANARY))).unwrap().erasure;
    assert!(matches!(store.evidence(erasure.id), Err(EvidenceError::NotCertified)));
    store.purge(false).unwrap();
    let after = files(&bench.disk);

    let told = store.evidence(erasure.id).unwrap();
    let that = |stood: fn(Stood) -> bool| -> Vec<u64> {
        told.files.iter().filter(|file| stood(file.stood)).map(|file| file.number).collect()
    };
    assert_eq!((that(Stood::is_before), that(Stood::is_after)), (before, after));
    assert_eq!(that(|stood| stood == Stood::Throughout).len(), 1, "the file of another month stays");
    let stands = told.files.iter().find(|file| file.stood == Stood::After).unwrap();
    let bytes = bench.disk.contents(FileName::Segment(stands.number)).unwrap();
    assert_eq!(stands.length_bytes, bytes.len() as u64);

    store.delete_site(site(&store)).unwrap();
    store.purge(true).unwrap();
    drop(store);
    let store = bench.open_from(Arc::new(bench.disk.survivors().nth(0)));
    assert_eq!(store.evidence(erasure.id).unwrap(), told);
    assert_eq!(bench.files_with("s.example"), []);
}

#[test]
fn erasures_of_one_purge_share_their_evidence() {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store);
    let [one, other] =
        [CANARY, KEEP].map(|text| store.erase(&request(&store, page(text))).unwrap().erasure.id);
    store.purge(false).unwrap();
    assert_eq!(store.evidence(one).unwrap(), store.evidence(other).unwrap());
    assert_eq!(lists(&bench).len(), 1);
}

#[test]
fn an_altered_list_is_refused_and_a_damaged_one_is_named() {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store);
    store.flush().unwrap();
    let erasure = store.erase(&request(&store, page(CANARY))).unwrap().erasure;
    store.purge(false).unwrap();
    let told = store.evidence(erasure.id).unwrap();
    let [FileName::Evidence(number)] = lists(&bench)[..] else { panic!("one list") };

    // Somebody leaves out that a file stood, and mends the checksum.
    let mut altered = told.clone();
    altered.files.pop();
    store.core.ledger.put_evidence(number, &altered).unwrap();
    let refused = store.evidence(erasure.id).unwrap_err();
    assert!(matches!(refused, EvidenceError::Altered), "{refused}");
    drop(store);
    assert_eq!(damaged(&bench), 0, "its bytes are as they were written");

    bench.disk.flip(FileName::Evidence(number), 30, 2);
    assert_eq!(damaged(&bench), 1);
    let store = bench.open();
    let refused = store.evidence(erasure.id).unwrap_err();
    assert!(matches!(refused, EvidenceError::Ledger(LedgerError::Evidence { .. })), "{refused}");
    Disk::remove(&bench.disk, FileName::Evidence(number)).unwrap();
    assert!(matches!(store.evidence(erasure.id), Err(EvidenceError::Gone)));
}

#[test]
fn evidence_goes_by_its_age_alone() {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store);
    let erasure = store.erase(&request(&store, page(CANARY))).unwrap().erasure;
    store.purge(false).unwrap();
    let written_ms = store.evidence(erasure.id).unwrap().written_ms;
    store.delete_site(site(&store)).unwrap();
    pass(&bench, &store, EVIDENCE_DAYS - 1);
    assert!(store.evidence(erasure.id).is_ok());
    assert_eq!(lists(&bench).len(), 2, "that of the site's deletion is younger");
    pass(&bench, &store, 1);
    assert_eq!(bench.clock.now_ms() - written_ms, u64::from(EVIDENCE_DAYS) * DAY_MS);
    assert!(matches!(store.evidence(erasure.id), Err(EvidenceError::Gone)));
    assert_eq!(lists(&bench).len(), 1);
    assert!(store.certificate(erasure.id).is_some());
    pass(&bench, &store, 7);
    assert_eq!(lists(&bench), []);
}

#[test]
fn a_clock_that_jumped_removes_no_evidence() {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store);
    store.erase(&request(&store, page(CANARY))).unwrap();
    store.purge(false).unwrap();
    bench.clock.advance(u64::from(EVIDENCE_DAYS) * DAY_MS);
    store.run_due_jobs().unwrap();
    assert_eq!(lists(&bench).len(), 1);
    store.accept_clock().unwrap();
    store.run_due_jobs().unwrap();
    assert_eq!(lists(&bench), []);
}
