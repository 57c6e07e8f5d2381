//! PostHog's doors.

use std::io::Read;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::{Counted, ORIGIN};
use crate::harness::{Answer, Server};

fn event(uuid: &str) -> Value {
    json!({ "uuid": uuid, "event": "$$heatmap", "offset": 2_200, "properties": {
        "distinct_id": "somebody", "$viewport_width": 1_440, "$heatmap_data": {
            "https://shop.example/p?utm_source=x#top": [
                { "x": 300, "y": 500, "target_fixed": false, "type": "click" },
                { "x": 20, "y": 10, "target_fixed": true, "type": "rageclick" },
                { "x": 20, "y": 10, "target_fixed": false, "type": "hover" }
            ],
            "https://shop.example/p#": [{ "x": 301, "y": 501, "target_fixed": false, "type": "mousemove" }]
        }
    }})
}

async fn send(server: &Server, path: &str, body: impl Into<hyper::body::Bytes>) -> Answer {
    server.post(path).header("origin", ORIGIN).header("content-type", "text/plain").body(body).send().await
}

async fn shop(server: &Server) -> String {
    let site = server.site("shop", json!({ "hosts": ["shop.example"] })).await;
    site["key"].as_str().expect("a key").to_owned()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::GzEncoder::new(text.as_bytes(), flate2::Compression::fast()).read_to_end(&mut out).unwrap();
    out
}

#[tokio::test]
async fn every_shape_in_every_encoding_at_every_door_counts_the_same() {
    let server = Server::start().await;
    let key = shop(&server).await;
    let mut sent = 0;
    let doors = ["/e/", "/e", "/i/v0/e/?ip=1&_=1&ver=1.2", "/i/v0/e", "/batch/", "/batch"];
    for (index, door) in doors.iter().enumerate() {
        let mut single = event(&format!("u{index}"));
        single["properties"]["token"] = json!(key);
        let shapes = [
            json!({ "api_key": key, "batch": [event(&format!("a{index}"))], "sent_at": "2026-01-15T12:00:00Z" }),
            json!([single]),
            single.clone(),
        ];
        for (turn, shape) in shapes.iter().enumerate() {
            let text = shape.to_string();
            let answer = match (index + turn) % 3 {
                0 => send(&server, door, text).await,
                1 => send(&server, door, gzip(&text)).await,
                _ => {
                    let data = BASE64_STANDARD.encode(&text);
                    let form: String = url::form_urlencoded::Serializer::new(String::new())
                        .append_pair("data", &data)
                        .finish();
                    send(&server, door, form).await
                }
            };
            assert_eq!((answer.status, answer.json()), (200, json!({ "status": 1 })), "{door}");
            assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN));
        }
        sent += 12;
    }
    let counted = Counted::by(&server).await;
    // The array and the single event have the same uuid; type hover is not counted.
    assert_eq!(counted, Counted::of(6 * 6, &[("kind", 6 * 3), ("repeated", 6 * 3)]));
    assert_eq!(counted.sent(), sent);
}

#[tokio::test]
async fn other_events_are_answered_and_forgotten() {
    let server = Server::start().await;
    let key = shop(&server).await;
    let body =
        json!({ "api_key": key, "batch": [{ "event": "$pageview", "uuid": "x" }, { "event": "$identify" }] });
    assert_eq!(send(&server, "/e/", body.to_string()).await.status, 200);
    assert_eq!(Counted::by(&server).await, Counted::default());
}

#[tokio::test]
async fn the_rules_and_statuses_are_those_of_the_trackers_door() {
    let server = Server::start().await;
    let key = shop(&server).await;
    let body = |key: &str| json!({ "api_key": key, "batch": [event("x")] }).to_string();
    send(&server, "/e/", body("local_unknown")).await.problem("not-found", 404);
    send(&server, "/e/", json!({ "batch": [event("x")] }).to_string()).await.problem("invalid-body", 400);
    send(&server, "/e/", "{").await.problem("invalid-body", 400);
    for origin in ["https://evil.example", "null"] {
        let asking = server.post("/e/").header("origin", origin).body(body(&key));
        asking.send().await.problem("origin", 403);
    }
    server.post("/e/").body(body(&key)).send().await.problem("origin", 403);
    for (header, value) in
        [("sec-gpc", "1"), ("dnt", "1"), ("cookie", "hg_optout=1"), ("cookie", "__Host-hg_optout=1")]
    {
        let asking = server.post("/e/").header("origin", ORIGIN).header(header, value).body(body(&key));
        assert_eq!(asking.send().await.status, 200, "{header}");
    }
    let robot =
        server.post("/e/").header("origin", ORIGIN).header("user-agent", "Googlebot").body(body(&key));
    assert_eq!(robot.send().await.status, 200);
    assert_eq!(Counted::by(&server).await, Counted::of(0, &[("bot", 4), ("consent", 16)]));
}

#[tokio::test]
async fn a_body_that_is_large_once_it_is_decoded_is_refused() {
    let server = Server::start().await;
    let key = shop(&server).await;
    let bomb = gzip(&" ".repeat(50_000_000));
    send(&server, "/e/", bomb.clone()).await.problem("too-large", 413);
    // In base64, in a form, compressed: opened as deep as posthog-js packs, and no deeper.
    let nested = format!("data={}", BASE64_STANDARD.encode(&bomb).replace('+', "%2B"));
    send(&server, "/e/", nested).await.problem("too-large", 413);
    let twice = { gzip_bytes(&gzip(&json!({ "api_key": key, "batch": [] }).to_string())) };
    send(&server, "/e/", twice).await.problem("invalid-body", 400);
    send(&server, "/e/", "x".repeat(3 << 20)).await.problem("too-large", 413);
    let almost = json!({ "api_key": key, "batch": [event("x")], "padding": "x".repeat(1_000_000) });
    assert_eq!(send(&server, "/e/", almost.to_string()).await.status, 200);
}

fn gzip_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::GzEncoder::new(bytes, flate2::Compression::fast()).read_to_end(&mut out).unwrap();
    out
}

#[tokio::test]
async fn what_posthog_js_asks_for_beside_is_answered_quietly() {
    let server = Server::start().await;
    for path in ["/flags/?v=2", "/decide?v=3", "/flags", "/decide/"] {
        let answer =
            server.post(path).header("origin", ORIGIN).body(r#"{"distinct_id":"somebody"}"#).send().await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!((&answer.json()["featureFlags"], &answer.json()["heatmaps"]), (&json!({}), &json!(true)));
        assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN), "{path}");
    }
    let config = server.get("/array/local_1f/config").header("origin", ORIGIN).send().await;
    assert_eq!((config.status, &config.json()["heatmaps"]), (200, &json!(true)));
    let script = server.get("/array/local_1f/config.js").send().await;
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    let text = String::from_utf8(script.bytes.to_vec()).unwrap();
    assert!(text.contains(r#"_POSTHOG_REMOTE_CONFIG["local_1f"]={config:{"#), "{text}");
    assert_eq!(server.get("/array/local_1f/array.js").send().await.bytes.len(), 0);
    for list in ["surveys", "early_access_features", "web_experiments", "product_tours"] {
        assert_eq!(server.get(&format!("/api/{list}/?token=k")).send().await.status, 200, "{list}");
    }
    // A key stands in a script: what could end its string is no key.
    for hostile in ["%22%5D;alert(1)//", "a%3C/script%3E", "%0a"] {
        server.get(&format!("/array/{hostile}/config.js")).send().await.problem("not-found", 404);
    }
}
