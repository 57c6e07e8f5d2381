use std::collections::HashMap;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use tower::ServiceExt;

use super::{routes, script};

const SECURE: &str = "__Host-hg_optout=1; Path=/; Secure; HttpOnly; SameSite=None; Max-Age=34560000";

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn cookies(&self) -> Vec<&str> {
        self.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect()
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

async fn ask(method: &str, path: &str, headers: &[(&str, &str)], body: &'static str) -> Answer {
    let router: Router = routes();
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router.oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, body: to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec() }
}

async fn get(path: &str, headers: &[(&str, &str)]) -> Answer {
    ask("GET", path, headers, "").await
}

#[tokio::test]
async fn whoever_objects_gets_a_script_that_does_nothing() {
    let tracker = get("/t.js", &[]).await;
    assert_eq!((tracker.status, tracker.text()), (StatusCode::OK, script::TRACKER.text));
    for objection in
        [("sec-gpc", "1"), ("dnt", "1"), ("cookie", "__Host-hg_optout=1"), ("cookie", "a=b; hg_optout=1")]
    {
        let stub = get("/t.js", &[objection]).await;
        assert_eq!((stub.status, stub.text()), (StatusCode::OK, script::STUB.text), "{objection:?}");
        for word in ["addEventListener", "fetch", "sendBeacon", "XMLHttpRequest", "import"] {
            assert!(!stub.text().contains(word), "the stub has {word}");
        }
        assert!(stub.text().contains("objects:!0"), "other scripts of the page can ask");
        // Whoever had the other script a moment ago is told.
        let changed = get("/t.js", &[objection, ("if-none-match", tracker.header("etag"))]).await;
        assert_eq!(changed.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn the_script_is_asked_for_each_time_and_sent_only_when_it_changed() {
    let answer =
        get("/t.js", &[("accept-encoding", "br;q=1, gzip"), ("origin", "https://shop.example")]).await;
    assert_eq!(answer.body, script::TRACKER.gzip);
    for (name, value) in [
        ("content-type", "text/javascript; charset=utf-8"),
        ("cache-control", "private, no-cache"),
        ("vary", "Cookie, DNT, Sec-GPC, Accept-Encoding, Origin"),
        ("content-encoding", "gzip"),
        ("access-control-allow-origin", "https://shop.example"),
        ("access-control-allow-credentials", "true"),
        ("cross-origin-resource-policy", "cross-origin"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let again = get("/t.js", &[("if-none-match", answer.header("etag"))]).await;
    assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(again.header("cache-control"), "private, no-cache");
    for refused in ["gzip;q=0", "br", "identity"] {
        assert_eq!(get("/t.js", &[("accept-encoding", refused)]).await.header("content-encoding"), "");
    }
}

#[tokio::test]
async fn the_cookie_is_renewed_when_it_is_seen() {
    for path in ["/t.js", "/opt-out"] {
        let answer = get(path, &[("cookie", "__Host-hg_optout=1"), ("if-none-match", "*")]).await;
        assert_eq!(answer.cookies(), [SECURE], "{path}");
        assert!(get(path, &[]).await.cookies().is_empty(), "{path}");
    }
}

#[test]
fn the_tracker_is_small() {
    let (tracker, conversion) = (script::TRACKER.gzip.len(), script::CONVERSION.gzip.len());
    assert!(tracker <= 3 << 10, "{tracker} bytes");
    assert!(tracker + conversion <= 4 << 10, "{tracker} + {conversion} bytes");
}

#[tokio::test]
async fn the_page_says_where_the_visitor_stands_and_has_one_button() {
    for (header, state, button) in [
        (("x-none", "1"), "You are counted</strong> on", "Do not count me"),
        (("cookie", "__Host-hg_optout=1"), "you have opted out", "Count me again"),
        (("sec-gpc", "1"), "Global Privacy Control. That", "Do not count me"),
        (("dnt", "1"), "Do Not Track. That", "Do not count me"),
    ] {
        let page = get("/opt-out", &[header]).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text().contains(state), "{header:?}: {}", page.text());
        assert!(page.text().contains(&format!("<button>{button}</button>")), "{header:?}");
        assert_eq!(page.text().matches("<button").count(), 1);
        assert!(!page.text().contains('{') || !page.text().contains("{nonce}"));
    }
    let blocked = get("/opt-out?chosen", &[]).await;
    assert!(blocked.text().contains("did not keep the cookie"));
}

#[tokio::test]
async fn the_page_runs_and_loads_nothing() {
    let (one, other) = (get("/opt-out", &[]).await, get("/opt-out", &[]).await);
    let policy = one.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'nonce-"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_ne!(policy, other.header("content-security-policy"), "a nonce is used once");
    assert!(!one.text().contains("<script") && !one.text().contains("src=") && !one.text().contains("http"));
    // With `no-referrer` the browser would hide the origin of the form.
    assert_eq!(one.header("referrer-policy"), "same-origin");
}

#[tokio::test]
async fn opting_out_sets_the_cookie_that_the_browser_can_keep() {
    let post = async |headers: &[(&str, &str)]| ask("POST", "/opt-out", headers, "choice=out").await;
    for headers in [
        [("host", "heat.example"), ("origin", "https://heat.example")],
        [("host", "heat.example"), ("origin", "https://shop.example")],
        [("host", "localhost:8443"), ("origin", "https://localhost:8443")],
    ] {
        let answer = post(&headers).await;
        assert_eq!((answer.status, answer.cookies()), (StatusCode::SEE_OTHER, vec![SECURE]), "{headers:?}");
        assert_eq!(answer.header("location"), "opt-out?chosen");
    }
    for host in ["localhost:8080", "127.0.0.1:8080", "127.0.0.1", "[::1]:8080", "demo.localhost"] {
        let answer = post(&[("host", host), ("origin", &format!("http://{host}"))]).await;
        assert!(answer.cookies()[0].starts_with("hg_optout=1; Path=/; HttpOnly;"), "{host}");
    }
    assert_eq!(ask("POST", "/opt-out", &[("host", "heat.example")], "").await.cookies(), [SECURE]);
}

#[tokio::test]
async fn opting_back_in_is_possible_from_the_own_page_only() {
    let own: HashMap<&str, bool> =
        HashMap::from([("same-origin", true), ("same-site", false), ("cross-site", false), ("none", false)]);
    for (site, is_own) in own {
        let headers =
            [("host", "heat.example"), ("origin", "https://heat.example"), ("sec-fetch-site", site)];
        let answer = ask("POST", "/opt-out", &headers, "choice=in").await;
        assert_eq!(answer.status == StatusCode::SEE_OTHER, is_own, "{site}");
        assert_eq!(answer.cookies().len(), if is_own { 2 } else { 0 });
        assert!(answer.cookies().iter().all(|cookie| cookie.contains("Max-Age=0")));
    }
    for (origin, is_own) in [("https://heat.example", true), ("https://evil.example", false), ("null", false)]
    {
        let answer =
            ask("POST", "/opt-out", &[("host", "heat.example"), ("origin", origin)], "choice=in").await;
        assert_eq!(answer.status == StatusCode::SEE_OTHER, is_own, "{origin}");
    }
    let none = ask("POST", "/opt-out", &[("host", "heat.example")], "choice=in").await;
    assert_eq!(none.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_server_says_that_it_obeys_global_privacy_control() {
    let answer = get("/.well-known/gpc.json", &[]).await;
    let said: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.header("content-type"), &said["gpc"]), ("application/json", &true.into()));
}
