//! Tokens and keys: made, shown once, used, revoked.

use serde_json::{Value, json};

use crate::harness::{OPERATOR, START_MS, Server};

#[tokio::test]
async fn a_token_is_shown_once_used_and_revoked_at_once() {
    let server = Server::start().await;
    server.site("shop", json!({})).await;
    let made = server.post("/v1/sites/shop/tokens").token(OPERATOR);
    let made = made.json(&json!({ "name": "dash", "role": "reader" })).send().await.json();
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("reader_") && token.len() == 7 + 64, "{made}");
    assert_eq!(server.get("/v1/sites/shop").token(token).send().await.status, 200);
    let listed = server.get("/v1/sites/shop/tokens").token(OPERATOR).send().await;
    assert!(!String::from_utf8_lossy(&listed.bytes).contains(token));
    let listed = listed.json();
    assert_eq!((&listed[0]["name"], &listed[0]["last_used"]), (&json!("dash"), &json!("2026-01-15")));
    let again = server.post("/v1/sites/shop/tokens").token(OPERATOR);
    again.json(&json!({ "name": "dash", "role": "writer" })).send().await.problem("conflict", 409);
    let revoked = server.request("DELETE", "/v1/sites/shop/tokens/dash").token(OPERATOR).send().await;
    assert_eq!((revoked.status, revoked.bytes.len()), (204, 0));
    server.get("/v1/sites/shop").token(token).send().await.problem("no-token", 401);
    let gone = server.request("DELETE", "/v1/sites/shop/tokens/dash").token(OPERATOR).send().await;
    gone.problem("not-found", 404);
}

#[tokio::test]
async fn what_is_wrong_with_a_token_is_told() {
    let server = Server::start().await;
    server.site("shop", json!({})).await;
    for (body, anchor) in [
        (json!({ "name": "A", "role": "reader" }), "invalid-name"),
        (json!({ "name": "a", "role": "operator" }), "invalid-body"),
        (json!({ "name": "a" }), "invalid-body"),
        (json!({ "name": "a", "role": "reader", "sites": ["shop"] }), "invalid-body"),
        (json!({ "name": "a", "role": "reader", "expires_at": "2020-01-01T00:00:00Z" }), "invalid-body"),
        (json!({ "name": "a", "role": "reader", "allow_from": ["everywhere"] }), "invalid-body"),
        (json!([1]), "invalid-body"),
    ] {
        let answer = server.post("/v1/sites/shop/tokens").token(OPERATOR).json(&body).send().await;
        answer.problem(anchor, 400);
    }
    let nowhere = json!({ "name": "a", "role": "reader", "sites": ["nowhere"] });
    server.post("/v1/tokens").token(OPERATOR).json(&nowhere).send().await.problem("invalid-body", 400);
    let many = "x".repeat(300 << 10);
    let large = server.post("/v1/tokens").token(OPERATOR).body(many).send().await;
    large.problem("too-large", 413);
}

#[tokio::test]
async fn one_token_is_good_for_several_sites_until_an_owner_takes_one_away() {
    let server = Server::start().await;
    for site in ["a", "b", "c"] {
        server.site(site, json!({})).await;
    }
    let asked = json!({ "name": "group", "role": "reader", "sites": ["b", "a"] });
    let made = server.post("/v1/tokens").token(OPERATOR).json(&asked).send().await.json();
    let token = made["token"].as_str().unwrap();
    let names = async || {
        let listed = server.get("/v1/sites").token(token).send().await.json();
        listed.as_array().unwrap().iter().map(|site| site["site"].clone()).collect::<Vec<Value>>()
    };
    assert_eq!(names().await, ["a", "b"]);
    server.get("/v1/sites/c").token(token).send().await.problem("not-found", 404);
    let owner = server.token("a", "owner").await;
    let revoked = server.request("DELETE", "/v1/sites/a/tokens/group").token(&owner).send().await;
    assert_eq!(revoked.status, 204);
    assert_eq!(names().await, ["b"]);
    let revoked = server.request("DELETE", "/v1/sites/b/tokens/group").token(OPERATOR).send().await;
    assert_eq!(revoked.status, 204);
    server.get("/v1/sites").token(token).send().await.problem("no-token", 401);
}

#[tokio::test]
async fn sites_are_listed_part_by_part() {
    let server = Server::start().await;
    for site in ["a", "b", "c"] {
        server.site(site, json!({})).await;
    }
    let owner = server.token("c", "owner").await;
    let first = server.get("/v1/sites?limit=2").token(OPERATOR).send().await;
    assert_eq!(first.json().as_array().unwrap().len(), 2);
    assert_eq!(first.header("link"), Some("</v1/sites?limit=2&cursor=b>; rel=\"next\""));
    let rest = server.get("/v1/sites?limit=2&cursor=b").token(OPERATOR).send().await;
    assert_eq!((rest.json()[0]["site"].clone(), rest.header("link")), (json!("c"), None));
    let own = server.get("/v1/sites?limit=1&cursor=a").token(&owner).send().await;
    assert_eq!(own.json()[0]["site"], "c");
    for bad in ["limit=0", "limit=10001", "limit=x", "cursor=-", "colour=red", "limit=1&limit=2"] {
        let answer = server.get(&format!("/v1/sites?{bad}")).token(OPERATOR).send().await;
        answer.problem("invalid-query", 400);
    }
}

