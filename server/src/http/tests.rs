//! Through real sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::listener::{Limits, Listening, serve};
use crate::config::{Config, Start};

struct Running {
    address: SocketAddr,
    listening: Arc<Listening>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

fn config() -> Config {
    let Ok(Start::Serve(config)) = Start::read(["heatgrid-server".into()], []) else {
        panic!("defaults are usable")
    };
    Config {
        header_time: Duration::from_millis(1_000),
        idle_time: Duration::from_millis(1_500),
        body_time: Duration::from_millis(1_500),
        header_bytes: 8_192,
        ..*config
    }
}

async fn start(config: &Config, router: Router) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let listening = Arc::new(Listening::default());
    let (stop, stopped) = watch::channel(false);
    let task =
        tokio::spawn(serve(listener, None, router, Limits::of(config), Arc::clone(&listening), stopped));
    Running { address, listening, stop, task }
}

fn router() -> Router {
    Router::new().route("/", get(|| async { "hello" })).route("/echo", post(|body: String| async { body }))
}

/// Everything the server says until it closes.
async fn until_closed(socket: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset instead of an orderly end is a close too.
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

async fn get_once(address: SocketAddr) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    until_closed(&mut socket).await
}

#[tokio::test]
async fn a_silent_connection_is_dropped() {
    let running = start(&config(), router()).await;
    let mut socket = TcpStream::connect(running.address).await.unwrap();
    assert_eq!(until_closed(&mut socket).await, "");
}

#[tokio::test]
async fn headers_that_trickle_are_dropped_though_each_byte_is_quick() {
    let running = start(&config(), router()).await;
    let mut socket = TcpStream::connect(running.address).await.unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\nX: ").await.unwrap();
    let (mut reader, mut writer) = socket.split();
    let mut answer = Vec::new();
    tokio::select! {
        _ = reader.read_to_end(&mut answer) => {}
        () = async {
            while writer.write_all(b"a").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            std::future::pending::<()>().await;
        } => {}
    }
    assert!(!String::from_utf8_lossy(&answer).contains("200 OK"));
}

#[tokio::test]
async fn an_idle_connection_is_kept_for_a_second_request_and_then_dropped() {
    let running = start(&config(), router()).await;
    let mut socket = TcpStream::connect(running.address).await.unwrap();
    let mut first = [0; 16];
    for _ in 0..2 {
        socket.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        socket.read_exact(&mut first).await.unwrap();
        assert!(first.starts_with(b"HTTP/1.1 200 OK"));
        let mut rest = [0; 512];
        let read = socket.read(&mut rest).await.unwrap();
        assert!(rest[..read].ends_with(b"hello"));
    }
    assert_eq!(until_closed(&mut socket).await, "");
}

#[tokio::test]
async fn headers_without_end_are_refused_with_431() {
    let running = start(&config(), router()).await;
    let mut socket = TcpStream::connect(running.address).await.unwrap();
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n", "a".repeat(20_000));
    let _ = socket.write_all(long.as_bytes()).await;
    assert!(until_closed(&mut socket).await.starts_with("HTTP/1.1 431"));
}

#[tokio::test]
async fn more_connections_than_allowed_are_closed_at_once_and_counted() {
    let running =
        start(&Config { max_connections: 2, header_time: Duration::from_secs(60), ..config() }, router())
            .await;
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(TcpStream::connect(running.address).await.unwrap());
    }
    let mut third = TcpStream::connect(running.address).await.unwrap();
    assert_eq!(until_closed(&mut third).await, "");
    assert_eq!((running.listening.open(), running.listening.refused()), (2, 1));
    drop(held);
    while running.listening.open() > 0 {
        tokio::task::yield_now().await;
    }
    assert!(get_once(running.address).await.ends_with("hello"));
}

#[tokio::test]
async fn a_request_that_was_begun_is_answered_after_shutdown_and_no_other() {
    let (entered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = {
        let (entered, go) = (Arc::clone(&entered), Arc::clone(&go));
        get(async move || {
            entered.notify_one();
            go.notified().await;
            "done"
        })
    };
    let running = start(&config(), Router::new().route("/", slow)).await;
    let asked = tokio::spawn(get_once(running.address));
    entered.notified().await;
    running.stop.send(true).unwrap();
    while TcpStream::connect(running.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    go.notify_one();
    assert!(asked.await.unwrap().ends_with("done"));
    running.task.await.unwrap();
}

#[tokio::test]
async fn request_smuggling_by_two_lengths_is_refused() {
    let running = start(&config(), router()).await;
    for head in [
        "Content-Length: 3\r\nContent-Length: 30\r\n",
        "Content-Length: 3\r\nTransfer-Encoding: chunked, identity\r\n",
        "Content-Length: +3\r\n",
        "Transfer-Encoding: xchunked\r\n",
    ] {
        let mut socket = TcpStream::connect(running.address).await.unwrap();
        let text =
            format!("POST /echo HTTP/1.1\r\nHost: a\r\n{head}\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let _ = socket.write_all(text.as_bytes()).await;
        let answer = until_closed(&mut socket).await;
        assert!(answer.starts_with("HTTP/1.1 400") && !answer.contains("hello"), "{head:?}: {answer}");
    }
}
