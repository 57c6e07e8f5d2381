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

pub(super) fn routes() -> Router<App> {
    Router::new().route("/livez", get(alive)).route("/healthz", get(alive)).route("/readyz", get(ready))
}

async fn alive() -> impl IntoResponse {
    Json(json!({ "status": "alive" }))
}

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
