//! One line of bulk NDJSON: an event as a writer tells it.
//!
//! Each line is read once, without an allocation unless a text has escapes in it. Errors name the field and what it
//! should be, and repeat nothing of what was sent: they reach logs, and a line may hold a URL.

use std::borrow::Cow;
use std::fmt;

use heatgrid_engine::model::limits::{EVENT_COUNT, X_PX, Y_PX};
use heatgrid_engine::model::{Cell, Country, Kind, Viewport};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::cell_of;
use crate::privacy::url::InvalidUrl;

/// Furthest instant from 1970 in ms that JavaScript's `Date` can say, either way.
const INSTANT_MS: f64 = 8.64e15;

/// An event as a writer told it, checked but not yet placed on a page or a day.
#[derive(Clone, Debug, PartialEq)]
pub struct EventLine<'a> {
    /// When, in Unix ms.
    pub at_ms: i64,
    /// Where, before any normalisation.
    pub url: Cow<'a, str>,
    /// What was done.
    pub kind: Kind,
    /// Where on the page; the origin for kinds without a place, x = 0 for those with a depth only.
    pub cell: Cell,
    /// Width class of the window.
    pub viewport: Viewport,
    /// From which country.
    pub country: Country,
    /// Whether the target is fixed or sticky.
    pub fixed: bool,
    /// How many: 1 to 1,000,000.
    pub count: u32,
    /// Whether the writer passes an objection on (`gpc`, `dnt`, `optout`).
    pub objected: bool,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LineError {
    /// No JSON, or not one object.
    #[error("not a JSON object (column {column})")]
    Syntax {
        /// Where in the line, from 1.
        column: usize,
    },
    /// A required field is absent.
    #[error("`{field}` is missing")]
    Missing {
        /// Its name.
        field: &'static str,
    },
    /// A field stands twice in the object.
    #[error("`{field}` is there twice")]
    Twice {
        /// Its name.
        field: &'static str,
    },
    /// A field of the wrong type.
    #[error("`{field}` is {expected}, not {got}")]
    Type {
        /// Its name.
        field: &'static str,
        /// What it has to be.
        expected: &'static str,
        /// What it is.
        got: &'static str,
    },
    /// A number out of range.
    #[error("`{field}` is {from} to {to}, not {got}")]
    Range {
        /// Its name.
        field: &'static str,
        /// Least it may be.
        from: f64,
        /// Most it may be.
        to: f64,
        /// What it is.
        got: f64,
    },
    /// No kind has this name.
    #[error("`kind` is one of {}", KindNames)]
    Kind,
    /// Not the shape of a country code.
    #[error("`country` is two letters such as DE")]
    Country,
    /// Not the URL of a page.
    #[error("`url`: {0}")]
    Url(#[from] InvalidUrl),
    /// More bytes than a line may have.
    #[error("a line has at most {limit} bytes")]
    Length {
        /// Most it may have.
        limit: usize,
    },
    /// More lines or bytes than a request may have.
    #[error("at most {limit} {what} at once; send the rest apart")]
    TooMuch {
        /// Lines or bytes.
        what: &'static str,
        /// Most there may be.
        limit: u64,
    },
}

struct KindNames;

impl fmt::Display for KindNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        f.write_str(&names.join(", "))
    }
}

/// Reads one line.
///
/// # Errors
/// When it is not a JSON object, or a field of it is not what it has to be.
pub fn read(line: &[u8]) -> Result<EventLine<'_>, LineError> {
    let told: Told<'_> =
        serde_json::from_slice(line).map_err(|error| LineError::Syntax { column: error.column() })?;
    match told.error {
        Some(error) => Err(error),
        None => told.check(),
    }
}

/// The fields of a line as far as they were read, and the first thing wrong.
#[derive(Default)]
struct Told<'a> {
    at_ms: Option<f64>,
    url: Option<Cow<'a, str>>,
    kind: Option<Kind>,
    x: Option<f64>,
    y: Option<f64>,
    width: Option<f64>,
    country: Option<Country>,
    fixed: Option<bool>,
    count: Option<f64>,
    objected: bool,
    error: Option<LineError>,
}

