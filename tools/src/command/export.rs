//! `heatgrid export`: every counter of a site as lines, for whoever wants to take the data elsewhere.

use std::io::{self, BufWriter, Write};

use clap::{Args, ValueEnum};
use heatgrid_engine::model::{Day, Device, Kind};
use heatgrid_engine::query::PageTotal;
use heatgrid_server::ask::Route;
use heatgrid_server::wire::format::Format;
use heatgrid_server::wire::question::{Written, cursor};
use serde::Deserialize;
use serde_json::json;

use crate::failure::{DONE, Failure};
use crate::place::{Place, Where};
use crate::progress;

/// Pages asked for at once: as many as a list may have.
const PAGES: usize = 10_000;

/// Writes every counter of a site to standard output: a line for each day, page, kind, device, layer and cell.
///
/// Cells are squares of 8 x 8 CSS px. Countries are left out, and rare ones could not be told anyway.
#[derive(Args, Debug)]
pub(crate) struct Export {
    #[command(flatten)]
    place: Where,
    /// Name of the site
    #[arg(long)]
    site: String,
    /// First day
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: String,
    /// Day after the last one
    #[arg(long, value_name = "YYYY-MM-DD")]
    to: String,
    /// Form of the lines
    #[arg(long, value_name = "FORM", default_value = "csv")]
    format: Form,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    Csv,
    Ndjson,
}

/// One question's answer, as far as it is wanted here.
#[derive(Deserialize)]
struct Cells {
    cells: Vec<[u64; 3]>,
}

#[derive(Deserialize)]
struct Total {
    page: String,
    count: u64,
}

/// What the lines of one question have in common.
struct Head<'a> {
    day: Day,
    kind: &'static str,
    device: &'static str,
    fixed: &'static str,
    page: &'a str,
}

impl Export {
    /// Asks for every day, layer and page that has something, and writes what comes back.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        let place = self.place.existing()?;
        let (first, end) = (day(&self.from)?, day(&self.to)?);
        let mut out = BufWriter::new(io::stdout().lock());
        if let Form::Csv = self.format {
            out.write_all(b"day,kind,device,fixed,page,cell_x,cell_y,count\n")?;
        }
        let bar = progress::spinner("exporting");
        let mut at = first;
        while at < end {
            for kind in Kind::ALL {
                for device in Device::ALL {
                    for fixed in ["false", "true"] {
                        self.layer(&place, at, (kind.name(), device.name(), fixed), &mut out)?;
                    }
                }
            }
            at = at.plus(1);
        }
        bar.finish_and_clear();
        out.flush()?;
        Ok(DONE)
    }

    fn layer(
        &self,
        place: &Place,
        day: Day,
        (kind, device, fixed): (&'static str, &'static str, &'static str),
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        let asked = Written {
            kind: Some(kind.to_owned()),
            device: Some(device.to_owned()),
            fixed: Some(fixed.to_owned()),
            from: Some(day.to_string()),
            to: Some(day.plus(1).to_string()),
            ..Written::default()
        };
        let mut after = None;
        loop {
            let list = Written { limit: Some(PAGES.to_string()), cursor: after, ..asked.clone() };
            let answer = place.ask(&self.site, Route::Pages, &list, Format::Json)?;
            let pages: Vec<Total> = serde_json::from_slice(&answer).map_err(Failure::Answer)?;
            for Total { page, .. } in &pages {
                let question = Written { page: Some(page.clone()), ..asked.clone() };
                let answer = place.ask(&self.site, Route::Grid, &question, Format::Json)?;
                let grid: Cells = serde_json::from_slice(&answer).map_err(Failure::Answer)?;
                self.lines(&Head { day, kind, device, fixed, page }, &grid, out)?;
            }
            match pages.last() {
                Some(Total { page, count }) if pages.len() == PAGES => {
                    after = Some(cursor(&PageTotal { page: page.as_str().into(), count: *count }));
                }
                _ => return Ok(()),
            }
        }
    }

    fn lines(&self, head: &Head<'_>, grid: &Cells, out: &mut impl Write) -> io::Result<()> {
        let Head { day, kind, device, fixed, page } = head;
        for [x, y, count] in &grid.cells {
            match self.format {
                // A page may hold commas and quotes, but no line break: it is a normalised URL.
                Form::Csv => {
                    let page = page.replace('"', "\"\"");
                    writeln!(out, "{day},{kind},{device},{fixed},\"{page}\",{x},{y},{count}")?;
                }
                Form::Ndjson => {
                    let line = json!({
                        "day": day.to_string(), "kind": kind, "device": device, "fixed": *fixed == "true",
                        "page": page, "cell_x": x, "cell_y": y, "count": count,
                    });
                    writeln!(out, "{line}")?;
                }
            }
        }
        Ok(())
    }
}

fn day(text: &str) -> Result<Day, Failure> {
    text.parse().map_err(|_| Failure::Day(text.to_owned()))
}
