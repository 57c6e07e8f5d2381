//! Backups: of a store in a directory, to another directory or a bucket, or of a server to the targets that it is
//! configured with. They come back into a new directory.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use heatgrid_engine::clock::{Clock, SystemClock};
use heatgrid_engine::model::CopyName;
use serde_json::Value;

use super::at::At;
use super::print;
use crate::failure::{DONE, FOUND, Failure};
use crate::place::{Place, Where};
use crate::server::Server;
use crate::target::{Copies, Target};
use crate::{output, progress};

/// What a backup is called that nobody named, before the time.
const ASKED: &str = "asked";

/// What can be done with backups.
#[derive(Subcommand)]
pub(crate) enum Backup {
    /// Bring everything to a target, or to every target of a server, as far as it is not there yet
    #[command(visible_alias = "run")]
    Create(Create),
    /// Every backup of a target, or of every target of a server, the newest first
    List(List),
    /// Read all of a backup and check it; status 3 if something is wrong
    Verify(Named),
    /// Restore a backup into a new directory
    Restore(Restore),
    /// Delete a backup; what no other one lists goes with the next prune
    Delete(Unwanted),
    /// Delete backups that are too old or too many, and what no backup lists
    Prune(Prune),
    /// Forget a target that is no more, so that purges need not reach it
    Forget(Forget),
}

/// A backup that is to be made.
#[derive(Args)]
pub(crate) struct Create {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    at: At,
    /// Name of the backup: a-z, 0-9 and -; the time, if nothing is said
    #[arg(long)]
    name: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The backups that there are.
#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    at: At,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A backup.
#[derive(Args)]
pub(crate) struct Named {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    at: At,
    /// Name of the backup
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A backup that is to go.
#[derive(Args)]
pub(crate) struct Unwanted {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    at: At,
    /// Name of the backup
    name: String,
}

/// A backup that is to be restored.
#[derive(Args)]
pub(crate) struct Restore {
    /// New directory for the store; accounts and a ledger that are there already stay
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The ledger.key of the store that was backed up: no target has it
    #[arg(long, value_name = "FILE")]
    ledger_key: Option<PathBuf>,
    #[command(flatten)]
    at: At,
    /// Name of the backup
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is to be kept.
#[derive(Args)]
pub(crate) struct Prune {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    at: At,
    /// Days that a backup is kept, 1 to 83; a server has its own
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=83), conflicts_with = "server")]
    days: u32,
    /// Backups that are kept, the newest; a server has its own
    #[arg(long, default_value_t = 30, conflicts_with = "server")]
    keep: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A target that is no more.
#[derive(Args)]
pub(crate) struct Forget {
    /// Directory of the store; no server may be running on it
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The target, as it was named
    #[arg(long, value_name = "TARGET")]
    target: String,
}

/// Where backups are looked for.
enum Backups {
    /// At one target.
    Target(Copies),
    /// At the targets of a server.
    Server(Server),
}

/// Where they are: at the target that is named, or else the server's.
fn backups(place: &Where, at: &At) -> Result<Backups, Failure> {
    match at.is_named() {
        true => Ok(Backups::Target(at.open()?)),
        false => place.server().map(Backups::Server).map_err(|_| Failure::NoTarget),
    }
}

impl Backup {
    /// Does it.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        match self {
            Backup::Create(create) => create.run(),
            Backup::List(List { place, at, json }) => {
                let listed = match backups(&place, &at)? {
                    Backups::Target(copies) => copies.list()?,
                    Backups::Server(server) => server.backups()?,
                };
                output::print(&if json { output::json(&listed) } else { table(&listed).into_bytes() })?;
                Ok(DONE)
            }
            Backup::Verify(named) => named.verify(),
            Backup::Restore(restore) => restore.run(),
            Backup::Delete(Unwanted { place, at, name }) => {
                match place.existing()? {
                    Place::Directory(target) => {
                        target.delete_backup(&at.open()?, &name)?;
                        target.close()?;
                    }
                    Place::Server(_) if at.is_named() => return Err(Failure::TargetOfServer),
                    Place::Server(server) => server.delete_backup(&name)?,
                }
                Ok(DONE)
            }
            Backup::Prune(Prune { place, at, days, keep, json }) => match place.existing()? {
                Place::Directory(target) => {
                    let pruned = target.prune_backups(&at.open()?, days, keep)?;
                    target.close()?;
                    print(&pruned, json)
                }
                Place::Server(_) if at.is_named() => Err(Failure::TargetOfServer),
                Place::Server(server) => each(&server.prune_backups()?, json),
            },
            Backup::Forget(Forget { data, target: place }) => {
                let target = Target::existing(&data)?;
                target.forget_target(&place)?;
                target.close()?;
                Ok(DONE)
            }
        }
    }
}

impl Create {
    fn run(self) -> Result<u8, Failure> {
        let Create { place, at, name, json } = self;
        let name = name.unwrap_or_else(|| CopyName::of_time(ASKED, SystemClock.now_ms()).to_string());
        match place.existing()? {
            Place::Directory(target) => {
                let done = target.back_up(&at.open()?, &name)?;
                target.close()?;
                print(&done, json)
            }
            Place::Server(_) if at.is_named() => Err(Failure::TargetOfServer),
            Place::Server(server) => each(&server.back_up(&name)?, json),
        }
    }
}

impl Named {
    fn verify(self) -> Result<u8, Failure> {
        let Named { place, at, name, json } = self;
        let problems = |found: &Value| found["problems"].as_array().map_or(0, Vec::len);
        let found = match backups(&place, &at)? {
            Backups::Target(copies) => {
                let bar = progress::bytes("verifying");
                let found = copies.verify(&name, &mut |done, total| {
                    progress::length(&bar, total);
                    bar.set_position(done);
                })?;
                bar.finish_and_clear();
                print(&found, json)?;
                problems(&found)
            }
            Backups::Server(server) => {
                let turning = progress::spinner("verifying");
                let found = server.verify_backup(&name)?;
                turning.finish_and_clear();
                each(&found, json)?;
                found.as_array().into_iter().flatten().map(problems).sum()
            }
        };
        Ok(if found == 0 { DONE } else { FOUND })
    }
}

impl Restore {
    fn run(self) -> Result<u8, Failure> {
        let Restore { data, ledger_key, at, name, json } = self;
        let key = ledger_key.as_deref().map(|path| {
            let failed = |source| Failure::Input { path: path.to_owned(), source };
            std::fs::read(path).map_err(failed)
        });
        let bar = progress::bytes("restoring");
        let done = at.open()?.restore(&name, &data, key.transpose()?, &mut |done, total| {
            progress::length(&bar, total);
            bar.set_position(done);
        })?;
        bar.finish_and_clear();
        print(&done, json)
    }
}

/// What a server said of each of its targets.
fn each(answers: &Value, json: bool) -> Result<u8, Failure> {
    if json {
        return print(answers, true);
    }
    for answer in answers.as_array().into_iter().flatten() {
        print(answer, false)?;
    }
    Ok(DONE)
}

fn table(listed: &Value) -> String {
    let columns =
        ["target", "name", "created_at", "expires_at", "segments", "bytes", "events", "ledger_position"];
    let lines = listed.as_array().into_iter().flatten();
    output::table(
        columns.map(str::to_owned).to_vec(),
        lines.map(|backup| columns.map(|column| output::plain(&backup[column])).to_vec()),
    )
}
