//! What operators did, and who may know.

use serde_json::{Value, json};

use crate::harness::{OPERATOR, Server};

async fn audit(server: &Server, path: &str, token: &str) -> Vec<(String, String, Value)> {
    let listed = server.get(path).token(token).send().await;
    assert_eq!(listed.status, 200, "{listed:?}");
    let text = |entry: &Value, member: &str| entry[member].as_str().unwrap_or_default().to_owned();
    let entries = listed.json();
    let entries = entries.as_array().unwrap().iter();
    entries.map(|entry| (text(entry, "by"), text(entry, "route"), entry["site"].clone())).collect()
}

#[tokio::test]
async fn the_owner_sees_what_operators_did_with_the_site_and_nothing_of_others() {
    let server = Server::start().await;
    server.site("mine", json!({})).await;
    server.site("theirs", json!({})).await;
    let owner = server.token("mine", "owner").await;
    let named = server.post("/v1/admin/tokens").token(OPERATOR).json(&json!({ "name": "anna" }));
    let anna = named.send().await.json()["token"].as_str().unwrap().to_owned();
    server.get("/v1/sites/mine").token(&anna).send().await;
    server.get("/v1/sites/theirs").token(&anna).send().await;
    server.get("/v1/sites/mine").token(&owner).send().await;
    let seen = audit(&server, "/v1/sites/mine/audit", &owner).await;
    let entry = |by: &str, route: &str| (by.to_owned(), route.to_owned(), json!("mine"));
    assert_eq!(
        seen,
        [entry("anna", "GET /v1/sites/{site}"), entry("operator", "POST /v1/sites/{site}/tokens")],
        "newest first, without what the owner did"
    );
    let all = audit(&server, "/v1/admin/audit", OPERATOR).await;
    assert!(all.contains(&("anna".into(), "GET /v1/sites/{site}".into(), json!("theirs"))), "{all:?}");
    assert!(all.contains(&("operator".into(), "POST /v1/sites".into(), Value::Null)), "{all:?}");
    let first = server.get("/v1/admin/audit?limit=1").token(OPERATOR).send().await;
    let next = first.header("link").unwrap().split(['<', '>']).nth(1).unwrap();
    assert_eq!(audit(&server, next, OPERATOR).await[0], all[1]);
}

#[tokio::test]
async fn the_audit_survives_a_restart_and_names_sites_on_disk_by_id_only() {
    let server = Server::start().await;
    server.site("name-of-a-site", json!({})).await;
    server.get("/v1/sites/name-of-a-site").token(OPERATOR).send().await;
    let now = crate::harness::START_MS;
    let directory = server.stop().await;
    let text = std::fs::read_to_string(directory.path().join("data/audit/1.jsonl")).unwrap();
    assert!(!text.contains("name-of-a-site"), "{text}");
    let server = Server::on(directory, now, |_| {}).await;
    let seen = audit(&server, "/v1/admin/audit", OPERATOR).await;
    assert_eq!(
        seen[0],
        ("operator".into(), "GET /v1/sites/{site}".into(), json!("name-of-a-site")),
        "{seen:?}"
    );
}

#[tokio::test]
async fn the_audit_forgets_a_site_that_was_erased() {
    let server = Server::start().await;
    server.site("gone", json!({})).await;
    server.site("stays", json!({})).await;
    for site in ["gone", "stays"] {
        server.get(&format!("/v1/sites/{site}")).token(OPERATOR).send().await;
    }
    let deleted = server.request("DELETE", "/v1/sites/gone").token(OPERATOR).send().await;
    assert_eq!(deleted.status, 202, "{deleted:?}");
    let purged = server.post("/v1/admin/purge?wait=true&now=true").token(OPERATOR).send().await;
    assert_eq!(purged.status, 200, "{purged:?}");
    let now = crate::harness::START_MS;
    let directory = server.stop().await;
    let server = Server::on(directory, now, |_| {}).await;
    // The first look of a start sees to it.
    loop {
        let seen = audit(&server, "/v1/admin/audit", OPERATOR).await;
        let of_sites: Vec<&Value> =
            seen.iter().map(|(_, _, site)| site).filter(|site| !site.is_null()).collect();
        if of_sites == [&json!("stays")] {
            break;
        }
        tokio::task::yield_now().await;
    }
}
