//! Sites: made, listed, shown, changed.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use heatgrid_engine::accounts::NewSite;
use heatgrid_engine::clock::Clock;
use heatgrid_engine::model::{Role, Site, SiteName, SiteSettings};
use heatgrid_engine::store::Store;

use super::listing::{Wanted, part};
use super::off_the_runtime;
use crate::access::{Operator, Own, Read, Signed, SiteAccess};
use crate::app::App;
use crate::config::Config;
use crate::http::limits::whole_body;
use crate::http::problem::{INVALID_BODY, INVALID_NAME, Problem, ProblemBody, REGION};
use crate::wire::site::{BadSite, SiteJson, WrittenSite};

/// Bytes of a site as it is written: a list of its settings may have 1,000 entries of 1,024 bytes.
const BODY_BYTES: usize = 8 << 20;

#[derive(utoipa::OpenApi)]
#[openapi(paths(create, list, show, change))]
pub(super) struct Document;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/sites", get(list).post(create))
        .route("/v1/sites/{site}", get(show).patch(change))
}

/// Makes a site
///
/// The name may not be taken, and the region must be the server's. All settings but the name have standards.
#[utoipa::path(
    post, path = "/v1/sites", tag = "Sites", request_body = WrittenSite, security(("token" = [])),
    responses(
        (status = 201, description = "The site, with its public key", body = SiteJson<'static>),
        (status = 409, description = "There is a site of this name", body = ProblemBody),
        (status = 421, description = "The server keeps another region's data", body = ProblemBody),
        (status = 507, description = "The disk is full", body = ProblemBody),
    )
)]
async fn create(
    _: Operator,
    State(store): State<Arc<Store>>,
    State(config): State<Arc<Config>>,
    State(clock): State<Arc<dyn Clock>>,
    body: Body,
) -> Result<Response, Problem> {
    let written = WrittenSite::from_json(&whole_body(body, BODY_BYTES).await?)?;
    let new = NewSite {
        name: written.name()?,
        region: config.region.clone(),
        settings: written.settings(&SiteSettings::standard())?,
    };
    if written.region()?.is_some_and(|region| region != new.region) {
        let here = &config.region;
        return Err(Problem::new(&REGION, format!("this server keeps data of region {here} only")));
    }
    let now = clock.now_ms() / 1_000;
    let made = off_the_runtime(move || store.accounts().create_sites(vec![new], now)).await?;
    let site = made.first().expect("one site was made");
    let location = HeaderValue::try_from(format!("/v1/sites/{}", site.name)).expect("a name is ASCII");
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(SiteJson::of(site))).into_response())
}

/// Lists the sites that the token may see
#[utoipa::path(
    get, path = "/v1/sites", tag = "Sites", security(("token" = [])),
    params(
        ("limit" = Option<usize>, Query, description = "Items at most; 1,000 if not given", minimum = 1, maximum = 10000),
        ("cursor" = Option<String>, Query, description = "Where the list goes on, from the Link header"),
    ),
    responses((status = 200, description = "By name; Link leads to the rest", body = Vec<SiteJson<'static>>))
)]
async fn list(
    Signed { by }: Signed,
    wanted: Wanted<Name>,
    uri: Uri,
    State(store): State<Arc<Store>>,
) -> Response {
    let after = wanted.cursor.map(|Name(name)| name);
    let sites = match by.role() {
        Role::Operator => store.accounts().list(after.as_ref(), wanted.limit),
        _ => {
            let of_token = by.sites().iter().filter_map(|id| store.accounts().get(*id));
            let mut sites: Vec<Arc<Site>> = of_token.filter(|site| !site.closed).collect();
            sites.retain(|site| after.as_ref().is_none_or(|after| site.name > *after));
            sites.sort_unstable_by(|a, b| a.name.cmp(&b.name));
            sites.truncate(wanted.limit);
            sites
        }
    };
    let is_full = sites.len() == wanted.limit;
    let next = sites.last().filter(|_| is_full).map(|site| site.name.to_string());
    let shown: Vec<SiteJson<'_>> = sites.iter().map(|site| SiteJson::of(site)).collect();
    part(&uri, wanted.limit, &shown, next)
}

/// Shows a site with all its settings
#[utoipa::path(
    get, path = "/v1/sites/{site}", tag = "Sites", security(("token" = [])),
    params(("site" = String, Path, description = "Name of the site")),
    responses((status = 200, description = "The site", body = SiteJson<'static>))
)]
async fn show(SiteAccess { site, .. }: SiteAccess<Read>) -> Response {
    Json(SiteJson::of(&site)).into_response()
}

/// Changes settings of a site
///
/// What is not named stays as it is. The time zone cannot change once there is data.
#[utoipa::path(
    patch, path = "/v1/sites/{site}", tag = "Sites", request_body = WrittenSite, security(("token" = [])),
    params(("site" = String, Path, description = "Name of the site")),
    responses(
        (status = 200, description = "The site as it is now", body = SiteJson<'static>),
        (status = 409, description = "There is data in the present time zone", body = ProblemBody),
        (status = 507, description = "The disk is full", body = ProblemBody),
    )
)]
async fn change(
    SiteAccess { site, .. }: SiteAccess<Own>,
    State(store): State<Arc<Store>>,
    body: Body,
) -> Result<Response, Problem> {
    let written = WrittenSite::from_json(&whole_body(body, BODY_BYTES).await?)?;
    if written.site.is_some() || written.region.is_some() {
        return Err(Problem::new(&INVALID_BODY, "a site's name and region cannot change; make another site"));
    }
    let settings = written.settings(&site.settings)?;
    let changed = off_the_runtime(move || {
        let has_data = settings.timezone != site.settings.timezone && store.has_data(site.id)?;
        Ok::<_, Problem>(store.accounts().update(site.id, settings, has_data)?)
    })
    .await?;
    Ok(Json(SiteJson::of(&changed)).into_response())
}

/// A site's name as a cursor.
struct Name(SiteName);

impl std::str::FromStr for Name {
    type Err = heatgrid_engine::model::InvalidName;

    fn from_str(text: &str) -> Result<Name, Self::Err> {
        SiteName::new(text).map(Name)
    }
}

impl From<BadSite> for Problem {
    fn from(error: BadSite) -> Problem {
        let kind = if matches!(error, BadSite::Name(_)) { &INVALID_NAME } else { &INVALID_BODY };
        Problem::new(kind, error.to_string())
    }
}
