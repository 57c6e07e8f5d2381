//! A synthetic product: 200 sites with 50 pages each, visited for 90 days from 2026-01-01.
//!
//! | what | how it is spread |
//! |---|---|
//! | sites, pages of a site | Zipf 1.1 over 200, Zipf 1.0 over 50 |
//! | time | 2,160 hours, diurnal weight 1 + 0.7 sin, weekends 0.7; emitted in order of the hour, sites interleaved |
//! | pageview | one site, page, device, country and hour; geometric number of events, mean 20 |
//! | device | desktop 0.80 (1,920 px), tablet 0.03 (896 px), mobile 0.17 (392 px) |
//! | kind | desktop: move 0.88, click 0.05, scroll 0.07; others: touch 0.45, click 0.15, scroll 0.40 |
//! | country | Zipf 1.2 over 60 |
//! | place | pages 200 to 1,500 cells high, 240, 128 or 49 wide; 75 % around one of 30 hot spots, 10 % where the last event was, 15 % anywhere; a scroll has x = 0 and an exponential depth, mean 35 % of the height |
//!
//! The same seed and number of events give the same events on every machine and in every build.

mod layout;
mod pageviews;
mod text;

pub use layout::{PAGES, SITES};
pub use pageviews::{Pageview, Workload};
