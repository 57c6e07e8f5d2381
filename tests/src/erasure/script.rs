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
    /// The oldest erasure that can be called off, and has taken nothing out of files yet, is called off.
    Cancel,
    /// The neighbour is deleted: it is closed, and gone with the next purge that does not wait.
    DeleteSite,
    /// Its deletion is called off, if it is closed.
    CancelDeletion,
    /// A purge that waits for the grace of deleted sites.
    PurgeInGrace,
    /// A purge that does not wait.
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
    /// A page that later batches have again, and that takes no more events.
    BlockAgain,
    /// One page of every batch, also of those to come.
    BlockPrefix,
}

use Op::{
    Append, AppendLarge, AppendOther, BackUp, Cancel, CancelDeletion, Compact, DeleteSite, DeleteSnapshot,
    Erase, Flush, Purge, PurgeInGrace, Reopen, Restore, RestoreSite, Snapshot,
};

/// Everything that is done beside asking for erasures of data.
const STEPS: [Op; 16] = [
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
    Cancel,
    DeleteSite,
    CancelDeletion,
    PurgeInGrace,
    Purge,
];

const SELECTORS: [Selector; 11] = [
    Selector::Canary,
    Selector::Again,
    Selector::Prefix,
    Selector::Pattern,
    Selector::Days,
    Selector::Country,
    Selector::PatternDaysCountry,
    Selector::All,
    Selector::Other,
    Selector::BlockAgain,
    Selector::BlockPrefix,
];

/// Everything that is ever done.
pub(super) fn every_op() -> impl Iterator<Item = Op> {
    STEPS.into_iter().chain(SELECTORS.map(Erase))
}

/// Erasures that are called off, overlap, block and meet the deletion of a site, told one by one.
pub(super) fn stories() -> Vec<Vec<Op>> {
    use Selector::{Again, All, BlockAgain, BlockPrefix, Canary, Country, Other, PatternDaysCountry, Prefix};
    vec![
        // Two take all of a page together; the first is called off, and its part of the page stays.
        vec![Append, Flush, Erase(PatternDaysCountry), Erase(Country), Cancel, Purge],
        vec![Append, Flush, Erase(Again), Append, Cancel, Reopen, Append, Purge],
        vec![Append, Erase(Again), Cancel, Reopen, Flush, Snapshot, Restore, Purge],
        vec![Append, Flush, Append, Erase(All), Reopen, Cancel, Reopen, Compact, Purge],
        vec![Append, Snapshot, Erase(Country), BackUp, Snapshot, Cancel, BackUp, Restore, Purge],
        vec![Append, Flush, Erase(Again), Erase(All), Cancel, Append, Cancel, Erase(Canary), Purge],
        vec![
            Append,
            Flush,
            Erase(Prefix),
            Append,
            Flush,
            Erase(Country),
            Cancel,
            Snapshot,
            Cancel,
            Restore,
            Purge,
        ],
        vec![
            Append,
            Erase(BlockAgain),
            Append,
            Cancel,
            Append,
            Flush,
            Erase(BlockAgain),
            Append,
            Purge,
            Append,
        ],
        vec![Append, Snapshot, Erase(BlockPrefix), Append, Purge, Restore, Append, Reopen, Append, Purge],
        vec![
            AppendOther,
            Append,
            DeleteSite,
            AppendOther,
            CancelDeletion,
            AppendOther,
            Flush,
            DeleteSite,
            Purge,
        ],
        vec![AppendOther, Snapshot, DeleteSite, PurgeInGrace, Restore, CancelDeletion, AppendOther, Purge],
        vec![
            AppendOther,
            BackUp,
            DeleteSite,
            Erase(Again),
            PurgeInGrace,
            BackUp,
            Purge,
            AppendOther,
            Restore,
            Purge,
        ],
        vec![AppendOther, DeleteSite, BackUp, CancelDeletion, AppendOther, Reopen, Purge],
        vec![
            AppendOther,
            Flush,
            Erase(Other),
            DeleteSite,
            Cancel,
            CancelDeletion,
            Reopen,
            AppendOther,
            Purge,
        ],
        vec![
            AppendOther,
            Snapshot,
            AppendOther,
            Flush,
            DeleteSite,
            Compact,
            RestoreSite,
            Reopen,
            Purge,
            Restore,
            Purge,
        ],
    ]
}

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
    let weighted = [Append, AppendLarge, Flush, Snapshot, BackUp, Restore, RestoreSite, Cancel, Purge];
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

/// Settings of sites of which no country is ever rare, so that a merge changes nothing that an erasure by country could
/// miss.
pub(super) fn exact_settings(site: usize) -> SiteSettings {
    SiteSettings { min_count: 0, ..settings(site) }
}

/// Settings of sites whose countries are rare until some batches have come: closed months are recoded when they are
/// merged, and what is recoded no erasure finds under its country.
pub(super) fn rare_settings(site: usize) -> SiteSettings {
    SiteSettings { min_count: 4, ..settings(site) }
}

/// What is done to sites with rare countries. No site is restored alone: which months of it are merged once more is more
/// than a plain map knows.
const RARE_STEPS: [Op; 10] =
    [Append, Append, AppendOther, Flush, Compact, Snapshot, BackUp, Restore, Cancel, Reopen];

const RARE_SELECTORS: [Selector; 5] =
    [Selector::Country, Selector::PatternDaysCountry, Selector::Days, Selector::Again, Selector::Other];

/// Everything that `rare_script` does.
pub(super) fn rare_ops() -> impl Iterator<Item = Op> {
    RARE_STEPS.into_iter().chain([Purge]).chain(RARE_SELECTORS.map(Erase))
}

/// A script for sites with rare countries: batches, merges and copies around erasures by country, by seed.
pub(super) fn rare_script(seed: u64) -> Vec<Op> {
    let mut random = Random(seed ^ 0x7a7e);
    let mut script = vec![Append, AppendOther];
    for _ in 0..2 {
        for _ in 0..3 + random.below(4) {
            script.push(match random.below(4) {
                0 => Erase(RARE_SELECTORS[random.below(RARE_SELECTORS.len())]),
                _ => RARE_STEPS[random.below(RARE_STEPS.len())],
            });
        }
        script.push(Purge);
    }
    script
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
            Selector::Again | Selector::BlockAgain => named(NamedPages::Page(AGAIN.into())),
            Selector::Prefix | Selector::BlockPrefix => named(NamedPages::Prefix("shop.example/a/".into())),
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
        let block = matches!(self, Selector::BlockAgain | Selector::BlockPrefix);
        ErasureRequest { site, pages, cover, block, reason, reference }
    }
}
