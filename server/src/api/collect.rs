//! `POST /v1/collect`: the tracker's door. No token; the site's public key is in the body.

use std::sync::Arc;

use axum::body::{Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{BoxError, Router};
use utoipa::OpenApi;

use super::browser::{Doors, cors, is_one_of};
use crate::access::Client;
use crate::app::App;
use crate::http::limits::whole_body;
use crate::http::problem::{INVALID_BODY, MEDIA_TYPE, Problem, ProblemBody};
use crate::intake::{Counted, DropReason};
use crate::privacy::consent;
use crate::privacy::origin::Origin;
use crate::privacy::visitor::Visitor;
use crate::wire::collect::{self, BODY_BYTES};

/// Its path, as it is routed.
pub(super) const ROUTE: &str = "/v1/collect";

/// Room for headers that a connection keeps from one request to the next: more than browsers send, and 2.5 KiB.
const TABLE_HEADERS: usize = 24;

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/collect", post(beacon).options(cors::preflight))
}

/// The paths of this file.
#[derive(OpenApi)]
#[openapi(paths(beacon))]
pub(super) struct Document;

/// Takes what a tracker sends
///
/// The public key is in the body. The answer is the same whether the events were counted, or dropped because the
/// visitor objects (`DNT: 1`, `Sec-GPC: 1`, the opt-out cookie), is a robot, or was counted before.
#[utoipa::path(
    post, path = "/v1/collect", tag = "Ingest",
    params(("Origin" = String, Header, description = "Of the page; sent by every browser")),
    request_body(
        content((String = "text/plain"), (serde_json::Value = "application/json")),
        description = "A tracker's batch, at most 64 KiB: see docs/HTTP.md#the-trackers-door"
    ),
    responses(
        (status = 204, description = "Stored, or dropped and counted"),
        (status = 403, description = "The origin is missing or not this site's", body = ProblemBody),
        (status = 404, description = "No site has this key", body = ProblemBody),
        (status = 429, description = "Too many requests from this address or for this site", body = ProblemBody),
        (status = 507, description = "The disk is full", body = ProblemBody),
    )
)]
async fn beacon(State(doors): State<Arc<Doors>>, Client(visitor): Client, request: Request) -> Response {
    let (mut head, body) = request.into_parts();
    answer(&doors, &visitor, &mut head.headers, body, ()).await
}

/// Takes one beacon. `place` is given back when its batch is handed over: who waits for the disk is not worked on, and
/// is bounded by the store's queue. Else a flood, in which every answer waits for its turn, would hold all places by it.
///
/// Nothing of the request is held meanwhile either: the connection reads into the same room again, and the table of its
/// headers becomes the answer's, which hyper fills with the next request's. For the same reason headers and body are lent
/// and not handed on: what an answer needs while it waits is read from far memory again when it goes on.
pub(super) async fn answer<B>(
    doors: &Doors,
    visitor: &Visitor,
    headers: &mut HeaderMap,
    mut body: B,
    place: impl Sized,
) -> Response
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let origin = Origin::of(headers);
    let read = read(doors, visitor, headers, origin, &mut body).await;
    drop(body);
    let (origin, renewal) = (origin.map(|origin| origin.copy_of_value()), consent::renewal(headers));
    headers.clear();
    let taken = match read {
        Ok(batch) => {
            let mut pending = doors.hand_over(batch);
            drop(place);
            pending.stored().await
        }
        Err(problem) => Err(problem),
    };
    let mut response = cors::answer_to(origin, taken.map(|()| no_content(std::mem::take(headers))));
    if let Some(cookie) = renewal {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// 204, with a table for headers that has room. One of a request with very many is not kept: its connection would hold
/// on to it while it idles.
fn no_content(headers: HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    if headers.capacity() <= TABLE_HEADERS {
        *response.headers_mut() = headers;
    }
    response
}

/// The batch of a beacon, if any of it may be counted.
async fn read<B>(
    doors: &Doors,
    visitor: &Visitor,
    headers: &HeaderMap,
    origin: Option<Origin<'_>>,
    body: &mut B,
) -> Result<Option<Counted>, Problem>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let origin = doors.knock(visitor, origin)?;
    if !is_plain(headers) {
        return Err(Problem::new(&MEDIA_TYPE, "send text/plain or application/json, not compressed"));
    }
    let body = whole_body(body, BODY_BYTES).await?;
    let beacon = collect::read(&body).map_err(|error| Problem::new(&INVALID_BODY, said(&error)))?;
    let host = doors.host(&beacon.key, origin)?;
    let (events, is_bot) = (beacon.events(), beacon.bot);
    match doors.consider(&host, visitor, headers, beacon) {
        Err(reason) => doors.drop_all(reason, events),
        Ok(_) if is_bot => doors.drop_all(DropReason::Bot, events),
        Ok(beacon) => return Ok(Some(doors.visit(&host, origin, visitor, headers).beacon(beacon)?)),
    }
    Ok(None)
}

fn is_plain(headers: &HeaderMap) -> bool {
    let known = |value| is_one_of(value, &["text/plain", "application/json"]);
    headers.get(CONTENT_TYPE).is_none_or(known) && !headers.contains_key(CONTENT_ENCODING)
}

/// Where a body is wrong. What the parser says of it can repeat what stands there.
fn said(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    format!("the body is not a tracker's batch (line {line}, column {column}); see docs/HTTP.md")
}
