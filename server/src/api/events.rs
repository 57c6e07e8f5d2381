//! `POST /v1/sites/{site}/events`: bulk NDJSON, streamed, stored whole or not at all.

mod keys;
mod load;
mod pipe;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use heatgrid_engine::clock::Clock;
use heatgrid_engine::store::Store;
use tokio::sync::Semaphore;
use utoipa::OpenApi;

use self::keys::{HeldKey, KeysInUse};
use self::load::Load;
use super::off_the_runtime;
use crate::access::{SiteAccess, Write};
use crate::app::App;
use crate::http::limits::drain;
use crate::http::problem::{BUSY, MEDIA_TYPE, Problem, ProblemBody};
use crate::meters::Meters;
use crate::rules::Rules;
use crate::wire::encoding::Encoding;

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/v1/sites/{site}/events", post(events))
}

/// What bulk requests share.
#[derive(Debug)]
pub struct Bulk {
    /// Requests taken at a time: each holds a thread, and the rows of what it has read so far.
    places: Arc<Semaphore>,
    keys: KeysInUse,
}

impl Bulk {
    /// With the setting `bulk_requests`.
    #[must_use]
    pub fn new(requests: usize) -> Bulk {
        Bulk { places: Arc::new(Semaphore::new(requests)), keys: KeysInUse::default() }
    }
}

/// The paths of this file.
#[derive(OpenApi)]
#[openapi(paths(events))]
pub(super) struct Document;

/// Adds events in bulk
///
/// NDJSON, one event a line; streamed, and stored whole or not at all. At most 1 GiB and 4 million lines, decoded.
#[utoipa::path(
    post, path = "/v1/sites/{site}/events", tag = "Ingest", security(("token" = [])),
    params(
        ("site" = String, Path, description = "Name of the site"),
        ("Content-Encoding" = Option<String>, Header, description = "gzip or zstd"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters; the same key and body count once within 24 hours"),
    ),
    request_body(content = String, content_type = "application/x-ndjson", description = "Lines: see docs/HTTP.md#bulk"),
    responses(
        (
            status = 200, description = "Durable; both members are always there", body = serde_json::Value,
            example = json!({ "accepted": 41, "dropped": { "consent": 1 } })
        ),
        (status = 409, description = "A request with this key is worked on", body = ProblemBody),
        (status = 422, description = "The key was used with another body", body = ProblemBody),
        (status = 507, description = "The disk is full", body = ProblemBody),
    )
)]
async fn events(
    SiteAccess { site, .. }: SiteAccess<Write>,
    State(bulk): State<Arc<Bulk>>,
    State(store): State<Arc<Store>>,
    State(rules): State<Arc<Rules>>,
    State(clock): State<Arc<dyn Clock>>,
    State(meters): State<Arc<Meters>>,
    request: Request,
) -> Result<Response, Problem> {
    let encoding = encoding_of(request.headers())?;
    let Ok(place) = Arc::clone(&bulk.places).try_acquire_owned() else {
        // Who is refused while still sending does not hear when to come back.
        drain(request.into_body()).await;
        return Err(Problem::new(
            &BUSY,
            "as many bulk requests as may be are worked on; try again in a moment",
        )
        .retry_after(1));
    };
    let key = bulk.keys.hold(site.id, request.headers())?;
    let (feeder, pieces) = pipe::pipe();
    // The thread holds place and key: a client that goes away while its batch is being stored does not free them.
    let loading = off_the_runtime(move || {
        let _place = place;
        let rules = rules.of(&site);
        let load = Load {
            site: &site,
            rules: &rules.pages,
            encoding,
            key: key.as_ref().map(HeldKey::text),
            now_ms: clock.now_ms(),
        };
        let loaded = load.run(&store, pieces)?;
        meters.tally(&loaded.tally);
        Ok::<_, Problem>(loaded.receipt)
    });
    let (fed, receipt) = tokio::join!(feeder.feed(request.into_body()), loading);
    // If the body broke off, that is why its thread has nothing to show.
    fed?;
    let receipt = receipt?;
    Ok(([(CONTENT_TYPE, "application/json")], receipt.to_vec()).into_response())
}

fn encoding_of(headers: &HeaderMap) -> Result<Encoding, Problem> {
    let mut values = headers.get_all(CONTENT_ENCODING).iter();
    let encoding = match (values.next(), values.next()) {
        (None, _) => Some(Encoding::Identity),
        (Some(value), None) => Encoding::named(value.as_bytes()),
        (Some(_), Some(_)) => None,
    };
    encoding.ok_or_else(|| Problem::new(&MEDIA_TYPE, "Content-Encoding is gzip or zstd, or left out"))
}
