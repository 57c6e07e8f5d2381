//! The demo's past: ninety days of made-up visits to the shop's pages, the same on every machine but for the dates.

use heatgrid_engine::model::{
    Batch, BatchBuilder, Cell, Country, Event, HourOfSite, Kind, SiteId, Viewport, Zone,
};
use rand_distr::weighted::WeightedIndex;
use rand_distr::{Distribution, Exp, Normal};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use super::targets::{DESKTOP, DESKTOP_PX, Laid, MOBILE, MOBILE_PX, Target};

const DAYS: u64 = 90;
const HOUR_MS: u64 = 3_600_000;
/// Visits in an average hour.
const VISITS_AN_HOUR: f64 = 4.0;
/// The last minutes are left to whoever looks at the demo.
const QUIET_MS: u64 = 10 * 60_000;

/// Where visitors come from, and how many of a hundred.
const COUNTRIES: [(&str, f64); 9] = [
    ("DE", 46.0),
    ("FR", 16.0),
    ("AT", 9.0),
    ("NL", 8.0),
    ("PL", 7.0),
    ("SE", 5.0),
    ("IT", 5.0),
    ("PT", 3.0),
    ("ZZ", 1.0),
];

/// Visits of the site `site`, whose pages are at `authority`, that end shortly before `now_ms` (Unix ms): a batch a
/// week.
pub(super) fn batches(site: SiteId, authority: &str, now_ms: u64) -> Vec<Batch> {
    let mut past = Past::new(authority);
    let first_ms = (now_ms / HOUR_MS * HOUR_MS).saturating_sub(DAYS * 24 * HOUR_MS);
    let last_ms = now_ms.saturating_sub(QUIET_MS);
    let mut batches = Vec::new();
    let mut builder = BatchBuilder::new(site);
    for (index, hour_ms) in (first_ms..last_ms).step_by(HOUR_MS as usize).enumerate() {
        for _ in 0..past.visits_in(hour_ms, first_ms) {
            past.visit(&mut builder, hour_ms);
        }
        if index % (7 * 24) == 7 * 24 - 1 {
            batches.push(std::mem::replace(&mut builder, BatchBuilder::new(site)).build(None, None));
        }
    }
    batches.push(builder.build(None, None));
    batches
}

/// What draws the visits.
struct Past {
    dice: Xoshiro256PlusPlus,
    authority: String,
    zone: Zone,
    countries: WeightedIndex<f64>,
    desktop: Device,
    mobile: Device,
}

/// The shop as visitors with one sort of window see it.
struct Device {
    viewport: Viewport,
    screen_px: f64,
    pages: &'static [Laid],
    page: WeightedIndex<f64>,
    touch: bool,
}

impl Device {
    fn new(width_px: u32, screen_px: f64, pages: &'static [Laid], touch: bool) -> Device {
        let page = WeightedIndex::new(pages.iter().map(|page| page.weight)).expect("weights are positive");
        Device { viewport: Viewport::of_px(width_px), screen_px, pages, page, touch }
    }
}

impl Past {
    fn new(authority: &str) -> Past {
        Past {
            dice: Xoshiro256PlusPlus::seed_from_u64(1),
            authority: authority.to_owned(),
            zone: Zone::utc(),
            countries: WeightedIndex::new(COUNTRIES.map(|(_, share)| share)).expect("shares are positive"),
            desktop: Device::new(DESKTOP_PX, 900.0, DESKTOP, false),
            mobile: Device::new(MOBILE_PX, 844.0, MOBILE, true),
        }
    }

    /// How many visits begin in an hour: more by day than by night, fewer at week-ends, slowly growing.
    fn visits_in(&mut self, hour_ms: u64, first_ms: u64) -> u32 {
        let hours = hour_ms / HOUR_MS;
        let of_day = 1.0 + 0.9 * (((hours % 24) as f64 - 8.0) / 24.0 * std::f64::consts::TAU).sin();
        // The first of January 1970 was a Thursday.
        let of_week = if (hours / 24 + 3) % 7 >= 5 { 0.6 } else { 1.0 };
        let grown = 0.7 + 0.6 * ((hour_ms - first_ms) / HOUR_MS) as f64 / (DAYS * 24) as f64;
        let expected = VISITS_AN_HOUR * of_day * of_week * grown;
        expected as u32 + u32::from(self.chance(expected.fract()))
    }

