//! `heatgrid`: the command of operators and site owners.
//!
//! A command says what it wants of a `place`, a store in a directory (`target`) or behind a `server`, and prints what
//! comes back. Status: 0 done, 1 failed, 2 asked wrongly, 3 found a problem.

mod command;
mod failure;
mod import;
mod input;
mod output;
mod place;
mod progress;
mod server;
mod target;

use std::process::ExitCode;

use clap::Parser;

/// Heatmaps as counters on a pixel grid: import, look, check, maintain.
#[derive(Parser)]
#[command(name = "heatgrid", version, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: command::Command,
}

fn main() -> ExitCode {
    match CommandLine::parse().command.run() {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            if failure.is_worth_telling() {
                eprintln!("heatgrid: {failure}");
            }
            ExitCode::from(failure.status())
        }
    }
}
