//! The flow of events, pageview by pageview.

use heatgrid_engine::model::{Cell, Event, HourOfSite, Kind};
use rand_distr::{Distribution, Exp1, Geometric, StandardNormal, StandardUniform};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

use super::layout::{DeviceClass, Layout, PAGE_EXPONENT, PAGES, Page, SITE_EXPONENT, SITES, zipf};

/// The benches' own seed: they do not share random numbers with any other program.
const SEED: u64 = 0x6865_6174_6772_6964;

/// Events of one slice of time. The instants of its pageviews are drawn together, to be sorted.
const SLICE_EVENTS: u64 = 2_500_000;

const MEAN_EVENTS: f64 = 20.0;

/// What one visitor did on one page in one hour.
#[derive(Clone, Debug)]
pub struct Pageview {
    /// Index of the site, 0 to `SITES` - 1, the busiest first.
    pub site: usize,
    /// Index of the page within the site, 0 to `PAGES` - 1, the busiest first.
    pub page: usize,
    /// What was done, in order; never empty.
    pub events: Vec<Event>,
}

/// All events, as an iterator of pageviews in order of their hours.
pub struct Workload {
    layout: Layout,
    rng: Xoshiro256PlusPlus,
    total_events: u64,
    /// Events of the slices begun so far.
    sliced_events: u64,
    /// Pageviews of the slice still to come, latest first: when (as a share of all traffic) and how many events.
    slice: Vec<(f64, u32)>,
}

impl Workload {
    /// The first `total_events` events spread over the 90 days, with the benches' own seed.
    #[must_use]
    pub fn new(total_events: u64) -> Workload {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(SEED);
        let layout = Layout::new(&mut rng);
        Workload { layout, rng, total_events, sliced_events: 0, slice: Vec::new() }
    }

    /// Text of a page.
    #[must_use]
    pub fn page_text(&self, site: usize, page: usize) -> &str {
        &self.layout.texts[site * PAGES + page]
    }

    /// Every (site, page), the busiest first, by expected traffic.
    #[must_use]
    pub fn pages_by_traffic() -> Vec<(usize, usize)> {
        let (sites, pages) = (zipf(SITES, SITE_EXPONENT), zipf(PAGES, PAGE_EXPONENT));
        let weight = |(site, page): &(usize, usize)| sites[*site] * pages[*page];
        let mut ranked: Vec<(usize, usize)> =
            (0..SITES).flat_map(|site| (0..PAGES).map(move |page| (site, page))).collect();
        ranked.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
        ranked
    }

    fn begin_slice(&mut self) {
        let events = SLICE_EVENTS.min(self.total_events - self.sliced_events);
        let share = |events: u64| events as f64 / self.total_events as f64;
        let (from, length) = (share(self.sliced_events), share(events));
        // The number of failures before a success, so that one more is the number of trials.
        let failures = Geometric::new(1.0 / MEAN_EVENTS).expect("a probability");
        let mut left = events;
        while left > 0 {
            let count = (failures.sample(&mut self.rng) + 1).min(left);
            left -= count;
            let unit: f64 = StandardUniform.sample(&mut self.rng);
            // A pageview of four billion events does not happen: the mean is 20.
            self.slice.push((from + length * unit, count as u32));
        }
        self.slice.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        self.sliced_events += events;
    }
}

impl Iterator for Workload {
    type Item = Pageview;

    fn next(&mut self) -> Option<Pageview> {
        if self.slice.is_empty() && self.sliced_events < self.total_events {
            self.begin_slice();
        }
        let (at, count) = self.slice.pop()?;
        let (layout, rng) = (&self.layout, &mut self.rng);
        let site = layout.sites.sample(rng);
        let page = layout.pages_of_site.sample(rng);
        let mut visit = Visit {
            layout,
            device: &layout.devices[layout.device.sample(rng)],
            page: &layout.pages[site * PAGES + page],
            hour: layout.hour(at),
            country: layout.countries.sample(rng),
            last: None,
        };
        let events = (0..count).map(|_| visit.event(rng)).collect();
        Some(Pageview { site, page, events })
    }
}

/// A visitor on a page.
struct Visit<'a> {
    layout: &'a Layout,
    device: &'a DeviceClass,
    page: &'a Page,
    hour: HourOfSite,
    country: usize,
    /// Where the mouse is; a scroll does not move it.
    last: Option<(u32, u32)>,
}

impl Visit<'_> {
    fn event(&mut self, rng: &mut Xoshiro256PlusPlus) -> Event {
        let kind = self.kind(unit(rng));
        let mouse = self.position(rng);
        self.last = Some(mouse);
        let (x, y) = if kind == Kind::Scroll { (0, self.scroll_depth(rng)) } else { mouse };
        Event {
            kind,
            viewport: self.device.viewport,
            fixed: false,
            cell: Cell::from_code(x << 15 | y).expect("pages are far smaller than the limits"),
            hour: self.hour,
            country: self.layout.country_codes[self.country],
            count: 1,
        }
    }

    fn kind(&self, r: f32) -> Kind {
        match (self.device.desktop, r) {
            (true, ..0.88) => Kind::Move,
            (true, ..0.93) | (false, 0.45..0.60) => Kind::Click,
            (false, ..0.45) => Kind::Touch,
            _ => Kind::Scroll,
        }
    }

    fn position(&self, rng: &mut Xoshiro256PlusPlus) -> (u32, u32) {
        let (width, height) = (self.device.width_cells, self.page.height_cells);
        let (x, y) = match (unit(rng), self.last) {
            (..0.15, _) => (unit(rng) * width, unit(rng) * height),
            (0.90.., Some(last)) => return last,
            _ => {
                let spot = &self.page.spots[self.layout.spot.sample(rng)];
                let narrow = if self.device.desktop { 1.0 } else { 0.5 };
                let mut normal = || -> f32 { StandardNormal.sample(rng) };
                let x = spot.x * width + normal() * spot.sigma_x * narrow;
                (x, spot.y * height + normal() * spot.sigma_y)
            }
        };
        (x.clamp(0.0, width - 1.0) as u32, y.clamp(0.0, height - 1.0) as u32)
    }

    fn scroll_depth(&self, rng: &mut Xoshiro256PlusPlus) -> u32 {
        let depth: f32 = Exp1.sample(rng);
        (depth * 0.35 * self.page.height_cells).min(self.page.height_cells - 1.0) as u32
    }
}

fn unit(rng: &mut Xoshiro256PlusPlus) -> f32 {
    StandardUniform.sample(rng)
}

#[cfg(test)]
mod tests;
