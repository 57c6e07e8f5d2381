//! `/scroll`: how far down pages were seen, and how long.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use super::answering::Queries;
use super::asked::Question;
use super::cors;
use super::described::ScrollQuestion;
use crate::app::App;
use crate::ask::Route;
use crate::http::problem::Problem;
use crate::wire::answer::ScrollBody;

#[derive(utoipa::OpenApi)]
#[openapi(paths(scroll), components(schemas(ScrollQuestion)))]
pub(super) struct Document;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/sites/{site}/scroll", get(scroll).post(scroll).options(cors::preflight))
}

/// How far down pages were seen, and how long
#[utoipa::path(
    get, path = "/v1/sites/{site}/scroll", tag = "Query", security(("token" = [])),
    params(("site" = String, Path, description = "Name of the site"), ScrollQuestion),
    responses(
        (status = 200, description = "The answer, in the form that `format` or `Accept` asks for", content(
            (ScrollBody<'static> = "application/json"),
            (String = "text/csv"),
            (String = "application/x-ndjson"),
        )),
    )
)]
async fn scroll(State(queries): State<Arc<Queries>>, question: Question) -> Result<Response, Problem> {
    queries.answer(Route::Scroll, question).await
}
