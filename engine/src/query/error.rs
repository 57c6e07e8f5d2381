//! Why a question has no answer.

use crate::model::limits::{LIST_ITEMS, PATTERN_PAGES, PATTERN_WILDCARDS, QUERY_DAYS};
use crate::model::{Kind, Work};
use crate::segment::SegmentError;
use crate::view::{Unreadable, ViewExpired};

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// It cannot be asked.
    #[error(transparent)]
    Invalid(#[from] InvalidQuestion),
    /// It would read more than the budget allows.
    #[error(
        "the question reads more than {limit_rows} rows or {limit_bytes} bytes; ask for fewer days, pages or kinds"
    )]
    TooMuchWork {
        /// What had been read.
        read: Work,
        /// Most rows.
        limit_rows: u64,
        /// Most bytes.
        limit_bytes: u64,
    },
    /// Nobody waits for it any more.
    #[error("the query was cancelled")]
    Cancelled,
    /// The view was held too long.
    #[error(transparent)]
    ViewExpired(#[from] ViewExpired),
    /// A segment could not be read.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// A segment of an asked month could not be opened.
    #[error(transparent)]
    Unreadable(Box<Unreadable>),
}

/// Why a question cannot be asked.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidQuestion {
    /// The range ends before it begins.
    #[error("the first day comes after the last one; swap from and to")]
    DaysReversed,
    /// The range is too long.
    #[error("{days} days are too many; ask for at most {QUERY_DAYS}")]
    TooManyDays {
        /// Its days.
        days: u32,
    },
    /// A grid of the whole site.
    #[error("a grid is of a page or of a pattern; name one")]
    NoPage,
    /// The pattern matches too much.
    #[error("more than {PATTERN_PAGES} pages match; use a narrower pattern")]
    TooManyPages,
    /// The pattern is too complicated.
    #[error("a pattern has at most {PATTERN_WILDCARDS} wildcards, not {wildcards}")]
    TooManyWildcards {
        /// Its wildcards.
        wildcards: usize,
    },
    /// The pattern is longer than any page.
    #[error("a pattern of {bytes} bytes is longer than any page")]
    PatternLength {
        /// Its bytes.
        bytes: usize,
    },
    /// A width to align to that is no width.
    #[error("a width is 1 to 16384 px, not {width_px}")]
    Width {
        /// What was asked.
        width_px: u32,
    },
    /// A list of nothing, or too long.
    #[error("a list has 1 to {LIST_ITEMS} items, not {limit}")]
    Limit {
        /// What was asked.
        limit: usize,
    },
    /// Hour totals do not know what was selected by.
    #[error(
        "hours are counted for all viewports, countries and fixed marks together; ask by day, or for all"
    )]
    HoursHaveNoLayers,
    /// Hour totals do not know conversions.
    #[error("{kind} is not counted by the hour; ask by day")]
    KindHasNoHours {
        /// The kind.
        kind: Kind,
    },
}
