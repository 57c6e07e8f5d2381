//! What the doors of browsers have in common: from where and how often somebody may knock, and who is not counted.

pub(super) mod cors;
mod pending;

use std::sync::Arc;

use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, HeaderValue};
use heatgrid_engine::clock::Clock;
use heatgrid_engine::model::Site;
use heatgrid_engine::store::{Blocked, Store};

use self::pending::Pending;
use crate::config::Config;
use crate::http::problem::{NOT_FOUND, ORIGIN, Problem, RATE};
use crate::intake::{Bots, Counted, DropReason, ForeignPage, Tally, Visit};
use crate::meters::Meters;
use crate::privacy::consent::{self, Consented};
use crate::privacy::country::Countries;
use crate::privacy::origin::Origin;
use crate::privacy::visitor::Visitor;
use crate::rate::Rate;
use crate::rules::{Rules, SiteRules};

/// What the doors of browsers work with.
pub struct Doors {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    rules: Arc<Rules>,
    countries: Arc<Countries>,
    meters: Arc<Meters>,
    bots: Bots,
    /// Asked before the site's, so that a flooder uses up its own rate and not the site's.
    per_address: Rate,
    per_site: Rate,
}

/// What of a server the doors share with others.
pub struct Shared {
    /// Takes the batches.
    pub store: Arc<Store>,
    /// When a request is received.
    pub clock: Arc<dyn Clock>,
    /// What sites say of their URLs and visitors.
    pub rules: Arc<Rules>,
    /// From an address to a country.
    pub countries: Arc<Countries>,
    /// Where drops are counted.
    pub meters: Arc<Meters>,
}

/// A site that may be sent to from where a request comes.
pub(super) struct Host {
    site: Arc<Site>,
    rules: Arc<SiteRules>,
    /// Pages that an erasure keeps out.
    blocked: Blocked,
    /// When the request came, Unix ms.
    now_ms: u64,
}

impl Doors {
    /// With the settings `bots`, `collect_per_address` and `collect_per_site`.
    #[must_use]
    pub fn new(shared: Shared, config: &Config) -> Doors {
        let Shared { store, clock, rules, countries, meters } = shared;
        let rate = |per_second| Rate::per_second(per_second, per_second);
        Doors {
            store,
            clock,
            rules,
            countries,
            meters,
            bots: Bots::new(&config.bots),
            per_address: rate(config.collect_per_address),
            per_site: rate(config.collect_per_site),
        }
    }

    /// Forgets addresses and sites that have been quiet.
    pub fn tidy(&self) {
        self.per_address.forget_idle();
        self.per_site.forget_idle();
    }

    /// Lets a request in, before its body is read.
    ///
    /// # Errors
    /// 429 when its address sends too much, 403 without an origin.
    pub(super) fn knock<'a>(
        &self,
        visitor: &Visitor,
        origin: Option<Origin<'a>>,
    ) -> Result<Origin<'a>, Problem> {
        self.per_address.check(&visitor.neighbourhood()).map_err(too_often)?;
        origin.ok_or_else(no_origin)
    }

    /// The site of a key, if `origin` may send to it.
    ///
    /// # Errors
    /// 404 for an unknown key, 403 for an origin that is not the site's, 429 when the site is sent too much.
    pub(super) fn host(&self, key: &str, origin: Origin<'_>) -> Result<Host, Problem> {
        let now_ms = self.clock.now_ms();
        let site = self.store.accounts().by_key(key, now_ms / 1_000);
        let site = site.ok_or_else(|| Problem::new(&NOT_FOUND, "no site has this key"))?;
        let rules = self.rules.of(&site);
        if !rules.pages.counts_origin(origin) {
            return Err(Problem::new(&ORIGIN, "the site takes events of its own `hosts` only; add this one"));
        }
        self.per_site.check(&site.id).map_err(too_often)?;
        let blocked = self.store.blocked(site.id);
        Ok(Host { site, rules, blocked, now_ms })
    }

    /// Asks whether a visitor may be counted. Whoever objects is not looked at any further.
    pub(super) fn consider<T>(
        &self,
        host: &Host,
        visitor: &Visitor,
        headers: &HeaderMap,
        what: T,
    ) -> Result<Consented<T>, DropReason> {
        let consented = consent::ask(headers, what).map_err(|_| DropReason::Consent)?;
        if headers.get(USER_AGENT).is_some_and(|agent| self.bots.are(agent.as_bytes())) {
            return Err(DropReason::Bot);
        }
        if visitor.is_in(&host.rules.excluded_networks) {
            return Err(DropReason::Excluded);
        }
        Ok(consented)
    }

    /// What a visitor's events are counted with: the last use of the address.
    pub(super) fn visit<'a>(
        &self,
        host: &'a Host,
        origin: Origin<'a>,
        visitor: &Visitor,
        headers: &HeaderMap,
    ) -> Visit<'a> {
        Visit {
            site: &host.site,
            rules: &host.rules.pages,
            blocked: &host.blocked,
            origin,
            country: self.countries.of(visitor, headers),
            now_ms: host.now_ms,
        }
    }

    /// Counts events that are not looked at.
    pub(super) fn drop_all(&self, reason: DropReason, events: u32) {
        self.meters.tally(&Tally::all_dropped(reason, events));
    }

    /// Has batches stored, in their order. When one is not taken, neither are those behind it; sent again, those before
    /// it are known by their ids.
    pub(super) fn hand_over(&self, batches: impl IntoIterator<Item = Counted>) -> Pending {
        let mut pending = Pending::new(&self.meters);
        for Counted { batch, tally } in batches {
            if batch.events == 0 {
                self.meters.tally(&tally);
                continue;
            }
            match self.store.append(batch) {
                Ok(completion) => pending.push(completion, tally),
                Err(error) => {
                    pending.refuse(error.into());
                    break;
                }
            }
        }
        pending
    }
}

impl From<ForeignPage> for Problem {
    fn from(error: ForeignPage) -> Problem {
        Problem::new(&ORIGIN, error.to_string())
    }
}

/// Says that a request names no origin of a web page.
fn no_origin() -> Problem {
    Problem::new(&ORIGIN, "events come from a page: one http or https Origin is required")
}

fn too_often(seconds: u32) -> Problem {
    Problem::new(&RATE, "too many requests; send less often").retry_after(seconds)
}

/// Whether a header's value is one of these media types, whatever its parameters.
pub(super) fn is_one_of(value: &HeaderValue, media_types: &[&str]) -> bool {
    let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    media_types.iter().any(|media_type| essence.eq_ignore_ascii_case(media_type.as_bytes()))
}
