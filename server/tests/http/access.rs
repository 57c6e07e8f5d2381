//! Every route, for everybody who may not.

use serde_json::json;

use crate::harness::{OPERATOR, Server};

/// Routes of a site, and the roles that may use them. The bodies are usable, so that only the right decides.
const OF_A_SITE: &[(&str, &str, &str, &[&str])] = &[
    ("GET", "", "", &["reader", "owner"]),
    ("PATCH", "", r#"{"retention_days":9}"#, &["owner"]),
    ("POST", "/key", "", &["owner"]),
    ("GET", "/tokens", "", &["owner"]),
    ("POST", "/tokens", r#"{"name":"n","role":"reader"}"#, &["owner"]),
    ("DELETE", "/tokens/none", "", &["owner"]),
    ("GET", "/audit", "", &["owner"]),
    ("POST", "/events", "", &["writer", "owner"]),
    ("GET", "/erasures", "", &["owner"]),
    ("POST", "/erasures", r#"{"page":"s.example/none"}"#, &["owner"]),
    ("GET", "/erasures/none", "", &["owner"]),
    ("POST", "/erasures/none/cancel", "", &["owner"]),
    ("GET", "/erasures/none/certificate", "", &["owner"]),
];

/// Routes of operators.
const OF_OPERATORS: &[(&str, &str)] = &[
    ("POST", "/v1/sites"),
    ("POST", "/v1/tokens"),
    ("GET", "/v1/admin/status"),
    ("POST", "/v1/admin/flush"),
    ("POST", "/v1/admin/compact"),
    ("GET", "/v1/admin/jobs"),
    ("GET", "/v1/admin/jobs/1"),
    ("POST", "/v1/admin/jobs/1/stop"),
    ("POST", "/v1/admin/clock"),
    ("GET", "/v1/admin/audit"),
    ("GET", "/v1/admin/backups"),
    ("POST", "/v1/admin/backups"),
    ("GET", "/v1/admin/backups/none"),
    ("DELETE", "/v1/admin/backups/none"),
    ("POST", "/v1/admin/backups/none/verify"),
    ("POST", "/v1/admin/prune-backups"),
    ("GET", "/v1/admin/snapshots"),
    ("POST", "/v1/admin/snapshots"),
    ("GET", "/v1/admin/snapshots/none"),
    ("DELETE", "/v1/admin/snapshots/none"),
    ("POST", "/v1/admin/snapshots/none/restore"),
    ("GET", "/v1/admin/purge"),
    ("POST", "/v1/admin/purge"),
    ("POST", "/v1/admin/erasures/none/cancel"),
    ("GET", "/v1/admin/erasures/none/evidence"),
    ("GET", "/v1/admin/tokens"),
    ("POST", "/v1/admin/tokens"),
    ("DELETE", "/v1/admin/tokens/none"),
    ("GET", "/metrics"),
    ("GET", "/readyz?verbose"),
];

const ROLES: [&str; 3] = ["reader", "writer", "owner"];

#[tokio::test]
async fn a_route_is_refused_to_every_role_that_has_not_its_right() {
    let server = Server::start().await;
    server.site("mine", json!({})).await;
    for role in ROLES {
        let token = server.token("mine", role).await;
        for (method, path, body, allowed) in OF_A_SITE {
            let path = format!("/v1/sites/mine{path}");
            let answer = server.request(method, &path).token(&token).body(*body).send().await;
            if allowed.contains(&role) {
                let is_refused = [401, 403].contains(&answer.status);
                assert!(!is_refused, "{role} {method} {path}: {answer:?}");
            } else {
                answer.problem("no-right", 403);
            }
        }
        for (method, path) in OF_OPERATORS {
            server.request(method, path).token(&token).send().await.problem("no-right", 403);
        }
    }
}

#[tokio::test]
async fn a_foreign_a_closed_and_an_unknown_site_are_one_answer() {
    let server = Server::start().await;
    server.site("mine", json!({})).await;
    server.site("theirs", json!({})).await;
    for role in ROLES {
        let token = server.token("mine", role).await;
        for (method, path, body, _) in OF_A_SITE {
            let mut answers = Vec::new();
            for site in ["theirs", "nowhere"] {
                let path = format!("/v1/sites/{site}{path}");
                let answer = server.request(method, &path).token(&token).body(*body).send().await;
                answer.problem("not-found", 404);
                answers.push(answer);
            }
            assert_eq!(answers[0].bytes, answers[1].bytes, "{role} {method} {path}");
        }
        let listed = server.get("/v1/sites").token(&token).send().await.json();
        assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
    }
}

#[tokio::test]
async fn without_a_good_token_every_route_is_401_before_anything_else() {
    let server = Server::with(|config| config.tokens_per_address = 1_000).await;
    let of_a_site = OF_A_SITE.iter().map(|(method, path, ..)| (*method, format!("/v1/sites/nowhere{path}")));
    let of_operators = OF_OPERATORS.iter().map(|(method, path)| (*method, (*path).to_owned()));
    for (method, path) in of_a_site.chain(of_operators).chain([("GET", "/v1/sites".to_owned())]) {
        let without = server.request(method, &path).send().await;
        without.problem("no-token", 401);
        assert_eq!(without.header("www-authenticate"), Some("Bearer"));
        for header in ["Bearer wrong", "Bearer ", "Bearer", "Basic b3BlcmF0b3I6", ""] {
            let answer = server.request(method, &path).header("authorization", header).send().await;
            answer.problem("no-token", 401);
        }
    }
}

#[tokio::test]
async fn a_token_ends_when_it_expires_and_is_good_from_its_networks_only() {
    let server = Server::start().await;
    server.site("shop", json!({})).await;
    let make = async |settings: serde_json::Value| {
        let asked = server.post("/v1/sites/shop/tokens").token(OPERATOR).json(&settings).send().await;
        assert_eq!(asked.status, 201, "{asked:?}");
        asked.json()["token"].as_str().unwrap().to_owned()
    };
    let short =
        make(json!({ "name": "short", "role": "reader", "expires_at": "2026-01-15T13:00:00Z" })).await;
    let near = make(json!({ "name": "near", "role": "reader", "allow_from": ["127.9.0.0/16"] })).await;
    assert_eq!(server.get("/v1/sites/shop").token(&short).send().await.status, 200);
    server.clock.advance(3_600_000);
    server.get("/v1/sites/shop").token(&short).send().await.problem("no-token", 401);
    assert_eq!(server.get("/v1/sites/shop").token(&near).from("127.9.1.1").send().await.status, 200);
    server.get("/v1/sites/shop").token(&near).from("127.8.1.1").send().await.problem("no-token", 401);
}

#[tokio::test]
async fn wrong_tokens_are_limited_by_address_and_right_ones_are_not() {
    let server = Server::start().await;
    let wrong = async |from: &str| server.get("/v1/sites").token("wrong").from(from).send().await;
    let mut statuses = Vec::new();
    for _ in 0..30 {
        statuses.push(wrong("127.0.0.7").await.status);
    }
    assert_eq!(statuses[0], 401);
    let limited = wrong("127.0.0.7").await;
    limited.problem("rate", 429);
    assert!(limited.header("retry-after").is_some());
    assert_eq!(wrong("127.0.0.8").await.status, 401, "another address has its own rate");
    assert_eq!(server.get("/v1/sites").token(OPERATOR).from("127.0.0.7").send().await.status, 200);
}

#[tokio::test]
async fn queries_and_operators_are_held_to_their_networks() {
    let server = Server::with(|config| {
        config.query_allow = vec!["127.1.0.0/16".parse().unwrap(), "127.2.0.0/16".parse().unwrap()];
        config.operator_allow = vec!["127.2.0.0/16".parse().unwrap()];
    })
    .await;
    let made = server.post("/v1/sites").token(OPERATOR).from("127.2.0.1").json(&json!({ "site": "shop" }));
    assert_eq!(made.send().await.status, 201);
    let asked = server.post("/v1/sites/shop/tokens").token(OPERATOR).from("127.2.0.1");
    let token = asked.json(&json!({ "name": "r", "role": "reader" })).send().await.json();
    let token = token["token"].as_str().unwrap();
    assert_eq!(server.get("/v1/sites/shop").token(token).from("127.1.0.1").send().await.status, 200);
    server.get("/v1/sites/shop").token(token).from("127.3.0.1").send().await.problem("network", 403);
    server.get("/v1/sites/shop").token(OPERATOR).from("127.1.0.1").send().await.problem("network", 403);
    assert_eq!(server.get("/livez").from("127.3.0.1").send().await.status, 200);
}

#[tokio::test]
async fn a_forwarded_address_counts_only_from_a_trusted_proxy() {
    let server = Server::with(|config| {
        config.trusted_proxies = vec!["127.5.0.0/16".parse().unwrap()];
        config.query_allow = vec!["192.0.2.0/24".parse().unwrap()];
    })
    .await;
    let ask = |from: &str| {
        server.get("/v1/sites").token(OPERATOR).from(from).header("x-forwarded-for", "192.0.2.9")
    };
    assert_eq!(ask("127.5.0.1").send().await.status, 200);
    ask("127.6.0.1").send().await.problem("network", 403);
}
