//! Certificates and the keys they are signed with: for anybody, without a token, also when the site is gone.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use heatgrid_engine::model::ErasureId;
use heatgrid_engine::store::Store;

use super::off_the_runtime;
use crate::app::App;
use crate::http::problem::{INTERNAL, NOT_FOUND, Problem};
use crate::wire::erasure::{CertificateJson, KeysJson};

#[derive(utoipa::OpenApi)]
#[openapi(paths(certificate, keys))]
pub(super) struct Document;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/certificates/{erasure}", get(certificate))
        .route("/.well-known/heatgrid-keys.json", get(keys))
}

/// Shows the certificate of a finished erasure, to whoever knows its id
#[utoipa::path(
    get, path = "/v1/certificates/{erasure}", tag = "Erasure",
    params(("erasure" = String, Path, description = "The erasure's id, which cannot be guessed")),
    responses((status = 200, description = "Signed; 404 until it is certified", body = CertificateJson))
)]
async fn certificate(
    Path(erasure): Path<String>,
    State(store): State<Arc<Store>>,
) -> Result<Response, Problem> {
    shown(&store, erasure.parse().map_err(|_| none())?)
}

/// Shows the public keys that certificates are signed with
#[utoipa::path(
    get, path = "/.well-known/heatgrid-keys.json", tag = "Erasure",
    responses((status = 200, description = "Ed25519 keys", body = KeysJson))
)]
async fn keys(State(store): State<Arc<Store>>) -> Result<Response, Problem> {
    let keys = off_the_runtime(move || store.certificate_keys()).await?;
    Ok(Json(KeysJson::of(&keys)).into_response())
}

/// A certificate as an answer.
pub(super) fn shown(store: &Store, id: ErasureId) -> Result<Response, Problem> {
    let signed = store.certificate(id).ok_or_else(none)?;
    let json = CertificateJson::of(&signed).map_err(|error| {
        tracing::error!(%error, "a certificate cannot be read");
        Problem::new(&INTERNAL, "the certificate cannot be read; the server's log says why")
    })?;
    Ok(Json(json).into_response())
}

fn none() -> Problem {
    Problem::new(&NOT_FOUND, "there is no certificate of this id, or not yet")
}