#[tokio::test]
async fn a_key_is_rotated_and_a_zone_is_changed_while_there_is_no_data() {
    let server = Server::start().await;
    let made = server.site("shop", json!({})).await;
    let asked = server.post("/v1/sites/shop/key").token(OPERATOR).json(&json!({ "overlap_days": 3 }));
    let rotated = asked.send().await.json();
    assert_ne!(rotated["key"], made["key"]);
    assert_eq!(rotated["old_key_until"], "2026-01-18T12:00:00Z");
    let bad = server.post("/v1/sites/shop/key").token(OPERATOR).json(&json!({ "overlap_days": 366 }));
    bad.send().await.problem("invalid-body", 400);
    let change = |body: Value| server.request("PATCH", "/v1/sites/shop").token(OPERATOR).json(&body).send();
    let changed = change(json!({ "timezone": "Europe/Berlin", "min_count": 7 })).await.json();
    assert_eq!((&changed["timezone"], &changed["min_count"]), (&json!("Europe/Berlin"), &json!(7)));
    assert_eq!(changed["retention_days"], made["retention_days"], "what is not named stays");
    change(json!({ "site": "other" })).await.problem("invalid-body", 400);
    change(json!({ "region": "us" })).await.problem("invalid-body", 400);
    change(json!({ "retention_days": 36_501 })).await.problem("invalid-body", 400);
}

#[tokio::test]
async fn a_zone_does_not_change_any_more_once_there_is_data() {
    let server = Server::start().await;
    let made = server.site("shop", json!({ "timezone": "Europe/Berlin" })).await;
    let change = |body: Value| server.request("PATCH", "/v1/sites/shop").token(OPERATOR).json(&body).send();
    let line = format!(r#"{{"ts":{START_MS},"url":"https://a.example/","kind":"click","x":1,"y":1}}"#);
    let sent = server.post("/v1/sites/shop/events").token(OPERATOR).body(line).send().await;
    assert_eq!(sent.status, 200, "{sent:?}");
    for flushed in [false, true] {
        let both = change(json!({ "timezone": "Asia/Tokyo", "retention_days": 9 })).await;
        both.problem("conflict", 409);
        let site = server.get("/v1/sites/shop").token(OPERATOR).send().await;
        assert_eq!(site.json(), made, "nothing of it was changed");
        let same = change(json!({ "timezone": "Europe/Berlin" })).await;
        assert_eq!(same.status, 200, "it is no change: {same:?}");
        if !flushed {
            server.post("/v1/admin/flush?wait=true").token(OPERATOR).send().await;
        }
    }
}

#[tokio::test]
async fn a_named_operator_may_everything_and_is_revoked() {
    let server = Server::start().await;
    let asked =
        json!({ "name": "anna", "expires_at": "2026-02-01T00:00:00Z", "allow_from": ["127.0.0.0/8"] });
    let made = server.post("/v1/admin/tokens").token(OPERATOR).json(&asked).send().await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("operator_") && made["role"] == "operator", "{made}");
    let site = server.post("/v1/sites").token(token).json(&json!({ "site": "shop" })).send().await;
    assert_eq!(site.status, 201);
    let listed = server.get("/v1/admin/tokens").token(token).send().await.json();
    assert_eq!(listed[0]["name"], "anna");
    let root = server.post("/v1/admin/tokens").token(OPERATOR).json(&json!({ "name": "operator" }));
    root.send().await.problem("conflict", 409);
    let with_role = json!({ "name": "x", "role": "reader" });
    let asked = server.post("/v1/admin/tokens").token(OPERATOR).json(&with_role).send().await;
    asked.problem("invalid-body", 400);
    let revoked = server.request("DELETE", "/v1/admin/tokens/anna").token(OPERATOR).send().await;
    assert_eq!(revoked.status, 204);
    server.get("/v1/sites").token(token).send().await.problem("no-token", 401);
}

#[tokio::test]
async fn no_secret_is_in_any_file() {
    let server = Server::start().await;
    server.site("shop", json!({})).await;
    let token = server.token("shop", "owner").await;
    let directory = server.stop().await;
    let mut folders = vec![directory.path().to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            files += 1;
            for secret in [token.as_bytes(), &token.as_bytes()[6..], OPERATOR.as_bytes()] {
                let found = bytes.windows(secret.len()).any(|window| window == secret);
                assert!(!found, "{} holds a secret", path.display());
            }
        }
    }
    assert!(files > 3, "the store has files");
}
