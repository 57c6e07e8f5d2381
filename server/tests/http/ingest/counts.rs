//! For every request, accepted + dropped = sent.

use proptest::prelude::*;
use serde_json::json;

use super::{Counted, ORIGIN, beacon, collect};
use crate::harness::{OPERATOR, START_MS, Server};

/// A line of the bulk door, and its `n`.
fn line() -> impl Strategy<Value = (String, u64)> {
    let url =
        prop::sample::select(vec!["https://shop.example/a", "https://shop.example/x/1", "http://b.example/"]);
    let objection = prop::sample::select(vec!["", r#","gpc":true"#, r#","optout":1"#, r#","dnt":false"#]);
    (url, objection, 1..2_000_u64, -20 * 24..40_i64, 0..10_000_u32).prop_map(
        |(url, objection, n, hours, x)| {
            let at = START_MS as i64 + hours * 3_600_000;
            (format!(r#"{{"ts":{at},"url":"{url}","kind":"click","x":{x},"y":1,"n":{n}{objection}}}"#), n)
        },
    )
}

/// An event of a beacon: on a page or off it, young or old.
fn event() -> impl Strategy<Value = String> {
    (0..9_u8, -50..20_000_i32, -50..300_000_i32, 0..100_000_000_u64)
        .prop_map(|(kind, x, y, age)| format!("[{kind},{x},{y},0,{age}]"))
}

#[derive(Clone, Debug)]
enum Sent {
    Bulk(Vec<(String, u64)>),
    Beacon { id: u32, path: &'static str, events: Vec<String>, header: Option<(&'static str, &'static str)> },
}

fn sent() -> impl Strategy<Value = Sent> {
    let path = prop::sample::select(vec!["/", "/a?b", "/x/y", ":bad/"]);
    let header = prop::option::of(prop::sample::select(vec![
        ("dnt", "1"),
        ("user-agent", "SomeBot"),
        ("cookie", "hg_optout=1"),
        ("sec-gpc", "0"),
    ]));
    prop_oneof![
        prop::collection::vec(line(), 0..20).prop_map(Sent::Bulk),
        // Few ids, so that some are repeated.
        (0..6_u32, path, prop::collection::vec(event(), 0..20), header)
            .prop_map(|(id, path, events, header)| Sent::Beacon { id, path, events, header }),
    ]
}

async fn check(requests: Vec<Sent>) {
    let server = Server::start().await;
    let settings = json!({ "retention_days": 10, "hosts": ["shop.example"], "exclude_pages": ["/x*"] });
    let key = server.site("shop", settings).await["key"].as_str().unwrap().to_owned();
    for request in requests {
        let before = Counted::by(&server).await;
        let events = match &request {
            Sent::Bulk(lines) => {
                let body: Vec<&str> = lines.iter().map(|(line, _)| line.as_str()).collect();
                let answer =
                    server.post("/v1/sites/shop/events").token(OPERATOR).body(body.join("\n")).send().await;
                assert_eq!(answer.status, 200, "{answer:?}");
                let receipt = answer.json();
                let dropped = receipt["dropped"].as_object().unwrap().values().map(|n| n.as_u64().unwrap());
                let events: u64 = lines.iter().map(|(_, n)| n).sum();
                assert_eq!(receipt["accepted"].as_u64().unwrap() + dropped.sum::<u64>(), events);
                events
            }
            Sent::Beacon { id, path, events, header } => {
                let url = format!("{ORIGIN}{path}");
                let mut asking = collect(&server, beacon(&key, *id, &url, &events.join(",")));
                if let Some((name, value)) = header {
                    asking = asking.header(name, value);
                }
                assert_eq!(asking.send().await.status, 204);
                events.len() as u64
            }
        };
        let after = Counted::by(&server).await;
        assert_eq!(after.sent() - before.sent(), events, "{request:?}: {before:?} {after:?}");
    }
}

#[test]
fn accepted_and_dropped_is_what_was_sent_at_every_door() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cases = proptest::test_runner::Config { cases: 6, failure_persistence: None, ..Default::default() };
    proptest!(cases, |(requests in prop::collection::vec(sent(), 1..12))| {
        runtime.block_on(check(requests));
    });
}
