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
use crate::http::problem::{INVALID_BODY, INVALID_NAME, Problem, REGION};
use crate::wire::site::{BadSite, SiteJson, WrittenSite};

/// Bytes of a site as it is written: a list of its settings may have 1,000 entries of 1,024 bytes.
const BODY_BYTES: usize = 8 << 20;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/sites", get(list).post(create))
        .route("/v1/sites/{site}", get(show).patch(change))
}

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

async fn show(SiteAccess { site, .. }: SiteAccess<Read>) -> Response {
    Json(SiteJson::of(&site)).into_response()
}

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
