//! What a question reads, and what it does not.

use super::{HASHER, Happened, SITE, Stand, World, budget, day};
use crate::model::{
    Cell, CellSize, Country, CountrySet, Cover, DayRange, Event, Fixed, HourOfSite, Kind, LayerSelection,
    MaskRule, PageSelection, Seq, Tombstone, Viewport, Work,
};
use crate::query::{
    Align, GridQuestion, Pages, Selection, SeriesQuestion, Step, TopPagesQuestion, grid, series, summary,
    top_pages,
};

fn clicks(page: &'static str, days: &[&str], countries: &[&str]) -> Vec<Happened> {
    let mut events = Vec::new();
    for (number, date) in days.iter().enumerate() {
        for country in countries {
            let event = Event {
                kind: Kind::Click,
                viewport: Viewport::of_px(1_440),
                fixed: false,
                cell: Cell::at_px(8 * number as u32, 80).unwrap(),
                hour: HourOfSite::new(day(date), 12),
                country: country.parse().unwrap(),
                count: 2,
            };
            events.push(Happened { part: 0, page, event });
        }
    }
    events
}

fn converted(mut events: Vec<Happened>) -> Vec<Happened> {
    events.iter_mut().for_each(|happened| happened.event.kind = Kind::ConvertedClick);
    let mut goals = events.clone();
    goals
        .iter_mut()
        .for_each(|happened| (happened.event.kind, happened.event.count) = (Kind::Conversion, 20));
    events.extend(goals);
    events
}

fn selection(kind: Kind, from: &str, to: &str) -> Selection {
    Selection {
        pages: Pages::Page("a.example/".into()),
        layers: LayerSelection { fixed: Fixed::No, ..LayerSelection::of_kinds(kind) },
        countries: None,
        days: DayRange { from: day(from), to: day(to) },
    }
}

fn of_germany(selection: Selection) -> Selection {
    let countries: CountrySet = ["DE".parse::<Country>().unwrap()].into_iter().collect();
    Selection { countries: Some(countries), ..selection }
}

/// Checks the blocks (column groups) of a grid and its total.
fn check(events: Vec<Happened>, selection: Selection, blocks: u64, total: u64) {
    let stand = Stand::build(&World::of(events));
    let question = GridQuestion { selection, cell: CellSize::STORED, align: Align::None };
    let answer = grid(&stand.view, &stand.context(), &question, &budget()).unwrap();
    assert_eq!((answer.work.blocks, answer.value.total()), (blocks, total), "{question:?}");
    assert_eq!((answer.work.rows > 0, answer.work.bytes > 0), (blocks > 0, blocks > 0));
}

#[test]
fn a_grid_reads_summaries_unless_days_or_countries_have_to_be_told_apart() {
    let days = ["2026-01-05", "2026-01-09", "2026-02-03"];
    let events = || clicks("a.example/", &days, &["DE", "FR"]);
    // Whole months: the summary group of one block a month.
    check(events(), selection(Kind::Click, "2026-01-01", "2026-03-01"), 2, 12);
    // A part of a month that has all of the strip's days, one that has some, and one that has none.
    check(events(), selection(Kind::Click, "2026-01-05", "2026-01-10"), 1, 8);
    check(events(), selection(Kind::Click, "2026-01-06", "2026-02-28"), 3, 8);
    check(events(), selection(Kind::Click, "2026-01-06", "2026-01-09"), 0, 0);
    check(events(), selection(Kind::Move, "2026-01-01", "2026-03-01"), 0, 0);
    check(events(), of_germany(selection(Kind::Click, "2026-01-01", "2026-02-01")), 2, 4);
    // Of a strip without a day in the range no row is read, whatever the country.
    check(events(), of_germany(selection(Kind::Click, "2026-01-06", "2026-01-09")), 0, 0);
    // Conversions have no country, so that nothing has to be told apart.
    let converted = || converted(events());
    check(converted(), selection(Kind::ConvertedClick, "2026-01-01", "2026-02-01"), 1, 8);
    check(converted(), of_germany(selection(Kind::ConvertedClick, "2026-01-01", "2026-02-01")), 0, 0);
}

