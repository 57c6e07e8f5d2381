//! PostHog's doors, so that a page which runs posthog-js can send its heatmaps here.

mod quiet;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use utoipa::OpenApi;

use super::browser::{Doors, cors};
use crate::access::Client;
use crate::app::App;
use crate::http::limits::whole_body;
use crate::http::problem::{INVALID_BODY, Problem, ProblemBody, TOO_LARGE};
use crate::privacy::origin::Origin;
use crate::privacy::visitor::Visitor;
use crate::wire::posthog::{self, BODY_BYTES, InvalidCapture};

/// Bytes of a body as it is sent: a form in base64 is a third and some escapes longer than what it holds.
const SENT_BYTES: usize = 2 * BODY_BYTES;

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/e", post(capture).options(cors::preflight))
        .route("/e/", post(capture).options(cors::preflight))
        .route("/i/v0/e", post(capture).options(cors::preflight))
        .route("/i/v0/e/", post(capture).options(cors::preflight))
        .route("/batch", post(capture).options(cors::preflight))
        .route("/batch/", post(capture).options(cors::preflight))
        .merge(quiet::routes())
}

/// The paths of this folder. Doors of one kind are described once.
pub(super) fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    document.merge(quiet::document());
    twins(&mut document, "/e/", &["/e", "/i/v0/e", "/i/v0/e/", "/batch", "/batch/"]);
    document
}

/// Says of other paths what is said of one.
fn twins(document: &mut utoipa::openapi::OpenApi, path: &str, others: &[&str]) {
    let paths = &mut document.paths.paths;
    let item = paths.get(path).cloned().expect("the path is described");
    paths.extend(others.iter().map(|other| ((*other).to_owned(), item.clone())));
}

#[derive(OpenApi)]
#[openapi(paths(capture))]
struct Document;

/// Takes what posthog-js sends
///
/// `$$heatmap` events are counted, others are answered and forgotten. The site's public key is `api_key` or `token`.
#[utoipa::path(
    post, path = "/e/", tag = "Ingest",
    params(("Origin" = String, Header, description = "Of the page; sent by every browser")),
    request_body(
        content(
            (serde_json::Value = "application/json"),
            (String = "text/plain"),
            (String = "application/x-www-form-urlencoded")
        ),
        description = "As posthog-js sends it, compressed or not, at most 1 MiB decoded: see docs/HTTP.md#posthog"
    ),
    responses(
        (status = 200, description = "Stored, or dropped and counted", body = serde_json::Value, example = json!({ "status": 1 })),
        (status = 403, description = "The origin is missing or not this site's", body = ProblemBody),
        (status = 404, description = "No site has this key", body = ProblemBody),
        (status = 429, description = "Too many requests from this address or for this site", body = ProblemBody),
        (status = 507, description = "The disk is full", body = ProblemBody),
    )
)]
async fn capture(State(doors): State<Arc<Doors>>, Client(visitor): Client, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let answer = take(&doors, &visitor, &head.headers, body).await;
    let answer = answer.map(|()| ([(CONTENT_TYPE, "application/json")], r#"{"status":1}"#).into_response());
    cors::answer(&head.headers, answer)
}

async fn take(doors: &Doors, visitor: &Visitor, headers: &HeaderMap, body: Body) -> Result<(), Problem> {
    let origin = doors.knock(visitor, Origin::of(headers))?;
    let body = whole_body(body, SENT_BYTES).await?;
    let capture = posthog::read(&body)?;
    let host = doors.host(&capture.key, origin)?;
    let points = capture.points();
    match doors.consider(&host, visitor, headers, capture.heatmaps) {
        Err(reason) => doors.drop_all(reason, points),
        Ok(heatmaps) => {
            let counted = doors.visit(&host, origin, visitor, headers).heatmaps(heatmaps)?;
            doors.hand_over(counted).stored().await?;
        }
    }
    Ok(())
}

impl From<InvalidCapture> for Problem {
    fn from(error: InvalidCapture) -> Problem {
        match error {
            InvalidCapture::TooLarge => Problem::new(&TOO_LARGE, error.to_string()),
            _ => Problem::new(&INVALID_BODY, error.to_string()),
        }
    }
}
