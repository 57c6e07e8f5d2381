//! What a bench is told on its command line.

use std::path::{Path, PathBuf};

/// Options that every bench understands: `cargo bench -p heatgrid-benches --bench NAME -- [options]`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `--events N`: size of the workload; 50 M when nothing is said, 2 M with `--quick`.
    pub events: u64,
    /// `--directory DIR`: where batches and stores are kept between runs; `target/heatgrid-benches`.
    pub directory: PathBuf,
    /// `--only NAME`: the parts of the bench whose name contains it.
    pub only: Option<String>,
}

/// Events when nothing is said.
const EVENTS: u64 = 50_000_000;
/// Events with `--quick`: for the program's own health, not for figures.
const QUICK_EVENTS: u64 = 2_000_000;

impl Settings {
    /// Reads the command line; says what is wrong with it and ends the process where something is.
    #[must_use]
    pub fn from_arguments() -> Settings {
        Settings::parse(std::env::args().skip(1)).unwrap_or_else(|wrong| {
            eprintln!("{wrong}; options are --quick, --events N, --directory DIR, --only NAME");
            std::process::exit(2);
        })
    }

    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Settings, String> {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/heatgrid-benches");
        let mut settings = Settings { events: EVENTS, directory: target, only: None };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                // Cargo says it to every bench.
                "--bench" => {}
                "--quick" => settings.events = QUICK_EVENTS,
                "--events" => {
                    let text = value()?.replace('_', "");
                    let events = text.parse().ok().filter(|events| *events > 0);
                    settings.events = events.ok_or_else(|| format!("{text} is not a number of events"))?;
                }
                "--directory" => settings.directory = value()?.into(),
                "--only" => settings.only = Some(value()?),
                _ => return Err(format!("{argument} is unknown")),
            }
        }
        Ok(settings)
    }

    /// Whether the part of this name is to run.
    #[must_use]
    pub fn runs(&self, part: &str) -> bool {
        self.only.as_ref().is_none_or(|only| part.contains(only.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &str) -> Result<Settings, String> {
        Settings::parse(arguments.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn the_command_line_is_read() {
        let settings = parse("--bench --events 1_000 --directory /d --only burst").unwrap();
        assert_eq!((settings.events, settings.directory.as_path()), (1_000, Path::new("/d")));
        assert!(settings.runs("burst of 64") && !settings.runs("sustained"));
        assert_eq!(parse("--quick").unwrap().events, QUICK_EVENTS);
        assert!(parse("").unwrap().runs("anything"));
        for wrong in ["--events", "--events none", "--events 0", "--fast"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
