//! Snapshots over HTTP: for operators, by checked names, restored only by who means it.

use serde_json::{Value, json};

use crate::harness::{OPERATOR, Server};

const SNAPSHOTS: &str = "/v1/admin/snapshots";

async fn create(server: &Server, name: &str) -> Value {
    let made = server.post(SNAPSHOTS).token(OPERATOR).json(&json!({ "name": name })).send().await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.header("location"), Some(format!("{SNAPSHOTS}/{name}").as_str()));
    made.json()
}

async fn names(server: &Server) -> Vec<String> {
    let listed = server.get(SNAPSHOTS).token(OPERATOR).send().await.json();
    let names = listed.as_array().unwrap().iter();
    names.map(|snapshot| snapshot["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_snapshot_is_made_listed_shown_and_deleted() {
    let server = Server::start().await;
    let made = create(&server, "before-1").await;
    assert_eq!(made["origin"], "asked");
    assert_eq!(made["created_at"], "2026-01-15T12:00:00Z");
    assert_eq!(made["expires_at"], "2026-02-14T12:00:00Z");
    assert_eq!(
        (&made["segments"], &made["events"], &made["first_day"]),
        (&json!(0), &json!(0), &Value::Null)
    );
    let path = format!("{SNAPSHOTS}/before-1");
    assert_eq!(server.get(&path).token(OPERATOR).send().await.json(), made);
    let again = server.post(SNAPSHOTS).token(OPERATOR).json(&json!({ "name": "before-1" })).send().await;
    again.problem("conflict", 409);
    create(&server, "a").await;
    assert_eq!(names(&server).await, ["a", "before-1"]);
    let first = server.get(&format!("{SNAPSHOTS}?limit=1")).token(OPERATOR).send().await;
    assert_eq!(first.header("link"), Some("</v1/admin/snapshots?limit=1&cursor=a>; rel=\"next\""));
    let rest = server.get(&format!("{SNAPSHOTS}?limit=1&cursor=a")).token(OPERATOR).send().await;
    assert_eq!((rest.json()[0]["name"].clone(), rest.header("link")), (json!("before-1"), None));
    assert_eq!(server.request("DELETE", &path).token(OPERATOR).send().await.status, 204);
    server.request("DELETE", &path).token(OPERATOR).send().await.problem("not-found", 404);
    server.get(&path).token(OPERATOR).send().await.problem("not-found", 404);
    assert_eq!(names(&server).await, ["a"]);
}

#[tokio::test]
async fn a_restore_wants_the_name_twice_and_keeps_the_present() {
    let server = Server::start().await;
    create(&server, "a").await;
    let restore = |body: Value, query: &str| {
        server.post(&format!("{SNAPSHOTS}/a/restore{query}")).token(OPERATOR).json(&body).send()
    };
    restore(json!({}), "").await.problem("invalid-body", 400);
    restore(json!({ "confirm": "b" }), "").await.problem("invalid-body", 400);
    restore(json!({ "confirm": "a", "site": "Not-A-Name" }), "").await.problem("invalid-name", 400);
    restore(json!({ "confirm": "a", "site": "nowhere" }), "").await.problem("not-found", 404);
    restore(json!({ "confirm": "a" }), "?wait=perhaps").await.problem("invalid-query", 400);
    assert_eq!(names(&server).await, ["a"], "nothing was done");

    let done = restore(json!({ "confirm": "a" }), "?wait=true").await;
    assert_eq!(
        (done.status, &done.json()["state"], &done.json()["kind"]),
        (200, &json!("done"), &json!("restore"))
    );
    assert_eq!(names(&server).await, ["a", "before-restore-20260115t120000z"]);
    let begun = restore(json!({ "confirm": "a" }), "").await;
    assert_eq!(begun.status, 202);
    assert!(begun.json()["job"].is_u64(), "{begun:?}");
}

#[tokio::test]
async fn names_are_checked_before_anything_else_and_strangers_are_not_told() {
    let server = Server::start().await;
    for name in ["..", "A", "-a", &"x".repeat(64), ""] {
        let answer = server.post(SNAPSHOTS).token(OPERATOR).json(&json!({ "name": name })).send().await;
        answer.problem("invalid-name", 400);
    }
    let wrong = server.get(&format!("{SNAPSHOTS}/A")).token(OPERATOR).send().await;
    wrong.problem("invalid-name", 400);
    server.post(SNAPSHOTS).json(&json!({ "name": "a" })).send().await.problem("no-token", 401);
    server.get(SNAPSHOTS).token("wrong").send().await.problem("no-token", 401);
    let unknown =
        server.post(&format!("{SNAPSHOTS}/a/restore")).token(OPERATOR).json(&json!({ "confirm": "a" }));
    unknown.send().await.problem("not-found", 404);
}

#[tokio::test]
async fn what_is_configured_decides_when_snapshots_come_and_go() {
    let server = Server::with(|config| config.snapshots.every_hours = 1).await;
    // The store's own thread does it; nobody waits for a certain time.
    while names(&server).await.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(names(&server).await, ["scheduled-20260115t120000z"]);
}
