//! Settings: what was written, where (`raw`), and what it means (`checked`).
//!
//! Every setting can be given as a flag, as `HEATGRID_<NAME>`, in the configuration file, or left at its default;
//! in this order of precedence. The only place of the server that reads arguments and environment.

mod checked;
mod raw;
mod table;

#[cfg(test)]
mod tests;

pub use checked::{BackupConfig, Config, LogFormat, Tls};
pub use raw::{Origin, Raw, Start};
pub use table::{SETTINGS, Setting, Shape};

use std::path::PathBuf;

/// A configuration that cannot be used: what is wrong, where it stands, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Arguments that are not of the usage; the text is clap's.
    #[error("{0}")]
    Usage(clap::Error),
    /// The configuration file could not be read.
    #[error("cannot read the configuration file {path}: {source}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The configuration file is not TOML.
    #[error("{path}, line {line}: {message}", path = path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What the parser said.
        message: String,
    },
    /// A key of the file that is no setting.
    #[error("{path}, line {line}: there is no setting {key:?}{}; --print-config shows all", nearest.map_or_else(String::new, |name| format!(" (did you mean {name:?}?)")), path = path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// The setting whose name is most like it.
        nearest: Option<&'static str>,
    },
    /// A `HEATGRID_` variable that is no setting.
    #[error("there is no setting for the environment variable {name}; --print-config shows all")]
    UnknownVariable {
        /// The variable.
        name: String,
    },
    /// A value that does not fit its setting.
    #[error("{origin}: {key} is {wanted}, not {got:?}")]
    Value {
        /// Where it was written.
        origin: Origin,
        /// The setting.
        key: &'static str,
        /// What the setting takes.
        wanted: &'static str,
        /// What was written.
        got: String,
    },
    /// Settings that contradict one another.
    #[error("{0}")]
    Contradiction(&'static str),
    /// A backup target that keeps old versions for too long.
    #[error("backup_targets, {target}: {source}")]
    TooLongKept {
        /// Which.
        target: String,
        /// By which arithmetic.
        source: heatgrid_engine::backup::TooLongKept,
    },
    /// A public address without protection.
    #[error(
        "{origin}: listen is {listen}, which other machines can reach, without TLS. Set tls_cert and tls_key, or put a proxy in front \
         and name it in trusted_proxies, or say --insecure if nobody else can reach it"
    )]
    Exposed {
        /// Where the address was written.
        origin: Origin,
        /// The address.
        listen: std::net::SocketAddr,
    },
}
