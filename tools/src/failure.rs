//! Why a command did not do what it was asked, and with what status it then ends.

use std::io;
use std::path::PathBuf;

use heatgrid_server::wire::format::NoSuchForm;
use heatgrid_server::wire::question::BadQuestion;
use heatgrid_server::wire::site::BadSite;

use crate::import::Stopped;
use crate::server::ServerError;
use crate::target::TargetError;

/// Status of a command that did what it was asked.
pub(crate) const DONE: u8 = 0;
/// Status of a command that failed.
pub(crate) const FAILED: u8 = 1;
/// Status of a command that was asked wrongly; clap ends with the same.
pub(crate) const USAGE: u8 = 2;
/// Status of a command that looked for problems and found some.
pub(crate) const FOUND: u8 = 3;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A question that cannot be asked.
    #[error(transparent)]
    Question(#[from] BadQuestion),
    /// An answer that has no such form.
    #[error(transparent)]
    Form(#[from] NoSuchForm),
    /// A site or a setting that cannot be.
    #[error(transparent)]
    Site(#[from] BadSite),
    /// A file that cannot be read.
    #[error("{}: {source}", path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// An import that stopped.
    #[error("{}: {stopped}", path.display())]
    Import {
        /// The file.
        path: PathBuf,
        /// Where and why.
        stopped: Box<Stopped<Failure>>,
    },
    /// A day that is none.
    #[error("a day is written YYYY-MM-DD, not {0:?}")]
    Day(String),
    /// An answer that is not what was asked for.
    #[error("the answer cannot be read: {0}; is the server of another version?")]
    Answer(serde_json::Error),
    /// A file of keys that is none.
    #[error("these are no published keys: {0}; a server has them at /.well-known/heatgrid-keys.json")]
    Keys(serde_json::Error),
    /// What cannot be taken back was not confirmed.
    #[error("--confirm is the name again: {name}")]
    Unconfirmed {
        /// The name.
        name: String,
    },
    /// Nobody said where the store is.
    #[error("where? --data DIR for a directory, or --server URL (or HEATGRID_SERVER) for a server")]
    Nowhere,
    /// Nobody said where backups are.
    #[error("at which target? --target DIR or s3://bucket/prefix, or --server URL for those of a server")]
    NoTarget,
    /// A target was named for a server.
    #[error("a server has its targets in its configuration (backup_targets); leave --target out")]
    TargetOfServer,
    /// The store did not do it.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The server did not do it.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// Standard output is closed or full.
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    /// The status that the command ends with.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Failure::Question(_)
            | Failure::Form(_)
            | Failure::Site(_)
            | Failure::Day(_)
            | Failure::Unconfirmed { .. }
            | Failure::Nowhere
            | Failure::NoTarget
            | Failure::TargetOfServer => USAGE,
            Failure::Target(error) if error.is_usage() => USAGE,
            Failure::Server(error) if error.is_usage() => USAGE,
            // Whoever closed the pipe has seen enough.
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => DONE,
            Failure::Input { .. }
            | Failure::Import { .. }
            | Failure::Target(_)
            | Failure::Server(_)
            | Failure::Answer(_)
            | Failure::Keys(_)
            | Failure::Output(_) => FAILED,
        }
    }

    /// Whether there is anything to say about it.
    pub(crate) fn is_worth_telling(&self) -> bool {
        self.status() != DONE
    }
}
