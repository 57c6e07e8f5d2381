//! What one request may cost: a place among those worked on, its bytes, and time between them.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use hyper::body::Frame;
use tokio::time::{Instant, Sleep};

use super::problem::{BUSY, INVALID_BODY, Problem, TIMEOUT, TOO_LARGE};

/// Places for requests that are worked on. One that finds none is told to come back: it has cost nothing yet.
#[derive(Debug)]
pub struct Places {
    /// Nobody waits for a place, so that a count is all it takes.
    free: AtomicUsize,
    shed: AtomicU64,
    body_time: Duration,
}

impl Places {
    /// So many places; a body may pause for `body_time`.
    #[must_use]
    pub fn new(requests: usize, body_time: Duration) -> Places {
        Places { free: AtomicUsize::new(requests), shed: AtomicU64::new(0), body_time }
    }

    /// Takes a place, until it is dropped.
    ///
    /// # Errors
    /// 503 when all are taken.
    pub fn take(&self) -> Result<Place<'_>, Problem> {
        let taken = self.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| free.checked_sub(1));
        match taken {
            Ok(_) => Ok(Place(&self.free)),
            Err(_) => {
                self.shed.fetch_add(1, Ordering::Relaxed);
                Err(Problem::new(&BUSY, "too many requests are worked on; try again in a second")
                    .retry_after(1))
            }
        }
    }

    /// Puts a clock on a body.
    pub fn timed<B>(&self, body: B) -> TimedBody<B> {
        TimedBody { body, allowed: self.body_time, timer: None }
    }

    /// Requests that found no place since the start.
    #[must_use]
    pub fn shed(&self) -> u64 {
        self.shed.load(Ordering::Relaxed)
    }

    /// Requests that are worked on now, of `requests`.
    #[must_use]
    pub fn free(&self) -> usize {
        self.free.load(Ordering::Relaxed)
    }
}

/// A place that is taken until this is dropped.
#[must_use = "a place that is dropped is free again"]
pub struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Middleware: takes a place or answers 503, and puts a clock on the body.
pub async fn take_place(State(places): State<Arc<Places>>, request: Request, next: Next) -> Response {
    match places.take() {
        Ok(_place) => next.run(request.map(|body| Body::new(places.timed(body)))).await,
        Err(problem) => problem.into_response(),
    }
}

/// Bytes that are taken in and thrown away of a body that is refused. Who is refused while still sending often never
/// hears why: its connection breaks first.
const DRAINED_BYTES: u64 = 64 << 20;

/// A whole body of at most `limit` bytes.
///
/// # Errors
/// 413, 408 or 400, with what to do.
pub async fn whole_body<B>(mut body: B, limit: usize) -> Result<Bytes, Problem>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    // Most bodies are one piece, which is not copied.
    let mut whole = Bytes::new();
    let mut joined = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame.map_err(|error| body_problem(&*error.into()))?.into_data() else { continue };
        if piece.len() > limit - whole.len().max(joined.len()) {
            drain(body).await;
            return Err(Problem::new(
                &TOO_LARGE,
                format!("a body has at most {limit} bytes here; send less at a time"),
            ));
        }
        if whole.is_empty() && joined.is_empty() {
            whole = piece;
        } else {
            joined.extend_from_slice(&std::mem::take(&mut whole));
            joined.extend_from_slice(&piece);
        }
        // Where the length was told, nobody has to wait for being told that this was all.
        if body.is_end_stream() {
            break;
        }
    }
    Ok(if joined.is_empty() { whole } else { joined.into() })
}

/// Takes in the rest of a body that nobody wants, within bounds, so that its sender is there to hear the answer.
pub async fn drain(mut body: impl HttpBody<Data = Bytes> + Unpin) {
    let mut left = DRAINED_BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        let bytes = frame.data_ref().map_or(0, |piece| piece.len() as u64);
        match left.checked_sub(bytes) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// What to answer when a body could not be read to its end.
#[must_use]
pub fn body_problem(error: &(dyn std::error::Error + 'static)) -> Problem {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<TooSlow>().is_some() {
            return Problem::new(&TIMEOUT, "the body paused for too long; send it again");
        }
        cause = error.source();
    }
    Problem::new(&INVALID_BODY, "the body broke off; send it again")
}

