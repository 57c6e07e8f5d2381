//! The verbs.

mod ask;
mod at;
mod backup;
mod doctor;
mod erasure;
mod export;
mod import;
mod load;
mod maintain;
mod purge;
mod question;
mod settings;
mod site;
mod snapshot;
mod token;

use clap::Subcommand;
use serde_json::Value;

use crate::failure::{DONE, Failure};
use crate::output;

/// What can be done.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Read events from a file (NDJSON, plain, gzip or zstd; - is standard input) into a site
    Import(import::Import),
    /// Write every counter of a site as lines
    Export(export::Export),
    /// Cells of a page or of the pages of a pattern
    Grid(ask::Ask<question::Grid>),
    /// Counts over time
    Series(ask::Ask<question::Series>),
    /// The pages with the most events
    Pages(ask::Ask<question::Pages>),
    /// Totals by kind, device, country, weekday and hour
    Summary(ask::Ask<question::Summary>),
    /// How far down pages were seen, and how long
    Scroll(ask::Ask<question::Scroll>),
    /// Make sites and look at them
    #[command(subcommand)]
    Site(site::Site),
    /// Make and revoke tokens of a site (at a server)
    #[command(subcommand)]
    Token(token::Token),
    /// What the store holds and how it does
    Status(maintain::Status),
    /// What an operator should see to; status 3 if there is anything
    Doctor(doctor::Doctor),
    /// Every file of the store, and what is in it
    Inspect(maintain::Inspect),
    /// Read every byte of the store and check it; status 3 if something is wrong
    Verify(maintain::Verify),
    /// Write what is in memory and in the log into segments
    Flush(maintain::Flush),
    /// Merge small segments, and recode rare countries of closed months
    Compact(maintain::Compact),
    /// Keep what is there under a name, and go back to it
    #[command(subcommand)]
    Snapshot(snapshot::Snapshot),
    /// Have data erased from every copy, and check the proof
    #[command(subcommand)]
    Erasure(erasure::Erasure),
    /// Remove from every file what erasures mask
    #[command(subcommand)]
    Purge(purge::Purge),
    /// Bring everything to another place, and back into a new directory
    #[command(subcommand)]
    Backup(backup::Backup),
    /// Send made-up events and measure the server (at a server)
    Load(load::Load),
}

impl Command {
    /// Does it. The status to end with.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        match self {
            Command::Import(command) => command.run(),
            Command::Export(command) => command.run(),
            Command::Grid(command) => command.run(),
            Command::Series(command) => command.run(),
            Command::Pages(command) => command.run(),
            Command::Summary(command) => command.run(),
            Command::Scroll(command) => command.run(),
            Command::Site(command) => command.run(),
            Command::Token(command) => command.run(),
            Command::Status(command) => command.run(),
            Command::Doctor(command) => command.run(),
            Command::Inspect(command) => command.run(),
            Command::Verify(command) => command.run(),
            Command::Flush(command) => command.run(),
            Command::Compact(command) => command.run(),
            Command::Snapshot(command) => command.run(),
            Command::Erasure(command) => command.run(),
            Command::Purge(command) => command.run(),
            Command::Backup(command) => command.run(),
            Command::Load(command) => command.run(),
        }
    }
}

/// Prints an object: as JSON, or a member a line.
fn print(object: &Value, json: bool) -> Result<u8, Failure> {
    output::print(&if json { output::json(object) } else { output::table_of_object(object).into_bytes() })?;
    Ok(DONE)
}
