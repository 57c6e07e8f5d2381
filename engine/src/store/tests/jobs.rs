//! What jobs do to files, and what they never do to answers.

use super::*;

#[test]
fn a_flush_keeps_what_was_counted() {
    let bench = Bench::new();
    let store = bench.open();
    store.append(batch(&store, &[("a.example/", event(date(3, 10), 3, "DE", 5))])).unwrap().wait().unwrap();
    let counted = BTreeMap::from([(3, 5)]);
    assert_eq!(columns(&store, "a.example/", year(), None).unwrap(), counted);
    store.flush().unwrap();
    assert_eq!(store.status().segments, 1);
    assert_eq!(columns(&store, "a.example/", year(), None).unwrap(), counted);
    drop(store);
    assert_eq!(columns(&bench.open(), "a.example/", year(), None).unwrap(), counted);
}
