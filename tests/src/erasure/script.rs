//! Scripts: what a store goes through around its erasures, the batches it is sent, and what is asked to be erased.

use heatgrid_engine::model::{
    Cover, DayRange, ErasureRequest, Event, HourOfSite, Kind, NamedPages, Reason, SiteId, SiteSettings,
};

use crate::crash::script::{event, settings};
use crate::explore::Random;
use crate::world::{Sent, World};

/// What stands before the name of a canary in the text of its page, and nowhere else.
pub(super) const MARK: u8 = b'~';
/// The page that every batch has, and that may be erased by its name.
const AGAIN: &str = "shop.example/p/1";

/// One thing that is done to a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Op {
    /// A small batch with two canaries of its own.
    Append,
    /// The same for the neighbour.
    AppendOther,
    /// A batch of several log records.
    AppendLarge,
    Flush,
    Compact,
    /// The store is closed and opened.
    Reopen,
    /// A snapshot under a name of its own.
    Snapshot,
    /// The newest snapshot goes.
    DeleteSnapshot,
    /// The oldest snapshot comes back.
    Restore,
    /// The first site of it comes back.
    RestoreSite,
    /// A backup under a name of its own.
    BackUp,
    Erase(Selector),
    Purge,
}

/// What is to be erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Selector {
    /// One page of the newest batch.
    Canary,
    /// A page that later batches have again.
    Again,
    /// One page of every batch.
    Prefix,
    /// The other page of every batch.
    Pattern,
    /// Today.
    Days,
    /// One country.
    Country,
    /// The last month of one page of every batch, of one country.
    PatternDaysCountry,
    /// Everything of the first site.
    All,
    /// Everything of its neighbour.
    Other,
}

use Op::{
    Append, AppendLarge, AppendOther, BackUp, Compact, DeleteSnapshot, Erase, Flush, Purge, Reopen, Restore,
    RestoreSite, Snapshot,
};

/// Everything that is done beside asking for erasures.
const STEPS: [Op; 12] = [
    Append,
    AppendOther,
    AppendLarge,
    Flush,
    Compact,
    Reopen,
    Snapshot,
    DeleteSnapshot,
    Restore,
    RestoreSite,
    BackUp,
    Purge,
];

const SELECTORS: [Selector; 9] = [
    Selector::Canary,
    Selector::Again,
    Selector::Prefix,
    Selector::Pattern,
    Selector::Days,
    Selector::Country,
    Selector::PatternDaysCountry,
    Selector::All,
    Selector::Other,
];

/// A batch, any step, any erasure, any step, a purge: one of `stride`, all of them with 1.
pub(super) fn short_scripts(stride: usize) -> Vec<Vec<Op>> {
    let befores = STEPS.into_iter().flat_map(|before| STEPS.map(|after| (before, after)));
    let all = befores.flat_map(|(before, after)| {
        SELECTORS.map(|selector| vec![Append, before, Erase(selector), after, Purge])
    });
    all.step_by(stride).collect()
}

/// A longer script, by seed: batches, copies and erasures in any order, a purge among them and one at the end.
pub(super) fn long_script(seed: u64) -> Vec<Op> {
    let mut random = Random(seed);
    let weighted = [Append, AppendLarge, Flush, Snapshot, BackUp, Restore, RestoreSite, Purge];
    let mut script = vec![Append];
    for _ in 0..2 {
        for _ in 0..2 + random.below(4) {
            script.push(match random.below(6) {
                0 | 1 => Erase(SELECTORS[random.below(SELECTORS.len())]),
                2 | 3 => weighted[random.below(weighted.len())],
                _ => STEPS[random.below(STEPS.len())],
            });
        }
        script.push(Purge);
    }
    script
}

/// Settings of sites in these tests. No country is ever rare, so that a merge changes nothing that an erasure by country
/// could miss.
pub(super) fn exact_settings(site: usize) -> SiteSettings {
    SiteSettings { min_count: 0, ..settings(site) }
}

