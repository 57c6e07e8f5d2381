//! Jobs: started, watched, stopped.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use heatgrid_engine::store::{JobId, JobKind, JobState, JobStatus, Store};
use serde::Deserialize;

use crate::access::Operator;
use crate::api::faults::shared;
use crate::app::App;
use crate::http::problem::{CONFLICT, INVALID_QUERY, NOT_FOUND, Problem, ProblemBody};
use crate::wire::job::JobJson;

/// Between two looks at a job that is waited for. A thread that waited for it would be missing elsewhere.
const LOOK: Duration = Duration::from_millis(20);

#[derive(utoipa::OpenApi)]
#[openapi(paths(flush, compact, list, show, stop))]
pub(super) struct Document;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/admin/flush", post(flush))
        .route("/v1/admin/compact", post(compact))
        .route("/v1/admin/jobs", get(list))
        .route("/v1/admin/jobs/{job}", get(show))
        .route("/v1/admin/jobs/{job}/stop", post(stop))
}

/// Whether the answer is to come when the job is over.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Wait {
    #[serde(default)]
    pub(super) wait: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Wait {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Wait, Problem> {
        let Query(wait) = Query::try_from_uri(&parts.uri).map_err(|_| {
            Problem::new(&INVALID_QUERY, "this takes `wait`, true or false, and nothing else")
        })?;
        Ok(wait)
    }
}

/// Writes what was accepted into segments, and empties the log
#[utoipa::path(
    post, path = "/v1/admin/flush", tag = "Admin", security(("token" = [])),
    params(("wait" = Option<bool>, Query, description = "Answer when it is over")),
    responses(
        (status = 200, description = "It is over", body = JobJson),
        (status = 202, description = "It was begun", body = JobJson),
        (status = 409, description = "It was told to stop", body = ProblemBody),
        (status = 507, description = "The disk is full", body = ProblemBody),
    )
)]
async fn flush(_: Operator, wait: Wait, State(store): State<Arc<Store>>) -> Result<Response, Problem> {
    started(&store, JobKind::Flush, wait).await
}

/// Merges everything of each month into one segment
#[utoipa::path(
    post, path = "/v1/admin/compact", tag = "Admin", security(("token" = [])),
    params(("wait" = Option<bool>, Query, description = "Answer when it is over")),
    responses(
        (status = 200, description = "It is over", body = JobJson),
        (status = 202, description = "It was begun", body = JobJson),
        (status = 409, description = "It was told to stop", body = ProblemBody),
        (status = 507, description = "The disk is full", body = ProblemBody),
    )
)]
async fn compact(_: Operator, wait: Wait, State(store): State<Arc<Store>>) -> Result<Response, Problem> {
    started(&store, JobKind::FullCompaction, wait).await
}

/// Lists the jobs that are remembered, the newest first
#[utoipa::path(
    get, path = "/v1/admin/jobs", tag = "Admin", security(("token" = [])),
    responses((status = 200, description = "At most 256", body = Vec<JobJson>))
)]
async fn list(_: Operator, State(store): State<Arc<Store>>) -> impl IntoResponse {
    Json(store.jobs().iter().map(JobJson::of).collect::<Vec<_>>())
}

/// Shows how far a job is
#[utoipa::path(
    get, path = "/v1/admin/jobs/{job}", tag = "Admin", security(("token" = [])),
    params(("job" = u64, Path, description = "Its number")),
    responses((status = 200, description = "The job", body = JobJson))
)]
async fn show(
    _: Operator,
    State(store): State<Arc<Store>>,
    Path(job): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    Ok(Json(JobJson::of(&found(&store, &job)?)))
}

/// Tells a job to stop
///
/// It does so at the next block it would read; what it had finished stays.
#[utoipa::path(
    post, path = "/v1/admin/jobs/{job}/stop", tag = "Admin", security(("token" = [])),
    params(("job" = u64, Path, description = "Its number")),
    responses(
        (status = 202, description = "It will", body = JobJson),
        (status = 409, description = "It is over already", body = ProblemBody),
    )
)]
async fn stop(
    _: Operator,
    State(store): State<Arc<Store>>,
    Path(job): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let status = found(&store, &job)?;
    if status.state.is_over() {
        return Err(Problem::new(&CONFLICT, "the job is over already"));
    }
    store.stop(status.id);
    Ok((StatusCode::ACCEPTED, Json(JobJson::of(&found(&store, &job)?))))
}

/// Starts a job, and waits for it if that is wished.
pub(in crate::api) async fn started(store: &Store, kind: JobKind, wait: Wait) -> Result<Response, Problem> {
    let id = store.start(kind);
    loop {
        // A job that was forgotten meanwhile was over long ago.
        let status = store.job(id).ok_or_else(no_job)?;
        match &status.state {
            _ if !wait.wait => return Ok((StatusCode::ACCEPTED, Json(JobJson::of(&status))).into_response()),
            JobState::Failed(error) => return Err(shared(error)),
            JobState::Stopped => return Err(Problem::new(&CONFLICT, "the job was told to stop")),
            JobState::Done => return Ok(Json(JobJson::of(&status)).into_response()),
            JobState::Waiting | JobState::Running => tokio::time::sleep(LOOK).await,
        }
    }
}

fn found(store: &Store, job: &str) -> Result<JobStatus, Problem> {
    job.parse().ok().and_then(|id| store.job(JobId(id))).ok_or_else(no_job)
}

fn no_job() -> Problem {
    Problem::new(&NOT_FOUND, "there is no such job, or it was over long ago")
}
