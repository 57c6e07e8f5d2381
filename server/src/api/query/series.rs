//! `/series`: counts over time.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use super::answering::Queries;
use super::asked::Question;
use super::cors;
use super::described::SeriesQuestion;
use crate::app::App;
use crate::ask::Route;
use crate::http::problem::{Problem, ProblemBody};
use crate::wire::answer::TimeBody;

#[derive(utoipa::OpenApi)]
#[openapi(paths(series, series_in_body))]
pub(super) struct Document;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/sites/{site}/series", get(series).post(series_in_body).options(cors::preflight))
}

/// Counts over time
///
/// Steps without events are left out; the array is sorted by time and never cut.
#[utoipa::path(
    get, path = "/v1/sites/{site}/series", tag = "Query", security(("token" = [])),
    params(("site" = String, Path, description = "Name of the site"), SeriesQuestion),
    responses(
        (status = 200, description = "The answer, in the form that `format` or `Accept` asks for", content(
            (Vec<TimeBody> = "application/json"),
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
async fn series(State(queries): State<Arc<Queries>>, question: Question) -> Result<Response, Problem> {
    queries.answer(Route::Series, question).await
}

/// Counts over time, asked in a body
///
/// The same parameters as those of GET, which keeps them out of the logs of proxies.
#[utoipa::path(
    post, path = "/v1/sites/{site}/series", tag = "Query", security(("token" = [])),
    params(("site" = String, Path, description = "Name of the site")), request_body = SeriesQuestion,
    responses(
        (status = 200, description = "The answer, in the form that `format` or `Accept` asks for", content(
            (Vec<TimeBody> = "application/json"),
            (String = "text/csv"),
            (String = "application/x-ndjson"),
        ), headers(
            ("ETag" = String, description = "Names what is said, not when"),
            ("Heatgrid-Withheld" = Option<String>, description = "`true`: converted_click was left out"),
        )),
        (status = 422, description = "The question reads too much", body = ProblemBody),
    )
)]
async fn series_in_body(
    State(queries): State<Arc<Queries>>,
    question: Question,
) -> Result<Response, Problem> {
    queries.answer(Route::Series, question).await
}
