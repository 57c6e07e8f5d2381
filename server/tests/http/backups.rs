//! Backups over HTTP, to a directory: what is brought, listed, verified, pruned and deleted.

use serde_json::{Value, json};

use crate::harness::{OPERATOR, Server};

const BACKUPS: &str = "/v1/admin/backups";

async fn server_with(directory: &tempfile::TempDir) -> Server {
    let path = directory.path().join("backups").to_str().unwrap().to_owned();
    Server::with(move |config| config.backups.targets = vec![path.parse().unwrap()]).await
}

async fn back_up(server: &Server, name: &str) -> Value {
    let made = server.post(&format!("{BACKUPS}?wait=true")).token(OPERATOR).json(&json!({ "name": name }));
    let made = made.send().await;
    assert_eq!(made.status, 201, "{made:?}");
    made.json()[0].clone()
}

#[tokio::test]
async fn a_backup_is_made_listed_verified_and_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let server = server_with(&directory).await;
    assert_eq!(server.get(BACKUPS).token(OPERATOR).send().await.json(), json!([]));
    let made = back_up(&server, "one").await;
    assert!(made["target"].as_str().unwrap().ends_with("/backups"), "{made}");
    let shown = server.get(&format!("{BACKUPS}/one")).token(OPERATOR).send().await.json();
    assert_eq!(shown[0]["created_at"], "2026-01-15T12:00:00Z");
    assert_eq!(shown[0]["expires_at"], "2026-02-14T12:00:00Z");
    assert_eq!(server.get(BACKUPS).token(OPERATOR).send().await.json(), shown);
    let verified = server.post(&format!("{BACKUPS}/one/verify")).token(OPERATOR).send().await.json();
    assert_eq!(verified[0]["problems"], json!([]));
    let again = server.post(&format!("{BACKUPS}?wait=true")).token(OPERATOR).json(&json!({ "name": "one" }));
    again.send().await.problem("conflict", 409);
    let path = format!("{BACKUPS}/one");
    assert_eq!(server.request("DELETE", &path).token(OPERATOR).send().await.status, 204);
    for method in ["GET", "DELETE"] {
        server.request(method, &path).token(OPERATOR).send().await.problem("not-found", 404);
    }
    let begun = server.post(BACKUPS).token(OPERATOR).send().await;
    assert_eq!((begun.status, &begun.json()[0]["kind"]), (202, &json!("backup")));
}

#[tokio::test]
async fn old_backups_go_with_a_prune_and_names_are_checked() {
    let directory = tempfile::tempdir().unwrap();
    let server = server_with(&directory).await;
    back_up(&server, "old").await;
    for _ in 0..31 {
        server.clock.advance(86_400_000);
        // The clock is looked at, as time passes by itself.
        server.get("/v1/admin/status").token(OPERATOR).send().await;
        let accepted = server.post("/v1/admin/clock").token(OPERATOR).send().await;
        assert_eq!(accepted.status, 204, "{accepted:?}");
    }
    back_up(&server, "new").await;
    let pruned = server.post("/v1/admin/prune-backups").token(OPERATOR).send().await.json();
    assert_eq!(pruned[0]["backups"], json!(["old"]));
    server.get(&format!("{BACKUPS}/A")).token(OPERATOR).send().await.problem("invalid-name", 400);
    let wrong = server.post(BACKUPS).token(OPERATOR).json(&json!({ "name": "../x" })).send().await;
    wrong.problem("invalid-name", 400);
}

#[tokio::test]
async fn without_a_target_there_is_nothing_to_back_up_to() {
    let server = Server::start().await;
    server.post(BACKUPS).token(OPERATOR).send().await.problem("conflict", 409);
    assert_eq!(server.get(BACKUPS).token(OPERATOR).send().await.json(), json!([]));
}

#[tokio::test]
async fn what_is_configured_makes_backups_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap().to_owned();
    let server = Server::with(move |config| {
        config.backups.targets = vec![path.parse().unwrap()];
        config.backups.every = Some(std::time::Duration::from_secs(3_600));
    })
    .await;
    while server.get(BACKUPS).token(OPERATOR).send().await.json() == json!([]) {
        tokio::task::yield_now().await;
    }
    let listed = server.get(BACKUPS).token(OPERATOR).send().await.json();
    assert_eq!(listed[0]["name"], "scheduled-20260115t120000z");
}
