use std::collections::{BTreeMap, HashSet};

use heatgrid_engine::model::{Device, Layer, RowKey};

use super::*;

const EVENTS: u64 = 1_000_000;

fn check_share(what: &str, found: u64, of: u64, expected: f64, tolerance: f64) {
    let share = found as f64 / of as f64;
    assert!((share - expected).abs() < tolerance, "{what}: {share:.4}, expected {expected:.4}");
}

#[test]
fn kinds_devices_sites_and_countries_have_their_shares() {
    let (mut kinds, mut devices) = (BTreeMap::new(), BTreeMap::new());
    let (mut busiest_site, mut busiest_page, mut busiest_country, mut total) = (0, 0, 0, 0);
    let mut pageviews = 0_u64;
    for pageview in Workload::new(EVENTS) {
        let events = pageview.events.len() as u64;
        let first = pageview.events[0];
        pageviews += 1;
        total += events;
        busiest_site += u64::from(pageview.site == 0);
        busiest_page += u64::from(pageview.page == 0);
        busiest_country += u64::from(first.country.to_string() == "US");
        *devices.entry(first.viewport.device()).or_insert(0) += 1;
        for event in &pageview.events {
            *kinds.entry(event.kind).or_insert(0) += 1;
        }
    }
    assert_eq!(total, EVENTS);
    check_share("events of a pageview", total, pageviews, 20.0, 0.3);
    let kinds = |kind| kinds[&kind];
    check_share("move", kinds(Kind::Move), total, 0.8 * 0.88, 0.008);
    check_share("scroll", kinds(Kind::Scroll), total, 0.8 * 0.07 + 0.2 * 0.40, 0.008);
    check_share("touch", kinds(Kind::Touch), total, 0.2 * 0.45, 0.008);
    check_share("click", kinds(Kind::Click), total, 0.8 * 0.05 + 0.2 * 0.15, 0.008);
    check_share("mobile", devices[&Device::Mobile], pageviews, 0.17, 0.006);
    check_share("tablet", devices[&Device::Tablet], pageviews, 0.03, 0.004);
    let first = |weights: Vec<f64>| weights[0] / weights.iter().sum::<f64>();
    check_share("first site", busiest_site, pageviews, first(zipf(SITES, 1.1)), 0.01);
    check_share("first page", busiest_page, pageviews, first(zipf(PAGES, 1.0)), 0.01);
    check_share("first country", busiest_country, pageviews, first(zipf(60, 1.2)), 0.01);
}

#[test]
fn hours_ascend_over_ninety_days_and_weekends_are_quieter() {
    let mut last = 0;
    let mut by_day = BTreeMap::<_, u64>::new();
    for pageview in Workload::new(EVENTS) {
        let hour = pageview.events[0].hour;
        assert!(pageview.events.iter().all(|event| event.hour == hour));
        assert!(hour.number() >= last);
        last = hour.number();
        *by_day.entry(hour.day().to_string()).or_default() += pageview.events.len() as u64;
    }
    assert_eq!(by_day.len(), 90);
    assert!(by_day.contains_key("2026-01-01") && by_day.contains_key("2026-03-31"));
    // Day 5 of every seven is the first of a weekend, wherever the calendar has it.
    let days: Vec<u64> = by_day.into_values().collect();
    let weekend: u64 = days.chunks(7).filter(|week| week.len() == 7).map(|week| week[5]).sum();
    let midweek: u64 = days.chunks(7).filter(|week| week.len() == 7).map(|week| week[2]).sum();
    check_share("a weekend's day", weekend, midweek, 0.7, 0.05);
}

#[test]
fn places_stay_on_the_page_and_scrolls_on_its_edge() {
    for pageview in Workload::new(100_000) {
        for event in &pageview.events {
            let width = if event.viewport.device() == Device::Desktop { 240 } else { 128 };
            assert!(event.cell.x() < width && event.cell.y() < 1_500);
            assert!(event.kind != Kind::Scroll || event.cell.x() == 0);
        }
    }
}

/// Another program with the same model and other random numbers found these in its first million events:
/// how often a key comes again decides what layouts and codecs can reach.
#[test]
fn keys_repeat_as_often_as_in_the_model() {
    let (mut keys, mut cells, mut hours) = (HashSet::new(), HashSet::new(), HashSet::new());
    for pageview in Workload::new(EVENTS) {
        let page = pageview.site * PAGES + pageview.page;
        for event in &pageview.events {
            let layer = Layer::new(event.kind, event.viewport, event.fixed);
            keys.insert((page, RowKey::new(layer, event.cell, event.hour.day(), event.country)));
            cells.insert((page, layer, event.cell));
            hours.insert((page, event.kind, event.hour));
        }
    }
    check_share("distinct (page, layer, cell, day, country)", keys.len() as u64, EVENTS, 0.9243, 0.006);
    check_share("distinct (page, layer, cell)", cells.len() as u64, EVENTS, 0.7650, 0.010);
    check_share("distinct (page, kind, hour)", hours.len() as u64, EVENTS, 0.1061, 0.003);
}

#[test]
fn the_same_number_gives_the_same_events_and_page_texts_are_urls() {
    let digest = |events: Vec<Event>| -> u64 {
        let fold = |sum: u64, event: &Event| {
            sum.wrapping_mul(0x9e37_79b9_7f4a_7c15)
                ^ u64::from(event.cell.code()) << 16
                ^ u64::from(event.country.code())
        };
        events.iter().fold(0, fold)
    };
    let first = |count| digest(Workload::new(count).flat_map(|pageview| pageview.events).collect());
    assert_eq!(first(10_000), first(10_000));
    assert_ne!(first(10_000), first(20_000));
    let workload = Workload::new(1);
    let mut texts = HashSet::new();
    for (site, page) in (0..SITES).flat_map(|site| (0..PAGES).map(move |page| (site, page))) {
        let text = workload.page_text(site, page);
        assert!((30..=80).contains(&text.len()), "{text}");
        assert!(texts.insert(text), "{text} twice");
    }
    let mean = texts.iter().map(|text| text.len()).sum::<usize>() / texts.len();
    assert!((40..=60).contains(&mean), "{mean}");
}

#[test]
fn the_busiest_pages_come_first() {
    let ranked = Workload::pages_by_traffic();
    assert_eq!((ranked.len(), ranked[0], ranked[SITES * PAGES - 1]), (SITES * PAGES, (0, 0), (199, 49)));
    let mut events = vec![0_u64; SITES * PAGES];
    for pageview in Workload::new(EVENTS) {
        events[pageview.site * PAGES + pageview.page] += pageview.events.len() as u64;
    }
    let of = |ranks: std::ops::Range<usize>| -> u64 {
        ranked[ranks].iter().map(|(site, page)| events[site * PAGES + page]).sum()
    };
    assert!(of(0..50) > 2 * of(50..100) && of(50..100) > 2 * of(1_000..1_050), "{}", of(50..100));
}
