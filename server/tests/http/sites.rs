//! Sites, and who may do what with them.

use heatgrid_engine::clock::Clock;
use serde_json::json;

use crate::harness::{OPERATOR, Server};

#[tokio::test]
async fn a_site_is_made_with_all_settings_and_shown() {
    let server = Server::start().await;
    let made = server.site("shop", json!({ "hosts": ["shop.example"], "min_count": 0 })).await;
    assert!(made["key"].as_str().unwrap().starts_with("local_"), "{made}");
    for (setting, value) in [
        ("timezone", json!("UTC")),
        ("query_params", json!("drop")),
        ("path_rules", json!("redact")),
        ("retention_days", json!(730)),
        ("hourly_days", json!(35)),
        ("min_count", json!(0)),
        ("hosts", json!(["shop.example"])),
        ("read_origins", json!([])),
    ] {
        assert_eq!(made[setting], value, "{setting}");
    }
    let shown = server.get("/v1/sites/shop").token(OPERATOR).send().await;
    assert_eq!((shown.status, shown.json()), (200, made.clone()));
    let listed = server.get("/v1/sites").token(OPERATOR).send().await;
    assert_eq!(listed.json(), json!([made]));
    let again = server.post("/v1/sites").token(OPERATOR).json(&json!({ "site": "shop" })).send().await;
    again.problem("conflict", 409);
}

#[tokio::test]
async fn what_is_wrong_with_a_site_is_told() {
    let server = Server::start().await;
    for (body, anchor, status) in [
        (json!({ "site": "../up" }), "invalid-name", 400),
        (json!({ "site": "" }), "invalid-name", 400),
        (json!({ "site": "-a" }), "invalid-name", 400),
        (json!({ "site": "x".repeat(64) }), "invalid-name", 400),
        (json!({}), "invalid-body", 400),
        (json!({ "site": "a", "no_such_setting": 1 }), "invalid-body", 400),
        (json!({ "site": "a", "retention_days": 0 }), "invalid-body", 400),
        (json!({ "site": "a", "timezone": "Mars/Olympus" }), "invalid-body", 400),
        (json!({ "site": "a", "region": "us" }), "region", 421),
        (json!({ "site": "a", "region": "US!" }), "invalid-body", 400),
    ] {
        let answer = server.post("/v1/sites").token(OPERATOR).json(&body).send().await;
        answer.problem(anchor, status);
    }
}

#[tokio::test]
async fn a_site_is_there_after_a_restart() {
    let server = Server::start().await;
    let made = server.site("shop", json!({})).await;
    server.clock.advance(3_600_000);
    let later = server.clock.now_ms();
    let directory = server.stop().await;
    let server = Server::on(directory, later, |_| {}).await;
    assert_eq!(server.get("/v1/sites/shop").token(OPERATOR).send().await.json(), made);
}

#[tokio::test]
async fn readers_and_operators_are_kept_off_the_public_listener_when_they_have_their_own() {
    let server =
        Server::with(|config| config.admin_listen = Some("127.0.0.1:0".parse().expect("an address"))).await;
    server.get("/v1/sites").token(OPERATOR).send().await.problem("not-found", 404);
    assert_eq!(server.private("GET", "/v1/sites").token(OPERATOR).send().await.status, 200);
    assert_eq!(server.private("GET", "/livez").send().await.status, 200);
}
