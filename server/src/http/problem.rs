//! Errors as `application/problem+json` (RFC 9457). Each `type` is an anchor of `docs/HTTP.md` that says what to do.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

/// An answer that says what went wrong.
#[derive(Debug)]
pub struct Problem {
    kind: &'static Kind,
    detail: String,
    /// Line of a bulk request, from 1.
    line: Option<u64>,
    retry_after_seconds: Option<u32>,
}

/// Media type of problems.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What went wrong, and what to do (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Anchor in docs/HTTP.md, where it says what to do.
    #[serde(rename = "type")]
    kind: String,
    /// Short and the same every time.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong here, and what to do.
    detail: String,
    /// Line of a bulk request, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
}

/// A sort of problem: what is fixed about it.
#[derive(Debug)]
pub struct Kind {
    /// Anchor in `docs/HTTP.md`.
    pub anchor: &'static str,
    /// HTTP status.
    pub status: StatusCode,
    /// Short and the same every time.
    pub title: &'static str,
}

macro_rules! kinds {
    ($($name:ident $anchor:literal $status:ident $title:literal)*) => {
        $(#[doc = $title] pub static $name: Kind = Kind { anchor: $anchor, status: StatusCode::$status, title: $title };)*
        /// Every kind, for the OpenAPI document and the test that holds `docs/HTTP.md` against it.
        pub static KINDS: &[&Kind] = &[$(&$name,)*];
    };
}

kinds! {
    INVALID_QUERY "invalid-query" BAD_REQUEST "A parameter is wrong"
    INVALID_BODY "invalid-body" BAD_REQUEST "The body cannot be used"
    INVALID_NAME "invalid-name" BAD_REQUEST "A name is not of the allowed form"
    NO_VISITORS "no-visitors" BAD_REQUEST "There is no such number"
    NO_TOKEN "no-token" UNAUTHORIZED "A valid token is needed"
    NO_RIGHT "no-right" FORBIDDEN "The token has not this right"
    NETWORK "network" FORBIDDEN "Not from this address"
    ORIGIN "origin" FORBIDDEN "The origin is missing or not this site's"
    NOT_FOUND "not-found" NOT_FOUND "There is nothing here"
    METHOD "method" METHOD_NOT_ALLOWED "Not this method"
    TIMEOUT "timeout" REQUEST_TIMEOUT "The request did not arrive in time"
    CONFLICT "conflict" CONFLICT "It is there already, or in use"
    TOO_LARGE "too-large" PAYLOAD_TOO_LARGE "The body is too large"
    MEDIA_TYPE "media-type" UNSUPPORTED_MEDIA_TYPE "The body's encoding or type is not known"
    REGION "region" MISDIRECTED_REQUEST "Another region's data"
    KEY_REUSED "idempotency-key" UNPROCESSABLE_ENTITY "The idempotency key was used with another body"
    TOO_MUCH_WORK "too-much-work" UNPROCESSABLE_ENTITY "The question reads too much"
    RATE "rate" TOO_MANY_REQUESTS "Too many requests"
    TARGET "target" BAD_GATEWAY "A backup target failed"
    INTERNAL "internal" INTERNAL_SERVER_ERROR "A fault of the server"
    BUSY "busy" SERVICE_UNAVAILABLE "The server is busy"
    STOPPED "stopped" SERVICE_UNAVAILABLE "The store has stopped"
    DISK_FULL "disk-full" INSUFFICIENT_STORAGE "The disk is full"
}

impl Problem {
    /// A problem of a kind; `detail` says what is wrong here and what to do, and never repeats a page or an address.
    pub fn new(kind: &'static Kind, detail: impl Into<String>) -> Problem {
        Problem { kind, detail: detail.into(), line: None, retry_after_seconds: None }
    }

    /// Names the line of a bulk request, from 1.
    #[must_use]
    pub fn at_line(mut self, line: u64) -> Problem {
        self.line = Some(line);
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Problem {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.kind.status
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let body = ProblemBody {
            kind: format!("/docs/HTTP.md#{}", self.kind.anchor),
            title: self.kind.title,
            status: self.kind.status.as_u16(),
            detail: self.detail,
            line: self.line,
        };
        let body = serde_json::to_vec(&body).expect("texts and numbers are valid JSON");
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.kind.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        if self.kind.status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(axum::http::header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_section_that_says_what_to_do_and_every_section_a_kind() {
        let text = include_str!("../../../docs/HTTP.md");
        let (_, problems) = text.split_once("\n## Problems\n").expect("there is a chapter");
        let problems = problems.split("\n## ").next().expect("a chapter");
        let sections: Vec<(&str, &str)> =
            problems.split("\n### ").skip(1).filter_map(|section| section.split_once('\n')).collect();
        for kind in KINDS {
            let section = sections.iter().find(|(anchor, _)| *anchor == kind.anchor);
            let (_, text) = section.unwrap_or_else(|| panic!("no section {}", kind.anchor));
            assert!(text.trim().starts_with(kind.status.as_str()), "{}: its status", kind.anchor);
        }
        let known = |anchor: &str| KINDS.iter().any(|kind| kind.anchor == anchor);
        let unknown: Vec<&&str> =
            sections.iter().map(|(anchor, _)| anchor).filter(|anchor| !known(anchor)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
