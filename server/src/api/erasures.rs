//! Erasures of a site: asked for, shown, called off; and the site itself deleted. For owners.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use heatgrid_engine::clock::Clock;
use heatgrid_engine::model::{Erasure, SiteId};
use heatgrid_engine::store::Store;
use serde::Deserialize;

use super::certificates::shown;
use super::listing::{Wanted, part};
use super::off_the_runtime;
use crate::access::{Own, SiteAccess};
use crate::app::App;
use crate::ask::{NoErasure, erasure_request};
use crate::http::limits::whole_body;
use crate::http::problem::{INVALID_BODY, INVALID_QUERY, NOT_FOUND, Problem, ProblemBody};
use crate::rules::Rules;
use crate::wire::erasure::{CertificateJson, ErasureJson, PreviewJson, TakenJson, WrittenErasure};

/// Bytes of a request: one URL, and some words.
const BODY_BYTES: usize = 16 << 10;

#[derive(utoipa::OpenApi)]
#[openapi(paths(request, list, show, cancel, certificate, delete_site))]
pub(super) struct Document;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/sites/{site}", delete(delete_site))
        .route("/v1/sites/{site}/erasures", get(list).post(request))
        .route("/v1/sites/{site}/erasures/{erasure}", get(show))
        .route("/v1/sites/{site}/erasures/{erasure}/cancel", post(cancel))
        .route("/v1/sites/{site}/erasures/{erasure}/certificate", get(certificate))
}

/// Whether it is only to be counted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Dry {
    dry_run: bool,
}

/// Removes data from every answer at once, and from every copy within 90 days
///
/// Pages, days and a country can be combined. What arrives later counts, unless `block` is set.
#[utoipa::path(
    post, path = "/v1/sites/{site}/erasures", tag = "Erasure", security(("token" = [])),
    request_body = WrittenErasure,
    params(
        ("site" = String, Path, description = "Name of the site"),
        ("dry_run" = Option<bool>, Query, description = "Only count what it would cover"),
    ),
    responses(
        (status = 200, description = "What it would cover (`dry_run`)", body = PreviewJson),
        (status = 202, description = "It is in no answer any more", body = TakenJson),
        (status = 422, description = "The pattern matches too many pages", body = ProblemBody),
        (status = 507, description = "The disk is full", body = ProblemBody),
    )
)]
async fn request(
    SiteAccess { site, .. }: SiteAccess<Own>,
    State(store): State<Arc<Store>>,
    State(rules): State<Arc<Rules>>,
    State(clock): State<Arc<dyn Clock>>,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    let Query(Dry { dry_run }) = Query::try_from_uri(&uri)
        .map_err(|_| Problem::new(&INVALID_QUERY, "this takes `dry_run`, true or false, and nothing else"))?;
    let body = whole_body(body, BODY_BYTES).await?;
    // The error of the parser may repeat what was written: a page that somebody wants forgotten.
    let written: WrittenErasure = serde_json::from_slice(&body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Problem::new(&INVALID_BODY, format!("not a request to erase, at line {line}, column {column}"))
    })?;
    let rules = rules.of(&site);
    off_the_runtime(move || {
        let request = erasure_request(&store, &rules.pages, site.id, &written)?;
        if dry_run {
            return Ok(Json(PreviewJson::of(&store.dry_run(&request)?)).into_response());
        }
        let requested = store.erase(&request)?;
        let taken = TakenJson::of(&requested, clock.now_ms());
        Ok((StatusCode::ACCEPTED, Json(taken)).into_response())
    })
    .await
}

/// Lists the erasures of a site, the oldest first
#[utoipa::path(
    get, path = "/v1/sites/{site}/erasures", tag = "Erasure", security(("token" = [])),
    params(
        ("site" = String, Path, description = "Name of the site"),
        ("limit" = Option<usize>, Query, description = "Items at most; 1,000 if not given", minimum = 1, maximum = 10000),
        ("cursor" = Option<String>, Query, description = "Where the list goes on, from the Link header"),
    ),
    responses((status = 200, description = "Link leads to the rest", body = Vec<ErasureJson>))
)]
async fn list(
    SiteAccess { site, .. }: SiteAccess<Own>,
    wanted: Wanted<u64>,
    uri: Uri,
    State(store): State<Arc<Store>>,
    State(clock): State<Arc<dyn Clock>>,
) -> Response {
    let mut erasures = store.erasures(site.id);
    erasures.retain(|erasure| wanted.cursor.is_none_or(|after| erasure.number > after));
    let more = erasures.len() > wanted.limit;
    erasures.truncate(wanted.limit);
    let next = erasures.last().filter(|_| more).map(|erasure| erasure.number.to_string());
    let shown: Vec<ErasureJson> =
        erasures.iter().map(|erasure| ErasureJson::of(erasure, clock.now_ms())).collect();
    part(&uri, wanted.limit, &shown, next)
}

