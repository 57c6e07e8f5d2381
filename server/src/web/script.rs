//! Scripts that are part of the program: made from `web/tracker/` by `npm run build` in `tests/browser`.

use std::io::Read;
use std::sync::LazyLock;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL,
    CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, SET_COOKIE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};

use crate::privacy::consent;
use crate::privacy::origin::Origin;

/// The tracker.
pub(super) static TRACKER: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("assets/t.js")));
/// The same functions, doing nothing.
pub(super) static STUB: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("assets/t-stub.js")));
/// The tracker's memory for conversions.
pub(super) static CONVERSION: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("assets/t-conversion.js")));

/// A script, ready to be sent.
pub(super) struct Script {
    pub(super) text: &'static str,
    pub(super) gzip: Vec<u8>,
    /// Weak: the same for the text and its compressed form.
    tag: String,
}

impl Script {
    fn new(text: &'static str) -> Script {
        let mut gzip = Vec::new();
        flate2::read::GzEncoder::new(text.as_bytes(), flate2::Compression::best())
            .read_to_end(&mut gzip)
            .expect("reading from memory does not fail");
        let hash = blake3::hash(text.as_bytes()).to_hex();
        Script { text, gzip, tag: format!("W/\"{}\"", &hash[..16]) }
    }

    /// The script for whoever asks, from whatever page: it is asked for at each view, so that an objection is seen at
    /// once, and comes again only when it is another one.
    pub(super) fn answer(&self, request: &HeaderMap) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        let is_known = request
            .get_all(IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|tag| tag.trim() == self.tag || tag.trim() == "*");
        let headers = response.headers_mut();
        let mut set = |name, value: &str| {
            headers.append(name, HeaderValue::from_str(value).expect("made of visible ASCII"));
        };
        set(CONTENT_TYPE, "text/javascript; charset=utf-8");
        set(CACHE_CONTROL, "private, no-cache");
        set(VARY, "Cookie, DNT, Sec-GPC, Accept-Encoding, Origin");
        set(ETAG, &self.tag);
        set(X_CONTENT_TYPE_OPTIONS, "nosniff");
        // Named rather than `*`, so that a page may also ask with the opt-out cookie.
        if let Some(origin) = Origin::of(request) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.value().clone());
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
        if let Some(cookie) = consent::renewal(request) {
            headers.insert(SET_COOKIE, cookie);
        }
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else if takes_gzip(request) {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            *response.body_mut() = Body::from(self.gzip.clone());
        } else {
            *response.body_mut() = Body::from(self.text);
        }
        response
    }
}

fn takes_gzip(request: &HeaderMap) -> bool {
    request
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
            name.trim().eq_ignore_ascii_case("gzip").then(|| weight.trim().to_owned())
        })
        .any(|weight| weight.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).is_some_and(|q| q > 0.0))
}
