//! What a browser is told of other origins: its own, and that the opt-out cookie may travel. Never `*`.

use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, RETRY_AFTER, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::no_origin;
use crate::http::problem::Problem;
use crate::privacy::origin::Origin;

/// Seconds that a browser remembers a preflight; none remembers it for longer.
const PREFLIGHT_SECONDS: HeaderValue = HeaderValue::from_static("86400");
const TRUE: HeaderValue = HeaderValue::from_static("true");

/// An answer with what CORS has to say; a refused origin is told nothing.
pub(in crate::api) fn answer<R: IntoResponse>(headers: &HeaderMap, answer: Result<R, Problem>) -> Response {
    answer_to(Origin::of(headers).map(|origin| origin.value().clone()), answer)
}

/// As `answer`, where the origin is known.
pub(in crate::api) fn answer_to<R: IntoResponse>(
    origin: Option<HeaderValue>,
    answer: Result<R, Problem>,
) -> Response {
    let refused = answer.as_ref().is_err_and(|problem| problem.status() == StatusCode::FORBIDDEN);
    let mut response = match answer {
        Ok(answer) => answer.into_response(),
        Err(problem) => problem.into_response(),
    };
    let told = response.headers_mut();
    told.insert(VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = origin.filter(|_| !refused) else { return response };
    told.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    told.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
    if told.contains_key(RETRY_AFTER) {
        // Else a script could not see when to come back.
        told.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Retry-After"));
    }
    response
}

/// `OPTIONS` of every browser's door: it carries no key, so that any site's origin is told yes. Whether it may send is
/// decided when it does.
pub(in crate::api) async fn preflight(request: Request) -> Response {
    let headers = request.headers();
    let allowed = Origin::of(headers).ok_or_else(no_origin).map(|_| {
        let asked = headers.get("access-control-request-headers");
        (
            StatusCode::NO_CONTENT,
            [
                (ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST")),
                // None of them is read, so that none can do harm.
                (
                    ACCESS_CONTROL_ALLOW_HEADERS,
                    asked.cloned().unwrap_or(HeaderValue::from_static("content-type")),
                ),
                (ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS),
            ],
        )
    });
    answer(headers, allowed)
}
