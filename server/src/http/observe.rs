//! Around every route: an id for each answer, a log line and a measurement by route template, and an answer when a
//! handler panics or there is no route. Never a URL, a page or an address.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;

use super::problem::{INTERNAL, METHOD, NOT_FOUND, Problem};
use crate::meters::{Meters, Route};

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

async fn observe(State(meters): State<Arc<Meters>>, request: Request, next: Next) -> Response {
    let observed = Observation::begin(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = meters.of_route(route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str));
    observed.end(&meters, &route, response)
}

/// A request that is being answered.
pub struct Observation {
    method: Method,
    began: Instant,
}

impl Observation {
    /// The answering begins.
    #[must_use]
    pub fn begin(method: &Method) -> Observation {
        Observation { method: method.clone(), began: Instant::now() }
    }

    /// It ends: measures it under its route template, logs it, and gives the answer its id.
    pub fn end(self, meters: &Meters, route: &Route, mut response: Response) -> Response {
        let Observation { method, began } = self;
        let (id, took, status) = (RequestId::new(), began.elapsed(), response.status());
        meters.request(&method, route, status, took);
        let route = route.template();
        let took_us = took.as_micros() as u64;
        // What is turned away is counted: a line for each would fill the disk of a server that has too much to do.
        if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
            tracing::warn!(request = %id, %method, route, status = status.as_u16(), took_us, "answered");
        } else {
            tracing::debug!(request = %id, %method, route, status = status.as_u16(), took_us, "answered");
        }
        response.headers_mut().insert(REQUEST_ID, id.into());
        response
    }
}

/// What no other request of this or another process is likely to have, and that tells nothing.
struct RequestId(u64);

impl RequestId {
    fn new() -> RequestId {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        static SALT: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        RequestId(SALT.hash_one(COUNT.fetch_add(1, Ordering::Relaxed)))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl From<RequestId> for HeaderValue {
    fn from(id: RequestId) -> HeaderValue {
        // As `Display` writes it, which takes ten times as long: every answer has one.
        let digits: [u8; 16] =
            std::array::from_fn(|place| b"0123456789abcdef"[(id.0 >> (60 - 4 * place)) as usize & 15]);
        HeaderValue::from_bytes(&digits).expect("an id is hexadecimal digits")
    }
}

/// An answer, or that of a handler which panics.
///
/// Pinned before, because a future that is handed over by value takes its room twice.
pub async fn unpanicked(mut answer: Pin<&mut impl Future<Output = Response>>) -> Response {
    std::future::poll_fn(move |cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(cx)));
        polled.unwrap_or_else(|panic| Poll::Ready(panicked(panic)))
    })
    .await
}

/// The panic hook has said where it was; what it said may hold a request's data, and is told to nobody.
fn panicked(_: Box<dyn Any + Send>) -> Response {
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

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn an_answer_that_panics_is_a_fault_of_the_server_and_others_are_as_they_are() {
        let panics = unpanicked(pin!(async { panic!("told to nobody") })).await;
        assert_eq!(panics.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let answer = unpanicked(pin!(async { StatusCode::NO_CONTENT.into_response() })).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }

    #[test]
    fn an_id_reads_the_same_in_an_answer_and_in_the_log() {
        for id in [0, 0x0123_4567_89ab_cdef, u64::MAX] {
            assert_eq!(HeaderValue::from(RequestId(id)), RequestId(id).to_string());
        }
    }

    #[test]
    fn every_answer_has_an_id_of_its_own() {
        let meters = Meters::new();
        let id = || {
            let answer =
                Observation::begin(&Method::GET).end(&meters, &meters.of_route("/"), Response::default());
            answer.headers()[REQUEST_ID].to_str().unwrap().to_owned()
        };
        let (one, other) = (id(), id());
        assert!(
            one.len() == 16 && one.bytes().all(|byte| byte.is_ascii_hexdigit()) && one != other,
            "{one} {other}"
        );
    }
}
