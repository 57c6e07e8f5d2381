//! Counts over time: a root array, which Grafana's Infinity source reads as it is.

use heatgrid_engine::query::TimeCount;
use serde::Serialize;
use utoipa::ToSchema;

use super::text::{Csv, json_line, ndjson};
use crate::wire::format::{Format, NoSuchForm};

/// A series, by time; steps without events are not in it.
#[derive(Clone, Copy, Debug)]
pub struct SeriesAnswer<'a>(pub &'a [TimeCount]);

/// A step and its events.
#[derive(Serialize, ToSchema)]
#[schema(as = TimeCount)]
pub struct TimeBody {
    time: String,
    count: u64,
}

impl SeriesAnswer<'_> {
    /// The answer as bytes.
    ///
    /// # Errors
    /// When it has no such form.
    pub fn write(self, format: Format) -> Result<Vec<u8>, NoSuchForm> {
        let items = self.0.iter().map(|item| TimeBody { time: item.time.to_string(), count: item.count });
        match format {
            Format::Json => Ok(json_line(&items.collect::<Vec<_>>())),
            Format::Ndjson => Ok(ndjson(items)),
            Format::Csv => {
                let mut csv = Csv::with_header("time,count");
                items.for_each(|item| csv.text(&item.time).number(item.count).end());
                Ok(csv.into_bytes())
            }
            Format::Png | Format::Points | Format::Bin => Err(NoSuchForm(format)),
        }
    }
}
