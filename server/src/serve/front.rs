//! What stands behind a listener: until the store is open, an answer that says so; then the routes.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse;
use tower::ServiceExt;

use crate::api::starting;

/// Routes that come later.
#[derive(Clone, Default)]
pub(super) struct Front(Arc<OnceLock<Router>>);

impl Front {
    /// Puts the routes in place.
    pub(super) fn open(&self, routes: Router) {
        let first = self.0.set(routes).is_ok();
        debug_assert!(first, "a store is opened once");
    }

    pub(super) fn router(&self) -> Router {
        let routes = Arc::clone(&self.0);
        Router::new().fallback(async move |request: Request| match routes.get() {
            Some(routes) => routes.clone().oneshot(request).await.into_response(),
            None => starting(request).await,
        })
    }
}
