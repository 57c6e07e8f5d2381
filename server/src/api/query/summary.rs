//! `/summary`: totals by kind, device, country, weekday and hour.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use super::answering::Queries;
use super::asked::Question;
use super::cors;
use super::described::SummaryQuestion;
use crate::app::App;
use crate::ask::Route;
use crate::http::problem::Problem;
use crate::wire::answer::SummaryBody;

#[derive(utoipa::OpenApi)]
#[openapi(paths(summary), components(schemas(SummaryQuestion)))]
pub(super) struct Document;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/sites/{site}/summary", get(summary).post(summary).options(cors::preflight))
}

/// Totals by kind, device, country, weekday and hour
///
/// Of every kind when none is named.
#[utoipa::path(
    get, path = "/v1/sites/{site}/summary", tag = "Query", security(("token" = [])),
    params(("site" = String, Path, description = "Name of the site"), SummaryQuestion),
    responses(
        (status = 200, description = "The answer, in the form that `format` or `Accept` asks for", content(
            (SummaryBody<'static> = "application/json"),
            (String = "text/csv"),
            (String = "application/x-ndjson"),
        )),
    )
)]
async fn summary(State(queries): State<Arc<Queries>>, question: Question) -> Result<Response, Problem> {
    queries.answer(Route::Summary, question).await
}
