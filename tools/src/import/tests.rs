use std::convert::Infallible;

use heatgrid_engine::model::{Region, Site, SiteId, SiteName, SiteSettings};
use heatgrid_server::privacy::url::PageRules;

use super::*;

/// 2026-01-02T12:00:00Z.
const NOW: u64 = 1_767_355_200_000;

fn site() -> Site {
    Site {
        id: SiteId(7),
        name: SiteName::new("shop").unwrap(),
        region: Region::new("eu").unwrap(),
        key: "eu-key".into(),
        old_key: None,
        created_at: 0,
        closed: false,
        settings: SiteSettings::standard(),
    }
}

/// Lines with n = 1, 2, 3, ...; a sum tells which of them were stored.
fn lines(count: u64) -> String {
    (1..=count)
        .map(|n| format!("{{\"ts\":{NOW},\"url\":\"https://a.example/\",\"kind\":\"click\",\"x\":1,\"y\":{n},\"n\":{n}}}\n"))
        .collect()
}

fn run(
    text: &str,
    batch_lines: usize,
    skip_lines: u64,
) -> (Vec<u64>, Result<Stored, Box<Stopped<Infallible>>>) {
    let site = site();
    let rules = PageRules::of(&site.settings);
    let mut batches = Vec::new();
    let store = |batch: Batch| {
        batches.push(batch.events);
        Ok(())
    };
    let mut sink = Filling { intake: Intake::new(&site, &rules, NOW), store };
    let result = import(&mut text.as_bytes(), &mut sink, Cut { batch_lines, skip_lines });
    (batches, result)
}

#[test]
fn a_file_is_cut_into_batches() {
    let (batches, result) = run(&lines(10), 4, 0);
    assert_eq!(batches, [1 + 2 + 3 + 4, 5 + 6 + 7 + 8, 9 + 10]);
    let stored = result.unwrap();
    assert_eq!((stored.lines, stored.batches, stored.accepted), (10, 3, 55));
    let (batches, result) = run("", 4, 0);
    assert_eq!((batches.len(), result.unwrap()), (0, Stored::default()));
}

#[test]
fn a_bad_line_stops_the_file_after_whole_batches() {
    let text = lines(5) + "\n{}\n" + &lines(5);
    let (batches, result) = run(&text, 3, 0);
    assert_eq!(batches, [6]);
    let stopped = result.unwrap_err();
    assert_eq!((stopped.stored.lines, stopped.stored.accepted), (3, 6));
    assert_eq!(
        stopped.to_string(),
        "line 7: `ts` is missing\nlines 1 to 3 are stored (6 events accepted); go on with --skip-lines 3"
    );
    let (batches, result) = run(&text, 100, 0);
    assert_eq!(
        (batches.len(), result.unwrap_err().to_string()),
        (0, "line 7: `ts` is missing\nnothing of the file is stored".into())
    );
}

#[test]
fn a_file_goes_on_where_it_stopped() {
    let (batches, result) = run(&lines(10), 4, 4);
    assert_eq!(batches, [5 + 6 + 7 + 8, 9 + 10]);
    assert_eq!(result.unwrap().lines, 10);
    // What is passed over is not looked at.
    let (batches, _) = run(&("x\n".to_owned() + &lines(2)), 4, 1);
    assert_eq!(batches, [3]);
    let (batches, result) = run(&lines(2), 4, 9);
    assert_eq!((batches.len(), result.unwrap().lines), (0, 9));
}

#[test]
fn a_line_without_end_is_named() {
    let text = lines(2) + &"x".repeat(3 << 20);
    let (_, result) = run(&text, 100, 0);
    assert!(result.unwrap_err().to_string().starts_with("line 3: a line has at most 1048576 bytes"));
}

#[test]
fn a_file_that_cannot_be_read_to_its_end_stores_nothing_of_the_last_batch() {
    struct Breaks;
    impl Read for Breaks {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }
    let site = site();
    let rules = PageRules::of(&site.settings);
    let text = lines(5);
    let cut = Cut { batch_lines: 2, skip_lines: 0 };
    let mut batches = 0;
    let store = |_| {
        batches += 1;
        Ok::<_, Infallible>(())
    };
    let mut sink = Filling { intake: Intake::new(&site, &rules, NOW), store };
    let result = import(&mut text.as_bytes().chain(Breaks), &mut sink, cut);
    assert_eq!((batches, result.unwrap_err().stored.lines), (2, 4));
}
