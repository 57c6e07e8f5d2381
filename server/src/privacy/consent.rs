//! Whether a visitor may be counted. Ingest takes nothing but `Consented`, and only this module makes one.

use axum::http::header::{COOKIE, DNT};
use axum::http::{HeaderMap, HeaderName, HeaderValue};

const SEC_GPC: HeaderName = HeaderName::from_static("sec-gpc");

/// The opt-out cookie: the one thing that this server ever asks a browser to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptOut {
    /// Over TLS: the name's prefix makes browsers refuse it from anybody else.
    Secure,
    /// Over plain http, which a browser only allows without the prefix: the demo, on this machine.
    Plain,
}

impl OptOut {
    /// Either is obeyed.
    pub const ALL: [OptOut; 2] = [OptOut::Secure, OptOut::Plain];

    /// The cookie's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            OptOut::Secure => "__Host-hg_optout",
            OptOut::Plain => "hg_optout",
        }
    }

    /// `Set-Cookie` that keeps it for 400 days, which is as long as browsers keep any.
    ///
    /// Not partitioned: it must be seen on every site that loads the tracker from here.
    #[must_use]
    pub fn kept(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            OptOut::Secure => "__Host-hg_optout=1; Path=/; Secure; HttpOnly; SameSite=None; Max-Age=34560000",
            OptOut::Plain => "hg_optout=1; Path=/; HttpOnly; SameSite=Lax; Max-Age=34560000",
        })
    }

    /// `Set-Cookie` that takes it away.
    #[must_use]
    pub fn dropped(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            OptOut::Secure => "__Host-hg_optout=; Path=/; Secure; HttpOnly; SameSite=None; Max-Age=0",
            OptOut::Plain => "hg_optout=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0",
        })
    }
}

/// Something whose visitor did not object. Proof that the question was asked.
#[derive(Debug)]
pub struct Consented<T>(T);

impl<T> Consented<T> {
    /// What may be counted.
    pub fn into_inner(self) -> T {
        self.0
    }

    /// The same consent for what was made of it.
    pub fn map<U>(self, made: impl FnOnce(T) -> U) -> Consented<U> {
        Consented(made(self.0))
    }
}

/// How a visitor says no. Each overrides everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objection {
    /// `DNT: 1`.
    DoNotTrack,
    /// `Sec-GPC: 1`.
    GlobalPrivacyControl,
    /// The opt-out cookie.
    OptOut,
}

/// What a request's headers say against counting its visitor.
#[must_use]
pub fn objection(headers: &HeaderMap) -> Option<Objection> {
    let says_one =
        |name: &HeaderName| headers.get_all(name).iter().any(|value| value.as_bytes().trim_ascii() == b"1");
    if says_one(&SEC_GPC) {
        Some(Objection::GlobalPrivacyControl)
    } else if says_one(&DNT) {
        Some(Objection::DoNotTrack)
    } else if has_opted_out(headers) {
        Some(Objection::OptOut)
    } else {
        None
    }
}

/// Whether the opt-out cookie is among a request's cookies.
#[must_use]
pub fn has_opted_out(headers: &HeaderMap) -> bool {
    opted_out(headers).is_some()
}

/// `Set-Cookie` for the answer to a request with the opt-out cookie: whoever is seen to object keeps the objection.
#[must_use]
pub fn renewal(headers: &HeaderMap) -> Option<HeaderValue> {
    opted_out(headers).map(OptOut::kept)
}

fn opted_out(headers: &HeaderMap) -> Option<OptOut> {
    headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| pair.split_once_at_equals())
        .filter(|(_, value)| *value == b"1")
        .find_map(|(name, _)| OptOut::ALL.into_iter().find(|cookie| name == cookie.name().as_bytes()))
}

/// Lets `what` through unless the request's headers object.
///
/// # Errors
/// The objection; what it was about is dropped here.
pub fn ask<T>(headers: &HeaderMap, what: T) -> Result<Consented<T>, Objection> {
    match objection(headers) {
        None => Ok(Consented(what)),
        Some(objection) => Err(objection),
    }
}

/// Lets `what` through because a writer, who has a token and answers for its visitors, vouches for it.
///
/// # Errors
/// `objected` says that the writer passed an objection on; what it was about is dropped here.
pub fn vouched<T>(objected: bool, what: T) -> Result<Consented<T>, Vouched> {
    if objected { Err(Vouched::Objected) } else { Ok(Consented(what)) }
}

/// Why a writer's line is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vouched {
    /// The line carries `gpc`, `dnt` or `optout`.
    Objected,
}

trait SplitPair {
    fn split_once_at_equals(&self) -> Option<(&[u8], &[u8])>;
}

impl SplitPair for [u8] {
    fn split_once_at_equals(&self) -> Option<(&[u8], &[u8])> {
        let at = self.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (self.get(..at)?, self.get(at + 1..)?);
        // A cookie's value may be quoted (RFC 6265).
        let value = value.trim_ascii();
        let value = value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value);
        Some((name.trim_ascii(), value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&'static str, &'static str)], expected: Option<Objection>) {
        let map: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        assert_eq!(objection(&map), expected, "{headers:?}");
        assert_eq!(ask(&map, ()).is_ok(), expected.is_none(), "{headers:?}");
    }

    #[test]
    fn each_signal_is_an_objection_and_nothing_else_is() {
        check(&[], None);
        check(&[("sec-gpc", "1")], Some(Objection::GlobalPrivacyControl));
        check(&[("sec-gpc", " 1 ")], Some(Objection::GlobalPrivacyControl));
        check(&[("sec-gpc", "0")], None);
        check(&[("sec-gpc", "true")], None);
        check(&[("dnt", "1")], Some(Objection::DoNotTrack));
        check(&[("dnt", "0"), ("sec-gpc", "0")], None);
        check(&[("dnt", "0"), ("dnt", "1")], Some(Objection::DoNotTrack));
        for cookie in ["__Host-hg_optout=1", "a=b; hg_optout=1", "hg_optout=\"1\";c=d", "a;; hg_optout = 1"] {
            check(&[("cookie", cookie)], Some(Objection::OptOut));
        }
        check(&[("cookie", "a=b"), ("cookie", "hg_optout=1")], Some(Objection::OptOut));
        for cookie in
            ["hg_optout=0", "hg_optout=", "xhg_optout=1", "hg_optout=11", "a=hg_optout=1", "hg_optout"]
        {
            check(&[("cookie", cookie)], None);
        }
    }

    #[test]
    fn a_cookie_that_is_seen_is_renewed_under_its_own_name() {
        let renewed = |cookie: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::from_static(cookie));
            renewal(&headers)
        };
        assert_eq!(
            renewed("a=b; __Host-hg_optout=1").unwrap(),
            "__Host-hg_optout=1; Path=/; Secure; HttpOnly; SameSite=None; Max-Age=34560000"
        );
        assert!(renewed("hg_optout=1").unwrap().to_str().unwrap().starts_with("hg_optout=1; Path=/;"));
        assert_eq!(renewed("hg_optout=0"), None);
        assert_eq!(renewed("other=1"), None);
    }

    #[test]
    fn a_writer_vouches_unless_it_passes_an_objection_on() {
        assert_eq!(vouched(true, ()).map(Consented::into_inner), Err(Vouched::Objected));
        assert_eq!(vouched(false, 7).map(|c| c.map(|n| n + 1).into_inner()), Ok(8));
    }
}
