//! Answers as bytes: what HTTP sends and what the tools print is the same.

mod grid;
mod pages;
mod scroll;
mod series;
mod summary;
mod text;

pub use grid::{BIN_MAGIC, GridAnswer, GridBody};
pub use pages::{PageBody, PagesAnswer};
pub use scroll::{ScrollAnswer, ScrollBody};
pub use series::{SeriesAnswer, TimeBody};
pub use summary::{SummaryAnswer, SummaryBody};

use heatgrid_engine::model::{DayRange, KindSet};
use heatgrid_engine::query::Answer;
use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};
use utoipa::ToSchema;

use super::time::rfc3339;

/// What an answer says of its question: the head of every JSON object.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Head<'a> {
    site: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_pattern: Option<&'a str>,
    #[serde(rename = "kind", serialize_with = "kind_names")]
    #[schema(value_type = Vec<String>)]
    kinds: KindSet,
    from: String,
    to: String,
    as_of: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    recoded: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    withheld: bool,
}

impl<'a> Head<'a> {
    /// The head of `answer`, which the site of this name gave at `now_ms` (Unix ms) for these kinds.
    #[must_use]
    pub fn of<T>(site: &'a str, kinds: KindSet, answer: &Answer<T>, now_ms: u64) -> Head<'a> {
        // Of days that retention has taken, an empty range stays.
        let DayRange { from, to } = answer.days;
        Head {
            site,
            page: None,
            page_pattern: None,
            kinds,
            from: from.min(to).to_string(),
            to: to.to_string(),
            as_of: rfc3339(now_ms),
            recoded: answer.recoded,
            withheld: answer.withheld,
        }
    }

    /// Names the page, in normal form.
    #[must_use]
    pub fn page(self, page: Option<&'a str>) -> Head<'a> {
        Head { page, ..self }
    }

    /// Names the pattern.
    #[must_use]
    pub fn page_pattern(self, page_pattern: Option<&'a str>) -> Head<'a> {
        Head { page_pattern, ..self }
    }
}

fn kind_names<S: Serializer>(kinds: &KindSet, serializer: S) -> Result<S::Ok, S::Error> {
    let mut names = serializer.serialize_seq(None)?;
    for kind in kinds.iter() {
        names.serialize_element(kind.name())?;
    }
    names.end()
}

#[cfg(test)]
mod tests;
