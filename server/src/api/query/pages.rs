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
use crate::http::problem::{Problem, ProblemBody};
use crate::wire::answer::PageBody;

#[derive(utoipa::OpenApi)]
#[openapi(paths(pages, pages_in_body))]
pub(super) struct Document;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/sites/{site}/pages", get(pages).post(pages_in_body).options(cors::preflight))
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
            ("ETag" = String, description = "Names what is said, not when"),
            ("Heatgrid-Withheld" = Option<String>, description = "`true`: converted_click was left out"),
            ("Link" = Option<String>, description = "Where the list goes on (rel=next)"),
        )),
        (status = 304, description = "The same as If-None-Match names"),
        (status = 422, description = "The question reads too much", body = ProblemBody),
    )
)]
async fn pages(State(queries): State<Arc<Queries>>, question: Question) -> Result<Response, Problem> {
    queries.answer(Route::Pages, question).await
}

/// Pages with the most events, asked in a body
///
/// The same parameters as those of GET, which keeps them out of the logs of proxies.
#[utoipa::path(
    post, path = "/v1/sites/{site}/pages", tag = "Query", security(("token" = [])),
    params(("site" = String, Path, description = "Name of the site")), request_body = PagesQuestion,
    responses(
        (status = 200, description = "The answer, in the form that `format` or `Accept` asks for", content(
            (Vec<PageBody<'static>> = "application/json"),
            (String = "text/csv"),
            (String = "application/x-ndjson"),
        ), headers(
            ("ETag" = String, description = "Names what is said, not when"),
            ("Heatgrid-Withheld" = Option<String>, description = "`true`: converted_click was left out"),
            ("Link" = Option<String>, description = "Where the list goes on (rel=next)"),
        )),
        (status = 422, description = "The question reads too much", body = ProblemBody),
    )
)]
async fn pages_in_body(State(queries): State<Arc<Queries>>, question: Question) -> Result<Response, Problem> {
    queries.answer(Route::Pages, question).await
}
