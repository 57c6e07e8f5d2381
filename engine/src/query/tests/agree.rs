//! Every answer agrees with the plain model, whatever is asked of whatever store.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{HASHER, Happened, SITE, Stand, World, budget, day, part_seqs};
use crate::model::{
    Cell, CellSize, Country, CountrySet, Cover, DayRange, Device, Event, Fixed, HourOfSite, Kind, KindSet,
    LayerSelection, MaskRule, PageSelection, SiteSettings, Tombstone, Viewport, ViewportRange, ViewportSet,
};
use crate::query::{
    Align, GridQuestion, InvalidQuestion, PageListQuestion, PagePattern, PageTotal, Pages, QueryError,
    Selection, SeriesQuestion, Step, TopPagesQuestion, attention, grid, page_list, scroll_reach, series,
    summary, top_pages,
};

const PAGES: [&str; 5] =
    ["a.example/", "a.example/p/1", "a.example/p/1/reviews", "a.example/p/2", "b.example/*"];
const PATTERNS: [&str; 4] = ["a.example/p/*", "*", "*/p/*1*", "c.example/*"];
const PARTS: usize = 4;
/// Days of the events: December 2025 to March 2026.
const DAYS: u32 = 90;

fn country() -> impl Strategy<Value = Country> {
    prop_oneof![3 => Just("DE"), 1 => Just("FR"), 1 => Just("LI"), 1 => Just("US"), 1 => Just("ZZ")]
        .prop_map(|text| text.parse().unwrap())
}

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(Kind::ALL)
}

fn event() -> impl Strategy<Value = Event> {
    let width = prop::sample::select(vec![0_u32, 390, 800, 1_024, 1_440, 3_000]);
    let place = (0_u32..300, prop_oneof![4 => 0_u32..90, 1 => Just(262_143)]);
    let time = (0..DAYS, 0_u8..24);
    let count = prop_oneof![6 => 1_u32..4, 1 => Just(1_000_000)];
    (kind(), width, prop::bool::weighted(0.2), place, time, country(), count).prop_map(
        |(kind, width, fixed, (x, y), (days, hour), country, count)| Event {
            kind,
            viewport: Viewport::of_px(width),
            fixed,
            cell: Cell::at_px(x, y).unwrap(),
            hour: HourOfSite::new(day("2025-12-10").plus(days), hour),
            country,
            count: if kind == Kind::Conversion { count.min(3) } else { count },
        },
    )
}

fn days() -> impl Strategy<Value = DayRange> {
    let from = prop_oneof![
        Just(day("2025-12-01")),
        Just(day("2026-01-01")),
        (0..DAYS).prop_map(|days| day("2025-12-10").plus(days)),
    ];
    let length = prop_oneof![Just(31_u32), Just(59), Just(120), 0_u32..60];
    (from, length).prop_map(|(from, length)| DayRange { from, to: from.plus(length) })
}

fn tombstone(segment_parts: usize) -> impl Strategy<Value = Tombstone> {
    let pages = prop_oneof![
        Just(PageSelection::All),
        prop::collection::vec(prop::sample::select(&PAGES[..]), 1..3).prop_map(|pages| {
            PageSelection::Pages(pages.into_iter().map(|page| HASHER.page(SITE, page)).collect())
        }),
        Just(PageSelection::Prefix(HASHER.prefix(SITE, "a.example/p/"))),
    ];
    (0..segment_parts.max(1), pages, days(), prop::option::of(country())).prop_map(
        |(part, pages, days, country)| Tombstone {
            through: part_seqs(part).1,
            rule: MaskRule { pages, cover: Cover { days, country } },
        },
    )
}

fn world() -> impl Strategy<Value = World> {
    let happened = (0..PARTS, prop::sample::select(&PAGES[..]), event());
    let events = prop::collection::vec(
        happened.prop_map(|(part, page, event)| Happened { part, page, event }),
        0..300,
    );
    (events, 0..=PARTS).prop_flat_map(|(events, segment_parts)| {
        let tombstones = prop::collection::vec(tombstone(segment_parts), 0..3);
        let retention_days = prop::sample::select(vec![30_u32, 70, 36_500]);
        let hourly_days = prop::sample::select(vec![0_u32, 10, 35, 100]);
        let min_count = prop::sample::select(vec![0_u32, 5, 30]);
        (Just(events), tombstones, retention_days, hourly_days, min_count).prop_map(
            move |(events, tombstones, retention_days, hourly_days, min_count)| World {
                events,
                segment_parts,
                memtable_parts: PARTS - segment_parts,
                tombstones,
                settings: SiteSettings { retention_days, hourly_days, min_count, ..SiteSettings::standard() },
                today: day("2026-03-05"),
            },
        )
    })
}

