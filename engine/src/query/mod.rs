//! Queries: exact sums over a view, and what was read to make them.
//!
//! A question is planned first (which days count, which countries are rare, what a strip must be read for) and then
//! scanned: strips' per-day totals where they decide, summaries where whole strips count, details only where days or
//! countries have to be told apart.

mod answer;
mod budget;
mod error;
mod pattern;
mod question;

pub use answer::{Answer, Attention, PageTotal, ScrollReach, Summary, Time, TimeCount};
pub use budget::{Budget, CancelFlag};
pub use error::{InvalidQuestion, QueryError};
pub use pattern::PagePattern;
pub use question::{
    Align, GridQuestion, PageListQuestion, Pages, Selection, SeriesQuestion, SiteContext, Step,
    TopPagesQuestion,
};
