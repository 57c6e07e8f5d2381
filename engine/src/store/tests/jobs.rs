//! What jobs do to files, and what they never do to answers.

use std::time::Duration;

use super::*;

/// Five events of one cell.
fn append_one(store: &Store) {
    let events = [("a.example/", event(date(3, 10), 3, "DE", 5))];
    store.append(batch(store, &events)).unwrap().wait().unwrap();
}

#[test]
fn a_flush_keeps_what_was_counted() {
    let bench = Bench::new();
    let store = bench.open();
    append_one(&store);
    let counted = BTreeMap::from([(3, 5)]);
    assert_eq!(columns(&store, "a.example/", year(), None).unwrap(), counted);
    store.flush().unwrap();
    assert_eq!(store.status().segments, 1);
    assert_eq!(columns(&store, "a.example/", year(), None).unwrap(), counted);
    drop(store);
    assert_eq!(columns(&bench.open(), "a.example/", year(), None).unwrap(), counted);
}

/// How often the next test looks whether the store's thread has done its work, and how long it waits in between at
/// most: together far longer than any of the thread's naps.
const LOOKS: usize = 100;
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

#[test]
fn a_quiet_store_flushes_by_itself_and_the_log_behind_it_goes() {
    let mut bench = Bench::new();
    bench.options.background = Background::Threads;
    let store = bench.open();
    append_one(&store);
    let logs = || -> Vec<FileName> {
        let names = bench.disk.files().into_iter().map(|(file, _)| file);
        names.filter(|file| matches!(file, FileName::Wal(_) | FileName::WalNew(_))).collect()
    };
    let held: Vec<FileName> = logs().into_iter().filter(|file| names_the_page(&bench.disk, *file)).collect();
    assert_eq!(held.len(), 1, "the batch is in one file of the log");
    // Nothing is due before the last ms of the quarter of an hour. Then the thread notices by itself: nothing is
    // appended, asked for or signalled here.
    bench.clock.advance(15 * 60 * 1_000 - 1);
    assert!(!store.core.flush_is_due());
    bench.clock.advance(1);
    let room = &store.core.signals.room;
    for _ in 0..LOOKS {
        let seen = room.count();
        if store.status().segments > 0 {
            break;
        }
        room.wait(seen, BETWEEN_LOOKS);
    }
    // A flush holds this until the log is trimmed.
    drop(store.core.flushing.lock());
    let status = store.status();
    assert_eq!((status.segments, status.segment_events, status.memtable_events), (1, 5, 0));
    assert!(!logs().contains(&held[0]), "{} is still there", held[0]);
    assert!(logs().into_iter().all(|file| !names_the_page(&bench.disk, file)), "the log names the page");
    drop(store);
    assert_eq!(columns(&bench.open(), "a.example/", year(), None).unwrap(), BTreeMap::from([(3, 5)]));
}

fn names_the_page(disk: &SimulatedDisk, file: FileName) -> bool {
    let page = b"a.example/";
    // A file may be gone or have its final name since it was listed: other threads are at work.
    disk.contents(file).is_some_and(|bytes| bytes.windows(page.len()).any(|bytes| bytes == page))
}
