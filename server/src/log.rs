//! Log lines: to standard error, as text or JSON. Never a URL, page or address: what logs does not have them.

use std::io;
use std::panic;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::config::LogFormat;

/// Logs what is at least `level`; of other crates, what is at least a warning.
pub fn begin(format: LogFormat, level: tracing::Level) {
    let of_others = LevelFilter::WARN.min(level.into());
    let filter = EnvFilter::builder()
        .with_default_directive(of_others.into())
        .parse_lossy(format!("heatgrid_server={level},heatgrid_engine={level}"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    match format {
        LogFormat::Text => lines.with_ansi(false).init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}

/// A panic is logged by its place. What it says may hold what a request sent.
pub fn keep_panics_quiet() {
    panic::set_hook(Box::new(|panic| {
        let (file, line) = panic.location().map_or(("", 0), |place| (place.file(), place.line()));
        tracing::error!(file, line, "a panic: a mistake of this program; please report it");
    }));
}
