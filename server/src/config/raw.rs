//! What was written for each setting, and where.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command};

use super::table::{SETTINGS, Setting, Shape};
use super::{Config, ConfigError};

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere.
    Default,
    /// In the file, on this line (from 1).
    File(PathBuf, usize),
    /// In this environment variable.
    Variable(String),
    /// As this flag.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path, line) => write!(f, "{}, line {line}", path.display()),
            Origin::Variable(name) => f.write_str(name),
            Origin::Flag(flag) => f.write_str(flag),
        }
    }
}

/// The text of every setting and its origin.
#[derive(Debug)]
pub struct Raw(BTreeMap<&'static str, (String, Origin)>);

/// What the program was asked to do.
#[derive(Debug)]
pub enum Start {
    /// Serve.
    Serve(Box<Config>),
    /// Serve the demo site.
    Demo(Box<Config>),
    /// Print every setting with its meaning and value.
    PrintConfig(Raw),
}

impl Start {
    /// Reads arguments (the program's name first), environment and file.
    ///
    /// # Errors
    /// When anything written is unknown, malformed or contradicts something else; the error says where it stands.
    pub fn read(
        arguments: impl IntoIterator<Item = OsString>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Start, ConfigError> {
        let matches = command().try_get_matches_from(arguments).map_err(ConfigError::Usage)?;
        let environment = variables(environment)?;
        let mut raw =
            Raw(SETTINGS.iter().map(|s| (s.name, (s.default.to_owned(), Origin::Default))).collect());
        let file = matches
            .get_one::<String>("config")
            .map(PathBuf::from)
            .or_else(|| environment.config.map(PathBuf::from));
        if let Some(path) = file {
            raw.read_file(&path)?;
        }
        for (setting, name, text) in environment.settings {
            raw.0.insert(setting.name, (text, Origin::Variable(name)));
        }
        for setting in SETTINGS {
            if let Some(text) = matches.get_one::<String>(setting.name) {
                raw.0.insert(setting.name, (text.clone(), Origin::Flag(flag(setting))));
            }
        }
        if matches.get_flag("print-config") {
            // What is shown must also be usable.
            Config::check(&raw)?;
            return Ok(Start::PrintConfig(raw));
        }
        let config = Box::new(Config::check(&raw)?);
        Ok(if matches.get_flag("demo") { Start::Demo(config) } else { Start::Serve(config) })
    }
}

impl Raw {
    /// Text and origin of a setting.
    ///
    /// # Panics
    /// When `SETTINGS` has no such name: a mistake of this program.
    #[must_use]
    pub fn get(&self, name: &str) -> (&str, &Origin) {
        let (text, origin) = self.0.get(name).unwrap_or_else(|| panic!("no setting is named {name}"));
        (text, origin)
    }

    fn read_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.into(), source })?;
        let line_of = |span: Option<std::ops::Range<usize>>| {
            text.as_bytes()[..span.map_or(0, |s| s.start).min(text.len())]
                .iter()
                .filter(|b| **b == b'\n')
                .count()
                + 1
        };
        let document = toml_edit::Document::parse(text.as_str()).map_err(|e| ConfigError::Syntax {
            path: path.into(),
            line: line_of(e.span()),
            message: e.message().to_owned(),
        })?;
        for (key, item) in document.iter() {
            let line = line_of(document.key(key).and_then(toml_edit::Key::span).or_else(|| item.span()));
            let Some(setting) = SETTINGS.iter().find(|setting| setting.name == key) else {
                return Err(ConfigError::UnknownKey {
                    path: path.into(),
                    line,
                    key: key.to_owned(),
                    nearest: nearest(key),
                });
            };
            let origin = Origin::File(path.into(), line);
            let text = item.as_value().and_then(|value| as_text(setting, value)).ok_or_else(|| {
                ConfigError::Value {
                    origin: origin.clone(),
                    key: setting.name,
                    wanted: match setting.shape {
                        Shape::Value => "a string or a number",
                        Shape::List => "an array of strings",
                        Shape::Switch => "true or false",
                    },
                    got: item.to_string().trim().to_owned(),
                }
            })?;
            self.0.insert(setting.name, (text, origin));
        }
        Ok(())
    }
}

