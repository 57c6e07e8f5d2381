//! PostHog's wire format, as posthog-js writes it: three shapes of body in three encodings.
//!
//! Only `$$heatmap` events are read, and of them only what a cell needs; ids, agents, campaigns and everything else
//! are never looked at. Source: posthog-js `src/heatmaps.ts`, `src/request.ts`, `src/request-queue.ts` (1.205 and 1.449).

use std::borrow::Cow;
use std::fmt;
use std::io::Read;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use heatgrid_engine::model::{BatchId, Kind};
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

/// Bytes of a body, decoded: posthog-js splits what is larger than 1 MB.
pub const BODY_BYTES: usize = 1 << 20;

/// What was sent, as far as heatmaps go.
#[derive(Debug, PartialEq)]
pub struct Capture {
    /// The site's public key (`api_key` or `token`).
    pub key: String,
    /// The `$$heatmap` events.
    pub heatmaps: Vec<Heatmap>,
    /// Other events: answered, and forgotten.
    pub ignored: u64,
}

impl Capture {
    /// How many positions it holds.
    #[must_use]
    pub fn points(&self) -> u32 {
        // A body has room for some ten thousand.
        let pages = self.heatmaps.iter().flat_map(|heatmap| &heatmap.pages);
        pages.map(|(_, points)| points.len() as u32).sum()
    }
}

/// One `$$heatmap` event.
#[derive(Debug, PartialEq)]
pub struct Heatmap {
    /// Its id, the same when it is sent again.
    pub id: Option<BatchId>,
    /// How old it was when it was sent, in ms, as the client says.
    pub age_ms: u64,
    /// Width of the window in CSS px; 0 if not told.
    pub viewport_px: u32,
    /// Positions by raw URL, in the order sent; a URL may occur more than once.
    pub pages: Vec<(String, Vec<Point>)>,
}

/// One position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// What was done; `None` for a type that heatgrid does not count.
    pub kind: Option<Kind>,
    /// CSS px from the left of the page.
    pub x: f64,
    /// CSS px from the top of the page, or of the window for a fixed target.
    pub y: f64,
    /// Whether the target is fixed.
    pub fixed: bool,
}

/// A body that is not PostHog's.
#[derive(Debug, thiserror::Error)]
pub enum InvalidCapture {
    /// More than `BODY_BYTES`, once decoded.
    #[error("a body has at most {BODY_BYTES} bytes, decoded; send less at a time")]
    TooLarge,
    /// Begins like gzip, and is not.
    #[error("the body begins like gzip, but cannot be decompressed")]
    Gzip,
    /// A form whose `data` is not base64.
    #[error("the form's `data` is not base64")]
    Base64,
    /// Not JSON of one of the shapes. What the parser says of it can repeat what stands there.
    #[error("the body is not JSON as posthog-js sends it (line {}, column {})", .0.line(), .0.column())]
    Json(#[from] serde_json::Error),
    /// No `api_key` and no `token`.
    #[error("the body names no site: `api_key` or `token` is missing")]
    NoKey,
}

/// Reads a body, whatever its content type says.
///
/// # Errors
/// When it is too large or not of one of the shapes.
pub fn read(body: &[u8]) -> Result<Capture, InvalidCapture> {
    let body = decoded(body)?;
    let capture = match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => Shape { events: serde_json::from_slice(&body)?, ..Shape::default() },
        _ => serde_json::from_slice::<Shape>(&body)?,
    };
    capture.read(&body)
}

fn decoded(body: &[u8]) -> Result<Cow<'_, [u8]>, InvalidCapture> {
    let mut body = inflated(Cow::Borrowed(body))?;
    if body.starts_with(b"data=") {
        let (_, data) = url::form_urlencoded::parse(&body)
            .find(|(name, _)| name == "data")
            .ok_or(InvalidCapture::Base64)?;
        // A `+` that was not escaped has become a space on the way.
        let text: Vec<u8> = data.bytes().map(|byte| if byte == b' ' { b'+' } else { byte }).collect();
        let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let bytes =
            GeneralPurpose::new(&STANDARD, lenient).decode(text).map_err(|_| InvalidCapture::Base64)?;
        body = inflated(Cow::Owned(bytes))?;
    }
    if body.len() > BODY_BYTES { Err(InvalidCapture::TooLarge) } else { Ok(body) }
}

/// Decompresses what begins like gzip, and never more than the limit.
fn inflated(body: Cow<'_, [u8]>) -> Result<Cow<'_, [u8]>, InvalidCapture> {
    if !body.starts_with(&[0x1f, 0x8b]) {
        return Ok(body);
    }
    let mut out = Vec::new();
    let limit = BODY_BYTES as u64 + 1;
    flate2::read::MultiGzDecoder::new(&*body)
        .take(limit)
        .read_to_end(&mut out)
        .map_err(|_| InvalidCapture::Gzip)?;
    if out.len() > BODY_BYTES { Err(InvalidCapture::TooLarge) } else { Ok(Cow::Owned(out)) }
}

/// The three shapes as one: `{api_key, batch, sent_at}`, an array of events, a single event.
#[derive(Deserialize, Default)]
struct Shape<'a> {
    api_key: Option<Cow<'a, str>>,
    token: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "batch")]
    events: Vec<Event<'a>>,
    sent_at: Option<Cow<'a, str>>,
    /// Only of a single event.
    event: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    uuid: Option<Cow<'a, str>>,
    /// Age in ms when sent.
    offset: Option<f64>,
    timestamp: Option<Cow<'a, str>>,
    token: Option<Cow<'a, str>>,
    #[serde(borrow)]
    properties: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Token<'a> {
    #[serde(borrow)]
    token: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Properties {
    #[serde(rename = "$viewport_width", default)]
    viewport_width: Option<f64>,
    #[serde(rename = "$heatmap_data", default)]
    heatmap_data: Pages,
}

