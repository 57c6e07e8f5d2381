//! CORS for dashboards: only the origins that a site names may read its answers in a browser.

use std::sync::Arc;

use axum::extract::{RawPathParams, Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use heatgrid_engine::store::Store;

/// Middleware: lets a site's `read_origins` read what is answered, refusals too.
///
/// A preflight carries no token. It tells that a site is there only to who knows one of its origins.
pub(super) async fn for_read_origins(
    State(store): State<Arc<Store>>,
    params: RawPathParams,
    request: Request,
    next: Next,
) -> Response {
    let origin = request.headers().get(ORIGIN).filter(|origin| is_allowed(&store, &params, origin)).cloned();
    let is_preflight = request.method() == Method::OPTIONS;
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if is_preflight {
            allow(headers);
        } else {
            headers.insert(
                ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static(
                    "ETag, Link, Retry-After, X-Request-Id, Heatgrid-Withheld, Heatgrid-Px-Per-Pixel",
                ),
            );
        }
    }
    response
}

/// What a preflight is answered with; the middleware says who may go on.
pub(super) async fn preflight() -> StatusCode {
    StatusCode::NO_CONTENT
}

fn allow(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, POST"));
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("Authorization, Content-Type, If-None-Match"),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
}

fn is_allowed(store: &Store, params: &RawPathParams, origin: &HeaderValue) -> bool {
    let Some((_, name)) = params.iter().find(|(name, _)| *name == "site") else { return false };
    let Some(site) = store.accounts().by_name(name).filter(|site| !site.closed) else { return false };
    site.settings.read_origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes())
}
