//! Clients that mean harm, or are broken: each costs a bounded amount, and others are served.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{OPERATOR, Server};

/// Sends bytes, and reads what comes until the server closes.
async fn raw(server: &Server, bytes: &[u8]) -> String {
    let mut socket = TcpStream::connect(server.addresses[0]).await.unwrap();
    // A server that refuses may close before it has read everything.
    let _ = socket.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_request_behind_another_ones_body_is_never_answered_as_its_own() {
    let server = Server::start().await;
    let hidden = format!("GET /v1/sites HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {OPERATOR}\r\n\r\n");
    for head in [
        "Content-Length: 4\r\nContent-Length: 400\r\n",
        "Content-Length: 4\r\nTransfer-Encoding: chunked, identity\r\n",
        "Content-Length: 4, 4, 9\r\n",
        "Content-Length: -1\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Content-Length: 4\r\n\tfolded: yes\r\n",
    ] {
        let request = format!("POST /v1/sites HTTP/1.1\r\nHost: a\r\n{head}\r\nabcd{hidden}");
        let answer = raw(&server, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400") && !answer.contains("200 OK"), "{head:?}: {answer}");
    }
    // A length and chunks: the chunks count (RFC 9112, 6.3), and the connection is not used again or is refused.
    let both = format!(
        "POST /v1/sites HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"
    );
    let answer = raw(&server, both.as_bytes()).await;
    assert!(!answer.contains("200 OK"), "{answer}");
}

#[tokio::test]
async fn headers_without_end_lines_that_are_none_and_other_protocols_are_refused() {
    let server = Server::start().await;
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "a".repeat(64 << 10));
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: 1\r\n".repeat(200));
    let path = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(64 << 10));
    for bytes in [
        long.as_bytes(),
        many.as_bytes(),
        path.as_bytes(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET  /\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
    ] {
        let answer = raw(&server, bytes).await;
        let is_refused = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
        assert!(is_refused, "{:?}: {answer}", String::from_utf8_lossy(&bytes[..bytes.len().min(40)]));
    }
    assert_eq!(server.get("/livez").send().await.status, 200);
}

#[tokio::test]
async fn more_requests_than_places_are_turned_away_at_once_and_health_is_not() {
    let server = Server::with(|config| config.max_requests = 2).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        // A body that never comes holds a place.
        let mut socket = TcpStream::connect(server.addresses[0]).await.unwrap();
        let head = format!(
            "POST /v1/sites HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {OPERATOR}\r\nContent-Length: 9\r\n\r\n"
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        held.push(socket);
    }
    let shed = loop {
        let answer = server.get("/v1/sites").token(OPERATOR).send().await;
        if answer.status == 503 {
            break answer;
        }
        tokio::task::yield_now().await;
    };
    shed.problem("busy", 503);
    assert_eq!(shed.header("retry-after"), Some("1"));
    assert_eq!(server.get("/readyz").send().await.status, 200);
    let metrics = server.get("/metrics").token(OPERATOR).send().await;
    let text = String::from_utf8_lossy(&metrics.bytes).into_owned();
    assert!(text.contains("heatgrid_request_places_free 0"), "{text}");
    drop(held);
    while server.get("/v1/sites").token(OPERATOR).send().await.status == 503 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_body_that_pauses_is_told_so_and_one_that_breaks_off_changes_nothing() {
    let server = Server::with(|config| config.body_time = Duration::from_millis(50)).await;
    let head = |length: usize| {
        format!(
            "POST /v1/sites HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {OPERATOR}\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    let slow = raw(&server, format!("{}{{\"site\"", head(100)).as_bytes()).await;
    assert!(slow.starts_with("HTTP/1.1 408") && slow.contains("#timeout"), "{slow}");
    let mut socket = TcpStream::connect(server.addresses[0]).await.unwrap();
    socket.write_all(format!("{}{{\"site\":\"shop\"", head(20)).as_bytes()).await.unwrap();
    drop(socket);
    server.get("/v1/sites/shop").token(OPERATOR).send().await.problem("not-found", 404);
}

#[tokio::test]
async fn what_was_begun_is_answered_while_the_server_drains_and_then_it_ends() {
    let server = Server::start().await;
    let body = r#"{"site":"last"}"#;
    let mut socket = TcpStream::connect(server.addresses[0]).await.unwrap();
    let head = format!(
        "POST /v1/sites HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {OPERATOR}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    // The server has the head when its place is taken.
    loop {
        let metrics = server.get("/metrics").token(OPERATOR).send().await;
        if String::from_utf8_lossy(&metrics.bytes).contains("heatgrid_request_places_free 511") {
            break;
        }
    }
    server.health.drain();
    while TcpStream::connect(server.addresses[0]).await.is_ok() {
        tokio::task::yield_now().await;
    }
    socket.write_all(body.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 201"), "{}", String::from_utf8_lossy(&answer));
    server.stop().await;
}
