use std::sync::Arc;

use heatgrid_engine::clock::Clock;
use heatgrid_engine::memtable::Memtable;
use heatgrid_engine::model::{Region, Seq, SiteId, SiteName, SiteSettings, TextHasher};
use heatgrid_engine::query::CancelFlag;
use heatgrid_engine::view::{Masks, SegmentSet};

use super::*;
use crate::intake::Intake;

/// 2026-01-02T12:00:00Z.
const NOW: u64 = 1_767_355_200_000;

struct At(u64);

impl Clock for At {
    fn now_ms(&self) -> u64 {
        self.0
    }
}

/// A site of one memtable with these events: page, kind, n, and what else stands in the line.
fn ask(events: &[(&str, &str, u32, &str)], route: Route, query: &str) -> Result<Answered, AskError> {
    let site = Site {
        id: SiteId(7),
        name: SiteName::new("shop").unwrap(),
        region: Region::new("eu").unwrap(),
        key: "eu_key".into(),
        old_key: None,
        created_at: 0,
        closed: false,
        settings: SiteSettings::standard(),
    };
    let rules = PageRules::of(&site.settings);
    let mut intake = Intake::new(&site, &rules, NOW);
    for (page, kind, n, more) in events {
        let line =
            format!(r#"{{"ts":{NOW},"url":"https://{page}","kind":"{kind}","x":9,"y":17,"n":{n}{more}}}"#);
        intake.line(line.as_bytes()).unwrap();
    }
    let memtable = Memtable::new();
    memtable.apply(site.id, &intake.take().pages, Seq(1), NOW);
    let view = View::open(
        Arc::new(SegmentSet::default()),
        vec![Arc::new(memtable)],
        Arc::new(Masks::none(TextHasher::new([0; 32]))),
        Arc::new(At(NOW)),
    );
    let budget = Budget { rows: 1_000, bytes: 1_000, cancel: CancelFlag::new() };
    let scope = SiteScope::granted(site.id);
    Asking::new(&site, scope, &rules, &view, NOW, &budget).ask(route, &Written::from_query(query)?)
}

fn text(answered: Result<Answered, AskError>) -> String {
    String::from_utf8(answered.unwrap().bytes).unwrap()
}

#[test]
fn what_was_counted_is_answered_in_every_form_and_spelling() {
    let events = [
        ("a.example/p", "click", 3, ""),
        ("a.example/p?x=1", "touch", 4, ""),
        ("a.example/q", "click", 9, ""),
    ];
    let grid = |query| text(ask(&events, Route::Grid, query));
    assert_eq!(
        grid("page=https://A.example/p?utm=2&kind=click,touch&format=csv"),
        "cell_x,cell_y,count\n1,2,7\n"
    );
    assert_eq!(grid("page_pattern=a.example/*&format=ndjson"), "{\"x\":1,\"y\":2,\"count\":12}\n");
    let json = grid("page=a.example/p");
    assert!(
        json.starts_with(
            "{\"site\":\"shop\",\"page\":\"a.example/p\",\"kind\":[\"click\"],\"from\":\"2025-12-04\""
        ),
        "{json}"
    );
    assert!(
        json.contains("\"to\":\"2026-01-03\",\"as_of\":\"2026-01-02T12:00:00Z\",\"cell_px\":8"),
        "{json}"
    );
    assert!(json.ends_with("\"total\":3,\"max\":3,\"cells\":[[1,2,3]]}\n"), "{json}");
    assert_eq!(
        text(ask(&events, Route::Series, "step=hour")),
        "[{\"time\":\"2026-01-02T12\",\"count\":12}]\n"
    );
    let summary = text(ask(&events, Route::Summary, "format=csv"));
    assert!(
        summary.contains("kind,click,12\nkind,touch,4\n") && summary.contains("\nhour,fri-12,16\n"),
        "{summary}"
    );
    let scroll = text(ask(&[("a.example/", "scroll", 2, "")], Route::Scroll, "format=csv"));
    assert_eq!(scroll, "y_px,reached,share,seconds\n16,2,1.0,0\n");
}

#[test]
fn a_list_of_pages_goes_on_behind_its_cursor() {
    let events =
        [("a.example/1", "click", 5, ""), ("a.example/2", "click", 5, ""), ("a.example/3", "click", 7, "")];
    let mut seen = String::new();
    let mut cursor = String::new();
    for _ in 0..4 {
        let answered = ask(&events, Route::Pages, &format!("limit=1&format=csv{cursor}")).unwrap();
        seen.push_str(String::from_utf8(answered.bytes).unwrap().trim_start_matches("page,count\n"));
        let Some(next) = answered.next else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, "a.example/3,7\na.example/1,5\na.example/2,5\n");
}

#[test]
fn what_is_withheld_is_said_of_lists_too() {
    let events = [("a.example/", "converted_click", 3, ""), ("a.example/", "conversion", 9, "")];
    for (route, said) in [(Route::Series, "[]\n"), (Route::Pages, "[]\n"), (Route::Grid, "\"cells\":[]}\n")] {
        let answered = ask(&events, route, "page=a.example/&kind=converted_click").unwrap();
        assert!(answered.withheld && answered.bytes.ends_with(said.as_bytes()), "{route:?}");
    }
}

#[test]
fn a_tag_names_what_is_said_not_when() {
    let tag = |count, query| ask(&[("a.example/", "click", count, "")], Route::Grid, query).unwrap().tag();
    let answered = ask(&[("a.example/", "click", 1, "")], Route::Grid, "page=a.example").unwrap();
    let mut later = answered.clone();
    let text = String::from_utf8(later.bytes).unwrap();
    later.bytes = text.replace("2026-01-02T12:00:00Z", "2026-01-02T12:34:56Z").into_bytes();
    assert!(later.bytes != answered.bytes && later.tag() == answered.tag());
    let tags = [
        answered.tag(),
        tag(2, "page=a.example"),
        tag(1, "page=a.example&format=csv"),
        tag(1, "page=a.example&format=png"),
        tag(1, "page=a.example&format=png&opacity=30"),
        tag(1, "page=a.example&from=2026-01-01"),
    ];
    let different: std::collections::HashSet<_> = tags.iter().collect();
    assert_eq!(different.len(), tags.len(), "{tags:?}");
}

#[test]
fn days_are_compared_only_where_there_is_room_for_a_fourth_number() {
    let events = [("a.example/", "click", 1, "")];
    let span = "page=a.example&compare_from=2025-12-01&compare_to=2026-01-03";
    for format in Format::ALL {
        let answered = ask(&events, Route::Grid, &format!("{span}&format={}", format.name()));
        let has_room = matches!(format, Format::Json | Format::Csv | Format::Ndjson);
        assert_eq!(answered.is_ok(), has_room, "{format:?}");
    }
}

#[test]
fn why_there_is_no_answer_is_told_apart() {
    let asked = |route, query| ask(&[("a.example/", "click", 1, "")], route, query);
    assert!(matches!(asked(Route::Grid, ""), Err(AskError::Bad(BadQuestion::Missing { name: "page", .. }))));
    assert!(matches!(asked(Route::Pages, "format=png"), Err(AskError::Form(_))));
    assert!(matches!(
        asked(Route::Series, "format=xml"),
        Err(AskError::Bad(BadQuestion::Value { name: "format", .. }))
    ));
    assert!(matches!(
        asked(Route::Series, "from=2026-02-01&to=2026-01-01"),
        Err(AskError::Query(QueryError::Invalid(_)))
    ));
}
