//! A client that costs little: it writes bytes that were made ahead, and reads no more of an answer than its end.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Beacons;

/// How much is sent, and how.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Connections, each with one request at a time.
    pub connections: usize,
    /// It ends after so many requests ...
    pub requests: u64,
    /// ... or after so long.
    pub time: Duration,
}

/// What was answered.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// Requests that were answered 204.
    pub done: u64,
    /// Requests that were answered otherwise.
    pub refused: u64,
    /// How long it took.
    pub time: Duration,
}

impl Sent {
    /// Requests a second that were answered 204.
    #[must_use]
    pub fn a_second(&self) -> f64 {
        self.done as f64 / self.time.as_secs_f64()
    }
}

impl Load {
    /// Sends `beacons` to a server.
    ///
    /// # Panics
    /// When the server breaks a connection.
    pub async fn send(self, address: SocketAddr, beacons: &Arc<Beacons>) -> Sent {
        let (start, next, done) = (Instant::now(), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let workers: Vec<_> = (0..self.connections)
            .map(|_| {
                let (beacons, next, done) = (Arc::clone(beacons), Arc::clone(&next), Arc::clone(&done));
                tokio::spawn(async move {
                    let mut socket = TcpStream::connect(address).await?;
                    socket.set_nodelay(true)?;
                    let (mut request, mut answer) = (Vec::new(), vec![0; 4_096]);
                    while start.elapsed() < self.time {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= self.requests {
                            break;
                        }
                        beacons.write(number, &mut request);
                        socket.write_all(&request).await?;
                        if status(&mut socket, &mut answer).await? == *b"204" {
                            done.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    Ok::<(), io::Error>(())
                })
            })
            .collect();
        for worker in workers {
            worker.await.expect("no panic").expect("the server keeps its connections");
        }
        let (asked, done) = (next.load(Ordering::Relaxed).min(self.requests), done.load(Ordering::Relaxed));
        Sent { done, refused: asked.saturating_sub(done), time: start.elapsed() }
    }
}

/// Reads one answer to its end, and gives its status.
async fn status(socket: &mut TcpStream, buffer: &mut [u8]) -> io::Result<[u8; 3]> {
    let mut filled = 0;
    loop {
        let read = socket.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        filled += read;
        let answer = &buffer[..filled];
        // The usual answer ends with its head, and costs the client the same however long that is.
        if answer.starts_with(b"HTTP/1.1 204") && answer.ends_with(b"\r\n\r\n") {
            return Ok(*b"204");
        }
        let Some(end) = answer.windows(4).position(|end| end == b"\r\n\r\n") else { continue };
        if filled >= end + 4 + content_length(&answer[..end]) {
            return Ok([answer[9], answer[10], answer[11]]);
        }
    }
}

fn content_length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    length.unwrap_or(0)
}
