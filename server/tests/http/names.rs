//! Names of sites, tokens, snapshots and backups, and of pages, as attackers write them.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::{OPERATOR, START_MS, Server};

/// Every file below a directory, but for those of the log, which makes its next one whenever it likes.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name() != Some("wal".as_ref()) {
            found.extend(files(&path));
        }
        found.push(path);
    }
    found.sort();
    found
}

#[tokio::test]
async fn path_traversal_in_a_name_is_refused_and_makes_no_file() {
    let server = Server::start().await;
    server.site("shop", json!({})).await;
    let before = files(server.directory.path());
    let long = "a".repeat(64);
    for name in [
        "../up",
        "..",
        ".",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "a\0b",
        "%2e%2e%2f",
        "A",
        "a.b",
        "a b",
        "\u{e9}",
        &long,
    ] {
        for (path, body) in [
            ("/v1/sites", json!({ "site": name })),
            ("/v1/sites/shop/tokens", json!({ "name": name, "role": "reader" })),
            ("/v1/tokens", json!({ "name": name, "role": "reader", "sites": ["shop"] })),
            ("/v1/tokens", json!({ "name": "several", "role": "reader", "sites": [name] })),
            ("/v1/admin/tokens", json!({ "name": name })),
            ("/v1/admin/snapshots", json!({ "name": name })),
            ("/v1/admin/backups", json!({ "name": name })),
        ] {
            let answer = server.post(path).token(OPERATOR).json(&body).send().await;
            assert_eq!(answer.status, 400, "{path} {name:?}: {answer:?}");
        }
    }
    assert_eq!(files(server.directory.path()), before);
}

#[tokio::test]
async fn path_traversal_in_a_path_finds_nothing() {
    let server = Server::start().await;
    for name in
        ["..%2f..%2foperator.token", "%2e%2e", "..%5c..%5cx", "%00", "a%00b", "%ff", "%2fetc%2fpasswd"]
    {
        for path in [
            format!("/v1/sites/{name}"),
            format!("/v1/sites/{name}/grid"),
            format!("/v1/sites/{name}/tokens/{name}"),
            format!("/v1/admin/snapshots/{name}"),
            format!("/v1/admin/backups/{name}"),
            format!("/v1/admin/jobs/{name}"),
            format!("/v1/certificates/{name}"),
            format!("/{name}"),
            format!("/dashboard.js/{name}"),
        ] {
            let answer = server.get(&path).token(OPERATOR).send().await;
            assert!([400, 404, 405].contains(&answer.status), "{path}: {answer:?}");
            assert!(!String::from_utf8_lossy(&answer.bytes).contains(OPERATOR), "{path}: {answer:?}");
        }
    }
}

/// Markup that would run where a page's name is shown as HTML, and what it would be called there.
const MARKUP: &str = "/<img src=x onerror=alert(1)>\\\"'><script>alert(2)</script>";

async fn shop_with_markup(server: &Server) -> String {
    server.site("shop", json!({ "path_rules": "keep", "min_count": 0 })).await;
    let line = format!(
        r#"{{"ts":{START_MS},"url":"https://shop.example{MARKUP}","kind":"click","x":1,"y":1,"n":9}}"#
    );
    let sent = server.post("/v1/sites/shop/events").token(OPERATOR).body(line).send().await;
    assert_eq!((sent.status, sent.json()["accepted"].clone()), (200, json!(9)));
    let pages = server.get("/v1/sites/shop/pages").token(OPERATOR).send().await;
    pages.json()[0]["page"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn xss_in_a_page_name_is_data_in_every_form() {
    let server = Server::start().await;
    let page = shop_with_markup(&server).await;
    assert!(page.contains("script"), "{page}");
    for (route, format, media) in [
        ("grid", "json", "application/json"),
        ("grid", "csv", "text/csv; charset=utf-8"),
        ("grid", "ndjson", "application/x-ndjson"),
        ("grid", "points", "application/json"),
        ("grid", "png", "image/png"),
        ("grid", "bin", "application/octet-stream"),
        ("pages", "json", "application/json"),
        ("pages", "csv", "text/csv; charset=utf-8"),
        ("summary", "json", "application/json"),
        ("scroll", "json", "application/json"),
    ] {
        let mut question = json!({ "format": format });
        if route == "grid" || route == "scroll" {
            question["page"] = page.clone().into();
        }
        let asked = server.post(&format!("/v1/sites/shop/{route}")).token(OPERATOR).json(&question);
        // Whatever the client would rather have, it is never a document.
        let answer = asked.header("accept", "text/html").send().await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(media)), "{answer:?}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{route} {format}");
        if format == "png" || format == "bin" {
            let has_name = answer.bytes.windows(6).any(|bytes| bytes == b"script");
            assert!(!has_name, "{format} holds no name");
        }
    }
    // A problem does not repeat what was asked.
    let problem = server.post("/v1/sites/shop/grid").token(OPERATOR);
    let problem = problem.json(&json!({ "page": page, "kind": "<script>" })).send().await;
    assert_eq!(problem.header("content-type"), Some("application/problem+json"));
    assert!(!String::from_utf8_lossy(&problem.bytes).contains("onerror"), "{problem:?}");
}

#[tokio::test]
async fn xss_in_what_is_asked_of_the_dashboard_is_not_repeated_and_would_not_run() {
    let server = Server::start().await;
    let plain = server.get("/").send().await;
    let marked = server.get("/?site=%3Cscript%3E&page=javascript:alert(1)#<script>").send().await;
    assert_eq!(marked.bytes, plain.bytes);
    let policy = marked.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    // Names are put into the page as text, whatever they are.
    let script = server.get("/dashboard.js").send().await;
    let script = String::from_utf8_lossy(&script.bytes).into_owned();
    for way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"] {
        assert!(!script.contains(way), "{way}");
    }
}

#[tokio::test]
async fn hostile_headers_are_refused_or_passed_over() {
    let server = Server::start().await;
    server.site("shop", json!({})).await;
    let deep = |open: &str| open.repeat(500);
    for (name, value) in [
        ("authorization", "Bearer"),
        ("authorization", "Bearer  "),
        ("authorization", "Basic b3BlcmF0b3I6"),
        ("authorization", "Bearer \u{7f}"),
        ("cookie", &*deep("hg_optout=")),
        ("x-forwarded-for", &*deep("1.2.3.4,")),
        ("x-forwarded-for", "<script>"),
        ("x-original-url", "/v1/admin/status"),
        ("x-rewrite-url", "/v1/admin/status"),
        ("x-http-method-override", "DELETE"),
        ("range", "bytes=0-0,0-0,0-0"),
        ("accept", &*deep("*/*;q=0.1,")),
        ("accept-encoding", &*deep("gzip;q=nan,")),
        ("if-none-match", &*deep("\"a\",")),
        ("expect", "100-continue"),
        ("upgrade", "h2c"),
    ] {
        if hyper::header::HeaderValue::from_str(value).is_err() {
            continue;
        }
        let answer = server.get("/v1/sites/shop").header(name, value).send().await;
        assert_eq!(answer.status, 401, "{name}: {value:.40}: {answer:?}");
        let text = String::from_utf8_lossy(&answer.bytes).into_owned();
        assert!(!text.contains("script"), "{name}: {text}");
        if name == "authorization" {
            continue;
        }
        let answer = server.get("/v1/sites/shop/grid?page=shop.example/").token(OPERATOR).header(name, value);
        let answer = answer.send().await;
        assert_eq!(answer.status, 200, "{name}: {value:.40}: {answer:?}");
        assert_eq!(answer.json()["total"], Value::from(0), "{name}");
    }
}
