//! For supervisors and load balancers: alive, and ready.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use crate::app::App;
use crate::health::{Health, Phase};
use crate::http::problem::{BUSY, Problem, STOPPED};

#[derive(utoipa::OpenApi)]
#[openapi(paths(alive, healthy, ready))]
pub(super) struct Document;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/livez", get(alive)).route("/healthz", get(healthy)).route("/readyz", get(ready))
}

/// Says that the process runs
#[utoipa::path(
    get, path = "/livez", tag = "Health",
    responses((status = 200, description = "It runs", body = serde_json::Value))
)]
async fn alive() -> impl IntoResponse {
    Json(json!({ "status": "alive" }))
}

/// The same as /livez
#[utoipa::path(
    get, path = "/healthz", tag = "Health",
    responses((status = 200, description = "It runs", body = serde_json::Value))
)]
async fn healthy() -> impl IntoResponse {
    alive().await
}

/// Says whether requests should come here
///
/// 503 while the store is opened or the server is stopped, and when the store takes nothing any more.
#[utoipa::path(
    get, path = "/readyz", tag = "Health",
    responses((status = 200, description = "They should", body = serde_json::Value))
)]
async fn ready(State(health): State<Arc<Health>>) -> Result<impl IntoResponse, Problem> {
    readiness(&health.phase())?;
    Ok(Json(json!({ "status": "ready" })))
}

/// Why requests should not come here now.
fn readiness(phase: &Phase) -> Result<(), Problem> {
    match phase {
        Phase::Ready => Ok(()),
        Phase::Starting => {
            Err(Problem::new(&BUSY, "the store is being opened; try again soon").retry_after(1))
        }
        Phase::Draining => {
            Err(Problem::new(&BUSY, "the server is being stopped; ask another one, or again later")
                .retry_after(5))
        }
        Phase::Stopped(why) => Err(Problem::new(&STOPPED, why.to_string()).retry_after(30)),
    }
}

/// What a server answers before its store is open.
pub async fn starting(request: Request) -> Response {
    match request.uri().path() {
        "/livez" | "/healthz" => alive().await.into_response(),
        _ => readiness(&Phase::Starting).into_response(),
    }
}