impl<'a> Told<'a> {
    fn check(self) -> Result<EventLine<'a>, LineError> {
        let missing = |field| LineError::Missing { field };
        let at_ms = in_range("ts", self.at_ms.ok_or(missing("ts"))?, -INSTANT_MS, INSTANT_MS)?;
        let url = self.url.ok_or(missing("url"))?;
        let kind = self.kind.ok_or(missing("kind"))?;
        let x = in_range("x", self.x.ok_or(missing("x"))?, 0.0, f64::from(X_PX))?;
        let y = in_range("y", self.y.ok_or(missing("y"))?, 0.0, f64::from(Y_PX))?;
        let width = in_range("vw", self.width.unwrap_or(0.0), 0.0, f64::MAX)?;
        let count = in_range("n", self.count.unwrap_or(1.0), 1.0, f64::from(EVENT_COUNT))?;
        if count.fract() != 0.0 {
            return Err(LineError::Type { field: "n", expected: "a whole number", got: "a fraction" });
        }
        // The casts lose nothing but fractions: every value is in the range of its type, or held there.
        Ok(EventLine {
            at_ms: at_ms.floor() as i64,
            url,
            kind,
            cell: cell_of(kind, x, y).expect("x and y are in range"),
            viewport: Viewport::of_px(width as u32),
            country: self.country.unwrap_or(Country::ZZ),
            fixed: self.fixed.unwrap_or(false),
            count: count as u32,
            objected: self.objected,
        })
    }

    /// Takes one field's value; the first thing wrong is kept.
    fn take(&mut self, field: Field, value: Value<'a>) {
        let name = field.name();
        let taken = match field {
            Field::Ts => number(name, value).and_then(|value| once(name, &mut self.at_ms, value)),
            Field::X => number(name, value).and_then(|value| once(name, &mut self.x, value)),
            Field::Y => number(name, value).and_then(|value| once(name, &mut self.y, value)),
            Field::Url => text(name, value).and_then(|value| once(name, &mut self.url, value)),
            Field::Kind => text(name, value)
                .and_then(|value| value.parse().map_err(|()| LineError::Kind))
                .and_then(|value| once(name, &mut self.kind, value)),
            Field::Gpc | Field::Dnt | Field::OptOut => {
                self.objected |= value.objects();
                Ok(())
            }
            // What may be absent may be null as well.
            _ if matches!(value, Value::Null) => Ok(()),
            Field::Vw => number(name, value).and_then(|value| once(name, &mut self.width, value)),
            Field::N => number(name, value).and_then(|value| once(name, &mut self.count, value)),
            Field::Country => text(name, value)
                .and_then(|value| value.parse().map_err(|()| LineError::Country))
                .and_then(|value| once(name, &mut self.country, value)),
            Field::Fixed => match value {
                Value::Bool(value) => once(name, &mut self.fixed, value),
                other => Err(other.is_not(name, "true or false")),
            },
            Field::Unknown => Ok(()),
        };
        if let Err(error) = taken {
            self.error.get_or_insert(error);
        }
    }
}

fn in_range(field: &'static str, got: f64, from: f64, to: f64) -> Result<f64, LineError> {
    // Below the next whole number: 16,383.9 is in the last pixel. Minus zero is zero.
    let ok = got >= from && got.floor() <= to;
    if ok { Ok(got) } else { Err(LineError::Range { field, from, to, got }) }
}

fn once<T>(field: &'static str, slot: &mut Option<T>, value: T) -> Result<(), LineError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(LineError::Twice { field }),
    }
}

fn number(field: &'static str, value: Value<'_>) -> Result<f64, LineError> {
    match value {
        Value::Number(number) => Ok(number),
        other => Err(other.is_not(field, "a number")),
    }
}

fn text<'a>(field: &'static str, value: Value<'a>) -> Result<Cow<'a, str>, LineError> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(other.is_not(field, "a string")),
    }
}

macro_rules! fields {
    ($($name:ident $text:literal)*) => {
        #[derive(Clone, Copy)]
        enum Field { $($name,)* Unknown }

        impl Field {
            fn name(self) -> &'static str {
                match self { $(Field::$name => $text,)* Field::Unknown => "" }
            }

            fn named(text: &str) -> Field {
                match text { $($text => Field::$name,)* _ => Field::Unknown }
            }
        }
    };
}

fields! {
    Ts "ts" Url "url" Kind "kind" X "x" Y "y" Vw "vw" Country "country" Fixed "fixed" N "n"
    Gpc "gpc" Dnt "dnt" OptOut "optout"
}

/// A JSON value, as far as a line needs one.
enum Value<'a> {
    Null,
    Bool(bool),
    Number(f64),
    Text(Cow<'a, str>),
    List,
    Object,
}

impl Value<'_> {
    fn is_not(&self, field: &'static str, expected: &'static str) -> LineError {
        let got = match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) => "a string",
            Value::List => "an array",
            Value::Object => "an object",
        };
        LineError::Type { field, expected, got }
    }

    /// Whether a signal says no. Only what plainly does not is let through: `false`, null, 0, and their texts.
    fn objects(&self) -> bool {
        match self {
            Value::Null => false,
            Value::Bool(objects) => *objects,
            Value::Number(number) => *number != 0.0,
            Value::Text(text) => {
                !["", "0", "false", "no", "null", "unspecified"].contains(&text.to_ascii_lowercase().as_str())
            }
            Value::List | Value::Object => true,
        }
    }
}

struct LineVisitor;

impl<'de> Visitor<'de> for LineVisitor {
    type Value = Told<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Told<'de>, A::Error> {
        let mut told = Told::default();
        while let Some(field) = map.next_key()? {
            match field {
                Field::Unknown => drop(map.next_value::<IgnoredAny>()?),
                field => told.take(field, map.next_value()?),
            }
        }
        Ok(told)
    }
}

impl<'de> Deserialize<'de> for Told<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Told<'de>, D::Error> {
        deserializer.deserialize_map(LineVisitor)
    }
}

struct FieldVisitor;

impl Visitor<'_> for FieldVisitor {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Field, E> {
        Ok(Field::named(name))
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Field, D::Error> {
        deserializer.deserialize_str(FieldVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(value))
    }

    // Whole numbers up to 2^53 are exact as f64, and no field takes larger ones.
    fn visit_u64<E>(self, value: u64) -> Result<Value<'de>, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value<'de>, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value<'de>, E> {
        Ok(Value::Number(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value<'de>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Object)
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value<'de>, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

#[cfg(test)]
mod tests;
