//! A question as it was written: names and texts, from a URL, from a body or from the command line.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::BadQuestion;

macro_rules! parameters {
    ($($name:ident $doc:literal)*) => {
        /// The parameters of every question, by the names they have everywhere. `None` is not given.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Written { $(#[doc = $doc] pub $name: Option<String>,)* }

        /// Names of all parameters.
        const NAMES: &[&str] = &[$(stringify!($name),)*];

        impl Written {
            fn slot(&mut self, name: &str) -> Option<(&'static str, &mut Option<String>)> {
                match name { $(stringify!($name) => Some((stringify!($name), &mut self.$name)),)* _ => None }
            }

            /// What a parameter means.
            #[must_use]
            pub fn meaning(name: &str) -> Option<&'static str> {
                match name { $(stringify!($name) => Some($doc),)* _ => None }
            }

            fn given(&self) -> impl Iterator<Item = (&'static str, &str)> {
                [$(self.$name.as_deref().map(|text| (stringify!($name), text)),)*].into_iter().flatten()
            }
        }
    };
}

parameters! {
    page "One page: a URL, or `host/path` as answers write it."
    page_pattern "Pages: `*` is any run of characters."
    kind "Kinds, with commas."
    from "First day, `YYYY-MM-DD`."
    to "Day after the last one, `YYYY-MM-DD`."
    device "Devices, with commas."
    viewport "Widths of the window in px, `min-max`, both in it."
    country "Countries, with commas."
    fixed "`false`, `true` or `any`."
    cell "Side of a cell in px."
    align "`none`, `center` or `scale`."
    width "Width in px that an alignment projects to."
    compare_from "First day of the comparison."
    compare_to "Day after the last one of the comparison."
    step "`hour`, `day` or `month`."
    limit "Most items of a list."
    cursor "Where the list before ended."
    format "Form of the answer."
    colormap "Colours of a picture."
    radius "Radius of a point in a picture, in px."
    opacity "Opacity of a picture, in percent."
}

/// Parameters that may be repeated instead of written with commas.
const LISTS: [&str; 3] = ["kind", "device", "country"];

impl Written {
    /// Reads the query of a URL, without its `?`.
    ///
    /// # Errors
    /// When a parameter is unknown, or there twice.
    pub fn from_query(query: &str) -> Result<Written, BadQuestion> {
        let mut written = Written::default();
        for (name, value) in ::url::form_urlencoded::parse(query.as_bytes()) {
            written.set(&name, value.into_owned())?;
        }
        Ok(written)
    }

    /// Reads the JSON body of a POST: an object with the same names; lists may be arrays.
    ///
    /// # Errors
    /// When it is no such object, or a parameter is unknown or there twice.
    pub fn from_body(body: &[u8]) -> Result<Written, BadQuestion> {
        let body: Body = serde_json::from_slice(body)
            .map_err(|error| BadQuestion::Syntax { line: error.line(), column: error.column() })?;
        let mut written = Written::default();
        for (name, value) in body.0 {
            if let Some(value) = value.0 {
                written.set(&name, value)?;
            }
        }
        Ok(written)
    }

    /// The JSON object that `from_body` reads.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        self.given().collect()
    }

    /// Refuses parameters that the route does not have.
    ///
    /// # Errors
    /// When one of another route is given.
    pub(super) fn only(&self, here: &[&'static str]) -> Result<(), BadQuestion> {
        match self.given().find(|(name, _)| !here.contains(name)) {
            None => Ok(()),
            Some((name, _)) => Err(BadQuestion::NotHere { name }),
        }
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), BadQuestion> {
        if asks_for_visitors(name) || asks_for_visitors(&value) && matches!(name, "metric" | "kind") {
            return Err(BadQuestion::Visitors);
        }
        let Some((name, slot)) = self.slot(name) else {
            return Err(BadQuestion::Unknown { known: NAMES });
        };
        match slot {
            Some(before) if LISTS.contains(&name) => *before = format!("{before},{value}"),
            Some(_) => return Err(BadQuestion::Twice { name }),
            None => *slot = Some(value),
        }
        Ok(())
    }
}

/// Whether a name asks for what is not there on purpose.
#[must_use]
pub fn asks_for_visitors(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["unique", "visitor", "session", "user"].iter().any(|word| name.contains(word))
}

/// The members of a JSON object, each as text; `None` for null.
struct Body(Vec<(String, Text)>);

struct Text(Option<String>);

struct BodyVisitor;

impl<'de> Visitor<'de> for BodyVisitor {
    type Value = Body;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of parameters")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Body(members))
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Body, D::Error> {
        deserializer.deserialize_map(BodyVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a number, a boolean, or an array of them")
    }

    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Text, E> {
        Ok(Text(Some(value.to_string())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Text, E> {
        Ok(Text(Some(value.to_string())))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Text, E> {
        Ok(Text(Some(value.to_string())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Text, E> {
        Ok(Text(Some(value.to_string())))
    }

    fn visit_str<E>(self, value: &str) -> Result<Text, E> {
        Ok(Text(Some(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text, A::Error> {
        let mut items = Vec::new();
        while let Some(Text(item)) = seq.next_element()? {
            items.extend(item);
        }
        Ok(Text(Some(items.join(","))))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}
