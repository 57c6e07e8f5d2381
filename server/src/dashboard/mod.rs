//! One plain page at `/` for readers: sign in with a token, choose, and see a page's heatmap, kept fresh.
//!
//! It asks the same routes as any other client. Nothing of it is made for one person, so that it may be sent to anybody.

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS,
};
use axum::response::IntoResponse;
use axum::routing::get;

const PAGE: &str = include_str!("index.html");
const SCRIPT: &str = include_str!("dashboard.js");
const STYLE: &str = include_str!("dashboard.css");

/// Only what comes from here runs, and only this server is asked. Frames are the measured pages, shown behind their
/// heatmaps without their scripts, from wherever they are; pictures are made from answers.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src blob: data:; frame-src http: https:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(utoipa::OpenApi)]
#[openapi(paths(page, script, style))]
pub(crate) struct Document;

/// The page and what it is made of.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", get(page))
        .route("/dashboard.js", get(script))
        .route("/dashboard.css", get(style))
}

/// The dashboard
#[utoipa::path(
    get, path = "/", tag = "Dashboard",
    responses((status = 200, description = "A page for browsers", body = String, content_type = "text/html"))
)]
async fn page() -> impl IntoResponse {
    file("text/html; charset=utf-8", PAGE)
}

/// The dashboard's script
#[utoipa::path(
    get, path = "/dashboard.js", tag = "Dashboard",
    responses((status = 200, description = "A script", body = String, content_type = "text/javascript"))
)]
async fn script() -> impl IntoResponse {
    file("text/javascript; charset=utf-8", SCRIPT)
}

/// The dashboard's style sheet
#[utoipa::path(
    get, path = "/dashboard.css", tag = "Dashboard",
    responses((status = 200, description = "A style sheet", body = String, content_type = "text/css"))
)]
async fn style() -> impl IntoResponse {
    file("text/css; charset=utf-8", STYLE)
}

fn file(content_type: &'static str, text: &'static str) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, content_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-cache"),
        // The measured page in the frame is not told who looks at its heatmap.
        (REFERRER_POLICY, "no-referrer"),
        (X_FRAME_OPTIONS, "DENY"),
    ];
    (headers, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_no_script_or_style_of_its_own_and_finds_every_element_it_names() {
        assert!(!PAGE.contains("<style") && !PAGE.contains("style=") && !PAGE.contains("onclick"));
        assert_eq!(PAGE.matches("<script").count(), 1);
        for named in SCRIPT.split("element('").skip(1) {
            let id = named.split('\'').next().unwrap();
            assert!(PAGE.contains(&format!("id=\"{id}\"")), "{id} is not in the page");
        }
    }
}
