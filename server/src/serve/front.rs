//! What stands behind a listener: until the store is open, an answer that says so; then the routes.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;

use crate::api::{Routes, starting};
use crate::http::Answers;

/// Routes that come later.
#[derive(Clone, Default)]
pub(super) struct Front(Arc<OnceLock<Routes>>);

impl Front {
    /// Puts the routes in place.
    pub(super) fn open(&self, routes: Routes) {
        let first = self.0.set(routes).is_ok();
        debug_assert!(first, "a store is opened once");
    }
}

impl Answers for Front {
    async fn answer(&self, request: Box<Request<Incoming>>, peer: SocketAddr) -> Response {
        match self.0.get() {
            Some(routes) => routes.answer(request, peer).await,
            None => starting(request.map(Body::new)).await,
        }
    }
}