impl fmt::Display for Raw {
    /// As a configuration file with a comment for each setting.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for setting in SETTINGS {
            let (text, origin) = self.get(setting.name);
            writeln!(f, "# {}\n# default: {:?}; value from: {origin}", setting.meaning, setting.default)?;
            match setting.shape {
                Shape::Switch => writeln!(f, "{} = {text}\n", setting.name)?,
                Shape::Value => writeln!(f, "{} = {}\n", setting.name, toml_edit::Value::from(text))?,
                Shape::List => {
                    let items: toml_edit::Array =
                        text.split(',').map(str::trim).filter(|s| !s.is_empty()).collect();
                    writeln!(f, "{} = {items}\n", setting.name)?;
                }
            }
        }
        Ok(())
    }
}

struct Variables {
    config: Option<String>,
    settings: Vec<(&'static Setting, String, String)>,
}

/// The `HEATGRID_` variables that are the server's; those of the command-line tool are left alone.
fn variables(environment: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Variables, ConfigError> {
    const OTHERS: [&str; 3] = ["HEATGRID_OPERATOR_TOKEN", "HEATGRID_SERVER", "HEATGRID_TOKEN"];
    let mut found = Variables { config: None, settings: Vec::new() };
    for (name, text) in environment {
        let (name, text) = (name.to_string_lossy().into_owned(), text.to_string_lossy().into_owned());
        let Some(key) = name.strip_prefix("HEATGRID_").map(str::to_ascii_lowercase) else { continue };
        if key == "config" {
            found.config = Some(text);
        } else if let Some(setting) = SETTINGS.iter().find(|setting| setting.name == key) {
            found.settings.push((setting, name, text));
        } else if !OTHERS.contains(&name.as_str()) {
            return Err(ConfigError::UnknownVariable { name });
        }
    }
    Ok(found)
}

fn command() -> Command {
    let settings = SETTINGS.iter().map(|setting| {
        let arg = Arg::new(setting.name)
            .long(setting.name.replace('_', "-"))
            .value_name("VALUE")
            .help(setting.meaning);
        match setting.shape {
            Shape::Switch => arg.num_args(0..=1).require_equals(true).default_missing_value("true"),
            Shape::Value | Shape::List => arg.action(ArgAction::Set),
        }
    });
    Command::new("heatgrid-server")
        .version(env!("CARGO_PKG_VERSION"))
        .about(
            "Heatmaps without visitors: counts clicks, taps, moves and scrolls of web pages on a pixel grid.",
        )
        .arg(Arg::new("config").long("config").value_name("FILE").help("Configuration file (TOML)."))
        .arg(
            Arg::new("print-config")
                .long("print-config")
                .action(ArgAction::SetTrue)
                .help("Show every setting with its meaning and value."),
        )
        .arg(
            Arg::new("demo")
                .long("demo")
                .action(ArgAction::SetTrue)
                .help("Serve a demo site on a fresh temporary store (or on --data)."),
        )
        .args(settings)
}

fn flag(setting: &Setting) -> String {
    format!("--{}", setting.name.replace('_', "-"))
}

fn as_text(setting: &Setting, value: &toml_edit::Value) -> Option<String> {
    use toml_edit::Value;
    match (setting.shape, value) {
        (Shape::Value, Value::String(text)) => Some(text.value().clone()),
        (Shape::Value, Value::Integer(number)) => Some(number.value().to_string()),
        (Shape::Switch, Value::Boolean(on)) => Some(on.value().to_string()),
        (Shape::List, Value::Array(items)) => {
            let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            texts.map(|texts| texts.join(","))
        }
        _ => None,
    }
}

/// The setting whose name shares most of its words' letters with `key`, if any is close.
fn nearest(key: &str) -> Option<&'static str> {
    let distance = |name: &str| edit_distance(key.as_bytes(), name.as_bytes());
    SETTINGS
        .iter()
        .map(|s| (distance(s.name), s.name))
        .min()
        .filter(|(d, name)| *d <= name.len() / 3)
        .map(|(_, name)| name)
}

/// Levenshtein distance; keys are short.
fn edit_distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
