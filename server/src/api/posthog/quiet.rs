//! What posthog-js asks for beside sending: answered so that it is content, sends heatmaps, and nothing else.
//!
//! Source: posthog-js `src/remote-config.ts`, `src/posthog-featureflags.ts`, `src/entrypoints/external-scripts-loader.ts`
//! (1.205 and 1.449). Nothing of these requests is read but the path: their bodies hold ids.

use axum::Router;
use axum::extract::{Path, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa::OpenApi;

use crate::api::browser::cors;
use crate::app::App;
use crate::http::problem::{NOT_FOUND, Problem};

/// What a project has switched on: heatmaps.
const CONFIG: &str = concat!(
    r#"{"supportedCompression":["gzip","gzip-js"],"heatmaps":true,"hasFeatureFlags":false,"#,
    r#""analytics":{"endpoint":"/i/v0/e/"},"autocapture_opt_out":true,"autocaptureExceptions":false,"#,
    r#""capturePerformance":false,"captureDeadClicks":false,"elementsChainAsString":true,"sessionRecording":false,"#,
    r#""surveys":false,"productTours":false,"conversations":false,"defaultIdentifiedOnly":true,"siteApps":[]}"#
);
/// Feature flags: none. Older versions take the project's settings from the same answer.
const FLAGS: &str = concat!(
    r#"{"flags":{},"featureFlags":{},"featureFlagPayloads":{},"errorsWhileComputingFlags":false,"config":{},"toolbarParams":{},"#,
    r#""isAuthenticated":false,"supportedCompression":["gzip","gzip-js"],"heatmaps":true,"autocapture_opt_out":true,"#,
    r#""capturePerformance":false,"sessionRecording":false,"surveys":false,"siteApps":[]}"#
);
/// Longest key, and what it may be of: it stands in a script.
const KEY_BYTES: usize = 64;

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/flags", get(flags).post(flags).options(cors::preflight))
        .route("/flags/", get(flags).post(flags).options(cors::preflight))
        .route("/decide", get(flags).post(flags).options(cors::preflight))
        .route("/decide/", get(flags).post(flags).options(cors::preflight))
        .route("/api/{list}/", get(nothing).post(nothing).options(cors::preflight))
        .route("/array/{key}/{file}", get(of_project).options(cors::preflight))
}

/// The paths of this file.
pub(super) fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    super::twins(&mut document, "/flags/", &["/flags", "/decide", "/decide/"]);
    document
}

#[derive(OpenApi)]
#[openapi(paths(flags, nothing, of_project))]
struct Document;

/// Answers posthog-js that there are no feature flags, and that heatmaps are on
#[utoipa::path(
    method(get, post), path = "/flags/", tag = "Ingest",
    responses((status = 200, description = "No flags", body = serde_json::Value))
)]
async fn flags(request: Request) -> Response {
    json(&request, FLAGS)
}

/// Answers posthog-js that there are no surveys, experiments, early access features or tours
#[utoipa::path(
    method(get, post), path = "/api/{list}/", tag = "Ingest",
    params(("list" = String, Path, description = "surveys, early_access_features, web_experiments or product_tours")),
    responses((status = 200, description = "An empty list", body = serde_json::Value))
)]
async fn nothing(Path(list): Path<String>, request: Request) -> Response {
    match list.as_str() {
        "surveys" => json(&request, r#"{"surveys":[]}"#),
        "early_access_features" => json(&request, r#"{"earlyAccessFeatures":[]}"#),
        "web_experiments" => json(&request, r#"{"experiments":[]}"#),
        "product_tours" => json(&request, r#"{"product_tours":[]}"#),
        _ => Problem::new(&NOT_FOUND, "there is no such list").into_response(),
    }
}

/// Answers posthog-js with a project's settings
///
/// `config` is JSON, `config.js` the same as a script. Any other script is empty, any other file an empty object.
#[utoipa::path(
    get, path = "/array/{key}/{file}", tag = "Ingest",
    params(
        ("key" = String, Path, description = "Public key"),
        ("file" = String, Path, description = "config, config.js or another script"),
    ),
    responses((
        status = 200, description = "Settings",
        content((serde_json::Value = "application/json"), (String = "text/javascript"))
    ))
)]
async fn of_project(Path((key, file)): Path<(String, String)>, request: Request) -> Response {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    match file.as_str() {
        _ if key.len() > KEY_BYTES || !key.bytes().all(plain) => {
            Problem::new(&NOT_FOUND, "a key is letters, digits, _ and -").into_response()
        }
        "config" => json(&request, CONFIG),
        "config.js" => script(format!(
            "(function(){{window._POSTHOG_REMOTE_CONFIG=window._POSTHOG_REMOTE_CONFIG||{{}};\
             window._POSTHOG_REMOTE_CONFIG[\"{key}\"]={{config:{CONFIG},siteApps:[]}}}})();"
        )),
        file if file.ends_with(".js") => script(String::new()),
        _ => json(&request, "{}"),
    }
}

fn json(request: &Request, answer: &'static str) -> Response {
    cors::answer(request.headers(), Ok(([(CONTENT_TYPE, "application/json"), kept()], answer)))
}

fn script(text: String) -> Response {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8"), kept()], text).into_response()
}

/// For a while, so that a page that is visited again asks less.
fn kept() -> (axum::http::HeaderName, &'static str) {
    (CACHE_CONTROL, "private, max-age=300")
}
