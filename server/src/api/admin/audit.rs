//! What operators did: with one site, for its owner; with all, for operators.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use axum::routing::get;
use heatgrid_engine::model::SiteId;
use heatgrid_engine::store::Store;

use crate::access::{Operator, Own, SiteAccess};
use crate::api::listing::{Wanted, part};
use crate::api::off_the_runtime;
use crate::app::App;
use crate::audit::{Audit, Cursor, Listed};
use crate::http::problem::{INTERNAL, Problem};
use crate::wire::audit::EntryJson;

#[derive(utoipa::OpenApi)]
#[openapi(paths(of_site, of_all))]
pub(super) struct Document;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/sites/{site}/audit", get(of_site)).route("/v1/admin/audit", get(of_all))
}

/// Lists what operators did with a site's data, the newest first
#[utoipa::path(
    get, path = "/v1/sites/{site}/audit", tag = "Sites", security(("token" = [])),
    params(
        ("site" = String, Path, description = "Name of the site"),
        ("limit" = Option<usize>, Query, description = "Items at most; 1,000 if not given", minimum = 1, maximum = 10000),
        ("cursor" = Option<String>, Query, description = "Where the list goes on, from the Link header"),
    ),
    responses((status = 200, description = "Who, which route, when; never a page", body = Vec<EntryJson<'static>>))
)]
async fn of_site(
    SiteAccess { site, .. }: SiteAccess<Own>,
    wanted: Wanted<Cursor>,
    uri: Uri,
    State(audit): State<Arc<Audit>>,
    State(store): State<Arc<Store>>,
) -> Result<Response, Problem> {
    listed(audit, &store, Some(site.id), wanted, &uri).await
}

/// Lists what operators did, the newest first
#[utoipa::path(
    get, path = "/v1/admin/audit", tag = "Admin", security(("token" = [])),
    params(
        ("limit" = Option<usize>, Query, description = "Items at most; 1,000 if not given", minimum = 1, maximum = 10000),
        ("cursor" = Option<String>, Query, description = "Where the list goes on, from the Link header"),
    ),
    responses((status = 200, description = "Who, which route, which site, when; never a page", body = Vec<EntryJson<'static>>))
)]
async fn of_all(
    _: Operator,
    wanted: Wanted<Cursor>,
    uri: Uri,
    State(audit): State<Arc<Audit>>,
    State(store): State<Arc<Store>>,
) -> Result<Response, Problem> {
    listed(audit, &store, None, wanted, &uri).await
}

async fn listed(
    audit: Arc<Audit>,
    store: &Store,
    site: Option<SiteId>,
    wanted: Wanted<Cursor>,
    uri: &Uri,
) -> Result<Response, Problem> {
    let Wanted { limit, cursor } = wanted;
    let read = off_the_runtime(move || audit.list(site, cursor, limit)).await;
    let Listed { entries, next } = read.map_err(|error| {
        tracing::error!(%error, "the audit cannot be read");
        Problem::new(&INTERNAL, "the audit cannot be read; the server's log says why")
    })?;
    let name =
        |id: SiteId| store.accounts().get(id).map_or_else(|| id.to_string(), |site| site.name.to_string());
    let shown: Vec<EntryJson<'_>> =
        entries.iter().map(|entry| EntryJson::of(entry, entry.site.map(name))).collect();
    Ok(part(uri, limit, &shown, next.map(|next| next.to_string())))
}
