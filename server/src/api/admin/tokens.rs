//! Named operators, so that the audit can say who.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{delete, get};
use heatgrid_engine::clock::Clock;
use heatgrid_engine::model::{Role, Token};
use heatgrid_engine::store::Store;

use crate::access::{Access, Operator, Principal};
use crate::api::off_the_runtime;
use crate::api::tokens::{Asked, listed, made, named};
use crate::app::App;
use crate::http::problem::{CONFLICT, Problem, ProblemBody};
use crate::wire::token::{NewTokenJson, TokenJson, WrittenToken};

#[derive(utoipa::OpenApi)]
#[openapi(paths(create, list, revoke))]
pub(super) struct Document;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/admin/tokens", get(list).post(create))
        .route("/v1/admin/tokens/{name}", delete(revoke))
}

/// Makes a token for an operator
#[utoipa::path(
    post, path = "/v1/admin/tokens", tag = "Admin", request_body = WrittenToken, security(("token" = [])),
    responses(
        (status = 201, description = "The token, shown this once", body = NewTokenJson<'static>),
        (status = 409, description = "An operator has this name", body = ProblemBody),
        (status = 507, description = "The disk is full", body = ProblemBody),
    )
)]
async fn create(
    _: Operator,
    State(store): State<Arc<Store>>,
    State(clock): State<Arc<dyn Clock>>,
    Asked(written): Asked,
) -> Result<Response, Problem> {
    written.without(true, true)?;
    if written.name()?.as_str() == Principal::OPERATOR {
        // The audit could not tell the two apart.
        return Err(Problem::new(&CONFLICT, "this is the name of who has the server's own operator token"));
    }
    made(store, &*clock, &written, Role::Operator, Vec::new()).await
}

/// Lists the named operators
#[utoipa::path(
    get, path = "/v1/admin/tokens", tag = "Admin", security(("token" = [])),
    responses((status = 200, description = "By name, with the last UTC day of use", body = Vec<TokenJson<'static>>))
)]
async fn list(_: Operator, State(store): State<Arc<Store>>, State(access): State<Arc<Access>>) -> Response {
    listed(operators(&store), &access)
}

/// Revokes an operator's token, at once
#[utoipa::path(
    delete, path = "/v1/admin/tokens/{name}", tag = "Admin", security(("token" = [])),
    params(("name" = String, Path, description = "Name of the token")),
    responses(
        (status = 204, description = "It is good for nothing any more"),
        (status = 507, description = "The disk is full", body = ProblemBody),
    )
)]
async fn revoke(
    _: Operator,
    State(store): State<Arc<Store>>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let token = named(operators(&store), &name)?;
    off_the_runtime(move || store.accounts().remove_token(token.id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn operators(store: &Store) -> Vec<Arc<Token>> {
    let mut tokens = store.accounts().tokens();
    tokens.retain(|token| token.role == Role::Operator);
    tokens
}
