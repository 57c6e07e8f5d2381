//! The least that a server on hyper does: it reads a body and answers 204.

use std::convert::Infallible;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// Serves for ever.
pub async fn bare_server(listener: TcpListener) {
    while let Ok((socket, _)) = listener.accept().await {
        // As the real one does.
        let _ = socket.set_nodelay(true);
        let answer = service_fn(async |request: Request<Incoming>| {
            let read = request.into_body().collect().await;
            let mut answer = Response::new(Empty::<Bytes>::new());
            *answer.status_mut() = match read {
                Ok(_) => StatusCode::NO_CONTENT,
                Err(_) => StatusCode::BAD_REQUEST,
            };
            Ok::<_, Infallible>(answer)
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), answer));
    }
}
