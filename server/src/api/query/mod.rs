//! Questions over HTTP: what is asked in a URL or in a body, answered off the runtime's threads.

mod accept;
mod answering;
mod asked;
mod cors;
mod described;
mod grid;
mod in_common;
mod pages;
mod reply;
mod scroll;
mod series;
mod summary;

use std::sync::Arc;

use axum::{Router, middleware};
use utoipa::OpenApi;

use crate::app::App;

pub use answering::Queries;

/// The routes of questions, with CORS for each site's `read_origins`.
pub(super) fn routes(app: &App) -> Router<App> {
    let cors = middleware::from_fn_with_state(Arc::clone(&app.store), cors::for_read_origins);
    grid::routes()
        .merge(series::routes())
        .merge(pages::routes())
        .merge(summary::routes())
        .merge(scroll::routes())
        .route_layer(cors)
}

/// What the routes say of themselves.
pub(super) fn document() -> utoipa::openapi::OpenApi {
    let parts = [
        (series::Document::openapi(), "SeriesQuestion"),
        (pages::Document::openapi(), "PagesQuestion"),
        (summary::Document::openapi(), "SummaryQuestion"),
        (scroll::Document::openapi(), "ScrollQuestion"),
    ];
    let completed = parts.into_iter().map(|(document, question)| in_common::complete(document, question));
    let first = in_common::complete(grid::Document::openapi(), "GridQuestion");
    completed.fold(first, utoipa::openapi::OpenApi::merge_from)
}
