//! Snapshots: made, listed, shown, deleted, restored. For operators.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use heatgrid_engine::model::{CopyName, InvalidName};
use heatgrid_engine::snapshot::SnapshotStatus;
use heatgrid_engine::store::{JobKind, Store};
use serde::de::DeserializeOwned;

use super::jobs::{Wait, started};
use crate::access::Operator;
use crate::api::faults::shared;
use crate::api::listing::{Wanted, part};
use crate::api::off_the_runtime;
use crate::app::App;
use crate::http::limits::whole_body;
use crate::http::problem::{INVALID_BODY, INVALID_NAME, NOT_FOUND, Problem, ProblemBody};
use crate::wire::job::JobJson;
use crate::wire::snapshot::{SnapshotJson, WrittenCopy, WrittenRestore};

/// Bytes of a body: a name or two.
const BODY_BYTES: usize = 4 << 10;

#[derive(utoipa::OpenApi)]
#[openapi(paths(create, list, show, delete, restore))]
pub(super) struct Document;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/admin/snapshots", get(list).post(create))
        .route("/v1/admin/snapshots/{name}", get(show).delete(delete))
        .route("/v1/admin/snapshots/{name}/restore", post(restore))
}

/// Keeps what is there now under a name
///
/// Nothing is copied: the snapshot lists the same files.
#[utoipa::path(
    post, path = "/v1/admin/snapshots", tag = "Admin", security(("token" = [])),
    request_body = WrittenCopy,
    responses(
        (status = 201, description = "The snapshot", body = SnapshotJson),
        (status = 400, description = "The name is not of the allowed form", body = ProblemBody),
        (status = 409, description = "There is one of this name, or the clock is doubted", body = ProblemBody),
        (status = 507, description = "The disk is full", body = ProblemBody),
    )
)]
async fn create(_: Operator, State(store): State<Arc<Store>>, body: Body) -> Result<Response, Problem> {
    let written: WrittenCopy = json(&whole_body(body, BODY_BYTES).await?)?;
    let name = copy_name(&written.name)?;
    let made = off_the_runtime(move || store.create_snapshot(name)).await.map_err(|error| shared(&error))?;
    let location = HeaderValue::try_from(format!("/v1/admin/snapshots/{name}")).expect("a name is ASCII");
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(SnapshotJson::of(&made))).into_response())
}

/// Lists the snapshots by name
#[utoipa::path(
    get, path = "/v1/admin/snapshots", tag = "Admin", security(("token" = [])),
    params(
        ("limit" = Option<usize>, Query, description = "Items at most; 1,000 if not given", minimum = 1, maximum = 10000),
        ("cursor" = Option<String>, Query, description = "Where the list goes on, from the Link header"),
    ),
    responses((status = 200, description = "Their ages, days, segments and bytes", body = Vec<SnapshotJson>))
)]
async fn list(
    _: Operator,
    wanted: Wanted<Name>,
    uri: Uri,
    State(store): State<Arc<Store>>,
) -> Result<Response, Problem> {
    let after = wanted.cursor.map(|Name(name)| name);
    let mut snapshots = store.snapshots();
    snapshots.retain(|snapshot| after.is_none_or(|after| snapshot.name > after));
    let more = snapshots.len() > wanted.limit;
    snapshots.truncate(wanted.limit);
    let next = snapshots.last().filter(|_| more).map(|snapshot| snapshot.name.to_string());
    let shown: Vec<SnapshotJson> = snapshots.iter().map(SnapshotJson::of).collect();
    Ok(part(&uri, wanted.limit, &shown, next))
}

/// Shows a snapshot
#[utoipa::path(
    get, path = "/v1/admin/snapshots/{name}", tag = "Admin", security(("token" = [])),
    params(("name" = String, Path, description = "Name of the snapshot")),
    responses((status = 200, description = "Its age, days, segments and bytes", body = SnapshotJson))
)]
async fn show(
    _: Operator,
    Path(name): Path<String>,
    State(store): State<Arc<Store>>,
) -> Result<Response, Problem> {
    Ok(Json(SnapshotJson::of(&find(&store, copy_name(&name)?)?)).into_response())
}

/// Deletes a snapshot, and the files that nothing else lists
#[utoipa::path(
    delete, path = "/v1/admin/snapshots/{name}", tag = "Admin", security(("token" = [])),
    params(("name" = String, Path, description = "Name of the snapshot")),
    responses((status = 204, description = "It is gone"))
)]
async fn delete(
    _: Operator,
    Path(name): Path<String>,
    State(store): State<Arc<Store>>,
) -> Result<StatusCode, Problem> {
    let name = copy_name(&name)?;
    off_the_runtime(move || store.delete_snapshot(name)).await.map_err(|error| shared(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts a snapshot, or one site of it, in the place of what is live
///
/// Data only: sites, settings, tokens and erasures stay as they are, and what was erased since stays erased. The
/// present is kept as a snapshot `before-restore-<time>` first.
#[utoipa::path(
    post, path = "/v1/admin/snapshots/{name}/restore", tag = "Admin", security(("token" = [])),
    params(
        ("name" = String, Path, description = "Name of the snapshot"),
        ("wait" = Option<bool>, Query, description = "Answer when it is over"),
    ),
    request_body = WrittenRestore,
    responses(
        (status = 200, description = "It is over", body = JobJson),
        (status = 202, description = "It was begun", body = JobJson),
        (status = 409, description = "The clock is doubted, or it was told to stop", body = ProblemBody),
        (status = 507, description = "The disk is full", body = ProblemBody),
    )
)]
async fn restore(
    _: Operator,
    Path(name): Path<String>,
    wait: Wait,
    State(store): State<Arc<Store>>,
    body: Body,
) -> Result<Response, Problem> {
    let snapshot = copy_name(&name)?;
    find(&store, snapshot)?;
    let written: WrittenRestore = json(&whole_body(body, BODY_BYTES).await?)?;
    if written.confirm != name {
        return Err(Problem::new(
            &INVALID_BODY,
            "confirm is the name of the snapshot: what is live is replaced",
        ));
    }
    let site = match written.site()? {
        None => None,
        Some(name) => {
            let site = store.accounts().by_name(name.as_str());
            Some(site.ok_or_else(|| Problem::new(&NOT_FOUND, "there is no such site"))?.id)
        }
    };
    started(&store, JobKind::Restore { snapshot, site }, wait).await
}

/// The snapshot of a name.
fn find(store: &Store, name: CopyName) -> Result<SnapshotStatus, Problem> {
    store.snapshot(name).ok_or_else(|| Problem::new(&NOT_FOUND, format!("there is no snapshot {name}")))
}

/// The name of a snapshot or backup.
pub(super) fn copy_name(text: &str) -> Result<CopyName, Problem> {
    Ok(CopyName::new(text)?)
}

/// What a body says.
pub(super) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::new(&INVALID_BODY, error.to_string()))
}

impl From<InvalidName> for Problem {
    fn from(error: InvalidName) -> Problem {
        Problem::new(&INVALID_NAME, error.to_string())
    }
}

/// A snapshot's name as a cursor.
struct Name(CopyName);

impl std::str::FromStr for Name {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Name, InvalidName> {
        CopyName::new(text).map(Name)
    }
}
