//! Tokens of sites: made, listed and revoked by owners and operators.

use std::sync::Arc;

use axum::extract::{FromRequest, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use heatgrid_engine::accounts::NewToken;
use heatgrid_engine::clock::Clock;
use heatgrid_engine::model::{Role, SiteId, SiteName, Token};
use heatgrid_engine::store::Store;

use super::off_the_runtime;
use crate::access::{Access, NewSecret, Operator, Own, SiteAccess};
use crate::app::App;
use crate::http::limits::whole_body;
use crate::http::problem::{INTERNAL, INVALID_BODY, INVALID_NAME, NOT_FOUND, Problem, ProblemBody};
use crate::wire::token::{BadToken, NewTokenJson, TokenJson, WrittenToken};

/// Bytes of a token as it is asked for: 1,000 sites and 1,000 networks.
const BODY_BYTES: usize = 256 << 10;

#[derive(utoipa::OpenApi)]
#[openapi(paths(create, create_for_several, list, revoke))]
pub(super) struct Document;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/sites/{site}/tokens", get(list).post(create))
        .route("/v1/sites/{site}/tokens/{name}", delete(revoke))
        .route("/v1/tokens", post(create_for_several))
}

/// Makes a token for a site
///
/// The secret is in this answer only.
#[utoipa::path(
    post, path = "/v1/sites/{site}/tokens", tag = "Tokens", request_body = WrittenToken, security(("token" = [])),
    params(("site" = String, Path, description = "Name of the site")),
    responses(
        (status = 201, description = "The token, shown this once", body = NewTokenJson<'static>),
        (status = 409, description = "The site has a token of this name", body = ProblemBody),
        (status = 507, description = "The disk is full", body = ProblemBody),
    )
)]
async fn create(
    SiteAccess { site, .. }: SiteAccess<Own>,
    State(store): State<Arc<Store>>,
    State(clock): State<Arc<dyn Clock>>,
    Asked(written): Asked,
) -> Result<Response, Problem> {
    written.without(false, true)?;
    let role = written.role()?;
    made(store, &*clock, &written, role, vec![site.id]).await
}

/// Makes one token for several sites
#[utoipa::path(
    post, path = "/v1/tokens", tag = "Tokens", request_body = WrittenToken, security(("token" = [])),
    responses(
        (status = 201, description = "The token, shown this once", body = NewTokenJson<'static>),
        (status = 409, description = "One of the sites has a token of this name", body = ProblemBody),
        (status = 507, description = "The disk is full", body = ProblemBody),
    )
)]
async fn create_for_several(
    _: Operator,
    State(store): State<Arc<Store>>,
    State(clock): State<Arc<dyn Clock>>,
    Asked(written): Asked,
) -> Result<Response, Problem> {
    let role = written.role()?;
    let id = |name: SiteName| match store.accounts().by_name(name.as_str()) {
        Some(site) => Ok(site.id),
        None => Err(Problem::new(&INVALID_BODY, format!("sites: there is no site {name}"))),
    };
    let sites = written.sites()?.into_iter().map(id).collect::<Result<Vec<_>, _>>()?;
    made(Arc::clone(&store), &*clock, &written, role, sites).await
}

/// Lists the tokens of a site, without their secrets
#[utoipa::path(
    get, path = "/v1/sites/{site}/tokens", tag = "Tokens", security(("token" = [])),
    params(("site" = String, Path, description = "Name of the site")),
    responses((status = 200, description = "By name, with the last UTC day of use", body = Vec<TokenJson<'static>>))
)]
async fn list(
    SiteAccess { site, .. }: SiteAccess<Own>,
    State(store): State<Arc<Store>>,
    State(access): State<Arc<Access>>,
) -> Response {
    listed(store.accounts().tokens_of(site.id), &access)
}

/// Revokes a token, at once
///
/// One that is for other sites too loses this one; an operator revokes it for all of them.
#[utoipa::path(
    delete, path = "/v1/sites/{site}/tokens/{name}", tag = "Tokens", security(("token" = [])),
    params(
        ("site" = String, Path, description = "Name of the site"),
        ("name" = String, Path, description = "Name of the token"),
    ),
    responses(
        (status = 204, description = "It is good for nothing any more"),
        (status = 507, description = "The disk is full", body = ProblemBody),
    )
)]
async fn revoke(
    SiteAccess { site, by, .. }: SiteAccess<Own>,
    State(store): State<Arc<Store>>,
    Path(names): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let token = named(store.accounts().tokens_of(site.id), &names.1)?;
    off_the_runtime(move || match by.role() {
        Role::Operator => store.accounts().remove_token(token.id),
        _ => store.accounts().remove_token_of(token.id, site.id),
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A token as it is asked for.
pub(super) struct Asked(pub(super) WrittenToken);

impl FromRequest<App> for Asked {
    type Rejection = Problem;

    async fn from_request(request: Request, _app: &App) -> Result<Asked, Problem> {
        Ok(Asked(WrittenToken::from_json(&whole_body(request.into_body(), BODY_BYTES).await?)?))
    }
}

/// Makes a token and shows it.
pub(super) async fn made(
    store: Arc<Store>,
    clock: &dyn Clock,
    written: &WrittenToken,
    role: Role,
    sites: Vec<SiteId>,
) -> Result<Response, Problem> {
    let now = clock.now_ms() / 1_000;
    let secret = NewSecret::of(role).map_err(|error| {
        tracing::error!(%error, "no random bytes");
        Problem::new(&INTERNAL, "the operating system gave no random bytes; try again")
    })?;
    let new = NewToken {
        name: written.name()?,
        role,
        sites,
        hash: secret.hash(),
        expires_at: written.expires_at(now)?,
        allow_from: written.allow_from()?,
    };
    let token = off_the_runtime(move || store.accounts().put_token(new, now)).await?;
    let shown = NewTokenJson { token: secret.text(), about: TokenJson::of(&token, None) };
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

/// Tokens by name, without their secrets.
pub(super) fn listed(mut tokens: Vec<Arc<Token>>, access: &Access) -> Response {
    tokens.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    let shown: Vec<TokenJson<'_>> =
        tokens.iter().map(|token| TokenJson::of(token, access.last_used(token))).collect();
    Json(shown).into_response()
}

/// The token of this name among `tokens`.
pub(super) fn named(tokens: Vec<Arc<Token>>, name: &str) -> Result<Arc<Token>, Problem> {
    let name = SiteName::new(name).map_err(|error| Problem::new(&INVALID_NAME, format!("token: {error}")))?;
    let token = tokens.into_iter().find(|token| token.name == name);
    token.ok_or_else(|| Problem::new(&NOT_FOUND, "there is no token of this name"))
}

impl From<BadToken> for Problem {
    fn from(error: BadToken) -> Problem {
        let kind = if matches!(error, BadToken::Name { .. }) { &INVALID_NAME } else { &INVALID_BODY };
        Problem::new(kind, error.to_string())
    }
}
