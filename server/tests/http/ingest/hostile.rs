//! What attackers send. Each test names what it is about.

use std::io::Write;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Counted, beacon, collect};
use crate::harness::{OPERATOR, Server};

const LINE: &str = r#"{"ts":1768478400000,"url":"https://shop.example/p","kind":"click","x":1,"y":5}"#;

/// Sends bytes as they are, and gives all that is answered until the server closes. A client that goes away sends no
/// more after them.
async fn raw(server: &Server, bytes: &[u8], goes_away: bool) -> String {
    let mut socket = TcpStream::connect(server.addresses[0]).await.unwrap();
    socket.write_all(bytes).await.unwrap();
    if goes_away {
        socket.shutdown().await.unwrap();
    }
    let mut answer = Vec::new();
    // A connection that is reset has answered what it had to.
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn head(more: &str) -> String {
    format!(
        "POST /v1/sites/shop/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {OPERATOR}\r\n{more}\r\n"
    )
}

async fn bulk(
    server: &Server,
    encoding: &str,
    body: impl Into<hyper::body::Bytes>,
) -> crate::harness::Answer {
    let asking = server.post("/v1/sites/shop/events").token(OPERATOR);
    asking.header("content-encoding", encoding).body(body).send().await
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_decompression_bomb_costs_little_and_stores_nothing() {
    let server = Server::start().await;
    let key = server.site("shop", json!({})).await["key"].as_str().unwrap().to_owned();
    let line = format!("{LINE}\n");
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 3).unwrap();
    // 64 MiB of good lines in a few KiB. (gzip packs a thousandfold at most, so that what it holds is bounded by lines.)
    let many = zstd(line.repeat((64 << 20) / line.len()).as_bytes());
    bulk(&server, "zstd", many.clone()).await.problem("too-large", 413);
    // A bomb in a bomb is unpacked once.
    bulk(&server, "zstd", zstd(&many)).await.problem("invalid-body", 400);
    bulk(&server, "gzip", gzip(&many)).await.problem("invalid-body", 400);
    // One line without an end.
    let zeros = vec![0; 64 << 20];
    for (encoding, zeros) in [("zstd", zstd(&zeros)), ("gzip", gzip(&zeros))] {
        bulk(&server, encoding, zeros).await.problem("invalid-body", 400);
    }
    let event = format!(r#"{{"api_key":"{key}","event":"$$heatmap","a":"{}"}}"#, "a".repeat(64 << 20));
    let posted = server.post("/e/").header("origin", super::ORIGIN).body(gzip(event.as_bytes()));
    posted.send().await.problem("too-large", 413);
    assert_eq!(Counted::by(&server).await, Counted::default());
}

#[tokio::test]
async fn a_body_that_is_not_what_its_encoding_says_is_refused() {
    let server = Server::start().await;
    server.site("shop", json!({})).await;
    for encoding in ["gzip", "zstd"] {
        bulk(&server, encoding, LINE).await.problem("invalid-body", 400);
    }
    let packed = zstd::encode_all(LINE.as_bytes(), 3).unwrap();
    bulk(&server, "identity", packed.clone()).await.problem("invalid-body", 400);
    bulk(&server, "zstd", packed[..packed.len() - 2].to_vec()).await.problem("invalid-body", 400);
    for unknown in ["br", "deflate", "gzip, zstd", "\u{1f}"] {
        if hyper::header::HeaderValue::from_str(unknown).is_ok() {
            bulk(&server, unknown, packed.clone()).await.problem("media-type", 415);
        }
    }
    assert_eq!(Counted::by(&server).await, Counted::default());
}

#[tokio::test]
async fn a_body_that_is_cut_off_stores_nothing() {
    let server = Server::start().await;
    server.site("shop", json!({})).await;
    let line = format!("{LINE}\n");
    let chunk = format!("{:x}\r\n{line}\r\n", line.len());
    // Before the last chunk; inside of a chunk; before the promised length; a chunk's size that is none.
    for sent in [
        head("Transfer-Encoding: chunked\r\n") + &chunk,
        head("Transfer-Encoding: chunked\r\n") + &chunk + &chunk[..chunk.len() / 2],
        head(&format!("Content-Length: {}\r\n", 2 * line.len())) + &line,
        head("Transfer-Encoding: chunked\r\n") + &chunk + "zz\r\n",
        head("Transfer-Encoding: chunked\r\n") + &chunk + "ffffffffffffffff1\r\n",
    ] {
        let answer = raw(&server, sent.as_bytes(), true).await;
        assert!(!answer.contains(" 200 "), "{answer}");
    }
    assert_eq!(Counted::by(&server).await, Counted::default());
    let whole = head("Transfer-Encoding: chunked\r\nConnection: close\r\n") + &chunk + "0\r\n\r\n";
    assert!(raw(&server, whole.as_bytes(), false).await.contains(" 200 "));
    assert_eq!(Counted::by(&server).await.accepted, 1);
}

#[tokio::test]
async fn no_second_request_is_smuggled_in_a_body() {
    let server = Server::start().await;
    server.site("shop", json!({})).await;
    let hidden = head("Content-Length: 0\r\nConnection: close\r\n");
    // Lengths that contradict each other, in the ways that have fooled proxies.
    for lengths in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 5 5\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Content-Length : 5\r\n",
    ] {
        let answer = raw(&server, (head(lengths) + "\r\n\r\n\r\n" + &hidden).as_bytes(), false).await;
        assert!(answer.starts_with("HTTP/1.1 400") && !answer.contains(" 200 "), "{lengths:?}: {answer}");
    }
    // Both: chunked wins or the request is refused, so that what follows its end is a request without a token.
    let both = head(&format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", 5 + LINE.len()))
        + "0\r\n\r\n"
        + "POST /v1/sites/shop/events HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let answer = raw(&server, both.as_bytes(), false).await;
    let statuses: Vec<&str> =
        answer.match_indices("HTTP/1.1 ").map(|(at, _)| &answer[at + 9..at + 12]).collect();
    assert!([&["400"][..], &["200"], &["200", "401"]].contains(&statuses.as_slice()), "{answer}");
    assert_eq!(Counted::by(&server).await, Counted::default());
}

#[tokio::test]
async fn hostile_lines_are_refused_by_their_number() {
    let server = Server::start().await;
    server.site("shop", json!({})).await;
    let deep = |open: &str, close: &str| {
        LINE.replacen('{', &format!("{{\"a\":{}1{},", open.repeat(100_000), close.repeat(100_000)), 1)
    };
    let lines: Vec<Vec<u8>> = vec![
        LINE.replace("\"x\":1", "\"x\":1e400").into(),
        LINE.replace("\"x\":1", &format!("\"x\":{}", "9".repeat(10_000))).into(),
        LINE.replace("\"y\":5", "\"y\":1e300").into(),
        LINE.replace("\"x\":1", "\"x\":NaN").into(),
        LINE.replace("\"x\":1", "\"x\":0x10").into(),
        LINE.replace("\"ts\":1768478400000", "\"ts\":1e300").into(),
        LINE.replace("\"x\":1", "\"x\":1,\"x\":1").into(),
        LINE.replace("\"x\":1", "\"x\":[[[[1]]]]").into(),
        [&LINE.as_bytes()[..30], b"\xff\xfe", &LINE.as_bytes()[30..]].concat(),
        LINE.replace("/p", "/\\ud800").into(),
        LINE.replace("click", "click\\u0000").into(),
        b"\x00\xff\x00\xff".to_vec(),
        vec![b' '; (1 << 20) + 1],
        LINE.replace("https", "javascript").into(),
        LINE.replace("https://shop.example/p", &format!("https://{}/", "a.".repeat(200))).into(),
    ];
    for bad in lines {
        let shown = String::from_utf8_lossy(&bad[..bad.len().min(120)]).into_owned();
        let answer = bulk(&server, "identity", [LINE.as_bytes(), b"\n", &bad, b"\n"].concat()).await;
        assert_eq!((answer.status, answer.json()["line"].clone()), (400, json!(2)), "{shown}");
    }
    assert_eq!(Counted::by(&server).await, Counted::default());
    // Depth that is ignored is no depth that is held: it is passed over or refused, and the server stays.
    for nested in [deep("[", "]"), deep("{\"b\":", "}")] {
        let status = bulk(&server, "identity", nested.clone()).await.status;
        assert!(status == 200 || status == 400, "{status}");
        let key = "local_x";
        let body = format!("{{\"key\":\"{key}\",\"id\":{}", &nested[..60_000]);
        assert_eq!(collect(&server, body).send().await.status, 400);
    }
}

#[tokio::test]
async fn hostile_page_names_are_stored_as_text_or_not_at_all() {
    let server = Server::start().await;
    let site = server.site("shop", json!({ "path_rules": "keep", "query_params": "keep" })).await;
    let key = site["key"].as_str().unwrap();
    for (id, (path, stored)) in (0..).zip([
        ("/../../etc/passwd", true),
        ("/%2e%2e/%2e%2e/etc/passwd", true),
        ("/<script>alert(1)</script>", true),
        ("/\\u0000\\r\\nSet-Cookie: a=b", true),
        ("/%00", true),
        ("/\\u202e\\ud83d\\ude00", true),
        (&*format!("/{}", "x".repeat(50_000)), true),
        ("@evil.example/", false),
        (":99999/", true),
    ]) {
        let answer = collect(&server, beacon(key, id, &format!("https://shop.example{path}"), "[1,1,1,0,0]"))
            .send()
            .await;
        assert_eq!(answer.status, if stored { 204 } else { 403 }, "{path:.40}");
    }
    let counted = Counted::by(&server).await;
    assert_eq!(counted, Counted::of(7, &[("url", 1)]), "a port that is none makes no URL");
    assert_eq!(
        collect(&server, beacon(key, 99, "https://shop.example/", "[1,1e400,1,0,0]")).send().await.status,
        400
    );
    let twice = beacon(key, 99, "https://shop.example/", "[1,1,1,0,0]").replacen('{', r#"{"key":"x","#, 1);
    assert_eq!(collect(&server, twice).send().await.status, 400);
}
