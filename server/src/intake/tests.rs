use heatgrid_engine::model::{PathRules, Region, SiteName, SiteSettings, Zone};

use super::*;

/// 2026-01-02T12:00:00Z.
const NOW: u64 = 1_767_355_200_000;
const HOUR: i64 = 3_600_000;

fn site(settings: SiteSettings) -> Site {
    Site {
        id: SiteId(7),
        name: SiteName::new("shop").unwrap(),
        region: Region::new("eu").unwrap(),
        key: "eu-key".into(),
        old_key: None,
        created_at: 0,
        closed: false,
        settings,
    }
}

fn line(before_now_ms: i64, url: &str, more: &str) -> String {
    let at = NOW as i64 - before_now_ms;
    format!(r#"{{"ts":{at},"url":"{url}","kind":"click","x":9,"y":17{more}}}"#)
}

#[test]
fn each_event_is_accepted_or_dropped_for_one_reason() {
    let settings = SiteSettings {
        hosts: vec!["a.example".into()],
        exclude_pages: vec!["/admin/*".into()],
        retention_days: 2,
        ..SiteSettings::standard()
    };
    let site = site(settings);
    let rules = PageRules::of(&site.settings);
    let mut intake = Intake::new(&site, &rules, NOW);
    for (before, url, more) in [
        (0, "https://a.example/p", ""),
        (0, "https://a.example/p?x=1", r#","n":10"#),
        (0, "https://a.example/p", r#","n":100,"gpc":true"#),
        (0, "https://a.example/only-here", r#","n":1,"dnt":true"#),
        (-25 * HOUR, "https://a.example/p", r#","n":1000"#),
        (-23 * HOUR, "https://a.example/p", ""),
        (36 * HOUR, "https://a.example/p", ""),
        (37 * HOUR, "https://a.example/expired", r#","n":10000"#),
        (i64::MAX / 2_000_000, "https://a.example/p", ""),
        (0, "https://b.example/p", r#","n":7"#),
        (0, "https://a.example/admin/", r#","n":9"#),
        (0, "https://a.example/u/123456789", ""),
    ] {
        intake.line(line(before, url, more).as_bytes()).unwrap();
    }
    let tally = intake.tally();
    assert_eq!(tally.accepted(), 1 + 10 + 1 + 1 + 1);
    assert_eq!(
        tally.dropped().collect::<Vec<_>>(),
        [
            (DropReason::Consent, 101),
            (DropReason::Expired, 10_001),
            (DropReason::Future, 1_000),
            (DropReason::Excluded, 9),
            (DropReason::Host, 7)
        ]
    );
    assert_eq!(tally.sent(), 14 + 101 + 10_001 + 1_000 + 9 + 7);
    assert_eq!(tally.redacted(), 1);
    let batch = intake.take();
    assert_eq!((batch.site, batch.events), (SiteId(7), 14));
    let pages: Vec<_> = batch.pages.iter().map(|page| &*page.page).collect();
    assert_eq!(pages, ["a.example/p", "a.example/u/*"], "a dropped event leaves no page behind");
}

#[test]
fn a_bad_line_changes_nothing() {
    let site = site(SiteSettings::standard());
    let rules = PageRules::of(&site.settings);
    let mut intake = Intake::new(&site, &rules, NOW);
    for bad in [
        "{}",
        "x",
        &line(0, "ftp://a.example/", ""),
        &line(0, "nowhere", ""),
        &line(0, "https://a.example/", ",\"n\":0"),
    ] {
        assert!(intake.line(bad.as_bytes()).is_err(), "{bad}");
    }
    assert_eq!((intake.tally().sent(), intake.lines()), (0, 0));
    assert!(intake.take().pages.is_empty());
}

#[test]
fn urls_of_one_page_are_added_up_across_batches_and_beyond_what_is_remembered() {
    let site = site(SiteSettings { path_rules: PathRules::Keep, ..SiteSettings::standard() });
    let rules = PageRules::of(&site.settings);
    let mut intake = Intake::new(&site, &rules, NOW);
    for _ in 0..2 {
        for i in 0..20_000 {
            intake.line(line(0, &format!("https://a.example/p?x={}", i % 9_000), "").as_bytes()).unwrap();
        }
        let batch = intake.take();
        assert_eq!((batch.pages.len(), batch.events), (1, 20_000));
    }
    assert_eq!(intake.tally().accepted(), 40_000);
}

#[test]
fn a_site_is_asked_what_day_it_is_there() {
    let zone = Zone::named("Pacific/Kiritimati").unwrap();
    let site = site(SiteSettings { timezone: zone, retention_days: 1, ..SiteSettings::standard() });
    let rules = PageRules::of(&site.settings);
    let mut intake = Intake::new(&site, &rules, NOW);
    // It is 02:00 of January 3rd there.
    intake.line(line(2 * HOUR, "https://a.example/", "").as_bytes()).unwrap();
    intake.line(line(2 * HOUR + 1, "https://a.example/", "").as_bytes()).unwrap();
    assert_eq!(intake.tally().dropped().collect::<Vec<_>>(), [(DropReason::Expired, 1)]);
    assert_eq!(intake.take().days().unwrap().from.to_string(), "2026-01-03");
}

/// Lines with their numbers.
type Numbered = Vec<(u64, Vec<u8>)>;

/// What was found, the number of the last line, and how it ended.
fn cut(text: &[u8], piece: usize) -> (Numbered, u64, Result<(), LineError>) {
    let mut lines = Lines::new();
    let mut found = Vec::new();
    let mut take = |number, line: &[u8]| {
        found.push((number, line.to_vec()));
        Ok(())
    };
    let fed = text.chunks(piece).try_for_each(|piece| lines.feed::<LineError>(piece, &mut take));
    let result = fed.and_then(|()| lines.finish(&mut take));
    (found, lines.number(), result)
}

#[test]
fn lines_are_the_same_in_whatever_pieces_they_come() {
    let text = b"one\n\ntwo\r\n  \nthree is longer\nfour";
    for piece in 1..=text.len() {
        let (found, read, result) = cut(text, piece);
        let lines: Vec<_> = found.iter().map(|(number, line)| (*number, line.trim_ascii())).collect();
        let expected = [(1, &b"one"[..]), (3, b"two"), (5, b"three is longer"), (6, b"four")];
        assert_eq!((lines, read, result), (expected.to_vec(), 6, Ok(())), "pieces of {piece}");
    }
}

#[test]
fn a_line_without_end_is_refused_before_it_is_held() {
    let mut text = b"{}\n".to_vec();
    text.resize(3 * LINE_BYTES, b'x');
    for piece in [1 << 12, 2 * LINE_BYTES] {
        let (found, read, result) = cut(&text, piece);
        assert_eq!((found.len(), read, result), (1, 2, Err(LineError::Length { limit: LINE_BYTES })));
    }
    text.push(b'\n');
    let (_, _, result) = cut(&text, text.len());
    assert_eq!(result, Err(LineError::Length { limit: LINE_BYTES }));
}
