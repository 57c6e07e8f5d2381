//! For supervisors, load balancers and monitoring: alive, ready, and measured.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Query, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use heatgrid_engine::clock::Clock;
use heatgrid_engine::store::Store;
use serde::Deserialize;

use super::off_the_runtime;
use crate::access::Operator;
use crate::app::App;
use crate::health::{Health, Phase};
use crate::http::limits::Places;
use crate::http::problem::{BUSY, INVALID_QUERY, Problem, STOPPED};
use crate::meters::{Meters, record_places, record_store};
use crate::wire::status::{ReadyJson, StatusJson};

#[derive(utoipa::OpenApi)]
#[openapi(paths(alive, healthy, ready, metrics))]
pub(super) struct Document;

/// On a listener that anybody may reach.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/livez", get(alive))
        .route("/healthz", get(healthy))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
}

/// On the operators' own listener, where monitoring needs no token.
pub(super) fn routes_of_operators() -> Router<App> {
    routes().layer(Extension(OperatorsListener))
}

/// Marks what came in on the operators' own listener.
#[derive(Clone, Copy)]
struct OperatorsListener;

/// Whoever may see how the server is from within: an operator, or anybody on the operators' listener.
struct Insider;

impl FromRequestParts<App> for Insider {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Insider, Problem> {
        if parts.extensions.get::<OperatorsListener>().is_none() {
            Operator::from_request_parts(parts, app).await?;
        }
        Ok(Insider)
    }
}

/// Whether the answer is to say more. `?verbose` alone is enough.
struct Verbose(bool);

impl FromRequestParts<App> for Verbose {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Verbose, Problem> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            verbose: Option<String>,
        }
        let Query(Written { verbose }) = Query::try_from_uri(&parts.uri)
            .map_err(|_| Problem::new(&INVALID_QUERY, "this takes `verbose` and nothing else"))?;
        let verbose = match verbose.as_deref() {
            None | Some("false") => false,
            Some("" | "true" | "1") => true,
            Some(_) => return Err(Problem::new(&INVALID_QUERY, "verbose is true or false")),
        };
        if verbose {
            Insider::from_request_parts(parts, app).await?;
        }
        Ok(Verbose(verbose))
    }
}

/// Says that the process runs
#[utoipa::path(
    get, path = "/livez", tag = "Health",
    responses((status = 200, description = "It runs", body = ReadyJson))
)]
async fn alive() -> impl IntoResponse {
    Json(ReadyJson::of("alive"))
}

/// The same as /livez
#[utoipa::path(
    get, path = "/healthz", tag = "Health",
    responses((status = 200, description = "It runs", body = ReadyJson))
)]
async fn healthy() -> impl IntoResponse {
    alive().await
}

/// Says whether requests should come here
///
/// 503 while the store is opened or the server is stopped, and when the store takes nothing any more. `verbose` takes
/// an operator's token, or the operators' listener.
#[utoipa::path(
    get, path = "/readyz", tag = "Health",
    params(("verbose" = Option<bool>, Query, description = "Say how the store is, and what an operator should see to")),
    responses((status = 200, description = "They should", body = ReadyJson)),
    security((), ("token" = []))
)]
async fn ready(
    Verbose(verbose): Verbose,
    State(health): State<Arc<Health>>,
    State(store): State<Arc<Store>>,
    State(clock): State<Arc<dyn Clock>>,
) -> Result<Response, Problem> {
    readiness(&health.phase())?;
    let mut answer = ReadyJson::of("ready");
    if verbose {
        let sites = store.accounts().sites().len();
        let status = off_the_runtime(move || StatusJson::of(&store.status(), sites, clock.now_ms()));
        answer.store = Some(status.await);
    }
    Ok(Json(answer).into_response())
}

/// What the server and its store count, for Prometheus
///
/// Takes an operator's token, or the operators' listener. No site, page or address is a label.
#[utoipa::path(
    get, path = "/metrics", tag = "Health", security(("token" = [])),
    responses((status = 200, description = "Prometheus' text format", body = String, content_type = "text/plain"))
)]
async fn metrics(
    _: Insider,
    State(store): State<Arc<Store>>,
    State(places): State<Arc<Places>>,
    State(meters): State<Arc<Meters>>,
) -> impl IntoResponse {
    let text = off_the_runtime(move || {
        record_store(&meters, &store.status());
        record_places(&meters, &places);
        meters.render()
    });
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text.await)
}

/// Why requests should not come here now.
fn readiness(phase: &Phase) -> Result<(), Problem> {
    let (kind, detail, seconds) = match phase {
        Phase::Ready => return Ok(()),
        Phase::Starting => (&BUSY, "the store is being opened; try again soon".to_owned(), 1),
        Phase::Draining => {
            (&BUSY, "the server is being stopped; ask another one, or again later".to_owned(), 5)
        }
        Phase::Stopped(why) => (&STOPPED, why.to_string(), 30),
    };
    Err(Problem::new(kind, detail).retry_after(seconds))
}

/// What a server answers before its store is open.
pub async fn starting(request: Request) -> Response {
    match request.uri().path() {
        "/livez" | "/healthz" => alive().await.into_response(),
        _ => readiness(&Phase::Starting).into_response(),
    }
}
