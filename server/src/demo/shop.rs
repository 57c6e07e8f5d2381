//! The demo's shop: a few pages of a made-up business, really tracked.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::http::problem::{NOT_FOUND, Problem};

/// A page of the shop.
pub(super) struct ShopPage {
    /// Its name below `/demo/`; empty for the first one.
    pub(super) name: &'static str,
    title: &'static str,
    main: &'static str,
}

macro_rules! pages {
    ($($name:literal $file:literal $title:literal)*) => {
        /// Every page of the shop.
        pub(super) static PAGES: &[ShopPage] =
            &[$(ShopPage { name: $name, title: $title, main: include_str!(concat!("shop/", $file)) },)*];
    };
}

pages! {
    "" "index.html" "Shop"
    "mug" "mug.html" "Moss mug"
    "about" "about.html" "About"
    "checkout" "checkout.html" "Basket"
    "thanks" "thanks.html" "Thank you"
}

const LAYOUT: &str = include_str!("shop/layout.html");
const STYLE: &str = include_str!("shop/shop.css");

/// Nothing from elsewhere, and no script in the page itself: the tracker has to work under it.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; frame-ancestors 'self'; base-uri 'none'";

impl ShopPage {
    /// The page with the tracker of the site whose public key is `key`.
    fn html(&self, key: &str) -> String {
        LAYOUT.replace("{{title}}", self.title).replace("{{key}}", key).replace("{{main}}", self.main)
    }
}

/// The shop below `/demo/`, tracked as the site whose public key is `key`.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(key: &str) -> Router<S> {
    let pages = Router::new()
        .route("/demo/", get(async |State(key): State<String>| page("", &key)))
        .route("/demo/shop.css", get(async || ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)))
        .route(
            "/demo/{page}",
            get(async |State(key): State<String>, Path(name): Path<String>| page(&name, &key)),
        );
    Router::new().merge(pages.with_state(key.to_owned()))
}

fn page(name: &str, key: &str) -> Response {
    let Some(page) = PAGES.iter().find(|page| page.name == name) else {
        return Problem::new(&NOT_FOUND, "the shop has no such page; begin at /demo/").into_response();
    };
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, page.html(key)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    async fn get_text(path: &str) -> (StatusCode, String) {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let answer = routes::<()>("eu_key").with_state(()).oneshot(request).await.unwrap();
        let status = answer.status();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn every_page_carries_the_tracker_and_leads_to_pages_that_are_there() {
        for page in PAGES {
            let (status, html) = get_text(&format!("/demo/{}", page.name)).await;
            assert_eq!(status, StatusCode::OK);
            assert!(
                html.contains(r#"<script async src="/t.js" data-key="eu_key" data-every="1"></script>"#),
                "{}",
                page.name
            );
            assert!(!html.contains("{{"), "{} has a place that was not filled", page.name);
            for link in html.split("href=\"/demo/").skip(1) {
                let name = link.split('"').next().unwrap();
                assert_eq!(
                    get_text(&format!("/demo/{name}")).await.0,
                    StatusCode::OK,
                    "{name} on {}",
                    page.name
                );
            }
        }
        assert_eq!(get_text("/demo/../demo").await.0, StatusCode::NOT_FOUND);
    }
}
