//! What operators do with the store as a whole.

mod audit;
mod backups;
mod jobs;
mod purge;
mod snapshots;
mod status;
mod tokens;

use axum::Router;
use utoipa::OpenApi;

use crate::app::App;

/// What these routes take and answer.
pub(super) fn document() -> utoipa::openapi::OpenApi {
    let mut document = jobs::Document::openapi();
    for part in [
        purge::Document::openapi(),
        snapshots::Document::openapi(),
        backups::Document::openapi(),
        status::Document::openapi(),
        tokens::Document::openapi(),
        audit::Document::openapi(),
    ] {
        document.merge(part);
    }
    document
}

pub(super) fn routes() -> Router<App> {
    jobs::routes()
        .merge(purge::routes())
        .merge(snapshots::routes())
        .merge(backups::routes())
        .merge(status::routes())
        .merge(tokens::routes())
        .merge(audit::routes())
}
