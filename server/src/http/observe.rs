//! Around every route: an id for each answer, a log line and a measurement by route template, and an answer when a
//! handler panics or there is no route. Never a URL, a page or an address.

use std::any::Any;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;

use super::problem::{INTERNAL, METHOD, NOT_FOUND, Problem};
use crate::meters::Meters;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What requests without a route are counted under.
const NO_ROUTE: &str = "none";

/// Puts a router's routes under observation.
pub fn observed<S: Clone + Send + Sync + 'static>(router: Router<S>, meters: &Arc<Meters>) -> Router<S> {
    router
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(Arc::clone(meters), observe))
}

async fn observe(
    State(meters): State<Arc<Meters>>,
    request: Request,
    next: Next,
) -> axum::response::Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    let (id, took) = (new_id(), began.elapsed());
    let route = route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    let status = response.status();
    meters.request(&method, route, status, took);
    let took_us = took.as_micros() as u64;
    // What is turned away is counted: a line for each would fill the disk of a server that has too much to do.
    if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
        tracing::warn!(request = %id, %method, route, status = status.as_u16(), took_us, "answered");
    } else {
        tracing::debug!(request = %id, %method, route, status = status.as_u16(), took_us, "answered");
    }
    let id = HeaderValue::try_from(id).expect("an id is hexadecimal digits");
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// An id that no other request of this or another process is likely to have, and that tells nothing.
fn new_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    static SALT: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    format!("{:016x}", SALT.hash_one(COUNT.fetch_add(1, Ordering::Relaxed)))
}

/// The panic hook has said where it was; what it said may hold a request's data, and is told to nobody.
fn panicked(_: Box<dyn Any + Send>) -> Response<axum::body::Body> {
    Problem::new(
        &INTERNAL,
        "the server made a mistake here; its log has more under this answer's X-Request-Id",
    )
    .into_response()
}

async fn no_route() -> Problem {
    Problem::new(&NOT_FOUND, "there is no such route; /openapi.json lists all")
}

async fn no_method() -> Problem {
    Problem::new(&METHOD, "the route does not take this method; Allow says which it takes")
}
