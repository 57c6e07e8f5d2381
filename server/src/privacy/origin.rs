//! Where a browser says that a request was made.

use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, HeaderValue};

/// The `Origin` of a request. Scripts cannot write it, so that no page can send in the name of another one.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    value: &'a HeaderValue,
    authority: &'a str,
}

impl<'a> Origin<'a> {
    /// The http or https origin of a request; `None` when there is none, several, or another kind (`null`).
    #[must_use]
    pub fn of(headers: &'a HeaderMap) -> Option<Origin<'a>> {
        let mut values = headers.get_all(ORIGIN).iter();
        let (value, None) = (values.next()?, values.next()) else { return None };
        let text = value.to_str().ok()?;
        let authority = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b'\\' | b'?' | b'#' | b'@');
        if authority.is_empty() || !authority.bytes().all(plain) {
            return None;
        }
        // As in a page, which does not tell its scheme.
        let bare = authority.strip_suffix(":443").or_else(|| authority.strip_suffix(":80"));
        Some(Origin { value, authority: bare.unwrap_or(authority) })
    }

    /// As it was sent.
    #[must_use]
    pub fn value(&self) -> &'a HeaderValue {
        self.value
    }

    /// As it was sent, in room of its own: a clone of `value` would hold that of the whole request.
    #[must_use]
    pub fn copy_of_value(&self) -> HeaderValue {
        HeaderValue::from_bytes(self.value.as_bytes()).expect("it is a header's value")
    }

    /// `host[:port]`, as a page begins.
    #[must_use]
    pub fn authority(&self) -> &'a str {
        self.authority
    }

    /// Its host alone.
    #[must_use]
    pub fn host(&self) -> &'a str {
        match self.authority.rsplit_once(':') {
            // The last colon of an address in brackets is not a port's.
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => self.authority,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(origins: &[&'static str], expected: Option<(&str, &str)>) {
        let headers: HeaderMap =
            origins.iter().map(|origin| (ORIGIN, HeaderValue::from_static(origin))).collect();
        let origin = Origin::of(&headers);
        assert_eq!(origin.map(|origin| (origin.authority(), origin.host())), expected, "{origins:?}");
    }

    #[test]
    fn an_origin_is_one_of_a_web_page() {
        check(&["https://shop.example"], Some(("shop.example", "shop.example")));
        check(&["http://shop.example:8080"], Some(("shop.example:8080", "shop.example")));
        check(&["http://shop.example:443"], Some(("shop.example", "shop.example")));
        check(&["http://[::1]:8080"], Some(("[::1]:8080", "[::1]")));
        check(&["http://[::1]"], Some(("[::1]", "[::1]")));
        for none in ["null", "", "https://", "shop.example", "file://x", "chrome-extension://abc"] {
            check(&[none], None);
        }
        for smuggled in ["https://shop.example/", "https://evil@shop.example", "https://a.example b.example"]
        {
            check(&[smuggled], None);
        }
        check(&[], None);
        check(&["https://a.example", "https://b.example"], None);
    }
}