/// Shows how far an erasure is
#[utoipa::path(
    get, path = "/v1/sites/{site}/erasures/{erasure}", tag = "Erasure", security(("token" = [])),
    params(
        ("site" = String, Path, description = "Name of the site"),
        ("erasure" = String, Path, description = "Its id"),
    ),
    responses((status = 200, description = "Its state, and when each was reached", body = ErasureJson))
)]
async fn show(
    SiteAccess { site, .. }: SiteAccess<Own>,
    Path((_site, erasure)): Path<(String, String)>,
    State(store): State<Arc<Store>>,
    State(clock): State<Arc<dyn Clock>>,
) -> Result<Response, Problem> {
    let erasure = find(&store, site.id, &erasure)?;
    Ok(Json(ErasureJson::of(&erasure, clock.now_ms())).into_response())
}

/// Calls an erasure off, while it is masked only
///
/// What is in files shows again. What was in memory, or was merged since, is gone.
#[utoipa::path(
    post, path = "/v1/sites/{site}/erasures/{erasure}/cancel", tag = "Erasure", security(("token" = [])),
    params(
        ("site" = String, Path, description = "Name of the site"),
        ("erasure" = String, Path, description = "Its id"),
    ),
    responses(
        (status = 200, description = "It is cancelled", body = ErasureJson),
        (status = 409, description = "Its data has begun to go", body = ProblemBody),
        (status = 507, description = "The disk is full", body = ProblemBody),
    )
)]
async fn cancel(
    SiteAccess { site, .. }: SiteAccess<Own>,
    Path((_site, erasure)): Path<(String, String)>,
    State(store): State<Arc<Store>>,
    State(clock): State<Arc<dyn Clock>>,
) -> Result<Response, Problem> {
    let id = find(&store, site.id, &erasure)?.id;
    let cancelled = off_the_runtime(move || store.cancel_erasure(id)).await?;
    Ok(Json(ErasureJson::of(&cancelled, clock.now_ms())).into_response())
}

/// Shows the certificate of a finished erasure
#[utoipa::path(
    get, path = "/v1/sites/{site}/erasures/{erasure}/certificate", tag = "Erasure", security(("token" = [])),
    params(
        ("site" = String, Path, description = "Name of the site"),
        ("erasure" = String, Path, description = "Its id"),
    ),
    responses((status = 200, description = "Signed; 404 until it is certified", body = CertificateJson))
)]
async fn certificate(
    SiteAccess { site, .. }: SiteAccess<Own>,
    Path((_site, erasure)): Path<(String, String)>,
    State(store): State<Arc<Store>>,
) -> Result<Response, Problem> {
    let id = find(&store, site.id, &erasure)?.id;
    shown(&store, id)
}

/// Closes a site and erases it
///
/// Nothing is read or counted any more. After 72 hours its bytes go; until then an operator can call it off.
#[utoipa::path(
    delete, path = "/v1/sites/{site}", tag = "Sites", security(("token" = [])),
    params(("site" = String, Path, description = "Name of the site")),
    responses(
        (status = 202, description = "It is closed", body = TakenJson),
        (status = 507, description = "The disk is full", body = ProblemBody),
    )
)]
async fn delete_site(
    SiteAccess { site, .. }: SiteAccess<Own>,
    State(store): State<Arc<Store>>,
    State(rules): State<Arc<Rules>>,
    State(clock): State<Arc<dyn Clock>>,
) -> Result<Response, Problem> {
    rules.forget(site.id);
    let requested = off_the_runtime(move || store.delete_site(site.id)).await?;
    let taken = TakenJson::of(&requested, clock.now_ms());
    Ok((StatusCode::ACCEPTED, Json(taken)).into_response())
}

/// An erasure of a site. That of another one is unknown here.
fn find(store: &Store, site: SiteId, id: &str) -> Result<Arc<Erasure>, Problem> {
    let found = id.parse().ok().and_then(|id| store.erasure(id)).filter(|erasure| erasure.site == site);
    found.ok_or_else(|| Problem::new(&NOT_FOUND, "the site has no such erasure"))
}

impl From<NoErasure> for Problem {
    fn from(error: NoErasure) -> Problem {
        match error {
            NoErasure::Bad(error) => Problem::new(&INVALID_BODY, error.to_string()),
            NoErasure::Erase(error) => error.into(),
        }
    }
}

/// What an operator may call off that no owner can reach any more: the deletion of a site.
pub(super) async fn call_off(store: Arc<Store>, id: &str) -> Result<Arc<Erasure>, Problem> {
    let found = id.parse().ok().and_then(|id| store.erasure(id)).filter(|erasure| erasure.deletes_site);
    let id = found.ok_or_else(|| Problem::new(&NOT_FOUND, "there is no such deletion of a site"))?.id;
    Ok(off_the_runtime(move || store.cancel_erasure(id)).await?)
}