impl<'a> Shape<'a> {
    fn read(mut self, body: &'a [u8]) -> Result<Capture, InvalidCapture> {
        if self.event.is_some() {
            self.events = vec![serde_json::from_slice(body)?];
        }
        let mut key = self.api_key.or(self.token).map(Cow::into_owned);
        let sent_at = self.sent_at.as_deref().and_then(unix_ms);
        let mut capture = Capture { key: String::new(), heatmaps: Vec::new(), ignored: 0 };
        for event in &self.events {
            if key.is_none() {
                key = event.key()?;
            }
            match event.event.as_ref() {
                "$$heatmap" => capture.heatmaps.push(event.heatmap(sent_at)?),
                _ => capture.ignored += 1,
            }
        }
        capture.key = key.ok_or(InvalidCapture::NoKey)?;
        Ok(capture)
    }
}

impl Event<'_> {
    fn key(&self) -> Result<Option<String>, InvalidCapture> {
        let own = self.token.as_deref().map(str::to_owned);
        let Some(properties) = self.properties else { return Ok(own) };
        let inner: Token<'_> = serde_json::from_str(properties.get())?;
        Ok(own.or(inner.token.map(Cow::into_owned)))
    }

    fn heatmap(&self, sent_at: Option<i64>) -> Result<Heatmap, InvalidCapture> {
        let properties: Properties = serde_json::from_str(self.properties.map_or("{}", RawValue::get))?;
        let told = self.timestamp.as_deref().and_then(unix_ms);
        let by_clock = sent_at.zip(told).map(|(sent, told)| sent.saturating_sub(told).max(0) as u64);
        // Casts from floats saturate, and make 0 of what is no number.
        let age_ms = self.offset.map(|offset| offset as u64).or(by_clock).unwrap_or(0);
        Ok(Heatmap {
            id: self.uuid.as_deref().map(batch_id),
            age_ms,
            viewport_px: properties.viewport_width.map_or(0, |width| width as u32),
            pages: properties.heatmap_data.0,
        })
    }
}

/// `$heatmap_data`: an object, read as a list so that a repeated URL is not overwritten.
#[derive(Default)]
struct Pages(Vec<(String, Vec<Point>)>);

impl<'de> Deserialize<'de> for Pages {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Pages, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Pages;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of URLs")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pages, A::Error> {
                let mut pages = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    pages.push(entry);
                }
                Ok(Pages(pages))
            }
            fn visit_unit<E>(self) -> Result<Pages, E> {
                Ok(Pages::default())
            }
        }
        deserializer.deserialize_any(Each)
    }
}

impl<'de> Deserialize<'de> for Point {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Point, D::Error> {
        #[derive(Deserialize)]
        struct Written<'a> {
            x: f64,
            y: f64,
            #[serde(default)]
            target_fixed: bool,
            #[serde(borrow, rename = "type")]
            kind: Cow<'a, str>,
        }
        let written = Written::deserialize(deserializer)?;
        let kind = match written.kind.as_ref() {
            "click" => Some(Kind::Click),
            "rageclick" => Some(Kind::RageClick),
            "deadclick" => Some(Kind::DeadClick),
            "mousemove" => Some(Kind::Move),
            _ => None,
        };
        Ok(Point { kind, x: written.x, y: written.y, fixed: written.target_fixed })
    }
}

/// The id of an event, which nobody promised to be a UUID.
fn batch_id(uuid: &str) -> BatchId {
    BatchId::from_hex(uuid).unwrap_or_else(|| {
        let mut id = [0; 16];
        id.copy_from_slice(&blake3::hash(uuid.as_bytes()).as_bytes()[..16]);
        BatchId(id)
    })
}

