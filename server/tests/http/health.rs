//! Alive, ready, measured; and what every answer has.

use serde_json::json;

use crate::harness::{OPERATOR, Server};

#[tokio::test]
async fn a_running_server_is_alive_and_ready() {
    let server = Server::start().await;
    for path in ["/livez", "/healthz", "/readyz"] {
        assert_eq!(server.get(path).send().await.status, 200, "{path}");
    }
    server.get("/readyz?colour=red").send().await.problem("invalid-query", 400);
}

#[tokio::test]
async fn metrics_are_for_operators_and_name_no_site() {
    let server = Server::start().await;
    server.site("name-of-a-site", json!({})).await;
    server.get("/v1/sites/name-of-a-site").token(OPERATOR).send().await;
    server.get("/v1/no/such/route/secret").send().await;
    server.get("/metrics").send().await.problem("no-token", 401);
    let metrics = server.get("/metrics").token(OPERATOR).send().await;
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    let text = String::from_utf8(metrics.bytes.to_vec()).unwrap();
    let route =
        r#"heatgrid_request_duration_seconds_count{method="GET",route="/v1/sites/{site}",status="200"} 1"#;
    for expected in [
        route,
        "# TYPE heatgrid_request_duration_seconds histogram",
        r#"route="none",status="404""#,
        "heatgrid_memtable_bytes ",
        "heatgrid_segments 0",
        r#"heatgrid_events_dropped_total{reason="consent"} 0"#,
        "heatgrid_events_accepted_total 0",
    ] {
        assert!(text.contains(expected), "{expected} is missing in\n{text}");
    }
    assert!(!text.contains("name-of-a-site") && !text.contains("secret"), "{text}");
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        assert!(line.starts_with("heatgrid_"), "{line}");
        let name = line.split(['{', ' ']).next().unwrap();
        let known =
            ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        let is_described =
            text.contains(&format!("# HELP {known} ")) || text.contains(&format!("# HELP {name} "));
        assert!(is_described, "{name} has no description");
    }
}

#[tokio::test]
async fn the_operators_listener_needs_no_token_for_metrics() {
    let server = Server::with(|config| config.admin_listen = Some("127.0.0.1:0".parse().unwrap())).await;
    assert_eq!(server.private("GET", "/metrics").send().await.status, 200);
    assert_eq!(server.private("GET", "/readyz?verbose").send().await.json()["store"]["region"], "local");
    server.get("/metrics").send().await.problem("no-token", 401);
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let server = Server::start().await;
    for path in
        ["/nothing", "/v1", "/v1/sites/", "/v1//sites", "/v1/sites/..%2fx/y/z", "/%00", "/../etc/passwd"]
    {
        server.get(path).send().await.problem("not-found", 404);
    }
    let other = server.request("PUT", "/v1/sites").token(OPERATOR).send().await;
    other.problem("method", 405);
    let mut allowed: Vec<&str> = other.header("allow").unwrap().split(',').map(str::trim).collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
    let ids =
        [server.get("/livez").send().await, server.get("/livez").header("x-request-id", "mine").send().await];
    let ids = ids.map(|answer| answer.header("x-request-id").unwrap().to_owned());
    assert!(ids[0] != ids[1] && ids[1] != "mine", "{ids:?}");
    for name in ["A", "-a", "a%2fb", "..", "x%00", &"x".repeat(64)] {
        let answer = server.get(&format!("/v1/sites/{name}")).token(OPERATOR).send().await;
        assert!([400, 404].contains(&answer.status), "{name}: {answer:?}");
    }
}
