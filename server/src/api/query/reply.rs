//! An answer as HTTP: what names its content, what may be kept of it, and where a list goes on.

use std::io::Write;

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LINK, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::accept::takes_gzip;
use crate::ask::Answered;
use crate::wire::format::Format;

/// Says that converted_click was asked for and left out.
const WITHHELD: HeaderName = HeaderName::from_static("heatgrid-withheld");
/// Says how many CSS px one pixel of a picture is wide and high.
const SCALE: HeaderName = HeaderName::from_static("heatgrid-px-per-pixel");
/// Texts below this many bytes are sent as they are: they fit into a few packets anyway.
const GZIP_BYTES: usize = 16 << 10;

/// An answer, and of the request what decides how it is sent.
pub(super) struct Reply<'a> {
    pub(super) answered: Answered,
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    pub(super) headers: &'a HeaderMap,
}

/// The response of an answer.
pub(super) fn of(reply: Reply<'_>) -> Response {
    let Reply { answered, method, uri, headers } = reply;
    // Weak: answers of the same tag differ in the moment that they were asked, and in their encoding.
    let tag = format!("W/\"{}\"", answered.tag());
    let is_known = *method != Method::POST && is_named(headers, &tag);
    let Answered { bytes, format, withheld, next, px_per_pixel, .. } = answered;
    let mut response = Response::new(Body::empty());
    let mut set = |name: HeaderName, value: &str| {
        let value = HeaderValue::try_from(value).expect("tags, links and media types are visible ASCII");
        response.headers_mut().append(name, value);
    };
    set(ETAG, &tag);
    // A copy may be kept, but is asked about each time: what is erased is gone from the next look on.
    set(CACHE_CONTROL, "private, no-cache");
    set(VARY, "Accept, Accept-Encoding");
    if withheld {
        set(WITHHELD, "true");
    }
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    set(CONTENT_TYPE, format.media_type());
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    if let Some(next) = next {
        set(LINK, &format!("<{}>; rel=\"next\"", next_part(method, uri, &next)));
    }
    if format == Format::Png {
        set(SCALE, &px_per_pixel.to_string());
    }
    let is_text = !matches!(format, Format::Png | Format::Bin);
    let bytes = match is_text && bytes.len() >= GZIP_BYTES && takes_gzip(headers) {
        false => bytes,
        true => {
            set(CONTENT_ENCODING, "gzip");
            gzip(&bytes)
        }
    };
    *response.body_mut() = Body::from(bytes);
    response
}

/// Whether `If-None-Match` names the tag (RFC 9110, 13.1.2: compared weakly).
fn is_named(headers: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let values = headers.get_all(IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    let mut known = values.flat_map(|value| value.split(','));
    known.any(|known| known.trim() == "*" || opaque(known) == opaque(tag))
}

/// Where a list goes on. Of a question in a body only the cursor is in it, for the next body.
fn next_part(method: &Method, uri: &Uri, cursor: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if *method != Method::POST {
        let asked = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        query.extend_pairs(asked.filter(|(name, _)| name != "cursor"));
    }
    format!("{}?{}", uri.path(), query.append_pair("cursor", cursor).finish())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.expect("a buffer takes all bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_tag_is_told_from_others() {
        for (known, is_known) in [
            ("W/\"a\"", true),
            ("\"a\"", true),
            ("*", true),
            ("\"b\", W/\"a\"", true),
            ("\"b\"", false),
            ("", false),
            ("a", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, known.parse().unwrap());
            assert_eq!(is_named(&headers, "W/\"a\""), is_known, "{known}");
        }
        assert!(!is_named(&HeaderMap::new(), "W/\"a\""));
    }

    #[test]
    fn a_list_goes_on_with_the_same_question() {
        let uri: Uri = "/v1/sites/shop/pages?kind=click,touch&cursor=old&from=2026-01-01".parse().unwrap();
        assert_eq!(
            next_part(&Method::GET, &uri, "5-61"),
            "/v1/sites/shop/pages?kind=click%2Ctouch&from=2026-01-01&cursor=5-61"
        );
        assert_eq!(next_part(&Method::POST, &uri, "5-61"), "/v1/sites/shop/pages?cursor=5-61");
    }
}