    /// One look at one page: moves, touches, depth and attention.
    fn visit(&mut self, builder: &mut BatchBuilder, hour_ms: u64) {
        let mobile = self.chance(0.35);
        let Device { viewport, screen_px, pages, page, touch } =
            if mobile { &self.mobile } else { &self.desktop };
        let (viewport, screen_px, touch) = (*viewport, *screen_px, *touch);
        let laid = &pages[page.sample(&mut self.dice)];
        let country = COUNTRIES[self.countries.sample(&mut self.dice)].0.parse().expect("two letters");
        let hour = self.zone.local_hour(hour_ms as i64).expect("a day of this century");
        let mut visit = Visit {
            builder,
            page: format!("{}/demo/{}", self.authority, laid.page),
            viewport,
            hour,
            country,
        };
        visit.add(Kind::View, Some(Cell::ORIGIN), false, 1);

        let height_px = f64::from(laid.height);
        let depth = Exp::<f64>::new(2.2).expect("positive").sample(&mut self.dice).min(1.0);
        let deepest_px = (screen_px + depth * (height_px - screen_px).max(0.0)).min(height_px - 1.0);
        visit.add(Kind::Scroll, Cell::at_px(0, deepest_px as u32), false, 1);

        let which = WeightedIndex::new(laid.targets.iter().map(|target| target.weight)).expect("positive");
        let touches = if self.chance(0.6) { 1 + u32::from(self.chance(0.3)) } else { 0 };
        for _ in 0..touches {
            let target = &laid.targets[which.sample(&mut self.dice)];
            if target.fixed || f64::from(target.y) < deepest_px {
                let kind = if touch { Kind::Touch } else { Kind::Click };
                let cell = self.within(target, 5.0);
                visit.add(kind, cell, target.fixed, 1);
            }
        }
        if !touch {
            for _ in 0..18 {
                let target = &laid.targets[which.sample(&mut self.dice)];
                if target.fixed || f64::from(target.y) < deepest_px {
                    let cell = self.within(target, 2.5);
                    visit.add(Kind::Move, cell, target.fixed, 1);
                }
            }
        }
        // A few looks at a screenful each, the first at the top.
        for look in 0..3 {
            let top_px = if look == 0 { 0.0 } else { self.share() * (deepest_px - screen_px).max(0.0) };
            let seconds = 1 + (Exp::<f64>::new(0.2).expect("positive").sample(&mut self.dice) as u32).min(60);
            visit.add(Kind::Attention, Cell::at_px(0, top_px as u32), false, seconds);
            visit.add(Kind::AttentionEnd, Cell::at_px(0, (top_px + screen_px) as u32), false, seconds);
        }
    }

    /// A place on a target, or near it: `hold` of its half widths are three standard deviations.
    fn within(&mut self, target: &Target, hold: f64) -> Option<Cell> {
        let mut along = |from: u32, length: u32| {
            let half = f64::from(length) / 2.0;
            let spread = Normal::new(f64::from(from) + half, half / hold * 1.5).expect("finite");
            spread.sample(&mut self.dice).max(0.0) as u32
        };
        let x = along(target.x, target.width);
        let y = along(target.y, target.height);
        Cell::at_px(x, y)
    }

    fn share(&mut self) -> f64 {
        (self.dice.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn chance(&mut self, share: f64) -> bool {
        self.share() < share
    }
}

/// One look at one page, as it is written.
struct Visit<'a> {
    builder: &'a mut BatchBuilder,
    page: String,
    viewport: Viewport,
    hour: HourOfSite,
    country: Country,
}

impl Visit<'_> {
    fn add(&mut self, kind: Kind, cell: Option<Cell>, fixed: bool, count: u32) {
        let Some(cell) = cell else { return };
        let &mut Visit { viewport, hour, country, .. } = self;
        self.builder
            .add(&self.page, Event { kind, viewport, fixed, cell, hour, country, count })
            .expect("the demo's pages are short, its counts small and its weeks quiet");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_ends_before_now_and_is_the_same_every_time() {
        let now_ms = 1_790_000_000_000;
        let made = batches(SiteId(7), "127.0.0.1:8080", now_ms);
        let events: u64 = made.iter().map(|batch| batch.events).sum();
        assert!((100_000..500_000).contains(&events), "{events} events");
        let days = made.iter().filter_map(Batch::days).fold(None, |span: Option<(u16, u16)>, days| {
            let (from, to) = (days.from.number(), days.to.number());
            Some(span.map_or((from, to), |(low, high)| (low.min(from), high.max(to))))
        });
        let today = (now_ms / (24 * HOUR_MS)) as u16;
        assert_eq!(days, Some((today - 90, today + 1)));
        let again: u64 = batches(SiteId(7), "127.0.0.1:8080", now_ms).iter().map(|batch| batch.events).sum();
        assert_eq!(events, again);
        assert!(
            made.iter()
                .flat_map(|batch| &batch.pages)
                .all(|page| page.page.starts_with("127.0.0.1:8080/demo/"))
        );
    }
}
