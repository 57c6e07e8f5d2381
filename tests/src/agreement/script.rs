//! Random sites, scripts and questions, from a small world, so that things meet.

use heatgrid_engine::model::{
    Cell, CellSize, Country, Day, DayRange, Device, Kind, SiteSettings, Viewport, Zone,
};
use heatgrid_engine::query::{Align, Step as SeriesStep};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::truth::{Ask, AskPages, AskWindows, Question};

/// When every script begins: 2026-03-02T12:00:00Z. February has just closed, and summer time is near.
pub(super) const BEGINS_MS: u64 = 1_772_452_800_000;

pub(super) const PAGES: [&str; 5] =
    ["shop.example/", "shop.example/p/1", "shop.example/p/2", "shop.example/cart", "m.shop.example/"];

#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) sites: Vec<SiteSettings>,
    pub(super) steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Append { site: usize, batch: BatchPlan },
    Flush,
    Compact,
    Expire,
    Reopen,
    Wait { minutes: u64 },
    Ask { site: usize, question: Question },
}

#[derive(Clone, Debug)]
pub(super) struct BatchPlan {
    pub(super) events: Vec<EventPlan>,
    /// Ids of a small set, so that some are told again.
    pub(super) id: Option<u8>,
    /// Likewise, with the body it stands for.
    pub(super) key: Option<(u8, u8)>,
}

#[derive(Clone, Debug)]
pub(super) struct EventPlan {
    pub(super) page: &'static str,
    pub(super) kind: Kind,
    pub(super) viewport: Viewport,
    pub(super) fixed: bool,
    pub(super) cell: Cell,
    pub(super) hours_ago: u32,
    pub(super) country: Country,
    pub(super) count: u32,
}

pub(super) fn plan() -> impl Strategy<Value = Plan> {
    let sites = vec(settings(), 1..4);
    sites.prop_flat_map(|sites| {
        let steps = vec(step(sites.len()), 1..40);
        (Just(sites), steps).prop_map(|(sites, steps)| Plan { sites, steps })
    })
}

fn settings() -> impl Strategy<Value = SiteSettings> {
    let zones = [
        "UTC",
        "Europe/Berlin",
        "Asia/Kathmandu",
        "Pacific/Apia",
        "America/St_Johns",
        "Australia/Lord_Howe",
        "Pacific/Pago_Pago",
    ];
    let days = (select(vec![1, 2, 30, 90, 730, 36_500]), select(vec![0, 1, 7, 35, 400]));
    (select(zones.to_vec()), days, select(vec![0, 2, 5])).prop_map(
        |(zone, (retention, hourly), min_count)| SiteSettings {
            timezone: Zone::named(zone).expect("an IANA zone"),
            retention_days: retention,
            hourly_days: hourly,
            min_count,
            ..SiteSettings::standard()
        },
    )
}

fn step(sites: usize) -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..sites, batch()).prop_map(|(site, batch)| Step::Append { site, batch }),
        2 => Just(Step::Flush),
        2 => Just(Step::Compact),
        1 => Just(Step::Expire),
        1 => Just(Step::Reopen),
        // No sum of them is a day: at that very moment a key may be known or not.
        2 => select(vec![61, 311, 1_447, 6_011, 44_641]).prop_map(|minutes| Step::Wait { minutes }),
        8 => (0..sites, question()).prop_map(|(site, question)| Step::Ask { site, question }),
    ]
}

fn batch() -> impl Strategy<Value = BatchPlan> {
    (vec(event(), 1..12), option::weighted(0.5, 0_u8..6), option::weighted(0.2, (0_u8..3, 0_u8..2)))
        // One of them at most: which comes first is nobody's promise.
        .prop_map(|(events, id, key)| BatchPlan { events, id: id.filter(|_| key.is_none()), key })
}

fn event() -> impl Strategy<Value = EventPlan> {
    let cells = [(0, 0), (0, 8), (0, 16), (0, 17), (8, 0), (300, 500), (301, 500), (16_383, 262_143)];
    let ages = [0, 0, 1, 2, 23, 24, 30, 48, 24 * 7, 24 * 29, 24 * 31, 24 * 62];
    let place =
        (select(PAGES.to_vec()), select(vec![0, 320, 767, 768, 1_024, 1_440, 5_000]), select(cells.to_vec()));
    let rest = (kind(), select(ages.to_vec()), country(), any::<bool>(), select(vec![1, 1, 2, 7, 1_000_000]));
    (place, rest).prop_map(|((page, width, (x, y)), (kind, hours_ago, country, fixed, count))| EventPlan {
        page,
        kind,
        viewport: Viewport::of_px(width),
        fixed,
        cell: Cell::at_px(x, y).expect("on the page"),
        hours_ago,
        country,
        count,
    })
}

