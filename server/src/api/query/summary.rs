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
use crate::http::problem::{Problem, ProblemBody};
use crate::wire::answer::SummaryBody;

#[derive(utoipa::OpenApi)]
#[openapi(paths(summary, summary_in_body))]
pub(super) struct Document;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/sites/{site}/summary", get(summary).post(summary_in_body).options(cors::preflight))
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
        ), headers(
            ("ETag" = String, description = "Names what is said, not when"),
            ("Heatgrid-Withheld" = Option<String>, description = "`true`: converted_click was left out"),
        )),
        (status = 304, description = "The same as If-None-Match names"),
        (status = 422, description = "The question reads too much", body = ProblemBody),
    )
)]
async fn summary(State(queries): State<Arc<Queries>>, question: Question) -> Result<Response, Problem> {
    queries.answer(Route::Summary, question).await
}

/// Totals by kind, device, country, weekday and hour, asked in a body
///
/// The same parameters as those of GET, which keeps them out of the logs of proxies.
#[utoipa::path(
    post, path = "/v1/sites/{site}/summary", tag = "Query", security(("token" = [])),
    params(("site" = String, Path, description = "Name of the site")), request_body = SummaryQuestion,
    responses(
        (status = 200, description = "The answer, in the form that `format` or `Accept` asks for", content(
            (SummaryBody<'static> = "application/json"),
            (String = "text/csv"),
            (String = "application/x-ndjson"),
        ), headers(
            ("ETag" = String, description = "Names what is said, not when"),
            ("Heatgrid-Withheld" = Option<String>, description = "`true`: converted_click was left out"),
        )),
        (status = 422, description = "The question reads too much", body = ProblemBody),
    )
)]
async fn summary_in_body(
    State(queries): State<Arc<Queries>>,
    question: Question,
) -> Result<Response, Problem> {
    queries.answer(Route::Summary, question).await
}