#[test]
fn a_summary_is_smaller_than_summary_and_detail() {
    let days = ["2026-01-05", "2026-01-09"];
    let stand = Stand::build(&World::of(clicks("a.example/", &days, &["DE", "FR"])));
    let work = |from, to| {
        let selection = selection(Kind::Click, from, to);
        let question = GridQuestion { selection, cell: CellSize::STORED, align: Align::None };
        grid(&stand.view, &stand.context(), &question, &budget()).unwrap().work
    };
    let (month, part) = (work("2026-01-01", "2026-02-01"), work("2026-01-06", "2026-01-20"));
    assert!(month.bytes < part.bytes && month.rows < part.rows, "{month:?} {part:?}");
    // The same question costs the same again.
    assert_eq!(work("2026-01-06", "2026-01-20"), part);
}

#[test]
fn totals_touch_no_cell() {
    let days = ["2026-01-05", "2026-01-09", "2026-02-03"];
    let mut events = clicks("a.example/", &days, &["DE", "FR"]);
    events.extend(clicks("b.example/", &days[..2], &["DE"]));
    let stand = Stand::build(&World::of(events));
    let budget = budget();
    let mut of_page = selection(Kind::Click, "2026-01-06", "2026-02-20");
    for step in [Step::Day, Step::Month] {
        let question = SeriesQuestion { selection: of_page.clone(), step };
        let answer = series(&stand.view, &stand.context(), &question, &budget).unwrap();
        assert_eq!(answer.work, Work::default());
        assert_eq!(answer.value.iter().map(|point| point.count).collect::<Vec<_>>(), [4, 4]);
    }
    of_page.pages = Pages::Site;
    let question = TopPagesQuestion { selection: of_page.clone(), limit: 9, after: None };
    let answer = top_pages(&stand.view, &stand.context(), &question, &budget).unwrap();
    assert_eq!(answer.work, Work::default());
    let pages: Vec<_> = answer.value.iter().map(|page| (&*page.page, page.count)).collect();
    assert_eq!(pages, [("a.example/", 8), ("b.example/", 2)]);
    let answer = summary(&stand.view, &stand.context(), &of_page, &budget).unwrap();
    assert_eq!((answer.work, answer.value.total), (Work::default(), 10));
    assert_eq!(answer.value.countries.len(), 2);
    // Even by country, of a whole site.
    let question = SeriesQuestion { selection: of_germany(of_page), step: Step::Day };
    let answer = series(&stand.view, &stand.context(), &question, &budget).unwrap();
    assert_eq!(answer.work, Work::default());
    assert_eq!(answer.value.iter().map(|point| point.count).sum::<u64>(), 6);
}

/// Which countries are rare depends on the whole site, so that each question by country read the rows of every page that
/// was to be erased, for as long as it was not purged.
#[test]
fn open_erasures_of_other_pages_cost_a_question_nothing_after_the_first() {
    let days = ["2026-01-05", "2026-01-09"];
    let mut events = clicks("a.example/", &days, &["DE", "FR"]);
    events.extend(clicks("b.example/", &days, &["DE", "LI"]));
    let mut world = World::of(events);
    world.settings.min_count = 3;
    let work = |world: &World| {
        let stand = Stand::build(world);
        let selection = of_germany(selection(Kind::Click, "2026-01-01", "2026-02-01"));
        let question = GridQuestion { selection, cell: CellSize::STORED, align: Align::None };
        let ask = || grid(&stand.view, &stand.context(), &question, &budget()).unwrap();
        let (first, second) = (ask(), ask());
        assert_eq!(first.value.total(), 4);
        assert_eq!(first.value.cells().collect::<Vec<_>>(), second.value.cells().collect::<Vec<_>>());
        (first.work, second.work)
    };
    let without = work(&world);
    assert_eq!(without.0, without.1);
    let pages = PageSelection::Pages(vec![HASHER.page(SITE, "b.example/")]);
    world.tombstones.push(Tombstone { through: Seq(9), rule: MaskRule { pages, cover: Cover::ALL } });
    let with = work(&world);
    assert!(with.0.rows > without.0.rows, "else this test proves nothing");
    assert_eq!(with.1, without.1);
}
