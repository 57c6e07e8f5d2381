use super::*;

fn entry(at: u64, site: Option<u64>) -> Entry {
    let route = "GET /v1/sites/{site}/grid".to_owned();
    Entry { at, by: "anna".into(), route, site: site.map(SiteId) }
}

fn ats(listed: &Listed) -> Vec<u64> {
    listed.entries.iter().map(|entry| entry.at).collect()
}

#[test]
fn entries_are_listed_newest_first_page_by_page_and_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let audit = Audit::open(directory.path()).unwrap();
    for at in 1..=5 {
        audit.write(&entry(at, Some(at % 2))).unwrap();
    }
    drop(audit);
    let audit = Audit::open(directory.path()).unwrap();
    audit.write(&entry(6, None)).unwrap();
    assert_eq!(audit.list(None, None, 9).unwrap().entries[0], entry(6, None));
    let first = audit.list(None, None, 4).unwrap();
    assert_eq!(ats(&first), [6, 5, 4, 3]);
    let cursor = first.next.unwrap().to_string().parse().unwrap();
    let second = audit.list(None, Some(cursor), 4).unwrap();
    assert_eq!((ats(&second), second.next), (vec![2, 1], None));
    assert_eq!(ats(&audit.list(Some(SiteId(1)), None, 9).unwrap()), [5, 3, 1]);
}

#[test]
fn an_entry_is_durable_when_it_is_written_and_one_sync_serves_all_before_it() {
    let directory = tempfile::tempdir().unwrap();
    let audit = Audit::open(directory.path()).unwrap();
    for at in 1..=3 {
        audit.write(&entry(at, None)).unwrap();
    }
    let tail = Arc::clone(&audit.tail.lock());
    let all = tail.length();
    assert_eq!(tail.durable_bytes(), all);
    let first = tail.append(b"{}\n").unwrap();
    let second = tail.append(b"{}\n").unwrap();
    assert_eq!(tail.durable_bytes(), all);
    tail.make_durable(first).unwrap();
    assert_eq!(tail.durable_bytes(), second, "the sync of the first one took the second along");
}

#[test]
fn an_entry_that_cannot_be_synced_is_refused_and_its_file_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let audit = Audit::open(directory.path()).unwrap();
    audit.write(&entry(1, None)).unwrap();
    // It takes every write and no sync.
    let null = std::fs::OpenOptions::new().append(true).open("/dev/null").unwrap();
    let failing = Arc::new(Tail::of(null, 1, audit.tail.lock().length()));
    *audit.tail.lock() = Arc::clone(&failing);
    audit.write(&entry(2, None)).unwrap_err();
    assert!(failing.make_durable(failing.length()).is_err(), "it is never synced again");
    audit.write(&entry(3, None)).unwrap();
    assert_eq!(ats(&audit.list(None, None, 9).unwrap()), [3, 1]);
    assert!(directory.path().join("audit/2.jsonl").exists());
}

#[test]
fn many_who_write_at_once_find_each_line_whole() {
    let directory = tempfile::tempdir().unwrap();
    let audit = Audit::open(directory.path()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let audit = &audit;
            scope.spawn(move || (0..20).for_each(|at| audit.write(&entry(thread * 100 + at, None)).unwrap()));
        }
    });
    let mut written = ats(&audit.list(None, None, 1_000).unwrap());
    written.sort_unstable();
    let expected: Vec<u64> = (0..8).flat_map(|thread| (0..20).map(move |at| thread * 100 + at)).collect();
    assert_eq!(written, expected);
}

#[test]
fn a_line_that_a_crash_cut_off_costs_no_other() {
    let directory = tempfile::tempdir().unwrap();
    Audit::open(directory.path()).unwrap().write(&entry(1, None)).unwrap();
    let path = directory.path().join("audit/1.jsonl");
    let mut text = std::fs::read(&path).unwrap();
    text.extend_from_slice(br#"{"at":2,"by":"an"#);
    std::fs::write(&path, text).unwrap();
    let audit = Audit::open(directory.path()).unwrap();
    audit.write(&entry(3, None)).unwrap();
    assert_eq!(ats(&audit.list(None, None, 9).unwrap()), [3, 1]);
}

#[test]
fn a_site_that_is_forgotten_leaves_no_line() {
    let directory = tempfile::tempdir().unwrap();
    let audit = Audit::open(directory.path()).unwrap();
    for at in 1..=4 {
        audit.write(&entry(at, Some(at % 2))).unwrap();
    }
    audit.forget_unknown(|site| site != SiteId(1)).unwrap();
    audit.write(&entry(5, Some(0))).unwrap();
    assert_eq!(ats(&audit.list(None, None, 9).unwrap()), [5, 4, 2]);
    let text = std::fs::read_to_string(directory.path().join("audit/1.jsonl")).unwrap();
    assert!(!text.contains(&SiteId(1).to_string()), "{text}");
}

#[test]
fn files_go_when_all_their_entries_are_too_old() {
    let directory = tempfile::tempdir().unwrap();
    let audit = Audit::open(directory.path()).unwrap();
    audit.write(&entry(1_000, None)).unwrap();
    *audit.tail.lock() = Arc::new(Tail::open(&audit.files, 2).unwrap());
    audit.write(&entry(2_000, None)).unwrap();
    audit.expire(1_000 + KEPT_DAYS * 86_400).unwrap();
    assert_eq!(ats(&audit.list(None, None, 9).unwrap()), [2_000, 1_000]);
    audit.expire(3_000 + KEPT_DAYS * 86_400).unwrap();
    // The file that is written stays, however old.
    assert_eq!(ats(&audit.list(None, None, 9).unwrap()), [2_000]);
}
