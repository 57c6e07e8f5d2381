//! The page on which a visitor says no, for every site that this server counts, and may take it back.

use axum::body::Body;
use axum::extract::{RawQuery, Request};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, LOCATION, ORIGIN, REFERRER_POLICY,
    SET_COOKIE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::response::Html;
use axum::response::IntoResponse;

use crate::http::limits::whole_body;
use crate::http::problem::{ORIGIN as WRONG_ORIGIN, Problem, ProblemBody};

use crate::privacy::consent::{self, Objection, OptOut};

const PAGE: &str = include_str!("opt_out.html");
/// The form has one short field.
const FORM_BYTES: usize = 1_024;
/// In the query of the page that is shown after a choice.
const CHOSEN: &str = "chosen";

/// What a visitor wants.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Choice {
    Out,
    In,
}

/// The page to opt out
///
/// Where the visitor stands, and one button.
#[utoipa::path(
    get, path = "/opt-out", tag = "Visitors", operation_id = "opt_out_page",
    params(("chosen" = Option<String>, Query, description = "A choice was made just now")),
    responses((status = 200, description = "A page for browsers", body = String, content_type = "text/html"))
)]
pub(super) async fn show(RawQuery(query): RawQuery, headers: HeaderMap) -> Response<Body> {
    let nonce = nonce();
    let has_chosen = query.as_deref() == Some(CHOSEN);
    let is_out = consent::has_opted_out(&headers);
    let state = match consent::objection(&headers) {
        Some(Objection::GlobalPrivacyControl) => {
            "<strong>You are not counted:</strong> your browser sends Global Privacy Control. \
             That holds whatever you choose below."
        }
        Some(Objection::DoNotTrack) => {
            "<strong>You are not counted:</strong> your browser sends Do Not Track. \
             That holds whatever you choose below."
        }
        Some(Objection::OptOut) => {
            "<strong>You are not counted:</strong> you have opted out in this browser."
        }
        None if has_chosen => {
            "<strong>You are counted.</strong> If you have just opted out, your browser did not keep the cookie: \
             it blocks cookies, or this page came without encryption. What to do instead is said below."
        }
        None => "<strong>You are counted</strong> on sites that use this server.",
    };
    let (choice, button) = if is_out { ("in", "Count me again") } else { ("out", "Do not count me") };
    let page = PAGE
        .replace("{nonce}", &nonce)
        .replace("{state}", state)
        .replace("{choice}", choice)
        .replace("{button}", button);
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    let mut response = Html(page).into_response();
    finish(response.headers_mut(), consent::renewal(&headers));
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, HeaderValue::from_str(&policy).expect("made of visible ASCII"));
    response
}

/// Opt out, or back in
///
/// Sets the cookie or takes it away, and shows the page again. Back in only from the page itself.
#[utoipa::path(
    post, path = "/opt-out", tag = "Visitors", operation_id = "opt_out",
    request_body(content = String, content_type = "application/x-www-form-urlencoded",
        description = "`choice=out` or `choice=in`; anything else is `out`"),
    responses(
        (status = 303, description = "The cookie is set or taken away"),
        (status = 403, description = "Opting back in from another page", body = ProblemBody),
    )
)]
pub(super) async fn choose(request: Request) -> Result<Response<Body>, Problem> {
    let (parts, body) = request.into_parts();
    let body = whole_body(body, FORM_BYTES).await?;
    let headers = &parts.headers;
    let cookies = match choice(&body) {
        Choice::Out => vec![cookie_of(headers).kept()],
        Choice::In if !is_own_page(headers) => {
            return Err(Problem::new(
                &WRONG_ORIGIN,
                "opting back in is possible on this server's own /opt-out page only; open it and use its button",
            ));
        }
        Choice::In => OptOut::ALL.map(OptOut::dropped).to_vec(),
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let answer = response.headers_mut();
    // Relative, so that it also holds below a path of a proxy.
    answer.insert(LOCATION, HeaderValue::from_static("opt-out?chosen"));
    finish(answer, cookies);
    Ok(response)
}

/// What all answers carry. The referrer stays, because a browser that hides it hides the origin of the form as well.
fn finish(headers: &mut HeaderMap, cookies: impl IntoIterator<Item = HeaderValue>) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(VARY, HeaderValue::from_static("Cookie, DNT, Sec-GPC"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("text/plain"));
    for cookie in cookies {
        headers.append(SET_COOKIE, cookie);
    }
}

/// Whoever does not ask to be counted asks not to be.
fn choice(form: &[u8]) -> Choice {
    let wants_in = url::form_urlencoded::parse(form).any(|(name, value)| name == "choice" && value == "in");
    if wants_in { Choice::In } else { Choice::Out }
}

/// Whether a form was sent from this server's own page, as the browser says.
fn is_own_page(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if let Some(site) = text(axum::http::HeaderName::from_static("sec-fetch-site")) {
        return site == "same-origin";
    }
    // Older browsers do not say so; their origin must be the host that they asked.
    let origin = text(ORIGIN).and_then(|origin| origin.split_once("://"));
    origin.is_some_and(|(_, host)| text(HOST) == Some(host))
}

/// The cookie that a visitor's browser can keep: only a page on this machine comes without encryption.
fn cookie_of(headers: &HeaderMap) -> OptOut {
    let text =
        |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    let host = text(HOST);
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host }
    });
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    let is_loopback = name == "localhost"
        || name.ends_with(".localhost")
        || address.is_ok_and(|address| address.is_loopback());
    if is_loopback && !text(ORIGIN).starts_with("https:") { OptOut::Plain } else { OptOut::Secure }
}

/// For the page's style, which no other may stand in for.
fn nonce() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system has random numbers");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
