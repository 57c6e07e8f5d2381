use axum::http::HeaderMap;
use heatgrid_engine::model::{Region, SiteName, SiteSettings};

use super::*;
use crate::privacy::consent;
use crate::wire::{collect, posthog};

/// 2026-01-02T12:00:00Z.
const NOW: u64 = 1_767_355_200_000;

fn site(settings: SiteSettings) -> Site {
    Site {
        id: heatgrid_engine::model::SiteId(7),
        name: SiteName::new("shop").unwrap(),
        region: Region::new("eu").unwrap(),
        key: "eu-key".into(),
        old_key: None,
        created_at: 0,
        closed: false,
        settings,
    }
}

fn with_visit<T>(settings: SiteSettings, run: impl FnOnce(Visit<'_>) -> T) -> T {
    let site = site(settings);
    let rules = PageRules::of(&site.settings);
    let headers: HeaderMap =
        [("origin".parse().unwrap(), "https://a.example".parse().unwrap())].into_iter().collect();
    let origin = Origin::of(&headers).unwrap();
    let country = "DE".parse().unwrap();
    let blocked = &Blocked::nothing();
    run(Visit { site: &site, rules: &rules, blocked, origin, country, now_ms: NOW })
}

fn beacon(settings: SiteSettings, pages: &str) -> Result<Counted, ForeignPage> {
    let body = format!(r#"{{"key":"k","id":"9f86d081884c7d659a2feaa0c55ad015","pages":[{pages}]}}"#);
    let read = collect::read(body.as_bytes()).unwrap();
    with_visit(settings, |visit| visit.beacon(consent::ask(&HeaderMap::new(), read).unwrap()))
}

#[test]
fn each_event_of_a_beacon_is_accepted_or_dropped_for_one_reason() {
    let settings =
        SiteSettings { exclude_pages: vec!["/admin*".into()], retention_days: 1, ..SiteSettings::standard() };
    let counted = beacon(
        settings,
        r#"{"url":"https://a.example/p/123456789?x#y","vw":1440,"events":[[1,9,17,0,0],[1,10,18,1,9],[5,-1,0,0,0],[1,0,262144,0,0]]},
           {"url":"https://a.example/p/987654321","vw":1440,"events":[[1,9,17,0,0],[1,9,17,0,46800000]]},
           {"url":"https://a.example/admin","events":[[1,9,17,0,0],[0,0,0,0,0],[0,0,0,0,0]]},
           {"url":"nowhere","events":[[1,9,17,0,0]]}"#,
    )
    .unwrap();
    assert_eq!((counted.tally.accepted(), counted.tally.redacted(), counted.tally.sent()), (3, 3, 10));
    assert_eq!(
        counted.tally.dropped().collect::<Vec<_>>(),
        [(DropReason::Expired, 1), (DropReason::Excluded, 3), (DropReason::Url, 1), (DropReason::Place, 2)]
    );
    let pages: Vec<_> = counted.batch.pages.iter().map(|page| &*page.page).collect();
    assert_eq!((pages, counted.batch.events), (vec!["a.example/p/*"], 3));
    let key = counted.batch.pages[0].rows[0].key;
    assert_eq!((key.country().to_string().as_str(), key.cell().x(), key.cell().y()), ("DE", 1, 2));
}

#[test]
fn an_age_moves_an_event_by_a_day_at_most() {
    let day = |age: &str| {
        let event = format!(r#"{{"url":"https://a.example/","events":[[1,0,0,0,{age}]]}}"#);
        beacon(SiteSettings::standard(), &event).unwrap().batch.days().unwrap().from.to_string()
    };
    assert_eq!(day("0"), "2026-01-02");
    assert_eq!(day("-5"), "2026-01-02", "no event is of the future");
    assert_eq!(day("46800000"), "2026-01-01");
    assert_eq!(day("1e300"), "2026-01-01");
}

#[test]
fn one_foreign_page_and_nothing_is_counted() {
    let good = r#"{"url":"https://a.example/","events":[[1,0,0,0,0]]}"#;
    assert!(beacon(SiteSettings::standard(), good).is_ok());
    for foreign in ["https://b.example/", "https://a.example:8443/", "https://a.example.b.example/"] {
        let bad = format!(r#"{good},{{"url":"{foreign}","events":[]}}"#);
        assert_eq!(beacon(SiteSettings::standard(), &bad).unwrap_err(), ForeignPage, "{foreign}");
    }
    // The scheme is not of a page, and neither are the ports that go without saying.
    let bad = r#"{"url":"http://a.example:80/","events":[]}"#;
    assert!(beacon(SiteSettings::standard(), bad).is_ok());
}

#[test]
fn heatmaps_with_an_id_are_batches_and_those_without_are_one() {
    let event = |uuid: &str, data: &str| {
        format!(
            r#"{{"event":"$$heatmap",{uuid}"properties":{{"$viewport_width":1000,"$heatmap_data":{data}}}}}"#
        )
    };
    let same_page = r#"{"https://a.example/?1":[{"x":1,"y":1,"type":"click"},{"x":1,"y":1,"type":"hover"}],"https://a.example/#2":[{"x":2,"y":2,"type":"click"}]}"#;
    let body = format!(
        r#"{{"api_key":"k","batch":[{},{},{}]}}"#,
        event("", same_page),
        event(r#""uuid":"01a2088e-c635-7967-9384-01af6f598576","#, same_page),
        event("", same_page)
    );
    let capture = posthog::read(body.as_bytes()).unwrap();
    assert_eq!(capture.points(), 9);
    let consented = consent::ask(&HeaderMap::new(), capture.heatmaps).unwrap();
    let batches = with_visit(SiteSettings::standard(), |visit| visit.heatmaps(consented)).unwrap();
    let seen: Vec<_> = batches
        .iter()
        .map(|counted| (counted.batch.id.is_some(), counted.batch.events, counted.tally.sent()))
        .collect();
    assert_eq!(seen, [(true, 2, 3), (false, 4, 6)]);
    assert_eq!(batches[0].batch.pages.len(), 1, "URLs of one page are added up");
    assert_eq!(batches[0].tally.dropped().collect::<Vec<_>>(), [(DropReason::Kind, 1)]);
    let again = batches[0].tally.clone().repeated();
    assert_eq!((again.accepted(), again.sent()), (0, 3));
}
