//! The tracker's own wire format, the body of `POST /v1/collect`.
//!
//! ```json
//! {"key":"eu_3f…","id":"9f86d081884c7d659a2feaa0c55ad015","pages":[
//!   {"url":"https://shop.example/p/42","vw":1440,"events":[[1,300,500,0,1200],[6,0,2400,0,10]]}]}
//! ```
//!
//! An event is `[kind, x, y, fixed, age_ms]`: the kind by its code, x and y in CSS px, fixed 0 or 1, and how long ago
//! it was when the batch left. `id` is the same when a batch is sent again. `"bot":true` says that the browser is
//! driven by a program. Small, because a page that is closed may only send 64 KiB.

mod plain;

use std::borrow::Cow;
use std::fmt;

use heatgrid_engine::model::{BatchId, Kind};
use serde::Deserialize;
use serde::de::{Error, SeqAccess, Visitor};

/// Bytes of a body: what `sendBeacon` and `fetch` with `keepalive` may have in flight.
pub const BODY_BYTES: usize = 64 << 10;

/// What a tracker sends at once.
#[derive(Debug, Deserialize)]
pub struct Beacon<'a> {
    /// The site's public key.
    #[serde(borrow)]
    pub key: Cow<'a, str>,
    /// The batch's id: 32 hex digits.
    #[serde(deserialize_with = "batch_id")]
    pub id: BatchId,
    /// Whether a program drives the browser (`navigator.webdriver`).
    #[serde(default)]
    pub bot: bool,
    /// Events by page; a page may occur more than once.
    #[serde(borrow)]
    pub pages: Vec<BeaconPage<'a>>,
}

impl Beacon<'_> {
    /// How many events it holds.
    #[must_use]
    pub fn events(&self) -> u32 {
        // A body has room for a few thousand.
        self.pages.iter().map(|page| page.events.len() as u32).sum()
    }
}

/// Events on one page.
#[derive(Debug, Deserialize)]
pub struct BeaconPage<'a> {
    /// The raw URL.
    #[serde(borrow)]
    pub url: Cow<'a, str>,
    /// Width of the window in CSS px; 0 is unknown.
    #[serde(default, rename = "vw")]
    pub viewport_px: u32,
    /// What happened there.
    pub events: Vec<BeaconEvent>,
}

/// One event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BeaconEvent {
    /// What was done.
    pub kind: Kind,
    /// CSS px from the left of the page.
    pub x: f64,
    /// CSS px from the top of the page, or of the window for a fixed target.
    pub y: f64,
    /// Whether the target is fixed or sticky.
    pub fixed: bool,
    /// How long before the batch left, in ms.
    pub age_ms: u64,
}

/// Reads a body.
///
/// # Errors
/// When it is not of the shape above; the error says where.
pub fn read(body: &[u8]) -> Result<Beacon<'_>, serde_json::Error> {
    match plain::read(body) {
        Some(beacon) => Ok(beacon),
        None => serde_json::from_slice(body),
    }
}

fn batch_id<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<BatchId, D::Error> {
    let text = Cow::<'de, str>::deserialize(deserializer)?;
    BatchId::from_hex(&text)
        .ok_or_else(|| D::Error::custom("`id` is 32 hex digits, the same when a batch is sent again"))
}

impl<'de> Deserialize<'de> for BeaconEvent {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<BeaconEvent, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = BeaconEvent;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("[kind, x, y, fixed, age_ms]")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<BeaconEvent, A::Error> {
                let mut index = 0;
                let mut next = |parts: &mut A| {
                    index += 1;
                    parts
                        .next_element::<f64>()?
                        .ok_or_else(|| A::Error::invalid_length(index - 1, &"five numbers"))
                };
                // Casts from floats saturate; a code that is no kind stays none.
                let code = next(&mut parts)? as u8;
                let kind =
                    Kind::from_code(code).ok_or_else(|| A::Error::custom("there is no kind of this code"))?;
                let (x, y) = (next(&mut parts)?, next(&mut parts)?);
                let (fixed, age_ms) = (next(&mut parts)? != 0.0, next(&mut parts)? as u64);
                match parts.next_element::<serde::de::IgnoredAny>()? {
                    None => Ok(BeaconEvent { kind, x, y, fixed, age_ms }),
                    Some(_) => Err(A::Error::invalid_length(6, &"five numbers")),
                }
            }
        }
        deserializer.deserialize_seq(Parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "9f86d081884c7d659a2feaa0c55ad015";

    fn refused(body: &str) -> String {
        read(body.as_bytes()).expect_err(body).to_string()
    }

    #[test]
    fn a_beacon_is_read() {
        let body = format!(
            r#"{{"key":"eu_k","id":"{ID}","later":1,"pages":[{{"url":"https://a.example/\u00e9","vw":390,"events":[[1,300.5,500,0,1200],[6,0,24e2,1,1e300]]}},{{"url":"b","events":[]}}]}}"#
        );
        let beacon = read(body.as_bytes()).unwrap();
        assert_eq!(
            (beacon.key.as_ref(), beacon.id.0[0], beacon.bot, beacon.pages.len()),
            ("eu_k", 0x9f, false, 2)
        );
        assert_eq!(
            (beacon.pages[0].url.as_ref(), beacon.pages[0].viewport_px, beacon.pages[1].viewport_px),
            ("https://a.example/é", 390, 0)
        );
        let click = BeaconEvent { kind: Kind::Click, x: 300.5, y: 500.0, fixed: false, age_ms: 1_200 };
        let scroll = BeaconEvent { kind: Kind::Scroll, x: 0.0, y: 2_400.0, fixed: true, age_ms: u64::MAX };
        assert_eq!(beacon.pages[0].events, [click, scroll]);
        assert_eq!(beacon.events(), 2);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let event = |event: &str| {
            refused(&format!(r#"{{"key":"k","id":"{ID}","pages":[{{"url":"u","events":[{event}]}}]}}"#))
        };
        assert!(event("[1,2,3,0]").contains("five numbers"));
        assert!(event("[1,2,3,0,4,5]").contains("five numbers"));
        assert!(event("[77,2,3,0,4]").contains("no kind"));
        assert!(event("{}").contains("[kind, x, y, fixed, age_ms]"));
        assert!(event("[1,null,3,0,4]").contains("null"));
        assert!(refused(r#"{"key":"k","id":"x","pages":[]}"#).contains("32 hex digits"));
        assert!(refused(&format!(r#"{{"id":"{ID}","pages":[]}}"#)).contains("key"));
        assert!(refused("").contains("EOF"));
    }

    proptest::proptest! {
        #[test]
        fn hostile_bytes_are_refused_without_panic(text in r#"\PC{0,60}"#) {
            let _ = read(text.as_bytes());
            let _ = read(format!(r#"{{"key":"k","id":"{ID}","pages":[{{"url":"u","events":[{text}]}}]}}"#).as_bytes());
        }
    }
}
