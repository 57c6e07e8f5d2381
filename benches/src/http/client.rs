//! A client that costs little: it writes bytes that were made ahead, and reads no more of an answer than its end.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Beacons;
use crate::instruments::Samples;

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
#[derive(Clone, Debug)]
pub struct Sent {
    /// How long each request took that was answered 204.
    pub done: Samples,
    /// Requests that were answered otherwise.
    pub refused: u64,
    /// Connections that were closed without an answer.
    pub broken: u64,
    /// How long it took.
    pub time: Duration,
}

impl Sent {
    /// Requests a second that were answered 204.
    #[must_use]
    pub fn a_second(&self) -> f64 {
        self.done.len() as f64 / self.time.as_secs_f64()
    }
}

impl Load {
    /// Sends `beacons` to a server. Whoever is turned away asks again at once, and whose connection is closed opens another.
    ///
    /// # Panics
    /// When the server takes no connection.
    pub async fn send(self, address: SocketAddr, beacons: &Arc<Beacons>) -> Sent {
        let (start, next) = (Instant::now(), Arc::new(AtomicU64::new(0)));
        let workers: Vec<_> = (0..self.connections)
            .map(|_| tokio::spawn(self.connection(address, Arc::clone(beacons), start, Arc::clone(&next))))
            .collect();
        let mut all = OfConnection::default();
        for worker in workers {
            let sent = worker.await.expect("no panic").expect("the server takes connections");
            all.done.extend(sent.done);
            all.refused += sent.refused;
            all.broken += sent.broken;
        }
        let OfConnection { done, refused, broken } = all;
        Sent { time: start.elapsed(), done: done.into_iter().collect(), refused, broken }
    }

    async fn connection(
        self,
        address: SocketAddr,
        beacons: Arc<Beacons>,
        start: Instant,
        next: Arc<AtomicU64>,
    ) -> io::Result<OfConnection> {
        let mut sent = OfConnection::default();
        let (mut request, mut answer) = (Vec::new(), vec![0; 4_096]);
        'connection: loop {
            let mut socket = TcpStream::connect(address).await?;
            socket.set_nodelay(true)?;
            while start.elapsed() < self.time {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= self.requests {
                    break;
                }
                beacons.write(number, &mut request);
                let asked = Instant::now();
                let written = socket.write_all(&request).await;
                let Ok(status) = written.and(status(&mut socket, &mut answer).await) else {
                    sent.broken += 1;
                    continue 'connection;
                };
                match &status {
                    b"204" => sent.done.push(asked.elapsed()),
                    _ => sent.refused += 1,
                }
            }
            return Ok(sent);
        }
    }
}

/// What one connection was answered.
#[derive(Default)]
struct OfConnection {
    done: Vec<Duration>,
    refused: u64,
    broken: u64,
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
