//! The public key that a site's pages carry, and another one in its place.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use heatgrid_engine::clock::Clock;
use heatgrid_engine::store::Store;

use super::off_the_runtime;
use crate::access::{Own, SiteAccess};
use crate::app::App;
use crate::http::limits::whole_body;
use crate::http::problem::{Problem, ProblemBody};
use crate::wire::site::{SiteJson, WrittenRotation};

/// Bytes of a rotation as it is asked for: one number.
const BODY_BYTES: usize = 1 << 10;

#[derive(utoipa::OpenApi)]
#[openapi(paths(rotate))]
pub(super) struct Document;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/sites/{site}/key", post(rotate))
}

/// Gives a site a new public key
///
/// The old one stays good for `overlap_days`, so that pages can be changed meanwhile; one before it no more.
#[utoipa::path(
    post, path = "/v1/sites/{site}/key", tag = "Sites", request_body = WrittenRotation, security(("token" = [])),
    params(("site" = String, Path, description = "Name of the site")),
    responses(
        (status = 200, description = "The site with its new key", body = SiteJson<'static>),
        (status = 507, description = "The disk is full", body = ProblemBody),
    )
)]
async fn rotate(
    SiteAccess { site, .. }: SiteAccess<Own>,
    State(store): State<Arc<Store>>,
    State(clock): State<Arc<dyn Clock>>,
    body: Body,
) -> Result<Response, Problem> {
    let overlap_days = WrittenRotation::from_json(&whole_body(body, BODY_BYTES).await?)?.overlap_days()?;
    let good_until = clock.now_ms() / 1_000 + u64::from(overlap_days) * 86_400;
    let changed = off_the_runtime(move || store.accounts().rotate_key(site.id, good_until)).await?;
    Ok(Json(SiteJson::of(&changed)).into_response())
}