/// A body whose next piece did not come in time.
#[derive(Debug, thiserror::Error)]
#[error("the next piece of the body did not arrive in time")]
struct TooSlow;

/// A body with a clock for each piece.
pub struct TimedBody<B> {
    body: B,
    allowed: Duration,
    /// Running only while a piece is waited for.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin> HttpBody for TimedBody<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(piece) => {
                self.timer = None;
                Poll::Ready(piece.map(|piece| piece.map_err(Into::into)))
            }
            Poll::Pending => {
                let deadline = Instant::now() + self.allowed;
                let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
                timer.as_mut().poll(cx).map(|()| Some(Err(TooSlow.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::post;
    use tokio::sync::Notify;
    use tower::ServiceExt;

    fn router(places: &Arc<Places>, go: &Arc<Notify>) -> Router {
        let go = Arc::clone(go);
        let handler = post(async move |request: Request| {
            let body = whole_body(request.into_body(), 8).await?;
            if body.starts_with(b"wait") {
                go.notified().await;
            }
            Ok::<_, Problem>(body)
        });
        Router::new()
            .route("/", handler)
            .layer(axum::middleware::from_fn_with_state(Arc::clone(places), take_place))
    }

    async fn post_body(router: &Router, body: Body) -> Response {
        let request = Request::builder().method("POST").uri("/").body(body).unwrap();
        router.clone().oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn a_request_without_a_place_is_told_when_to_come_back() {
        let (places, go) = (Arc::new(Places::new(1, Duration::from_secs(60))), Arc::new(Notify::new()));
        let router = router(&places, &go);
        let first = tokio::spawn({
            let router = router.clone();
            async move { post_body(&router, "wait".into()).await.status() }
        });
        while places.free() > 0 {
            tokio::task::yield_now().await;
        }
        let shed = post_body(&router, "x".into()).await;
        assert_eq!(
            (shed.status(), shed.headers()["retry-after"].to_str().unwrap()),
            (StatusCode::SERVICE_UNAVAILABLE, "1")
        );
        go.notify_one();
        assert_eq!(first.await.unwrap(), StatusCode::OK);
        assert_eq!(post_body(&router, "x".into()).await.status(), StatusCode::OK);
        assert_eq!(places.shed(), 1);
    }

    #[tokio::test]
    async fn a_body_that_is_too_long_or_pauses_is_refused() {
        let (places, go) = (Arc::new(Places::new(9, Duration::from_millis(20))), Arc::new(Notify::new()));
        let router = router(&places, &go);
        assert_eq!(post_body(&router, "123456789".into()).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
        let never = Body::new(http_body_util::StreamBody::new(Never));
        assert_eq!(post_body(&router, never).await.status(), StatusCode::REQUEST_TIMEOUT);
    }

    #[tokio::test]
    async fn a_body_of_a_known_length_is_whole_with_its_last_byte() {
        let body = OfKnownLength(vec!["45", "123"]);
        assert_eq!(whole_body(body, 8).await.unwrap(), "12345");
    }

    /// Pieces, last one first; whoever asks for more waits for ever.
    struct OfKnownLength(Vec<&'static str>);

    impl HttpBody for OfKnownLength {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            self.0.pop().map_or(Poll::Pending, |piece| Poll::Ready(Some(Ok(Frame::data(piece.into())))))
        }

        fn is_end_stream(&self) -> bool {
            self.0.is_empty()
        }
    }

    struct Never;
    impl futures_core::Stream for Never {
        type Item = Result<Frame<Bytes>, BoxError>;
        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Pending
        }
    }
}
