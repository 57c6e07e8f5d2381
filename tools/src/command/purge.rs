//! `heatgrid purge`: removes from every file what erasures mask.

use clap::{Args, Subcommand};

use super::print;
use crate::failure::Failure;
use crate::place::Where;
use crate::progress;

/// What can be done about purging.
#[derive(Subcommand)]
pub(crate) enum Purge {
    /// Remove what is masked, prove it, and certify it; what was done stays done when it is stopped
    Run(How),
    /// What a purge would do: segments, bytes, room it needs
    Plan(How),
    /// What waits to be purged, and since when
    Status(Shown),
}

/// A purge.
#[derive(Args)]
pub(crate) struct How {
    #[command(flatten)]
    place: Where,
    /// Do not wait for the 72 hours of deleted sites
    #[arg(long)]
    now: bool,
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
            Purge::Run(How { place, now, json }) => {
                let place = place.existing()?;
                let turning = progress::spinner("purging");
                let done = place.purge(now)?;
                turning.finish_and_clear();
                place.close()?;
                print(&done, json)
            }
            Purge::Plan(How { place, now, json }) => print(&place.existing()?.purge_plan(now)?, json),
            Purge::Status(Shown { place, json }) => print(&place.existing()?.status()?["erasures"], json),
        }
    }
}
