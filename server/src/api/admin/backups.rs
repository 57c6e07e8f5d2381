//! Backups: made, listed, verified, deleted, pruned, at the targets of the configuration. For operators. They are restored
//! into another directory, by the command.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use heatgrid_engine::backup::{BackupError, BackupTarget, run};
use heatgrid_engine::clock::Clock;
use heatgrid_engine::error::JobError;
use heatgrid_engine::model::CopyName;
use heatgrid_engine::store::Store;

use super::jobs::Wait;
use super::snapshots::{copy_name, json};
use crate::access::Operator;
use crate::api::faults::shared;
use crate::api::listing::{Wanted, part};
use crate::api::off_the_runtime;
use crate::app::App;
use crate::config::Config;
use crate::http::limits::whole_body;
use crate::http::problem::{CONFLICT, NOT_FOUND, Problem, ProblemBody};
use crate::wire::backup::{BackupJson, PrunedJson, ReportJson, VerificationJson, WrittenBackup};
use crate::wire::job::JobJson;

/// Bytes of a body: a name.
const BODY_BYTES: usize = 4 << 10;
/// What a backup is called that nobody named, before the time.
const ASKED: &str = "asked";

#[derive(utoipa::OpenApi)]
#[openapi(paths(create, list, show, delete, verify, prune))]
pub(super) struct Document;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/admin/backups", get(list).post(create))
        .route("/v1/admin/backups/{name}", get(show).delete(delete))
        .route("/v1/admin/backups/{name}/verify", post(verify))
        .route("/v1/admin/prune-backups", post(prune))
}

/// Brings everything to every target, as far as it is not there yet
///
/// A job for each target: without `wait` the answer has those that were begun.
#[utoipa::path(
    post, path = "/v1/admin/backups", tag = "Admin", security(("token" = [])),
    params(("wait" = Option<bool>, Query, description = "Answer when it is over")),
    request_body = WrittenBackup,
    responses(
        (status = 201, description = "What was brought, by target", body = Vec<ReportJson>),
        (status = 202, description = "It was begun", body = Vec<JobJson>),
        (status = 409, description = "There is one of this name, or there is no target", body = ProblemBody),
        (status = 421, description = "A target is in another region", body = ProblemBody),
        (status = 502, description = "A target failed", body = ProblemBody),
        (status = 507, description = "The disk is full", body = ProblemBody),
    )
)]
async fn create(
    _: Operator,
    Wait { wait }: Wait,
    State(store): State<Arc<Store>>,
    State(clock): State<Arc<dyn Clock>>,
    body: Body,
) -> Result<Response, Problem> {
    let body = whole_body(body, BODY_BYTES).await?;
    let written: WrittenBackup = if body.is_empty() { WrittenBackup { name: None } } else { json(&body)? };
    let name = match written.name {
        Some(name) => copy_name(&name)?,
        None => CopyName::of_time(ASKED, clock.now_ms()),
    };
    let targets = targets(&store)?;
    let jobs: Vec<_> = targets.iter().map(|_| store.new_backup()).collect();
    let begun: Vec<_> = jobs.iter().filter_map(|job| store.job(*job)).collect();
    let work = tokio::task::spawn_blocking(move || {
        // Every target is tried, whatever happens at another one.
        let done: Vec<_> = targets
            .iter()
            .zip(jobs)
            .map(|(target, job)| {
                let report = store.back_up(job, &**target, name)?;
                Ok(ReportJson::of(target.place(), name.as_str(), &report))
            })
            .collect();
        done.into_iter().collect::<Result<Vec<_>, Arc<JobError>>>()
    });
    if !wait {
        let begun: Vec<JobJson> = begun.iter().map(JobJson::of).collect();
        return Ok((StatusCode::ACCEPTED, Json(begun)).into_response());
    }
    let done = work.await.map_err(|error| {
        tracing::error!(%error, "a backup ended");
        Problem::new(&CONFLICT, "the backup was ended; see the server's log")
    })?;
    Ok((StatusCode::CREATED, Json(done.map_err(|error| shared(&error))?)).into_response())
}

/// Lists the backups of every target
#[utoipa::path(
    get, path = "/v1/admin/backups", tag = "Admin", security(("token" = [])),
    params(
        ("limit" = Option<usize>, Query, description = "Items at most; 1,000 if not given", minimum = 1, maximum = 10000),
        ("cursor" = Option<String>, Query, description = "Where the list goes on, from the Link header"),
    ),
    responses(
        (status = 200, description = "By target, the newest first", body = Vec<BackupJson>),
        (status = 502, description = "A target failed", body = ProblemBody),
    )
)]
async fn list(
    _: Operator,
    wanted: Wanted<usize>,
    uri: Uri,
    State(store): State<Arc<Store>>,
    State(config): State<Arc<Config>>,
) -> Result<Response, Problem> {
    let all = off_the_runtime(move || found(&store, &config, None)).await?;
    let from = wanted.cursor.unwrap_or(0).min(all.len());
    let until = all.len().min(from.saturating_add(wanted.limit));
    let next = (until < all.len()).then(|| until.to_string());
    Ok(part(&uri, wanted.limit, all.get(from..until).unwrap_or_default(), next))
}

