//! Idempotency keys whose requests are worked on. What was answered to the others is the engine's to remember.

use std::collections::HashSet;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName};
use heatgrid_engine::model::SiteId;
use parking_lot::Mutex;

use crate::http::problem::{CONFLICT, INVALID_NAME, Problem};

/// The header.
static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Longest key: a UUID has 36.
const KEY_BYTES: usize = 255;

/// Keys in use; there are no more than requests that are worked on.
#[derive(Clone, Debug, Default)]
pub(super) struct KeysInUse(Arc<Mutex<HashSet<(SiteId, Box<str>)>>>);

/// A key that nobody else may use while this lives.
#[derive(Debug)]
pub(super) struct HeldKey {
    held: (SiteId, Box<str>),
    keys: KeysInUse,
}

impl KeysInUse {
    /// Holds the key of a request, if it has one.
    ///
    /// # Errors
    /// 400 when it is not of the form of one, 409 when another request with it is worked on.
    pub(super) fn hold(&self, site: SiteId, headers: &HeaderMap) -> Result<Option<HeldKey>, Problem> {
        let Some(key) = key_of(headers)? else { return Ok(None) };
        let held = (site, key);
        if !self.0.lock().insert(held.clone()) {
            return Err(Problem::new(
                &CONFLICT,
                "a request with this Idempotency-Key is worked on; ask again when it has been answered",
            )
            .retry_after(1));
        }
        Ok(Some(HeldKey { held, keys: self.clone() }))
    }
}

impl HeldKey {
    /// The key.
    pub(super) fn text(&self) -> &str {
        &self.held.1
    }
}

impl Drop for HeldKey {
    fn drop(&mut self) {
        self.keys.0.lock().remove(&self.held);
    }
}

fn key_of(headers: &HeaderMap) -> Result<Option<Box<str>>, Problem> {
    let mut values = headers.get_all(&IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let fits = |key: &&str| (1..=KEY_BYTES).contains(&key.len()) && !key.contains('\t');
    let key = value.to_str().ok().map(str::trim).filter(fits);
    match (key, values.next()) {
        (Some(key), None) => Ok(Some(key.into())),
        _ => Err(Problem::new(
            &INVALID_NAME,
            format!("Idempotency-Key is given once, with 1 to {KEY_BYTES} visible ASCII characters"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(keys: &[&[u8]]) -> HeaderMap {
        let values = keys.iter().map(|key| HeaderValue::from_bytes(key).unwrap());
        values.map(|value| (IDEMPOTENCY_KEY.clone(), value)).collect()
    }

    #[test]
    fn a_key_is_held_by_one_request_of_a_site_at_a_time() {
        let keys = KeysInUse::default();
        let key = headers(&[b"k1"]);
        let held = keys.hold(SiteId(1), &key).unwrap().unwrap();
        assert_eq!(held.text(), "k1");
        assert_eq!(keys.hold(SiteId(1), &key).unwrap_err().status(), 409);
        assert!(keys.hold(SiteId(2), &key).unwrap().is_some(), "another site's key is another key");
        drop(held);
        assert!(keys.hold(SiteId(1), &key).unwrap().is_some());
        assert!(keys.0.lock().is_empty(), "what is let go takes no memory");
    }

    #[test]
    fn a_key_has_a_form() {
        let keys = KeysInUse::default();
        assert!(keys.hold(SiteId(1), &headers(&[])).unwrap().is_none());
        let long = "x".repeat(KEY_BYTES + 1);
        for bad in [&[&b""[..]][..], &[b"  "], &[b"a\tb"], &[long.as_bytes()], &[b"\xff"], &[b"a", b"b"]] {
            assert_eq!(keys.hold(SiteId(1), &headers(bad)).unwrap_err().status(), 400);
        }
    }
}
