//! A bulk request is one batch, however large: it is stored whole or not at all.

use super::*;
use crate::commit::Appended;
use crate::disk::RealDisk;
use crate::model::InvalidEvent;
use crate::model::limits::BATCH_EVENTS;

/// A batch of so many events, four to a cell, on ten pages.
fn bulk(store: &Store, events: usize) -> Batch {
    let mut builder = BatchBuilder::new(site(store));
    let of_page = events / 10;
    for number in 0..10 {
        let page = builder.page(format!("a.example/{number}")).unwrap();
        builder.reserve(page, of_page);
        for n in 0..of_page {
            let cell = Cell::from_code((n / 4) as u32).unwrap();
            builder.add_to(page, Event { cell, ..event(date(3, 10), 0, "DE", 1) }).unwrap();
        }
    }
    if events == BATCH_EVENTS {
        let more = builder.add("a.example/0", event(date(3, 10), 0, "DE", 1));
        assert_eq!(more, Err(InvalidEvent::TooMany));
    }
    builder.build(None, None)
}

/// Events of the whole site, as a question is answered.
fn total(store: &Store) -> u64 {
    let selection = Selection {
        pages: Pages::Site,
        layers: LayerSelection::of_kinds(Kind::Click),
        countries: None,
        days: year(),
    };
    store.summary(SiteScope::granted(site(store)), &selection, &budget()).unwrap().value.total
}

#[test]
fn the_largest_batch_is_stored_whole() {
    let directory = tempfile::tempdir().unwrap();
    let mut bench = Bench::new();
    (bench.options.wal_file_bytes, bench.options.memtable_bytes) = (1 << 20, 64 << 20);
    let open = || bench.open_from(Arc::new(RealDisk::open(directory.path()).unwrap()));
    let store = open();
    let events = BATCH_EVENTS as u64;
    let appended = store.append(bulk(&store, BATCH_EVENTS)).unwrap().wait().unwrap();
    assert!(matches!(appended, Appended::Stored { events: stored, .. } if stored == events), "{appended:?}");
    let files = store.status().log.wal_files;
    assert!(files >= 3, "it spans {files} files of the log, and a record is in one");
    assert_eq!(total(&store), events);
    drop(store);
    let store = open();
    assert!(store.report().wal.is_sound(), "{:?}", store.report().wal);
    assert_eq!((total(&store), store.status().segments), (events, 0));
}

/// Events of the batch that is cut, and of those before it.
const CUT: usize = 12_000;
const BEFORE: u64 = 12;

/// Opens a store with log files of the smallest size and appends what comes before the batch that is cut.
fn with_two_batches(bench: &Bench) -> Store {
    let store = bench.open();
    for count in [5, 7] {
        let events = [("b.example/", event(date(3, 10), 3, "DE", count))];
        store.append(batch(&store, &events)).unwrap().wait().unwrap();
    }
    store
}

#[test]
fn a_batch_that_is_cut_between_its_records_is_not_there_and_those_before_it_are() {
    let mut bench = Bench::new();
    bench.options.wal_file_bytes = 4 << 10;
    let store = with_two_batches(&bench);
    let (begun, files) = (bench.disk.calls().mutating(), store.status().log.wal_files);
    store.append(bulk(&store, CUT)).unwrap().wait().unwrap();
    let ended = bench.disk.calls().mutating();
    assert!(store.status().log.wal_files >= files + 3, "it spans several files, each with a record of it");
    drop(store);
    let mut cut_short = 0;
    for call in begun + 1..=ended {
        let crashed = bench.on(SimulatedDisk::new());
        let store = with_two_batches(&crashed);
        crashed.disk.crash_at(call);
        let appended = store.append(bulk(&store, CUT)).unwrap();
        assert!(appended.wait().is_err(), "call {call}");
        for left in crashed.disk.survivors().up_to(6, call) {
            let store = bench.on(left).open();
            let report = &store.report().wal;
            assert!(report.is_sound(), "call {call}: {report:?}");
            cut_short += report.unfinished;
            let found = total(&store);
            // The record that commits it is written and synced in the last two calls.
            let may_be_there = call + 1 >= ended && found == BEFORE + CUT as u64;
            assert!(found == BEFORE || may_be_there, "call {call} of {begun} to {ended}: {found} events");
        }
    }
    assert!(cut_short > 0, "no cut has left records of it");
}