fn selection() -> impl Strategy<Value = Selection> {
    let pages = prop_oneof![
        Just(Pages::Site),
        prop::sample::select(&PAGES[..]).prop_map(|page| Pages::Page(page.into())),
        Just(Pages::Page("c.example/".into())),
        prop::sample::select(&PATTERNS[..]).prop_map(|text| Pages::Matching(PagePattern::new(text).unwrap())),
    ];
    let kinds = prop_oneof![
        Just(KindSet::all()),
        prop::collection::vec(kind(), 1..5).prop_map(|kinds| kinds.into_iter().collect()),
    ];
    let viewports = prop_oneof![
        2 => Just(ViewportSet::ALL),
        1 => Just(ViewportSet::of_devices([Device::Desktop, Device::Unknown])),
        1 => Just(ViewportSet::from(ViewportRange::of_px(800, 1_030))),
    ];
    let fixed = prop_oneof![Just(Fixed::No), Just(Fixed::Yes), Just(Fixed::Any)];
    let countries = prop::option::of(prop::collection::vec(country(), 0..3))
        .prop_map(|countries| countries.map(CountrySet::from_iter));
    (pages, kinds, viewports, fixed, countries, days()).prop_map(
        |(pages, kinds, viewports, fixed, countries, days)| Selection {
            pages,
            layers: LayerSelection { kinds, viewports, fixed },
            countries,
            days,
        },
    )
}

fn check_grid(world: &World, stand: &Stand, selection: &Selection, cell: CellSize) {
    let question = GridQuestion { selection: selection.clone(), cell, align: Align::None };
    let answer = grid(&stand.view, &stand.context(), &question, &budget());
    if selection.pages == Pages::Site {
        assert!(matches!(answer, Err(QueryError::Invalid(InvalidQuestion::NoPage))));
        return;
    }
    let answer = answer.unwrap();
    let place = |_, at: Cell| Some((at.x() >> cell.shift(), at.y() >> cell.shift()));
    let (expected, _) = world.cells(selection, place);
    let got: Vec<((u32, u32), u64)> =
        answer.value.cells().map(|cell| ((cell.x, cell.y), cell.count)).collect();
    assert_eq!(got, expected.clone().into_iter().collect::<Vec<_>>());
    assert_eq!(answer.value.total(), expected.values().sum::<u64>());
    assert_eq!(answer.value.max(), expected.values().max().copied().unwrap_or(0));
    assert_eq!(answer.value.width(), expected.keys().map(|at| at.0 + 1).max().unwrap_or(0));
    assert_eq!(answer.value.height(), expected.keys().map(|at| at.1 + 1).max().unwrap_or(0));
    assert_eq!(answer.days, world.answered_days(&selection.days));
    assert_eq!(answer.withheld, world.withheld(selection));
    assert_eq!(answer.recoded, selection.countries.is_some() && world.recoded(selection));
}

fn check_aligned(world: &World, stand: &Stand, selection: &Selection) {
    let align = Align::Center { width_px: 500 };
    let question = GridQuestion { selection: selection.clone(), cell: CellSize::STORED, align };
    let answer = grid(&stand.view, &stand.context(), &question, &budget()).unwrap();
    let (_, outside) = world.cells(selection, |_, _| None);
    // Where each cell goes is `align`'s test; here no event may be lost on the way.
    assert_eq!(answer.value.total() + answer.value.outside(), outside);
}

fn check_series(world: &World, stand: &Stand, selection: &Selection, step: Step) {
    let question = SeriesQuestion { selection: selection.clone(), step };
    let answer = series(&stand.view, &stand.context(), &question, &budget()).unwrap();
    let got: Vec<_> = answer.value.iter().map(|point| (point.time, point.count)).collect();
    let expected: Vec<_> = world.series(selection, step).into_iter().collect();
    assert_eq!(got, expected, "{step:?}");
    assert_eq!(answer.withheld, world.withheld(selection));
}

