//! How the store is, and what to do about its clock.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use heatgrid_engine::clock::Clock;
use heatgrid_engine::store::Store;

use crate::access::Operator;
use crate::api::off_the_runtime;
use crate::app::App;
use crate::http::problem::{Problem, ProblemBody};
use crate::wire::status::StatusJson;

#[derive(utoipa::OpenApi)]
#[openapi(paths(status, accept_clock))]
pub(super) struct Document;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/admin/status", get(status)).route("/v1/admin/clock", post(accept_clock))
}

/// Shows how the store is
#[utoipa::path(
    get, path = "/v1/admin/status", tag = "Admin", security(("token" = [])),
    responses((status = 200, description = "The store at this moment", body = StatusJson))
)]
async fn status(
    _: Operator,
    State(store): State<Arc<Store>>,
    State(clock): State<Arc<dyn Clock>>,
) -> impl IntoResponse {
    let status = off_the_runtime(move || {
        StatusJson::of(&store.status(), store.accounts().sites().len(), clock.now_ms())
    });
    Json(status.await)
}

/// Says that the clock is right, after it jumped
///
/// Until then nothing expires and nothing is purged.
#[utoipa::path(
    post, path = "/v1/admin/clock", tag = "Admin", security(("token" = [])),
    responses(
        (status = 204, description = "It is believed from now on"),
        (status = 507, description = "The disk is full", body = ProblemBody),
    )
)]
async fn accept_clock(_: Operator, State(store): State<Arc<Store>>) -> Result<StatusCode, Problem> {
    off_the_runtime(move || store.accept_clock()).await?;
    Ok(StatusCode::NO_CONTENT)
}
