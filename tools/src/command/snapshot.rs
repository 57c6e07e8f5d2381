//! Snapshots: the same files under a name, to go back to.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::print;
use crate::failure::{DONE, Failure};
use crate::place::Where;
use crate::{output, progress};

/// What can be done with snapshots.
#[derive(Subcommand)]
pub(crate) enum Snapshot {
    /// Keep what is there now under a name; nothing is copied
    Create(Named),
    /// Every snapshot
    List(Shown),
    /// One snapshot: its age, days, segments and bytes
    Inspect(Named),
    /// Delete a snapshot, and the files that nothing else needs
    Delete(Named),
    /// Put a snapshot in the place of what is live; the present is kept as another snapshot
    Restore(Restore),
}

/// A snapshot.
#[derive(Args)]
pub(crate) struct Named {
    #[command(flatten)]
    place: Where,
    /// Name of the snapshot: a-z, 0-9 and -
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// All snapshots.
#[derive(Args)]
pub(crate) struct Shown {
    #[command(flatten)]
    place: Where,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is to be restored.
#[derive(Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    named: Named,
    /// This site alone
    #[arg(long, value_name = "SITE")]
    site: Option<String>,
    /// The name of the snapshot again: what is live is replaced
    #[arg(long, value_name = "NAME")]
    confirm: String,
}

impl Snapshot {
    /// Does it.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        match self {
            Snapshot::Create(Named { place, name, json }) => {
                let place = place.existing()?;
                let turning = progress::spinner("flushing");
                let made = place.create_snapshot(&name)?;
                turning.finish_and_clear();
                place.close()?;
                print(&made, json)
            }
            Snapshot::List(Shown { place, json }) => {
                let listed = place.existing()?.snapshots()?;
                output::print(&if json { output::json(&listed) } else { table(&listed).into_bytes() })?;
                Ok(DONE)
            }
            Snapshot::Inspect(Named { place, name, json }) => {
                print(&place.existing()?.snapshot(&name)?, json)
            }
            Snapshot::Delete(Named { place, name, .. }) => {
                let place = place.existing()?;
                place.delete_snapshot(&name)?;
                place.close()?;
                Ok(DONE)
            }
            Snapshot::Restore(Restore { named: Named { place, name, json }, site, confirm }) => {
                if confirm != name {
                    return Err(Failure::Unconfirmed { name });
                }
                let place = place.existing()?;
                let turning = progress::spinner("restoring");
                let done = place.restore_snapshot(&name, site.as_deref())?;
                turning.finish_and_clear();
                place.close()?;
                print(&done, json)
            }
        }
    }
}

fn table(listed: &Value) -> String {
    let columns = ["name", "origin", "created_at", "expires_at", "segments", "bytes", "own_bytes", "events"];
    let lines = listed.as_array().into_iter().flatten();
    output::table(
        columns.map(str::to_owned).to_vec(),
        lines.map(|snapshot| columns.map(|column| output::plain(&snapshot[column])).to_vec()),
    )
}
