//! Forms of an answer.

use std::str::FromStr;

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON value.
    Json,
    /// A header, then a line for each item, with LF; fields with commas or quotes are quoted (RFC 4180).
    Csv,
    /// A JSON object on a line for each item.
    Ndjson,
    /// The coloured picture of a grid.
    Png,
    /// What heatmap.js takes: `{max,data:[{x,y,value}]}`.
    Points,
    /// Little-endian columns; see `answer::grid`.
    Bin,
}

impl Format {
    /// Every form.
    pub const ALL: [Format; 6] =
        [Format::Json, Format::Csv, Format::Ndjson, Format::Png, Format::Points, Format::Bin];

    /// Its name in `format=`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Csv => "csv",
            Format::Ndjson => "ndjson",
            Format::Png => "png",
            Format::Points => "points",
            Format::Bin => "bin",
        }
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Json | Format::Points => "application/json",
            Format::Csv => "text/csv; charset=utf-8",
            Format::Ndjson => "application/x-ndjson",
            Format::Png => "image/png",
            Format::Bin => "application/octet-stream",
        }
    }
}

/// No form has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("format is json, csv, ndjson, png, points or bin")]
pub struct UnknownFormat;

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Format, UnknownFormat> {
        Format::ALL.into_iter().find(|format| format.name() == text).ok_or(UnknownFormat)
    }
}

/// The answer has no such form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this answer has no form {}", .0.name())]
pub struct NoSuchForm(pub Format);
