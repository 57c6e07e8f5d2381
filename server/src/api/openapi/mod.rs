//! `/openapi.json`: every route, from the code that answers it.
//!
//! Each file of `api` describes its own handlers and has a `Document` that lists them; `PARTS` lists the documents.
//! What all routes have in common is added by `common`.

mod common;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;
use utoipa::OpenApi;
use utoipa::openapi::RefOr;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use super::{admin, certificates, collect, erasures, events, health, keys, posthog, query, sites, tokens};
use crate::app::App;
use crate::dashboard;
use crate::web;

/// The documents of all files with routes, in the order of the chapters of `docs/HTTP.md`.
#[rustfmt::skip] // One a line, so that what two people add does not collide.
static PARTS: &[fn() -> utoipa::openapi::OpenApi] = &[
    sites::Document::openapi,
    keys::Document::openapi,
    tokens::Document::openapi,
    erasures::Document::openapi,
    certificates::Document::openapi,
    admin::document,
    collect::Document::openapi,
    events::Document::openapi,
    posthog::document,
    query::document,
    web::Document::openapi,
    health::Document::openapi,
    dashboard::Document::openapi,
    Document::openapi,
];

#[derive(OpenApi)]
#[openapi(paths(openapi))]
pub(super) struct Document;

/// The route of the document.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/openapi.json", get(openapi))
}

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "About",
    responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value))
)]
async fn openapi() -> impl IntoResponse {
    static TEXT: LazyLock<Bytes> =
        LazyLock::new(|| document().to_json().expect("a document of strings is JSON").into());
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")], TEXT.clone())
}

/// The whole document.
fn document() -> utoipa::openapi::OpenApi {
    let mut document = About::openapi();
    for part in PARTS {
        document.merge(part());
    }
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token of a site, or an operator's."))
        .build();
    let components = document.components.get_or_insert_default();
    components.security_schemes.insert("token".into(), RefOr::T(SecurityScheme::Http(token)));
    common::add(&mut document);
    document
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "heatgrid",
        description = "Counters on a pixel grid, never visitors. What each parameter means and what to do about \
                       each problem is in docs/HTTP.md.",
    ),
    components(schemas(crate::http::problem::ProblemBody))
)]
struct About;
