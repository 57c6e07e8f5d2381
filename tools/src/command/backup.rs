//! Backups of a store in a directory: to another directory or a bucket, and back into a new directory.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use heatgrid_server::backup::{Encryption, S3Options};
use serde_json::Value;

use super::print;
use crate::failure::{DONE, FOUND, Failure};
use crate::target::{Copies, Target};
use crate::{output, progress};

/// What can be done with backups.
#[derive(Subcommand)]
pub(crate) enum Backup {
    /// Bring everything to a target, as far as it is not there yet
    Run(Run),
    /// Every backup of a target, the newest first
    List(List),
    /// Read all of a backup and check it; status 3 if something is wrong
    Verify(Named),
    /// Restore a backup into a new directory
    Restore(Restore),
    /// Delete backups that are too old or too many, and what no backup lists
    Prune(Prune),
    /// Forget a target that is no more, so that purges need not reach it
    Forget(Forget),
}

/// Where backups are.
#[derive(Args, Clone)]
pub(crate) struct At {
    /// Where backups are: a directory, or s3://bucket/prefix, with ?expires_days=N if it keeps old versions
    #[arg(long, value_name = "TARGET")]
    target: String,
    /// Address of the S3 service, if it is not Amazon's
    #[arg(long, value_name = "URL")]
    s3_endpoint: Option<String>,
    /// Region that requests to the S3 service are signed for
    #[arg(long, value_name = "REGION", default_value = "us-east-1")]
    s3_region: String,
    /// File with the id of an access key on its first line and its secret on the second
    #[arg(long, value_name = "FILE")]
    s3_credentials: Option<PathBuf>,
    /// Certificates (PEM) that the S3 service is trusted by beside the machine's
    #[arg(long, value_name = "FILE")]
    s3_ca_file: Option<PathBuf>,
    /// Speak to an S3 service on another machine without TLS
    #[arg(long)]
    s3_plain_http: bool,
    /// How the S3 service is asked to encrypt what it keeps: AES256, aws:kms, aws:kms=KEY, or none
    #[arg(long, value_name = "HOW", default_value = "AES256")]
    s3_encryption: Encryption,
}

impl At {
    fn open(&self) -> Result<Copies, Failure> {
        let s3 = S3Options {
            endpoint: self.s3_endpoint.clone(),
            region: self.s3_region.clone(),
            credentials: self.s3_credentials.clone(),
            ca_file: self.s3_ca_file.clone(),
            plain_http: self.s3_plain_http,
            encryption: self.s3_encryption.clone(),
        };
        Ok(Copies::open(&self.target, &s3)?)
    }
}

/// A backup that is to be made.
#[derive(Args)]
pub(crate) struct Run {
    /// Directory of the store; no server may be running on it
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    at: At,
    /// Name of the backup: a-z, 0-9 and -; the time, if nothing is said
    #[arg(long)]
    name: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The backups of a target.
#[derive(Args)]
pub(crate) struct List {
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
    at: At,
    /// Name of the backup
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
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
    named: Named,
}

/// What is to be kept.
#[derive(Args)]
pub(crate) struct Prune {
    /// Directory of the store; no server may be running on it
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    at: At,
    /// Days that a backup is kept, 1 to 83
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=83))]
    days: u32,
    /// Backups that are kept, the newest
    #[arg(long, default_value_t = 30)]
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

impl Backup {
    /// Does it.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        match self {
            Backup::Run(Run { data, at, name, json }) => {
                let (copies, target) = (at.open()?, Target::existing(&data)?);
                let turning = progress::spinner("backing up");
                let done = target.back_up(&copies, name.as_deref())?;
                turning.finish_and_clear();
                target.close()?;
                print(&done, json)
            }
            Backup::List(List { at, json }) => {
                let listed = at.open()?.list()?;
                output::print(&if json { output::json(&listed) } else { table(&listed).into_bytes() })?;
                Ok(DONE)
            }
            Backup::Verify(Named { at, name, json }) => {
                let bar = progress::bytes("verifying");
                let found = at.open()?.verify(&name, &mut |done, total| {
                    progress::length(&bar, total);
                    bar.set_position(done);
                })?;
                bar.finish_and_clear();
                print(&found, json)?;
                let problems = found["problems"].as_array().map_or(0, Vec::len);
                Ok(if problems == 0 { DONE } else { FOUND })
            }
            Backup::Restore(Restore { data, ledger_key, named: Named { at, name, json } }) => {
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
            Backup::Prune(Prune { data, at, days, keep, json }) => {
                let (copies, target) = (at.open()?, Target::existing(&data)?);
                let pruned = target.prune_backups(&copies, days, keep)?;
                target.close()?;
                print(&pruned, json)
            }
            Backup::Forget(Forget { data, target: place }) => {
                let target = Target::existing(&data)?;
                target.forget_target(&place)?;
                target.close()?;
                Ok(DONE)
            }
        }
    }
}

fn table(listed: &Value) -> String {
    let columns = ["name", "created_at", "expires_at", "segments", "bytes", "events", "ledger_position"];
    let lines = listed.as_array().into_iter().flatten();
    output::table(
        columns.map(str::to_owned).to_vec(),
        lines.map(|backup| columns.map(|column| output::plain(&backup[column])).to_vec()),
    )
}