fn check_pages(world: &World, stand: &Stand, selection: &Selection) {
    let expected = world.page_totals(selection);
    let (mut after, mut got) = (None, Vec::new());
    loop {
        let question = TopPagesQuestion { selection: selection.clone(), limit: 2, after: after.clone() };
        let pages = top_pages(&stand.view, &stand.context(), &question, &budget()).unwrap().value;
        assert!(pages.len() <= 2);
        let Some(last) = pages.last() else { break };
        after = Some(last.clone());
        got.extend(pages);
    }
    let mut most_first: Vec<PageTotal> = expected
        .iter()
        .map(|(page, count)| PageTotal { page: page.as_str().into(), count: *count })
        .collect();
    most_first.sort_by(|a, b| (b.count, &a.page).cmp(&(a.count, &b.page)));
    assert_eq!(got, most_first);

    let (mut after, mut got) = (None, Vec::new());
    loop {
        let question = PageListQuestion { selection: selection.clone(), limit: 3, after: after.clone() };
        let pages = page_list(&stand.view, &stand.context(), &question, &budget()).unwrap().value;
        let Some(last) = pages.last() else { break };
        after = Some(last.page.clone());
        got.extend(pages.into_iter().map(|page| (page.page.into_string(), page.count)));
    }
    assert_eq!(got, expected.into_iter().collect::<Vec<_>>());
}

fn check_summary(world: &World, stand: &Stand, selection: &Selection) {
    let answer = summary(&stand.view, &stand.context(), selection, &budget()).unwrap();
    let mut expected = world.summary(selection);
    if selection.layers.viewports != ViewportSet::ALL || selection.countries.is_some() {
        expected.hours = None;
    }
    assert_eq!(answer.value, expected);
    assert_eq!(answer.recoded, world.recoded(selection));
    assert_eq!(answer.withheld, world.withheld(selection));
}

fn check_depth(world: &World, stand: &Stand, selection: &Selection) {
    let answer = scroll_reach(&stand.view, &stand.context(), selection, &budget()).unwrap().value;
    let deepest = answer.deepest.iter().enumerate().filter(|(_, count)| **count > 0);
    let deepest: Vec<(u32, u64)> = deepest.map(|(y, count)| (y as u32, *count)).collect();
    assert_eq!(deepest, world.rows(selection, Kind::Scroll).into_iter().collect::<Vec<_>>());
    assert_eq!(answer.views, world.rows(selection, Kind::View).values().sum::<u64>());

    let answer = attention(&stand.view, &stand.context(), selection, &budget()).unwrap().value;
    let begun = world.rows(selection, Kind::Attention);
    let ended = world.rows(selection, Kind::AttentionEnd);
    let since = |rows: &BTreeMap<u32, u64>, y| rows.range(..=y).map(|row| *row.1).sum::<u64>();
    // A second that never ended lasts to the last row that is known.
    for y in begun.keys().chain(ended.keys()).flat_map(|y| [y.saturating_sub(1), *y]) {
        let seconds = answer.seconds.get(y as usize).copied().unwrap_or(0);
        assert_eq!(seconds, since(&begun, y).saturating_sub(since(&ended, y)), "row {y}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_agrees_with_the_plain_model(
        world in world(),
        selections in prop::collection::vec(selection(), 12),
        cell in prop::sample::select(vec![8_u32, 16, 32, 64]),
    ) {
        let stand = Stand::build(&world);
        for selection in &selections {
            check_grid(&world, &stand, selection, CellSize::STORED);
            check_grid(&world, &stand, selection, CellSize::from_px(cell).unwrap());
            if selection.pages != Pages::Site {
                check_aligned(&world, &stand, selection);
            }
            check_series(&world, &stand, selection, Step::Day);
            check_series(&world, &stand, selection, Step::Month);
            let mut hourly = Selection { countries: None, ..selection.clone() };
            hourly.layers = LayerSelection::of_kinds(hourly.layers.kinds);
            hourly.layers.kinds.remove(Kind::Conversion);
            hourly.layers.kinds.remove(Kind::ConvertedClick);
            check_series(&world, &stand, &hourly, Step::Hour);
            check_pages(&world, &stand, selection);
            check_summary(&world, &stand, selection);
            check_depth(&world, &stand, selection);
        }
    }
}
