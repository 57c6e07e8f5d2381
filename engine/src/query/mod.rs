//! Queries: exact sums over a view, and what was read to make them.
//!
//! A question is planned first (which days count, which countries are rare, what a strip must be read for) and then
//! scanned: strips' per-day totals where they decide, summaries where whole strips count, details only where days or
//! countries have to be told apart.

mod accumulate;
mod align;
mod answer;
mod budget;
mod error;
mod filter;
mod grid;
mod hours;
mod memory;
mod pages;
mod pattern;
mod plan;
mod pool;
mod question;
mod rollups;
mod scan;
mod scroll;
mod series;
mod source;
mod summary;
mod tiles;

pub use answer::{Answer, Attention, PageTotal, ScrollReach, Summary, Time, TimeCount};
pub use budget::{Budget, CancelFlag};
pub use error::{InvalidQuestion, QueryError};
pub use grid::grid;
pub use pages::{page_list, top_pages};
pub use pattern::PagePattern;
pub use question::{
    Align, GridQuestion, PageListQuestion, Pages, Selection, SeriesQuestion, SiteContext, Step,
    TopPagesQuestion,
};
pub use scroll::{attention, scroll_reach};
pub use series::series;
pub use summary::summary;

#[cfg(test)]
mod tests;
