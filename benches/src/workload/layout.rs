//! What stands still while the events flow: weights, page texts, page heights and hot spots.

use heatgrid_engine::model::{Country, Day, HourOfSite, Viewport};
use rand_distr::weighted::WeightedAliasIndex;
use rand_distr::{Beta, Distribution, StandardUniform, Uniform};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::text;

/// Number of sites.
pub const SITES: usize = 200;
/// Number of pages of each site.
pub const PAGES: usize = 50;

pub(super) const SITE_EXPONENT: f64 = 1.1;
pub(super) const PAGE_EXPONENT: f64 = 1.0;

const HOURS: usize = 90 * 24;
const COUNTRIES: usize = 60;
const SPOTS: usize = 30;

const FIRST_DAY: (i32, u32, u32) = (2026, 1, 1);

/// Sixty countries, the busiest first.
const COUNTRY_NAMES: &str = "US DE GB FR IN BR JP ES IT CA NL PL AU MX ID TR SE CH BE AT \
                             KR AR PT DK NO FI CZ RO GR HU IE IL UA ZA PH VN TH MY SG NZ \
                             CL CO PE EG MA NG KE SA AE PK BD LK BG HR SK SI LT LV EE IS";

/// A class of device: how wide its pages are and what people do on it.
pub(super) struct DeviceClass {
    pub(super) viewport: Viewport,
    pub(super) width_cells: f32,
    pub(super) desktop: bool,
}

/// A place that draws the eye.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    /// Share of the width, 0 to 1.
    pub(super) x: f32,
    /// Share of the height, 0 to 1.
    pub(super) y: f32,
    /// Standard deviation in cells; half of it on screens that are not a desktop's.
    pub(super) sigma_x: f32,
    /// Standard deviation in cells.
    pub(super) sigma_y: f32,
}

pub(super) struct Page {
    pub(super) height_cells: f32,
    pub(super) spots: [Spot; SPOTS],
}

pub(super) struct Layout {
    pub(super) sites: WeightedAliasIndex<f64>,
    pub(super) pages_of_site: WeightedAliasIndex<f64>,
    pub(super) countries: WeightedAliasIndex<f64>,
    pub(super) country_codes: Vec<Country>,
    pub(super) devices: [DeviceClass; 3],
    pub(super) device: WeightedAliasIndex<f64>,
    pub(super) spot: WeightedAliasIndex<f64>,
    /// By `site * PAGES + page`.
    pub(super) pages: Vec<Page>,
    pub(super) texts: Vec<Box<str>>,
    /// Share of all traffic up to the end of each hour.
    hour_ends: Vec<f64>,
    first_hour: u32,
}

impl Layout {
    pub(super) fn new(rng: &mut Xoshiro256PlusPlus) -> Layout {
        let alias = |weights| WeightedAliasIndex::new(weights).expect("weights are positive");
        let device =
            |px, width_cells, desktop| DeviceClass { viewport: Viewport::of_px(px), width_cells, desktop };
        let codes = COUNTRY_NAMES.split_whitespace().map(|name| name.parse().expect("two letters"));
        let (year, month, day) = FIRST_DAY;
        let first_day = Day::from_civil(year, month, day).expect("a day of the calendar");
        Layout {
            sites: alias(zipf(SITES, SITE_EXPONENT)),
            pages_of_site: alias(zipf(PAGES, PAGE_EXPONENT)),
            countries: alias(zipf(COUNTRIES, 1.2)),
            country_codes: codes.collect(),
            devices: [device(1_920, 240.0, true), device(896, 128.0, false), device(392, 49.0, false)],
            device: alias(vec![0.80, 0.03, 0.17]),
            spot: alias(zipf(SPOTS, 0.9)),
            pages: (0..SITES * PAGES).map(|_| page(rng)).collect(),
            texts: (0..SITES).flat_map(|site| text::pages(site, PAGES, rng)).collect(),
            hour_ends: hour_ends(),
            first_hour: HourOfSite::new(first_day, 0).number(),
        }
    }

    /// The hour at which the share `u` (0 to 1) of all traffic has passed.
    pub(super) fn hour(&self, u: f64) -> HourOfSite {
        let hours = self.hour_ends.partition_point(|end| *end <= u).min(HOURS - 1);
        HourOfSite::from_number(self.first_hour + hours as u32).expect("within the calendar")
    }
}

/// Weights of ranks 1 to `count`.
pub(super) fn zipf(count: usize, exponent: f64) -> Vec<f64> {
    (1..=count).map(|rank| (rank as f64).powf(-exponent)).collect()
}

fn page(rng: &mut Xoshiro256PlusPlus) -> Page {
    let skewed_to_the_top = Beta::new(1.2, 2.5).expect("both are positive");
    let unit = |rng: &mut _| -> f32 { StandardUniform.sample(rng) };
    let height = Uniform::new_inclusive(200_u16, 1_500).expect("in order").sample(rng);
    Page {
        height_cells: f32::from(height),
        spots: std::array::from_fn(|_| Spot {
            x: unit(rng),
            y: skewed_to_the_top.sample(rng) as f32,
            sigma_x: 1.0 + 7.0 * unit(rng),
            sigma_y: 0.6 + 4.4 * unit(rng),
        }),
    }
}

fn hour_ends() -> Vec<f64> {
    let weight = |hour: usize| {
        let phase = ((hour % 24) as f64 - 9.0) / 24.0 * std::f64::consts::TAU;
        let weekend = if hour / 24 % 7 >= 5 { 0.7 } else { 1.0 };
        (1.0 + 0.7 * phase.sin()) * weekend
    };
    let total: f64 = (0..HOURS).map(weight).sum();
    let mut passed = 0.0;
    (0..HOURS)
        .map(|hour| {
            passed += weight(hour) / total;
            passed
        })
        .collect()
}
