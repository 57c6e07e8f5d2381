//! `/pages`: pages with the most events.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use super::answering::Queries;
use super::asked::Question;
use super::cors;
use super::described::PagesQuestion;
use crate::app::App;
use crate::ask::Route;
use crate::http::problem::Problem;
use crate::wire::answer::PageBody;

#[derive(utoipa::OpenApi)]
#[openapi(paths(pages), components(schemas(PagesQuestion)))]
pub(super) struct Document;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/sites/{site}/pages", get(pages).post(pages).options(cors::preflight))
}

/// Pages with the most events
///
/// `Link` leads to the rest of the list.
#[utoipa::path(
    get, path = "/v1/sites/{site}/pages", tag = "Query", security(("token" = [])),
    params(("site" = String, Path, description = "Name of the site"), PagesQuestion),
    responses(
        (status = 200, description = "The answer, in the form that `format` or `Accept` asks for", content(
            (Vec<PageBody<'static>> = "application/json"),
            (String = "text/csv"),
            (String = "application/x-ndjson"),
        ), headers(
            ("Link" = Option<String>, description = "Where the list goes on (rel=next)"),
        )),
    )
)]
async fn pages(State(queries): State<Arc<Queries>>, question: Question) -> Result<Response, Problem> {
    queries.answer(Route::Pages, question).await
}
