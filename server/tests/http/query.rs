//! Questions: every route, form, role and refusal.

mod answers;
mod caching;
mod cors;
mod forms;
mod refusals;

use serde_json::json;

use crate::harness::Server;

/// A site with events of two pages, and its reader's token.
async fn shop(server: &Server) -> String {
    let hour = 3_600_000;
    let start = crate::harness::START_MS;
    server.site("shop", json!({ "min_count": 0, "read_origins": ["https://dash.example"] })).await;
    let event = |page: &str, kind: &str, x: u32, y: u32, at: u64, more: &str| {
        format!(r#"{{"ts":{at},"url":"https://shop.example{page}","kind":"{kind}","x":{x},"y":{y}{more}}}"#)
    };
    let lines = [
        event("/p", "click", 9, 17, start, r#","vw":1440,"country":"DE","n":3"#),
        event("/p", "click", 40, 8, start - 24 * hour, r#","vw":375,"country":"FR""#),
        event("/p", "touch", 9, 17, start, r#","vw":375"#),
        event("/p", "click", 9, 17, start, r#","vw":1440,"fixed":true,"n":7"#),
        event("/q", "click", 0, 0, start - 2 * hour, r#","vw":900"#),
        event("/q", "view", 0, 0, start, ""),
        event("/p", "scroll", 0, 800, start, r#","n":2"#),
        event("/p", "attention", 0, 0, start, r#","n":5"#),
        event("/p", "attention_end", 0, 400, start, r#","n":5"#),
    ];
    add(server, "shop", &lines.join("\n")).await;
    server.token("shop", "reader").await
}

/// Adds lines of events.
async fn add(server: &Server, site: &str, lines: &str) {
    let writer = crate::harness::OPERATOR;
    let path = format!("/v1/sites/{site}/events");
    let sent = server.post(&path).token(writer).header("content-type", "application/x-ndjson");
    let answer = sent.body(lines.to_owned()).send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["dropped"], json!({}), "{answer:?}");
}
