//! Scripts: what a store goes through before it crashes, and the batches that it is sent.

use heatgrid_engine::model::{Cell, Country, Event, HourOfSite, Kind, SiteSettings, Viewport, Zone};

use crate::explore::Random;
use crate::world::{Sent, World};

/// 2026-03-02T12:00:00Z: February has just closed.
pub(crate) const BEGINS_MS: u64 = 1_772_452_800_000;

/// One thing that is done to a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Op {
    /// A small batch without an id.
    Append,
    /// A small batch for another site, in another zone, with rare countries.
    AppendOther,
    /// The same batch with the same id, each time.
    AppendRepeated,
    /// A batch with an idempotency key; the third time with another body.
    AppendKeyed,
    /// A batch of several log records.
    AppendLarge,
    /// The memtable becomes segments.
    Flush,
    /// Segments of a month become one, closed months are recoded.
    Compact,
    /// Forty days go by, and what is older than its site keeps is removed.
    Expire,
    /// A site more.
    CreateSite,
    /// The store is closed and opened.
    Reopen,
}

use Op::{
    Append, AppendKeyed, AppendLarge, AppendOther, AppendRepeated, Compact, CreateSite, Expire, Flush, Reopen,
};

impl Op {
    /// Whether it sends a batch.
    pub(super) fn is_batch(self) -> bool {
        matches!(self, Append | AppendOther | AppendRepeated | AppendKeyed | AppendLarge)
    }
}

/// Every operation.
pub(super) const OPS: [Op; 10] = [
    Append,
    AppendOther,
    AppendRepeated,
    AppendKeyed,
    AppendLarge,
    Flush,
    Compact,
    Expire,
    CreateSite,
    Reopen,
];

/// Every script of exactly `length` operations.
pub(super) fn scripts_of(length: usize) -> Vec<Vec<Op>> {
    let mut scripts = vec![Vec::new()];
    for _ in 0..length {
        scripts = scripts
            .into_iter()
            .flat_map(|script: Vec<Op>| {
                OPS.into_iter().map(move |op| script.iter().copied().chain([op]).collect::<Vec<Op>>())
            })
            .collect();
    }
    scripts
}

/// A longer script, by seed: 4 to 12 operations, most of them batches and flushes.
pub(super) fn long_script(seed: u64) -> Vec<Op> {
    let mut random = Random(seed);
    let weighted = [Append, AppendOther, AppendRepeated, AppendLarge, Flush, Flush, Compact];
    let length = 4 + random.below(9);
    (0..length)
        .map(|_| match random.below(3) {
            0 => OPS[random.below(OPS.len())],
            _ => weighted[random.below(weighted.len())],
        })
        .collect()
}

/// The two sites that every store begins with, and those that a script makes.
pub(crate) fn settings(site: usize) -> SiteSettings {
    let zone = ["UTC", "Asia/Kathmandu", "America/St_Johns"][site.min(2)];
    SiteSettings {
        timezone: Zone::named(zone).expect("an IANA zone"),
        retention_days: [730, 30, 90][site.min(2)],
        min_count: [0, 5, 5][site.min(2)],
        ..SiteSettings::standard()
    }
}

/// The `nth` batch of a script (from 0), as `op` sends it to a store that looks like `world`.
pub(super) fn batch(op: Op, nth: usize, world: &World) -> Option<Sent> {
    let (site, id, key) = match op {
        Append | AppendLarge => (0, None, None),
        AppendOther => (1, None, None),
        AppendRepeated => (0, Some(1), None),
        AppendKeyed => (1, None, Some((1, u8::from(nth >= 2)))),
        _ => return None,
    };
    let settings = &world.sites[site].settings;
    let hours_ago = |hours: u64| {
        let at_ms = world.now_ms - hours * 3_600_000;
        settings.timezone.local_hour(i64::try_from(at_ms).expect("our time")).expect("a day of our time")
    };
    // Batches that are told again are the same each time; all others have a cell of their own, so that one that is
    // lost and one that is counted twice both show, and share one, so that there is something to add up.
    let own =
        if id.is_some() || key.is_some() { 900 } else { u32::try_from(nth).expect("a short script") * 8 };
    let mut events = vec![
        event("shop.example/", Kind::Click, (16, 16), hours_ago(1), "DE"),
        event("shop.example/", Kind::Click, (own, 400), hours_ago(2), "DE"),
        event("shop.example/p/1", Kind::Move, (own, 800), hours_ago(24 * 9), "FR"),
        event("shop.example/p/1", Kind::Conversion, (0, 0), hours_ago(24 * 9), "FR"),
    ];
    if op == AppendLarge {
        let many = (0..LARGE_EVENTS).map(|n| {
            let page = if n % 2 == 0 { "shop.example/" } else { "shop.example/p/2" };
            event(page, Kind::Move, (n * 8 % 1_600, own + n * 64), hours_ago(u64::from(n % 50) * 24), "LI")
        });
        events.extend(many);
    }
    Some(Sent { site, events, id, key })
}

/// Events of a batch that does not fit into one record of a small log file.
const LARGE_EVENTS: u32 = 420;

/// One event of a wide window.
pub(crate) fn event(
    page: &str,
    kind: Kind,
    (x, y): (u32, u32),
    hour: HourOfSite,
    country: &str,
) -> (String, Event) {
    let event = Event {
        kind,
        viewport: Viewport::of_px(1_440),
        fixed: false,
        cell: Cell::at_px(x, y).expect("on the page"),
        hour,
        country: country.parse::<Country>().expect("a country"),
        count: 1,
    };
    (page.into(), event)
}
