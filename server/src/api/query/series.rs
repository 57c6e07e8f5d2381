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
use crate::http::problem::Problem;
use crate::wire::answer::TimeBody;

#[derive(utoipa::OpenApi)]
#[openapi(paths(series), components(schemas(SeriesQuestion)))]
pub(super) struct Document;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/sites/{site}/series", get(series).post(series).options(cors::preflight))
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
        )),
    )
)]
async fn series(State(queries): State<Arc<Queries>>, question: Question) -> Result<Response, Problem> {
    queries.answer(Route::Series, question).await
}
