//! What operators do with a store as a whole.

use clap::Args;
use serde_json::Value;

use super::print;
use crate::failure::{DONE, FOUND, Failure};
use crate::place::{Offline, Where};
use crate::{output, progress};

/// What the store holds and how it does.
#[derive(Args)]
pub(crate) struct Status {
    #[command(flatten)]
    place: Where,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Every file of the store.
#[derive(Args)]
pub(crate) struct Inspect {
    #[command(flatten)]
    place: Offline,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Reads and checks every byte.
#[derive(Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    place: Offline,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Writes memory and log into segments.
#[derive(Args)]
pub(crate) struct Flush {
    #[command(flatten)]
    place: Where,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Merges small segments.
#[derive(Args)]
pub(crate) struct Compact {
    #[command(flatten)]
    place: Where,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Status {
    /// Prints it.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        print(&self.place.existing()?.status()?, self.json)
    }
}

impl Inspect {
    /// Prints it: a table of segments, and below it what is not in one.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        let inspection = self.place.files()?.inspect()?;
        output::print(&if self.json {
            output::json(&inspection)
        } else {
            segments(&inspection).into_bytes()
        })?;
        Ok(DONE)
    }
}

impl Verify {
    /// Checks, and prints what is wrong.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        let files = self.place.files()?;
        let bar = progress::bytes("verifying");
        let report = files.verify(&mut |progress| {
            progress::length(&bar, progress.total_bytes);
            bar.set_position(progress.done_bytes);
        });
        bar.finish_and_clear();
        let problems = report["problems"].as_array().map_or(0, Vec::len);
        output::print(&if self.json { output::json(&report) } else { found(&report).into_bytes() })?;
        Ok(if problems == 0 { DONE } else { FOUND })
    }
}

impl Flush {
    /// Flushes.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        let place = self.place.existing()?;
        let turning = progress::spinner("flushing");
        let done = place.flush()?;
        turning.finish_and_clear();
        place.close()?;
        print(&done, self.json)
    }
}

impl Compact {
    /// Compacts.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        let place = self.place.existing()?;
        let turning = progress::spinner("compacting");
        let done = place.compact()?;
        turning.finish_and_clear();
        place.close()?;
        print(&done, self.json)
    }
}

fn found(report: &Value) -> String {
    let lines = |of: &str| {
        let texts = report[of].as_array().into_iter().flatten();
        texts.map(|text| output::plain(text) + "\n").collect::<String>()
    };
    let problems = report["problems"].as_array().map_or(0, Vec::len);
    let (segments, bytes) = (output::plain(&report["segments"]), output::plain(&report["segment_bytes"]));
    let verdict = if problems == 0 { "nothing wrong".to_owned() } else { format!("{problems} problems") };
    format!("{}{}{segments} segments, {bytes} bytes: {verdict}\n", lines("remarks"), lines("problems"))
}

fn segments(inspection: &Value) -> String {
    let columns = [
        "file",
        "month",
        "level",
        "length_bytes",
        "sites",
        "cells",
        "rows",
        "events",
        "first_day",
        "last_day",
    ];
    let mut text = output::table_of_objects(&columns, &inspection["segments"]);
    for (name, value) in inspection.as_object().into_iter().flatten().filter(|(name, _)| *name != "segments")
    {
        text.push_str(&format!("{name}  {}\n", output::plain(value)));
    }
    text
}