fn unix_ms(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"uuid":"01a2088e-c635-7967-9384-01af6f598576","event":"$$heatmap","offset":2200,"properties":{
        "distinct_id":"somebody","token":"eu_key","$viewport_width":1440,"$heatmap_data":{
        "https://a.example/?x#1":[{"x":300.7,"y":500,"target_fixed":false,"type":"click"},{"x":1,"y":2,"target_fixed":true,"type":"mousemove"}],
        "https://a.example/?x#2":[{"x":3,"y":4,"type":"hover"}]}}}"#;

    fn check(body: &[u8]) {
        let capture = read(body).unwrap();
        assert_eq!((capture.key.as_str(), capture.ignored), ("eu_key", 0));
        let [heatmap] = capture.heatmaps.as_slice() else { panic!("one heatmap") };
        assert_eq!((heatmap.age_ms, heatmap.viewport_px), (2_200, 1_440));
        assert_eq!(heatmap.id.unwrap().0[..3], [0x01, 0xa2, 0x08]);
        assert_eq!((heatmap.pages.len(), capture.points()), (2, 3));
        assert_eq!(
            heatmap.pages[0].1[0],
            Point { kind: Some(Kind::Click), x: 300.7, y: 500.0, fixed: false }
        );
        assert!(heatmap.pages[0].1[1].fixed);
        assert_eq!(heatmap.pages[1].1[0].kind, None);
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        flate2::read::GzEncoder::new(bytes, flate2::Compression::fast()).read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn three_shapes_in_three_encodings_say_the_same() {
        let batch =
            format!(r#"{{"api_key":"eu_key","batch":[{EVENT}],"sent_at":"2026-11-23T13:18:19.162Z"}}"#);
        for shape in [EVENT.to_owned(), format!(" [{EVENT}]"), batch] {
            check(shape.as_bytes());
            check(&gzip(shape.as_bytes()));
            let base64 = base64::prelude::BASE64_STANDARD.encode(&shape);
            let form: String =
                url::form_urlencoded::Serializer::new(String::new()).append_pair("data", &base64).finish();
            check(form.as_bytes());
            check(format!("data={}", base64.trim_end_matches('=')).as_bytes());
            let zipped = base64::prelude::BASE64_STANDARD.encode(gzip(shape.as_bytes()));
            check(format!("data={zipped}&compression=gzip-js").as_bytes());
        }
    }

    #[test]
    fn age_is_the_clients_own_difference_never_its_clock() {
        let event = |timestamp: &str| {
            format!(
                r#"{{"api_key":"k","sent_at":"2026-11-23T13:18:19.162Z","batch":[{{"event":"$$heatmap","timestamp":"{timestamp}"}}]}}"#
            )
        };
        for (timestamp, age_ms) in
            [("2026-11-23T13:18:16.960Z", 2_202), ("2030-01-01T00:00:00Z", 0), ("nonsense", 0)]
        {
            assert_eq!(read(event(timestamp).as_bytes()).unwrap().heatmaps[0].age_ms, age_ms, "{timestamp}");
        }
    }

    #[test]
    fn a_url_that_is_said_twice_keeps_both_lists() {
        let body = r#"{"token":"k","event":"$$heatmap","properties":{"$heatmap_data":{"u":[{"x":1,"y":1,"type":"click"}],"u":[{"x":2,"y":2,"type":"click"}]}}}"#;
        assert_eq!(read(body.as_bytes()).unwrap().heatmaps[0].pages.len(), 2);
    }

    #[test]
    fn other_events_are_counted_and_not_read() {
        let body = r#"[{"event":"$pageview","properties":{"token":"k","$heatmap_data":7,"$viewport_width":"wide"}},{"event":"x"}]"#;
        assert_eq!(read(body.as_bytes()).unwrap(), Capture { key: "k".into(), heatmaps: vec![], ignored: 2 });
    }

    #[test]
    fn an_id_is_the_same_each_time_and_no_two_are_alike() {
        let id = |uuid: &str| {
            let body = format!(r#"{{"token":"k","api_key":"k","event":"$$heatmap","uuid":"{uuid}"}}"#);
            read(body.as_bytes()).unwrap().heatmaps[0].id.unwrap()
        };
        assert_eq!(id("no-uuid"), id("no-uuid"));
        assert_ne!(id("no-uuid"), id("other"));
        assert_eq!(
            id("01a2088e-c635-7967-9384-01af6f598576"),
            id("01A2088E-C635-7967-9384-01AF6F598576"),
            "case does not matter"
        );
    }

    #[test]
    fn bad_bodies_are_told_apart() {
        let refused = |body: &[u8]| read(body).expect_err("must be refused").to_string();
        assert!(refused(b"{}").contains("api_key"));
        assert!(refused(b"[]").contains("api_key"));
        assert!(refused(b"").contains("not JSON"));
        let told = refused(br#"{"token":"k","event":"$$heatmap","timestamp":["jane@mail.example"]}"#);
        assert!(told.contains("not JSON") && !told.contains("jane"), "{told}");
        assert!(refused(b"data=%%%").contains("base64"));
        assert!(refused(&[0x1f, 0x8b, 1, 2]).contains("gzip"));
        assert!(refused(&gzip(&vec![b' '; 50_000_000])).contains("at most"));
        assert!(refused(&vec![b' '; BODY_BYTES + 1]).contains("at most"));
        assert!(refused(br#"{"token":"k","event":"$$heatmap","properties":{"$heatmap_data":{"u":[{"x":null,"y":1,"type":"click"}]}}}"#).contains("column"));
    }

    proptest::proptest! {
        #[test]
        fn hostile_bytes_are_refused_without_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = read(&bytes);
            let mut zipped = vec![0x1f, 0x8b];
            zipped.extend(&bytes);
            let _ = read(&zipped);
        }
    }
}
