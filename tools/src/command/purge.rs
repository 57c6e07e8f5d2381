//! `heatgrid purge`: removes from every file what erasures mask.

use clap::{Args, Subcommand};

use super::at::AtAll;
use super::print;
use crate::failure::Failure;
use crate::place::Where;

/// What can be done about purging.
#[derive(Subcommand)]
pub(crate) enum Purge {
    /// Remove what is masked, prove it, and certify it. Ctrl-C stops it in a directory, and the next one goes on from there; a
    /// server's goes on by itself
    Run(How),
    /// What a purge would do to live files, snapshots and backups: segments, bytes, room and time it needs
    Plan(How),
    /// What waits to be purged, and since when
    Status(Shown),
}

/// A purge, run or planned.
#[derive(Args)]
pub(crate) struct How {
    #[command(flatten)]
    place: Where,
    /// Do not wait for the 72 hours of deleted sites
    #[arg(long)]
    now: bool,
    #[command(flatten)]
    at: AtAll,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How purging stands.
#[derive(Args)]
pub(crate) struct Shown {
    #[command(flatten)]
    place: Where,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Purge {
    /// Does it. The status to end with.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        match self {
            Purge::Run(How { place, now, at, json }) => {
                let (targets, place) = (at.open()?, place.existing()?);
                let done = place.purge(targets, now)?;
                place.close()?;
                print(&done, json)
            }
            Purge::Plan(How { place, now, at, json }) => {
                let targets = at.open()?;
                print(&place.existing()?.purge_plan(targets, now)?, json)
            }
            Purge::Status(Shown { place, json }) => print(&place.existing()?.status()?["erasures"], json),
        }
    }
}