/// Shows a backup, at each target that has it
#[utoipa::path(
    get, path = "/v1/admin/backups/{name}", tag = "Admin", security(("token" = [])),
    params(("name" = String, Path, description = "Name of the backup")),
    responses(
        (status = 200, description = "By target", body = Vec<BackupJson>),
        (status = 502, description = "A target failed", body = ProblemBody),
    )
)]
async fn show(
    _: Operator,
    Path(name): Path<String>,
    State(store): State<Arc<Store>>,
    State(config): State<Arc<Config>>,
) -> Result<Response, Problem> {
    let name = copy_name(&name)?;
    let found = off_the_runtime(move || found(&store, &config, Some(name))).await?;
    match found.is_empty() {
        true => Err(no_backup(name)),
        false => Ok(Json(found).into_response()),
    }
}

/// Deletes a backup at every target
///
/// What no other backup lists goes with the next prune.
#[utoipa::path(
    delete, path = "/v1/admin/backups/{name}", tag = "Admin", security(("token" = [])),
    params(("name" = String, Path, description = "Name of the backup")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 409, description = "No target is configured", body = ProblemBody),
        (status = 502, description = "A target failed", body = ProblemBody),
    )
)]
async fn delete(
    _: Operator,
    Path(name): Path<String>,
    State(store): State<Arc<Store>>,
) -> Result<StatusCode, Problem> {
    let name = copy_name(&name)?;
    off_the_runtime(move || {
        // Every target is tried, whatever happens at another one.
        let done: Vec<_> =
            targets(&store)?.iter().map(|target| store.delete_backup(&**target, name)).collect();
        let was_there = done.into_iter().collect::<Result<Vec<bool>, JobError>>()?;
        match was_there.contains(&true) {
            true => Ok(StatusCode::NO_CONTENT),
            false => Err(no_backup(name)),
        }
    })
    .await
}

/// Reads all of a backup at every target, and compares it with what it should be
#[utoipa::path(
    post, path = "/v1/admin/backups/{name}/verify", tag = "Admin", security(("token" = [])),
    params(("name" = String, Path, description = "Name of the backup")),
    responses(
        (status = 200, description = "What was found, by target", body = Vec<VerificationJson>),
        (status = 409, description = "No target is configured", body = ProblemBody),
        (status = 502, description = "A target failed", body = ProblemBody),
    )
)]
async fn verify(
    _: Operator,
    Path(name): Path<String>,
    State(store): State<Arc<Store>>,
) -> Result<Response, Problem> {
    let name = copy_name(&name)?;
    let found = off_the_runtime(move || {
        let mut found = Vec::new();
        for target in targets(&store)? {
            match run::verify(&*target, name, &mut |_| std::ops::ControlFlow::Continue(())) {
                Err(BackupError::NoSuchBackup(_)) => {}
                verified => {
                    let verified = verified.map_err(JobError::from)?;
                    found.push(VerificationJson::of(target.place(), &verified));
                }
            }
        }
        Ok::<_, Problem>(found)
    })
    .await?;
    match found.is_empty() {
        true => Err(no_backup(name)),
        false => Ok(Json(found).into_response()),
    }
}

/// Deletes backups that are too old or too many, and what no backup lists
#[utoipa::path(
    post, path = "/v1/admin/prune-backups", tag = "Admin", security(("token" = [])),
    responses(
        (status = 200, description = "What was deleted, by target", body = Vec<PrunedJson>),
        (status = 409, description = "The clock is doubted, or there is no target", body = ProblemBody),
        (status = 502, description = "A target failed", body = ProblemBody),
    )
)]
async fn prune(
    _: Operator,
    State(store): State<Arc<Store>>,
    State(config): State<Arc<Config>>,
) -> Result<Response, Problem> {
    let pruned = off_the_runtime(move || {
        let mut pruned = Vec::new();
        for target in targets(&store)? {
            let done = store.prune_backups(&*target, &config.backups.keep)?;
            pruned.push(PrunedJson::of(target.place(), &done));
        }
        Ok::<_, Problem>(pruned)
    })
    .await?;
    Ok(Json(pruned).into_response())
}

fn targets(store: &Store) -> Result<Vec<Arc<dyn BackupTarget>>, Problem> {
    let targets = store.targets();
    match targets.is_empty() {
        true => Err(Problem::new(&CONFLICT, "no target is configured: set backup_targets, and start again")),
        false => Ok(targets),
    }
}

/// The backups of every target, or those of a name.
fn found(store: &Store, config: &Config, name: Option<CopyName>) -> Result<Vec<BackupJson>, Problem> {
    let mut found = Vec::new();
    for target in store.targets() {
        let lists = run::lists(&*target).map_err(JobError::from)?;
        let wanted = lists.iter().filter(|list| name.is_none_or(|name| list.name == name));
        found.extend(wanted.map(|list| BackupJson::of(target.place(), list, &config.backups.keep)));
    }
    Ok(found)
}

fn no_backup(name: CopyName) -> Problem {
    Problem::new(&NOT_FOUND, format!("there is no backup {name}"))
}
