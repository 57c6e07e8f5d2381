//! Pages by their events: a root array, most first.

use heatgrid_engine::query::PageTotal;
use serde::Serialize;
use utoipa::ToSchema;

use super::text::{Csv, json_line, ndjson};
use crate::wire::format::{Format, NoSuchForm};

/// Pages, most events first.
#[derive(Clone, Copy, Debug)]
pub struct PagesAnswer<'a>(pub &'a [PageTotal]);

/// A page and its events.
#[derive(Serialize, ToSchema)]
#[schema(as = PageCount)]
pub struct PageBody<'a> {
    page: &'a str,
    count: u64,
}

impl PagesAnswer<'_> {
    /// The answer as bytes.
    ///
    /// # Errors
    /// When it has no such form.
    pub fn write(self, format: Format) -> Result<Vec<u8>, NoSuchForm> {
        let items = self.0.iter().map(|item| PageBody { page: &item.page, count: item.count });
        match format {
            Format::Json => Ok(json_line(&items.collect::<Vec<_>>())),
            Format::Ndjson => Ok(ndjson(items)),
            Format::Csv => {
                let mut csv = Csv::with_header("page,count");
                items.for_each(|item| csv.text(item.page).number(item.count).end());
                Ok(csv.into_bytes())
            }
            Format::Png | Format::Points | Format::Bin => Err(NoSuchForm(format)),
        }
    }
}
