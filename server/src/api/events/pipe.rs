//! From the socket to the thread that reads lines: a bounded queue of pieces, so that a fast client waits.

use std::io::{self, BufRead, ErrorKind, Read};

use axum::body::{Body, Bytes};
use http_body_util::BodyExt;
use tokio::sync::mpsc;

use crate::http::limits::{body_problem, drain};
use crate::http::problem::Problem;

/// Pieces that may wait for their reader; one has at most what a connection buffers.
const PIECES: usize = 16;

/// A body on its way between the two ends.
pub(super) fn pipe() -> (Feeder, Pieces) {
    let (sender, receiver) = mpsc::channel(PIECES);
    (Feeder(sender), Pieces { receiver, current: Bytes::new(), ended: false })
}

enum Piece {
    Bytes(Bytes),
    /// Nothing is missing. A queue that ends without it broke off.
    End,
}

/// The end at the socket.
pub(super) struct Feeder(mpsc::Sender<Piece>);

impl Feeder {
    /// Passes the whole body on. When the reader has gone, it knows enough: what still comes is taken in and thrown
    /// away, within bounds, so that the client is there to hear the answer.
    ///
    /// # Errors
    /// When the body breaks off; the reader then knows that something is missing.
    pub(super) async fn feed(self, mut body: Body) -> Result<(), Problem> {
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| body_problem(&error))?;
            // Trailers are no events.
            let Ok(bytes) = frame.into_data() else { continue };
            if self.0.send(Piece::Bytes(bytes)).await.is_err() {
                drain(body).await;
                return Ok(());
            }
        }
        // A reader that has gone needs no end.
        let _ = self.0.send(Piece::End).await;
        Ok(())
    }
}

/// The end at the reader. Blocks, so it is for a thread that may wait.
pub(super) struct Pieces {
    receiver: mpsc::Receiver<Piece>,
    current: Bytes,
    ended: bool,
}

impl BufRead for Pieces {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.current.is_empty() && !self.ended {
            match self.receiver.blocking_recv() {
                Some(Piece::Bytes(bytes)) => self.current = bytes,
                Some(Piece::End) => self.ended = true,
                None => return Err(ErrorKind::ConnectionAborted.into()),
            }
        }
        Ok(&self.current)
    }

    fn consume(&mut self, bytes: usize) {
        let _ = self.current.split_to(bytes);
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_arrives_whole_and_one_that_breaks_off_is_told() {
        let (feeder, mut pieces) = pipe();
        let read = tokio::task::spawn_blocking(move || {
            let mut all = Vec::new();
            pieces.read_to_end(&mut all).map(|_| all)
        });
        feeder.feed(Body::from("a".repeat(100_000))).await.unwrap();
        assert_eq!(read.await.unwrap().unwrap().len(), 100_000);

        let (feeder, mut pieces) = pipe();
        let read = tokio::task::spawn_blocking(move || pieces.read_to_end(&mut Vec::new()));
        drop(feeder);
        assert_eq!(read.await.unwrap().unwrap_err().kind(), ErrorKind::ConnectionAborted);
    }

    #[tokio::test]
    async fn what_nobody_reads_any_more_is_taken_in() {
        let (feeder, pieces) = pipe();
        drop(pieces);
        feeder.feed(Body::from("x")).await.unwrap();
    }
}
