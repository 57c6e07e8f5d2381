//! The bulk door.

use std::io::Read;

use heatgrid_engine::clock::Clock;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Counted;
use crate::harness::{Answer, OPERATOR, START_MS, Server};

const PATH: &str = "/v1/sites/shop/events";

fn line(x: u32, more: &str) -> String {
    format!(
        "{{\"ts\":{START_MS},\"url\":\"https://shop.example/p\",\"kind\":\"click\",\"x\":{x},\"y\":5{more}}}\n"
    )
}

async fn send(server: &Server, headers: &[(&str, &str)], body: impl Into<hyper::body::Bytes>) -> Answer {
    let mut asking = server.post(PATH).token(OPERATOR).body(body);
    for (name, value) in headers {
        asking = asking.header(name, value);
    }
    asking.send().await
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::GzEncoder::new(text, flate2::Compression::fast()).read_to_end(&mut out).unwrap();
    out
}

#[tokio::test]
async fn a_receipt_says_what_became_of_each_event() {
    let server = Server::start().await;
    server
        .site("shop", json!({ "retention_days": 10, "hosts": ["shop.example"], "exclude_pages": ["/x*"] }))
        .await;
    let answer = send(&server, &[], "").await;
    assert_eq!((answer.status, &answer.bytes[..]), (200, &br#"{"accepted":0,"dropped":{}}"#[..]));
    let (old, far) = (START_MS - 11 * 86_400_000, START_MS + 25 * 3_600_000);
    let lines = [
        line(1, r#","n":10"#),
        "\n".into(),
        line(1, r#","gpc":true,"n":100"#),
        line(2, "").replace(&START_MS.to_string(), &old.to_string()),
        line(3, r#","n":7"#).replace(&START_MS.to_string(), &far.to_string()),
        line(4, "").replace("/p", "/x"),
        line(5, r#","unknown":[{"a":null}],"vw":0,"country":"DE","fixed":true"#),
        line(6, "").replace("shop.example", "b.example"),
    ];
    let answer = send(&server, &[], lines.concat()).await;
    assert_eq!(
        (answer.status, answer.json()),
        (
            200,
            json!({ "accepted": 11, "dropped": { "consent": 100, "expired": 1, "future": 7, "excluded": 1, "host": 1 } })
        )
    );
    let counted = Counted::by(&server).await;
    assert_eq!((counted.accepted, counted.sent()), (11, 121));
}

#[tokio::test]
async fn a_body_may_be_compressed_in_one_piece_or_several() {
    let server = Server::start().await;
    server.site("shop", json!({})).await;
    let lines: String = (0..5_000).map(|x| line(x % 1_000, "")).collect();
    let (first, second) = lines.split_at(77_777);
    let zstd = |text: &str| zstd::encode_all(text.as_bytes(), 3).unwrap();
    for (encoding, body) in [
        ("identity", lines.clone().into_bytes()),
        ("gzip", gzip(lines.as_bytes())),
        ("gzip", [gzip(first.as_bytes()), gzip(second.as_bytes())].concat()),
        ("zstd", zstd(&lines)),
        ("zstd", [zstd(first), zstd(second)].concat()),
    ] {
        let answer = send(&server, &[("content-encoding", encoding)], body).await;
        assert_eq!((answer.status, answer.json()["accepted"].clone()), (200, json!(5_000)), "{encoding}");
    }
}

#[tokio::test]
async fn the_same_key_and_body_count_once_and_are_answered_the_same() {
    let server = Server::start().await;
    server.site("shop", json!({})).await;
    let key = [("idempotency-key", "k1")];
    let lines = line(1, "") + &line(2, r#","dnt":true"#);
    let first = send(&server, &key, lines.clone()).await;
    assert_eq!(first.json(), json!({ "accepted": 1, "dropped": { "consent": 1 } }));
    let gzipped = send(&server, &[key[0], ("content-encoding", "gzip")], gzip(lines.as_bytes())).await;
    assert_eq!((gzipped.status, &gzipped.bytes), (200, &first.bytes), "the same body, packed otherwise");
    send(&server, &key, line(3, "")).await.problem("idempotency-key", 422);
    // What stores nothing is remembered as well.
    let nothing = [("idempotency-key", "k2")];
    let dropped = line(1, r#","optout":true"#);
    for _ in 0..2 {
        let answer = send(&server, &nothing, dropped.clone()).await;
        assert_eq!(answer.json(), json!({ "accepted": 0, "dropped": { "consent": 1 } }));
    }
    send(&server, &nothing, lines.clone()).await.problem("idempotency-key", 422);
    // A refused body uses its key up for nobody.
    let third = [("idempotency-key", "k3")];
    send(&server, &third, "{").await.problem("invalid-body", 400);
    assert_eq!(send(&server, &third, lines.clone()).await.json()["accepted"], 1);
    for bad in ["", "x\ty", &"x".repeat(256)] {
        send(&server, &[("idempotency-key", bad)], lines.clone()).await.problem("invalid-name", 400);
    }
    send(&server, &[key[0], ("idempotency-key", "k4")], lines.clone()).await.problem("invalid-name", 400);
    assert_eq!(Counted::by(&server).await.accepted, 2);

    let later = server.clock.now_ms() + 3_600_000;
    let directory = server.stop().await;
    let server = Server::on(directory, later, |_| {}).await;
    let again = send(&server, &key, lines.clone()).await;
    assert_eq!((again.status, &again.bytes), (200, &first.bytes), "known over a restart");
    assert_eq!(Counted::by(&server).await.accepted, 0);
    server.clock.advance(24 * 3_600_000);
    assert_eq!(send(&server, &key, line(3, "")).await.status, 200, "forgotten after a day");
}

#[tokio::test]
async fn a_bad_line_is_named_and_nothing_of_its_request_is_stored() {
    let server = Server::start().await;
    server.site("shop", json!({})).await;
    let good = line(1, "");
    for (bad, word) in [
        (line(1, "").replace("\"x\":1", "\"x\":-1"), "x"),
        (line(1, "").replace("\"x\":1", "\"x\":16384"), "x"),
        (line(1, "").replace("\"x\":1", "\"x\":null"), "x"),
        (line(1, r#","n":1000001"#), "n"),
        (line(1, "").replace("click", "keyboard"), "kind"),
        (line(1, "").replace("https://shop.example/p", "not a url"), "url"),
        ("[]\n".into(), "JSON"),
        ("{\"ts\":1}{\"ts\":1}\n".into(), "JSON"),
    ] {
        let answer = send(&server, &[], format!("{good}\n{bad}{good}")).await;
        answer.problem("invalid-body", 400);
        let problem = answer.json();
        assert_eq!(problem["line"], 3, "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(word) && !detail.contains("shop.example"), "{detail}");
    }
    assert_eq!(Counted::by(&server).await, Counted::default());
}

#[tokio::test]
async fn who_asks_is_looked_at_before_what_is_asked() {
    let server = Server::start().await;
    server.site("shop", json!({})).await;
    let send = |path: &str, token: &str| {
        server.post(path).token(token).header("content-encoding", "br").body("not even a line").send()
    };
    let reader = server.token("shop", "reader").await;
    send(PATH, "wrong").await.problem("no-token", 401);
    send("/v1/sites/nowhere/events", OPERATOR).await.problem("not-found", 404);
    send(PATH, &reader).await.problem("no-right", 403);
    for role in ["writer", "owner"] {
        let token = server.token("shop", role).await;
        send(PATH, &token).await.problem("media-type", 415);
        assert_eq!(server.post(PATH).token(&token).body(line(1, "")).send().await.status, 200, "{role}");
    }
}

/// A request whose body does not end, until it is dropped.
async fn hanging(server: &Server, key: &str, body: &str) -> TcpStream {
    let mut socket = TcpStream::connect(server.addresses[0]).await.unwrap();
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {OPERATOR}\r\nIdempotency-Key: {key}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len() + 1
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket
}

#[tokio::test]
async fn a_key_that_is_being_worked_on_is_told() {
    let server = Server::start().await;
    server.site("shop", json!({})).await;
    let lines = line(1, "");
    let mut first = hanging(&server, "k", &lines).await;
    // Until the first one has arrived, this one is; both have the same body, so that it does not matter which is.
    let body = format!("{lines} ");
    let conflict = loop {
        let answer = send(&server, &[("idempotency-key", "k")], body.clone()).await;
        if answer.status != 200 {
            break answer;
        }
    };
    conflict.problem("conflict", 409);
    first.write_all(b" ").await.unwrap();
    let mut answer = vec![0; 12];
    first.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 200");
    assert_eq!(Counted::by(&server).await.accepted, 1);
}

#[tokio::test]
async fn more_bulk_requests_than_may_be_are_told_to_come_back() {
    let server = Server::with(|config| config.bulk_requests = 1).await;
    server.site("shop", json!({})).await;
    let first = hanging(&server, "k", &line(1, "")).await;
    let busy = loop {
        let answer = send(&server, &[], line(2, "")).await;
        if answer.status != 200 {
            break answer;
        }
    };
    busy.problem("busy", 503);
    assert!(busy.header("retry-after").is_some());
    // A client that goes away gives its place back, and leaves nothing behind.
    let before = Counted::by(&server).await.accepted;
    drop(first);
    while send(&server, &[], line(3, "")).await.status != 200 {
        tokio::task::yield_now().await;
    }
    assert_eq!(Counted::by(&server).await.accepted, before + 1);
}
