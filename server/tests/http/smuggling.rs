//! Request smuggling: whatever a proxy in front may have taken for a body is never answered as a request of its own.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{OPERATOR, Server};

/// A server that soon gives up on what waits for the rest of a request.
async fn impatient() -> Server {
    let soon = Duration::from_millis(500);
    Server::with(|config| (config.header_time, config.body_time, config.idle_time) = (soon, soon, soon)).await
}

/// Sends `head` and `body` of a POST without a token, and behind them an operator's question. Says all that is answered.
async fn smuggle(server: &Server, head: &str, body: &str) -> String {
    let hidden = format!(
        "GET /v1/sites HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {OPERATOR}\r\n\r\n"
    );
    let mut socket = TcpStream::connect(server.addresses[0]).await.unwrap();
    // A server that refuses may close before it has read everything.
    let _ = socket.write_all(format!("{head}{body}{hidden}").as_bytes()).await;
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// `headers` stand in a POST between others, `body` behind it.
async fn check(headers: &[&str], body: &str) {
    let server = impatient().await;
    for header in headers {
        let head = format!("POST /v1/sites HTTP/1.1\r\nHost: a\r\n{header}\r\n\r\n");
        let answer = smuggle(&server, &head, body).await;
        assert!(!answer.contains(" 200 "), "{header:?}: {answer}");
    }
    // The same question on its own is answered: it is not for another reason that it was not.
    let answer = smuggle(&server, "", "").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn chunks_and_a_length_do_not_hide_a_request() {
    check(
        &[
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 5",
            "Content-Length: 5\r\nTransfer-Encoding: CHUNKED",
            "Content-Length: 5\r\nTransfer-Encoding:\tchunked",
            "Content-Length: 5\r\nTransfer-Encoding: \x0bchunked",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity",
            "Content-Length: 5\r\nTransfer-Encoding: identity, chunked",
            "Content-Length: 5\r\nTransfer-Encoding: \"chunked\"",
        ],
        "0\r\n\r\n",
    )
    .await;
}

#[tokio::test]
async fn two_lengths_do_not_hide_a_request() {
    check(
        &[
            "Content-Length: 5\r\nContent-Length: 0",
            "Content-Length: 0\r\nContent-Length: 5",
            "Content-Length: 5,0",
            "Content-Length: 5\r\ncontent-length: 6",
            "Content-Length: 0x5",
            "Content-Length: 5;",
            "Content-Length: 18446744073709551621",
        ],
        "0\r\n\r\n",
    )
    .await;
}

#[tokio::test]
async fn a_bare_line_feed_does_not_hide_a_header() {
    check(
        &[
            "X: a\nTransfer-Encoding: chunked\r\nContent-Length: 5",
            "X: a\nContent-Length: 0\r\nContent-Length: 5",
            "Content-Length: 5\nContent-Length: 0",
            "X: a\rTransfer-Encoding: chunked\r\nContent-Length: 5",
            "X: a\0\r\nContent-Length: 5\r\nContent-Length: 0",
        ],
        "0\r\n\r\n",
    )
    .await;
}

#[tokio::test]
async fn a_folded_header_does_not_hide_a_length() {
    check(
        &[
            "X: a\r\n Content-Length: 5\r\nContent-Length: 0\r\nContent-Length: 5",
            "Content-Length: 5\r\n 0",
            "Transfer-Encoding:\r\n chunked\r\nContent-Length: 5",
            "Transfer-Encoding: chunked\r\n\t, identity\r\nContent-Length: 5",
            " Content-Length: 5",
        ],
        "0\r\n\r\n",
    )
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_chunks_ends_the_connection() {
    let server = impatient().await;
    let head = "POST /v1/sites HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for body in [
        "1\rx\r\n0\r\n\r\n",
        "1 1\r\nx\r\n0\r\n\r\n",
        "-1\r\n\r\n0\r\n\r\n",
        "10000000000000000\r\n\r\n0\r\n\r\n",
        "1\r\nxx\r\n0\r\n\r\n",
        "1;a\nb\r\nx\r\n0\r\n\r\n",
        "0x1\r\nx\r\n0\r\n\r\n",
        "\r\n0\r\n\r\n",
    ] {
        let answer = smuggle(&server, head, body).await;
        assert!(!answer.contains(" 200 "), "{body:?}: {answer}");
    }
    // A trailer is no header: it brings no token along.
    let trailer = format!("0\r\nAuthorization: Bearer {OPERATOR}\r\n\r\n");
    let head =
        "POST /v1/sites HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = smuggle(&server, head, &trailer).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}
