//! The store as a whole, for operators.

use heatgrid_engine::clock::Clock;
use serde_json::json;

use crate::harness::{OPERATOR, Server};

#[tokio::test]
async fn flush_and_compaction_are_jobs_that_can_be_waited_for_and_watched() {
    let server = Server::start().await;
    for (path, kind) in [("/v1/admin/flush", "flush"), ("/v1/admin/compact", "full_compaction")] {
        let waited = server.post(&format!("{path}?wait=true")).token(OPERATOR).send().await;
        assert_eq!(waited.status, 200, "{waited:?}");
        let job = waited.json();
        assert_eq!((&job["kind"], &job["state"]), (&json!(kind), &json!("done")));
        let begun = server.post(path).token(OPERATOR).send().await;
        assert_eq!(begun.status, 202);
        let number = begun.json()["job"].clone();
        let shown = server.get(&format!("/v1/admin/jobs/{number}")).token(OPERATOR).send().await;
        assert_eq!((shown.status, &shown.json()["job"]), (200, &number));
        server.post(&format!("{path}?wait=maybe")).token(OPERATOR).send().await.problem("invalid-query", 400);
    }
    let listed = server.get("/v1/admin/jobs").token(OPERATOR).send().await.json();
    assert!(listed.as_array().unwrap().len() >= 4, "{listed}");
    for none in ["999999", "x", "-1", "18446744073709551616"] {
        let path = format!("/v1/admin/jobs/{none}");
        server.get(&path).token(OPERATOR).send().await.problem("not-found", 404);
        server.post(&format!("{path}/stop")).token(OPERATOR).send().await.problem("not-found", 404);
    }
    let over = server.post("/v1/admin/flush?wait=true").token(OPERATOR).send().await.json()["job"].clone();
    let stop = server.post(&format!("/v1/admin/jobs/{over}/stop")).token(OPERATOR).send().await;
    stop.problem("conflict", 409);
}

#[tokio::test]
async fn the_status_says_how_the_store_is_and_a_clock_that_jumped_is_accepted() {
    let server = Server::start().await;
    server.site("shop", json!({})).await;
    let status = async || server.get("/v1/admin/status").token(OPERATOR).send().await.json();
    let steady = status().await;
    assert_eq!((&steady["region"], &steady["sites"]), (&json!("local"), &json!(1)));
    assert_eq!((&steady["clock"]["verdict"], &steady["warnings"]), (&json!("steady"), &json!([])));
    let later = server.clock.now_ms() + 10 * 86_400_000;
    let directory = server.stop().await;
    let server = Server::on(directory, later, |_| {}).await;
    let status = async || server.get("/v1/admin/status").token(OPERATOR).send().await.json();
    let jumped = status().await;
    assert_eq!(jumped["clock"]["verdict"], "jumped_forward");
    assert!(jumped["warnings"][0].as_str().unwrap().contains("/v1/admin/clock"), "{jumped}");
    let ready = server.get("/readyz?verbose").token(OPERATOR).send().await;
    assert_eq!((ready.status, &ready.json()["store"]["warnings"]), (200, &jumped["warnings"]));
    assert_eq!(server.post("/v1/admin/clock").token(OPERATOR).send().await.status, 204);
    assert_eq!(status().await["clock"]["verdict"], "steady");
}