/// The text of a canary of the `nth` batch of a script.
fn canary(folder: &str, site: usize, nth: usize) -> String {
    let mark = char::from(MARK);
    format!("shop.example/{folder}/{mark}{site}.{nth}{folder}{mark}")
}

fn hours_ago(world: &World, site: usize, hours: u64) -> HourOfSite {
    let at_ms = i64::try_from(world.now_ms - hours * 3_600_000).expect("our time");
    world.sites[site].settings.timezone.local_hour(at_ms).expect("a day of our time")
}

/// The `nth` batch of a script (from 0), as `op` sends it to a store that looks like `world`.
pub(super) fn batch(op: Op, nth: usize, world: &World) -> Option<Sent> {
    let site = match op {
        Append | AppendLarge => 0,
        AppendOther => 1,
        _ => return None,
    };
    let (first, second) = (canary("a", site, nth), canary("b", site, nth));
    let at = |hours| hours_ago(world, site, hours);
    let own = u32::try_from(nth).expect("a short script") * 8;
    let mut events: Vec<(String, Event)> = vec![
        event("shop.example/", Kind::Click, (16, 16), at(1), "DE"),
        event("shop.example/", Kind::Click, (own, 400), at(2), "FR"),
        event(AGAIN, Kind::Move, (own, 800), at(24 * 9), "FR"),
        event(AGAIN, Kind::Click, (own, 80), at(1), "DE"),
        event(&first, Kind::Click, (own, 0), at(1), "DE"),
        event(&first, Kind::Click, (own, 8), at(24 * 9), "FR"),
        event(&second, Kind::Move, (own, 0), at(26), "FR"),
        event(&second, Kind::Scroll, (0, own), at(24 * 10), "DE"),
    ];
    if op == AppendLarge {
        let many = (0..LARGE_EVENTS).map(|n| {
            let page = if n % 2 == 0 { "shop.example/" } else { &second };
            let hours = u64::from(n % 50) * 24;
            event(page, Kind::Move, (n * 8 % 1_600, own + n * 64), at(hours), "LI")
        });
        events.extend(many);
    }
    Some(Sent { site, events, id: None, key: None })
}

/// Events of a batch that does not fit into one record of a small log file.
const LARGE_EVENTS: u32 = 420;

impl Selector {
    /// The site it is about.
    pub(super) fn site(self) -> usize {
        usize::from(self == Selector::Other)
    }

    /// Pages and cover, for a store that looks like `world` and was sent so many batches.
    fn named(self, world: &World, sent: usize) -> (NamedPages, Cover) {
        let all_pages = |cover| (NamedPages::All, cover);
        let named = |pages| (pages, Cover::ALL);
        let today = world.today(0);
        match self {
            Selector::Canary => named(NamedPages::Page(canary("a", 0, sent.saturating_sub(1)).into())),
            Selector::Again => named(NamedPages::Page(AGAIN.into())),
            Selector::Prefix => named(NamedPages::Prefix("shop.example/a/".into())),
            Selector::Pattern => named(NamedPages::Pattern("*.example/*b~".into())),
            Selector::Days => {
                all_pages(Cover { days: DayRange { from: today, to: today.plus(1) }, country: None })
            }
            Selector::Country => {
                all_pages(Cover { country: Some("FR".parse().expect("ours")), ..Cover::ALL })
            }
            Selector::PatternDaysCountry => {
                let days = today.month().first_day().minus(1).month().days();
                let country = Some("DE".parse().expect("ours"));
                (NamedPages::Pattern("*/b/~*".into()), Cover { days, country })
            }
            Selector::All | Selector::Other => all_pages(Cover::ALL),
        }
    }

    /// The request, to a site of this id.
    pub(super) fn request(self, site: SiteId, world: &World, sent: usize) -> ErasureRequest {
        let (pages, cover) = self.named(world, sent);
        let (reason, reference) = (Reason::SubjectRequest, "".into());
        ErasureRequest { site, pages, cover, block: false, reason, reference }
    }
}
