//! `heatgrid import`.

use std::path::PathBuf;

use clap::Args;
use heatgrid_engine::model::limits::BATCH_EVENTS;
use serde_json::json;

use super::settings::Settings;
use crate::failure::{DONE, Failure};
use crate::import::{Cut, Stored};
use crate::place::Where;
use crate::{input, output, progress};

/// Reads events from a file into a site.
///
/// A batch is stored whole or not at all. A file of up to 4,000,000 lines and 1 GiB is one batch; a larger one is
/// several, and when it stops, it says from where it can go on.
#[derive(Args, Debug)]
pub(crate) struct Import {
    #[command(flatten)]
    place: Where,
    /// Name of the site; made with the settings below if it is not there
    #[arg(long)]
    site: String,
    /// File of events; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    settings: Settings,
    /// Most lines of one batch
    #[arg(long, value_name = "LINES", default_value_t = BATCH_EVENTS as u32,
          value_parser = clap::value_parser!(u32).range(1..=BATCH_EVENTS as i64))]
    batch_lines: u32,
    /// Lines at the beginning that are passed over
    #[arg(long, value_name = "LINES", default_value_t = 0)]
    skip_lines: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Import {
    /// Imports, and prints what was accepted and dropped.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        let path = self.file;
        let bar = progress::bytes("importing");
        let counted = bar.clone();
        let mut input = input::open(&path, move |bytes| counted.inc(bytes))
            .map_err(|source| Failure::Input { path: path.clone(), source })?;
        if let Some(length) = input.length_bytes {
            progress::length(&bar, length);
        }
        let place = self.place.existing_or_new(self.settings.region())?;
        let written = self.settings.written(&self.site);
        let cut = Cut { batch_lines: self.batch_lines as usize, skip_lines: self.skip_lines };
        place.site_or_new(&written)?;
        let stored = place.import(&self.site, &mut input.content, cut);
        bar.finish_and_clear();
        let stored = stored.map_err(|stopped| Failure::Import { path, stopped })?;
        place.close()?;
        output::print(&if self.json { json(&self.site, &stored) } else { text(&self.site, &stored) })?;
        Ok(DONE)
    }
}

fn json(site: &str, stored: &Stored) -> Vec<u8> {
    let Stored { lines, batches, accepted, dropped } = stored;
    output::json(
        &json!({"site": site, "lines": lines, "batches": batches, "accepted": accepted, "dropped": dropped}),
    )
}

fn text(site: &str, stored: &Stored) -> Vec<u8> {
    let mut text = format!("{site}: {} events accepted", output::grouped(stored.accepted));
    for (reason, events) in &stored.dropped {
        text.push_str(&format!(", {} dropped ({reason})", output::grouped(*events)));
    }
    text.push('\n');
    text.into_bytes()
}
