//! `/grid`: cells of a page, or of the pages of a pattern.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use super::answering::Queries;
use super::asked::Question;
use super::cors;
use super::described::{Binary, GridQuestion};
use crate::app::App;
use crate::ask::Route;
use crate::http::problem::Problem;
use crate::wire::answer::GridBody;

#[derive(utoipa::OpenApi)]
#[openapi(paths(grid), components(schemas(GridQuestion)))]
pub(super) struct Document;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/sites/{site}/grid", get(grid).post(grid).options(cors::preflight))
}

/// Cells of a page, or of the pages of a pattern
///
/// `page` or `page_pattern` is required.
#[utoipa::path(
    get, path = "/v1/sites/{site}/grid", tag = "Query", security(("token" = [])),
    params(("site" = String, Path, description = "Name of the site"), GridQuestion),
    responses(
        (status = 200, description = "The answer, in the form that `format` or `Accept` asks for", content(
            (GridBody<'static> = "application/json"),
            (String = "text/csv"),
            (String = "application/x-ndjson"),
            (Binary = "image/png"),
            (Binary = "application/octet-stream"),
        ), headers(
            ("Heatgrid-Px-Per-Pixel" = Option<String>, description = "CSS px along a side of a picture's pixel"),
        )),
    )
)]
async fn grid(State(queries): State<Arc<Queries>>, question: Question) -> Result<Response, Problem> {
    queries.answer(Route::Grid, question).await
}
