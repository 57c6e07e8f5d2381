//! Purges: planned and started, and their evidence. For operators.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use heatgrid_engine::clock::Clock;
use heatgrid_engine::purge::EvidenceError;
use heatgrid_engine::store::{JobKind, Store};
use serde::Deserialize;

use super::jobs::{Wait, started};
use crate::access::Operator;
use crate::api::erasures::call_off;
use crate::api::off_the_runtime;
use crate::app::App;
use crate::http::problem::{INVALID_QUERY, Problem, ProblemBody};
use crate::wire::erasure::ErasureJson;
use crate::wire::evidence::EvidenceJson;
use crate::wire::job::JobJson;
use crate::wire::purge::PurgePlanJson;

#[derive(utoipa::OpenApi)]
#[openapi(paths(purge, plan, cancel, evidence))]
pub(super) struct Document;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/admin/purge", get(plan).post(purge))
        .route("/v1/admin/erasures/{erasure}/cancel", post(cancel))
        .route("/v1/admin/erasures/{erasure}/evidence", get(evidence))
}

/// How a purge is to go.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct How {
    wait: bool,
    now: bool,
}

impl How {
    fn of(uri: &Uri) -> Result<How, Problem> {
        let Query(how) = Query::try_from_uri(uri).map_err(|_| {
            Problem::new(&INVALID_QUERY, "this takes `wait` and `now`, true or false, and nothing else")
        })?;
        Ok(how)
    }
}

/// Removes from every file what erasures mask, and certifies it
#[utoipa::path(
    post, path = "/v1/admin/purge", tag = "Admin", security(("token" = [])),
    params(
        ("wait" = Option<bool>, Query, description = "Answer when it is over"),
        ("now" = Option<bool>, Query, description = "Do not wait for the grace of deleted sites"),
    ),
    responses(
        (status = 200, description = "It is over", body = JobJson),
        (status = 202, description = "It was begun", body = JobJson),
        (status = 409, description = "It was told to stop", body = ProblemBody),
        (status = 507, description = "The disk is full", body = ProblemBody),
    )
)]
async fn purge(_: Operator, uri: Uri, State(store): State<Arc<Store>>) -> Result<Response, Problem> {
    let How { wait, now } = How::of(&uri)?;
    started(&store, JobKind::Purge { now }, Wait { wait }).await
}

/// Shows what a purge would do, here and at every backup target
///
/// Of targets it reads indexes. One that cannot be reached is told in its `error`.
#[utoipa::path(
    get, path = "/v1/admin/purge", tag = "Admin", security(("token" = [])),
    params(("now" = Option<bool>, Query, description = "Without the grace of deleted sites")),
    responses((status = 200, description = "Segments and bytes", body = PurgePlanJson))
)]
async fn plan(_: Operator, uri: Uri, State(store): State<Arc<Store>>) -> Result<Response, Problem> {
    let How { now, .. } = How::of(&uri)?;
    let plan = off_the_runtime(move || store.purge_plan(now)).await?;
    Ok(Json(PurgePlanJson::of(&plan)).into_response())
}

/// Calls the deletion of a site off, within its 72 hours
///
/// The site is as it was, unless another one has taken its name.
#[utoipa::path(
    post, path = "/v1/admin/erasures/{erasure}/cancel", tag = "Admin", security(("token" = [])),
    params(("erasure" = String, Path, description = "Id of the erasure, from the answer to the deletion")),
    responses(
        (status = 200, description = "The site is open again", body = ErasureJson),
        (status = 409, description = "Its data has begun to go, or its name is taken", body = ProblemBody),
        (status = 507, description = "The disk is full", body = ProblemBody),
    )
)]
async fn cancel(
    _: Operator,
    Path(erasure): Path<String>,
    State(store): State<Arc<Store>>,
    State(clock): State<Arc<dyn Clock>>,
) -> Result<Response, Problem> {
    let cancelled = call_off(store, &erasure).await?;
    Ok(Json(ErasureJson::of(&cancelled, clock.now_ms())).into_response())
}

/// Shows which files stood before and after the purge of an erasure
///
/// They hash to the root hashes of its certificate; a list that does not is not shown. Also when the site is gone.
#[utoipa::path(
    get, path = "/v1/admin/erasures/{erasure}/evidence", tag = "Admin", security(("token" = [])),
    params(("erasure" = String, Path, description = "Id of the erasure")),
    responses((status = 200, description = "404 until it is certified, and after 1,461 days", body = EvidenceJson))
)]
async fn evidence(
    _: Operator,
    Path(erasure): Path<String>,
    State(store): State<Arc<Store>>,
) -> Result<Response, Problem> {
    let id = erasure.parse().map_err(|_| EvidenceError::NotCertified)?;
    let evidence = off_the_runtime(move || store.evidence(id)).await?;
    Ok(Json(EvidenceJson::of(erasure, &evidence)).into_response())
}
