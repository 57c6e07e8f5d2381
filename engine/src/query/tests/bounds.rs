//! Queries end: by their budget, by their caller, by the age of their view; and rare groups stay hidden.

use std::sync::atomic::Ordering;

use super::{Happened, Stand, World, budget, day};
use crate::model::limits::{BLOCK_CELLS, PATTERN_PAGES, VIEW_SECONDS};
use crate::model::{
    Cell, CellSize, Country, DayRange, Event, HourOfSite, Kind, KindSet, LayerSelection, Seq, SiteId,
    Viewport,
};
use crate::query::{
    Align, Budget, CancelFlag, GridQuestion, InvalidQuestion, PagePattern, Pages, QueryError, Selection,
    SeriesQuestion, Step, TopPagesQuestion, grid, series, summary, top_pages,
};

fn happened(kind: Kind, country: &str, date: &str, count: u32) -> Happened {
    let event = Event {
        kind,
        viewport: Viewport::of_px(1_440),
        fixed: false,
        cell: Cell::at_px(80, 80).unwrap(),
        hour: HourOfSite::new(day(date), 12),
        country: country.parse().unwrap(),
        count,
    };
    Happened { part: 0, page: "a.example/", event }
}

fn everything() -> Selection {
    Selection {
        pages: Pages::Page("a.example/".into()),
        layers: LayerSelection::of_kinds(KindSet::all()),
        countries: None,
        days: DayRange { from: day("2026-01-01"), to: day("2026-03-01") },
    }
}

fn ask(stand: &Stand, selection: Selection, budget: &Budget) -> Result<u64, QueryError> {
    let question = GridQuestion { selection, cell: CellSize::STORED, align: Align::None };
    grid(&stand.view, &stand.context(), &question, budget).map(|answer| answer.value.total())
}

#[test]
fn a_query_stops_at_its_budget() {
    for segment_parts in [0, 1] {
        let mut world = World::of(vec![happened(Kind::Click, "DE", "2026-01-05", 3)]);
        (world.segment_parts, world.memtable_parts) = (segment_parts, 1 - segment_parts);
        let stand = Stand::build(&world);
        let few = Budget { rows: 0, ..budget() };
        let clicks = Selection { layers: LayerSelection::of_kinds(Kind::Click), ..everything() };
        let stopped = ask(&stand, clicks.clone(), &few);
        assert!(matches!(stopped, Err(QueryError::TooMuchWork { limit_rows: 0, .. })), "{stopped:?}");
        assert_eq!(ask(&stand, clicks, &Budget { rows: 1, ..budget() }).unwrap(), 3);
    }
}

#[test]
fn a_query_of_one_long_strip_stops_between_its_blocks() {
    let mut events = Vec::new();
    for cell in 0..BLOCK_CELLS as u32 * 2 {
        let mut happened = happened(Kind::Click, "DE", "2026-01-05", 1);
        happened.event.cell = Cell::at_px(cell / 128 * 8, cell % 128 * 8).unwrap();
        events.push(happened);
    }
    let stand = Stand::build(&World::of(events));
    let stopped = ask(&stand, everything(), &Budget { bytes: 1, ..budget() });
    let Err(QueryError::TooMuchWork { read, .. }) = stopped else { panic!("{stopped:?}") };
    assert_eq!(read.blocks, 1);
    assert_eq!(ask(&stand, everything(), &budget()).unwrap(), BLOCK_CELLS as u64 * 2);
}

#[test]
fn a_query_that_nobody_waits_for_stops() {
    let stand = Stand::build(&World::of(vec![happened(Kind::Click, "DE", "2026-01-05", 3)]));
    let cancel = CancelFlag::new();
    let budget = Budget { cancel: cancel.clone(), ..budget() };
    assert_eq!(ask(&stand, everything(), &budget).unwrap(), 3);
    cancel.cancel();
    assert!(matches!(ask(&stand, everything(), &budget), Err(QueryError::Cancelled)));
}

#[test]
fn a_view_expires_by_the_given_clock() {
    let stand = Stand::build(&World::of(vec![happened(Kind::Click, "DE", "2026-01-05", 3)]));
    stand.clock.0.fetch_add(VIEW_SECONDS * 1_000, Ordering::Relaxed);
    assert_eq!(ask(&stand, everything(), &budget()).unwrap(), 3);
    stand.clock.0.fetch_add(1, Ordering::Relaxed);
    assert!(matches!(ask(&stand, everything(), &budget()), Err(QueryError::ViewExpired(_))));
}