fn kind() -> impl Strategy<Value = Kind> {
    select(Kind::ALL.to_vec())
}

fn country() -> impl Strategy<Value = Country> {
    select(vec!["DE", "DE", "FR", "LI", "AA", "ZZ"]).prop_map(|text| text.parse().expect("a country"))
}

fn question() -> impl Strategy<Value = Question> {
    let limits = || select(vec![1, 3, 100]);
    let sizes = select(vec![8, 8, 16, 64]).prop_map(|px| CellSize::from_px(px).expect("a size"));
    prop_oneof![
        3 => (ask(), sizes, align()).prop_map(|(ask, size, align)| Question::Grid(named(ask), size, align)),
        2 => (ask(), select(vec![SeriesStep::Day, SeriesStep::Month]))
            .prop_map(|(ask, step)| Question::Series(ask, step)),
        1 => ask().prop_map(|ask| Question::Series(of_hours(ask), SeriesStep::Hour)),
        1 => (ask(), limits()).prop_map(|(ask, limit)| Question::TopPages(ask, limit)),
        1 => (ask(), limits()).prop_map(|(ask, limit)| Question::PageList(ask, limit)),
        2 => ask().prop_map(Question::Summary),
        1 => ask().prop_map(Question::Scroll),
        1 => ask().prop_map(Question::Attention),
    ]
}

fn align() -> impl Strategy<Value = Align> {
    prop_oneof![
        4 => Just(Align::None),
        1 => select(vec![1, 390, 1_440, 16_384]).prop_map(|width_px| Align::Center { width_px }),
        1 => select(vec![1, 390, 1_440, 16_384]).prop_map(|width_px| Align::Scale { width_px }),
    ]
}

fn ask() -> impl Strategy<Value = Ask> {
    let pages = prop_oneof![
        1 => Just(AskPages::All),
        2 => select(PAGES.to_vec()).prop_map(|page| AskPages::One(page.into())),
        1 => select(vec!["shop.example/p/*", "*shop.example/", "*", "shop.example/*/*", "nowhere"])
            .prop_map(|pattern| AskPages::Pattern(pattern.into())),
    ];
    let windows = prop_oneof![
        3 => Just(AskWindows::All),
        1 => subsequence(Device::ALL.to_vec(), 1..3).prop_map(AskWindows::Devices),
        1 => select(vec![(0, 767), (700, 800), (1_024, 9_999), (320, 320)])
            .prop_map(|(low, high)| AskWindows::Px(low, high)),
    ];
    let countries = option::weighted(0.3, vec(country(), 1..3));
    let kinds = prop_oneof![
        2 => Just(Kind::ALL.to_vec()),
        3 => vec(kind(), 1..4),
    ];
    let fixed = option::weighted(0.3, any::<bool>());
    (pages, kinds, windows, fixed, countries, days()).prop_map(
        |(pages, kinds, windows, fixed, countries, days)| Ask {
            pages,
            kinds,
            windows,
            fixed,
            countries,
            days,
        },
    )
}

/// Ranges around the months that scripts live in: whole, single days, borders, empty, all of time.
fn days() -> impl Strategy<Value = DayRange> {
    let day = |text: &str| text.parse::<Day>().expect("a day");
    let first = day("2025-12-20");
    prop_oneof![
        2 => Just(DayRange { from: day("2020-01-01"), to: day("2030-01-01") }),
        1 => Just(DayRange { from: day("2026-02-01"), to: day("2026-03-01") }),
        1 => Just(DayRange { from: day("2026-01-01"), to: day("2026-04-01") }),
        1 => Just(DayRange { from: day("2026-03-01"), to: day("2026-03-03") }),
        2 => (0_u32..150, 0_u32..40)
            .prop_map(move |(from, length)| DayRange { from: first.plus(from), to: first.plus(from + length) }),
    ]
}

/// A grid is of a page or of a pattern.
fn named(ask: Ask) -> Ask {
    match ask.pages {
        AskPages::All => Ask { pages: AskPages::Pattern("*".into()), ..ask },
        _ => ask,
    }
}

/// Hour totals know neither layers nor countries nor conversions.
fn of_hours(ask: Ask) -> Ask {
    let mut kinds = ask.kinds;
    kinds.retain(|kind| !kind.is_conversion());
    if kinds.is_empty() {
        kinds.push(Kind::Click);
    }
    Ask { kinds, windows: AskWindows::All, fixed: None, countries: None, ..ask }
}
