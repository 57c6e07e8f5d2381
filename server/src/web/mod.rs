//! What a visitor's browser gets from here: the tracker, the page to opt out, and a word on Global Privacy Control.
//!
//! Nothing here needs the store or knows a site: a visitor's no holds for every site that this server counts.

mod opt_out;
mod script;
#[cfg(test)]
mod tests;

use axum::Router;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::privacy::consent;

/// Says that Global Privacy Control is obeyed (<https://privacycg.github.io/gpc-spec/>), and since when.
const GPC: &str = r#"{"gpc":true,"lastUpdate":"2026-11-24"}"#;

#[derive(utoipa::OpenApi)]
#[openapi(paths(tracker, conversion, opt_out::show, opt_out::choose, gpc))]
pub(crate) struct Document;

/// What visitors reach without a token.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/t.js", get(tracker))
        .route("/t-conversion.js", get(conversion))
        .route("/opt-out", get(opt_out::show).post(opt_out::choose))
        .route("/.well-known/gpc.json", get(gpc))
}

/// The tracker
///
/// Or, for a request with `DNT: 1`, `Sec-GPC: 1` or the opt-out cookie, a script with the same functions that do nothing.
#[utoipa::path(
    get, path = "/t.js", tag = "Visitors", operation_id = "tracker",
    responses(
        (status = 200, description = "A script", body = String, content_type = "text/javascript"),
        (status = 304, description = "The same as before (`If-None-Match`)"),
    )
)]
async fn tracker(headers: HeaderMap) -> impl IntoResponse {
    let script = if consent::objection(&headers).is_some() { &*script::STUB } else { &*script::TRACKER };
    script.answer(&headers)
}

/// The tracker's memory for conversions
///
/// Loaded by the tracker where a site asks for it and the visitor consents.
#[utoipa::path(
    get, path = "/t-conversion.js", tag = "Visitors", operation_id = "tracker_conversion",
    responses(
        (status = 200, description = "A module", body = String, content_type = "text/javascript"),
        (status = 304, description = "The same as before (`If-None-Match`)"),
    )
)]
async fn conversion(headers: HeaderMap) -> impl IntoResponse {
    script::CONVERSION.answer(&headers)
}

/// Global Privacy Control is obeyed
#[utoipa::path(
    get, path = "/.well-known/gpc.json", tag = "Visitors", operation_id = "gpc",
    responses((status = 200, description = "As the specification says", body = serde_json::Value))
)]
async fn gpc() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "max-age=86400")], GPC)
}