#[test]
fn a_pattern_matches_a_bounded_number_of_pages_once_each() {
    let stand = |pages: usize| {
        let mut world = World::of(Vec::new());
        (world.segment_parts, world.memtable_parts) = (0, 2);
        let event = happened(Kind::Click, "DE", "2026-01-05", 1).event;
        let stand = Stand::build(&world);
        for memtable in stand.view.memtables() {
            let mut batch = crate::model::BatchBuilder::new(super::SITE);
            for page in 0..pages {
                batch.add(&format!("a.example/{page}"), event).unwrap();
            }
            memtable.apply(super::SITE, &batch.build(None, None).pages, Seq(1), 0);
        }
        stand
    };
    let matching =
        Selection { pages: Pages::Matching(PagePattern::new("a.example/*").unwrap()), ..everything() };
    assert_eq!(ask(&stand(PATTERN_PAGES), matching.clone(), &budget()).unwrap(), 2 * PATTERN_PAGES as u64);
    let refused = ask(&stand(PATTERN_PAGES + 1), matching, &budget());
    assert!(matches!(refused, Err(QueryError::Invalid(InvalidQuestion::TooManyPages))), "{refused:?}");
}

#[test]
fn questions_that_cannot_be_asked_are_refused() {
    let stand = Stand::build(&World::of(Vec::new()));
    let reversed = DayRange { from: day("2026-02-01"), to: day("2026-01-01") };
    let refused = ask(&stand, Selection { days: reversed, ..everything() }, &budget());
    assert!(matches!(refused, Err(QueryError::Invalid(InvalidQuestion::DaysReversed))));
    for limit in [0, 10_001] {
        let question = TopPagesQuestion { selection: everything(), limit, after: None };
        let refused = top_pages(&stand.view, &stand.context(), &question, &budget()).err();
        assert!(matches!(refused, Some(QueryError::Invalid(InvalidQuestion::Limit { .. }))), "{limit}");
    }
    let question = SeriesQuestion { selection: everything(), step: Step::Hour };
    let refused = series(&stand.view, &stand.context(), &question, &budget()).err();
    assert!(matches!(refused, Some(QueryError::Invalid(InvalidQuestion::KindHasNoHours { .. }))));
}

#[test]
fn a_rare_country_is_told_in_no_way() {
    let events = vec![
        happened(Kind::Click, "DE", "2026-01-05", 9),
        happened(Kind::Click, "LI", "2026-01-06", 4),
        happened(Kind::Click, "LI", "2026-02-06", 5),
    ];
    let mut world = World::of(events);
    world.settings.min_count = 5;
    let stand = Stand::build(&world);
    let from = |country: &str| Selection {
        countries: Some([country.parse::<Country>().unwrap()].into_iter().collect()),
        ..everything()
    };
    // Rare in January only.
    assert_eq!(ask(&stand, from("LI"), &budget()).unwrap(), 5);
    assert_eq!(ask(&stand, from("ZZ"), &budget()).unwrap(), 4);
    assert_eq!(ask(&stand, from("DE"), &budget()).unwrap(), 9);
    // That something was recoded is said of every country alike.
    for country in ["LI", "DE", "FR", "ZZ"] {
        let answer = summary(&stand.view, &stand.context(), &from(country), &budget()).unwrap();
        assert!(answer.recoded, "{country}");
    }
    let february = DayRange { from: day("2026-02-01"), to: day("2026-03-01") };
    let later = Selection { days: february, ..everything() };
    assert!(!summary(&stand.view, &stand.context(), &later, &budget()).unwrap().recoded);
}

#[test]
fn few_conversions_keep_converted_clicks_back() {
    let stand = |conversions| {
        Stand::build(&World::of(vec![
            happened(Kind::Conversion, "DE", "2026-01-05", conversions),
            happened(Kind::ConvertedClick, "DE", "2026-01-05", 100),
        ]))
    };
    assert_eq!(ask(&stand(9), everything(), &budget()).unwrap(), 9);
    assert_eq!(ask(&stand(10), everything(), &budget()).unwrap(), 110);
    // The asked days decide: on others there were none.
    let other_days = DayRange { from: day("2026-01-06"), to: day("2026-03-01") };
    let selection = Selection { days: other_days, ..everything() };
    let answer = summary(&stand(10).view, &stand(10).context(), &selection, &budget()).unwrap();
    assert!(answer.withheld && answer.value.total == 0);
}

#[test]
fn a_site_sees_nothing_of_others() {
    let stand = Stand::build(&World::of(vec![happened(Kind::Click, "DE", "2026-01-05", 3)]));
    let context =
        crate::query::SiteContext { scope: crate::model::SiteScope::granted(SiteId(99)), ..stand.context() };
    let question = GridQuestion { selection: everything(), cell: CellSize::STORED, align: Align::None };
    let answer = grid(&stand.view, &context, &question, &budget()).unwrap();
    assert!(answer.value.is_empty());
}
