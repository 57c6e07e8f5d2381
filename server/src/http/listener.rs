//! The accept loop: at most so many connections, each with its patience, all shown out on shutdown.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::patience::{Patience, Patient};
use crate::config::Config;

/// What connections may cost.
#[derive(Clone, Debug)]
pub struct Limits {
    connections: usize,
    header_bytes: usize,
    patience: Patience,
    drain: Duration,
}

impl Limits {
    /// Those of the configuration.
    #[must_use]
    pub fn of(config: &Config) -> Limits {
        Limits {
            connections: config.max_connections,
            header_bytes: config.header_bytes,
            patience: Patience {
                header: config.header_time,
                idle: config.idle_time,
                write: config.body_time,
            },
            drain: config.drain_time,
        }
    }
}

/// What stands behind a listener. A copy of it goes to each connection.
pub trait Answers: Clone + Send + Sync + 'static {
    /// Answers one request of the client at `peer`. Boxed, because it is handed on from one to the next, and each would
    /// have room for all of it for as long as the answer takes.
    fn answer(
        &self,
        request: Box<Request<Incoming>>,
        peer: SocketAddr,
    ) -> impl Future<Output = Response> + Send;
}

impl Answers for Router {
    async fn answer(&self, mut request: Box<Request<Incoming>>, peer: SocketAddr) -> Response {
        request.extensions_mut().insert(ConnectInfo(peer));
        let answered: Result<Response, Infallible> = self.clone().oneshot(request.map(Body::new)).await;
        answered.unwrap_or_else(|never| match never {})
    }
}

/// What a listener has seen.
#[derive(Debug, Default)]
pub struct Listening {
    open: AtomicUsize,
    accepted: AtomicU64,
    refused: AtomicU64,
}

impl Listening {
    /// Connections that are open now.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Connections taken since the start.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Connections closed at once because too many were open.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

/// Counts a connection for as long as it lives, however its task ends.
struct Open(Arc<Listening>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves `routes` on `listener` until `shutdown` becomes true, then lets open requests finish within the drain time.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    routes: impl Answers,
    limits: Limits,
    listening: Arc<Listening>,
    mut shutdown: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = shutdown.wait_for(|stop| *stop) => break,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, mostly: those that are open must close first.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        if listening.open.fetch_add(1, Ordering::Relaxed) >= limits.connections {
            listening.open.fetch_sub(1, Ordering::Relaxed);
            listening.refused.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        listening.accepted.fetch_add(1, Ordering::Relaxed);
        let open = Open(Arc::clone(&listening));
        let (routes, limits, tls, shutdown) = (routes.clone(), limits.clone(), tls.clone(), shutdown.clone());
        tokio::spawn(async move {
            let _open = open;
            connection(socket, peer, tls, routes, &limits, shutdown).await;
        });
    }
    drop(listener);
    let deadline = tokio::time::Instant::now() + limits.drain;
    while listening.open() > 0 && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn connection(
    socket: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    routes: impl Answers,
    limits: &Limits,
    shutdown: watch::Receiver<bool>,
) {
    // Answers are small and whole; waiting to fill a packet only delays them.
    let _ = socket.set_nodelay(true);
    match tls {
        None => requests(socket, peer, routes, limits, shutdown).await,
        Some(acceptor) => {
            // A port scan, a plain-HTTP client or a slow one is nothing that an operator could mend: no log line.
            let handshake = tokio::time::timeout(limits.patience.header, acceptor.accept(socket)).await;
            if let Ok(Ok(socket)) = handshake {
                requests(socket, peer, routes, limits, shutdown).await;
            }
        }
    }
}

async fn requests<S>(
    socket: S,
    peer: SocketAddr,
    routes: impl Answers,
    limits: &Limits,
    shutdown: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (socket, phase) = Patient::new(socket, limits.patience);
    let service = service_fn(move |request: Request<Incoming>| {
        let (routes, phase, request) = (routes.clone(), Arc::clone(&phase), Box::new(request));
        async move {
            phase.request_begins();
            let answer = routes.answer(request, peer).await;
            phase.request_ends();
            Ok::<_, Infallible>(answer)
        }
    });
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            // `Patient` has the finer clocks; this one is off.
            .header_read_timeout(None)
            // 100 headers, hyper's own limit: for another one it fills two tables anew for each request.
            .max_buf_size(limits.header_bytes)
            .serve_connection(TokioIo::new(socket), service)
    );
    // Errors here are the client's: closed, too slow, not HTTP. hyper has answered what could be answered.
    if unless_stopped(connection.as_mut(), shutdown).await.is_none() {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

/// What `work` gives, or `None` when the server stops before. For a task's own work: to ask all connections' channel
/// each time that one of them moves would have them meet at its lock.
async fn unless_stopped<T>(
    mut work: impl Future<Output = T> + Unpin,
    mut shutdown: watch::Receiver<bool>,
) -> Option<T> {
    let said = shutdown.clone();
    let mut stop = std::pin::pin!(shutdown.wait_for(|stop| *stop));
    let mut is_listening = false;
    std::future::poll_fn(move |cx| {
        // A task is woken by the same waker all its life, so that once is enough until something is said.
        let asks = !std::mem::replace(&mut is_listening, true) || said.has_changed().unwrap_or(true);
        if asks && stop.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        Pin::new(&mut work).poll(cx).map(Some)
    })
    .await
}
