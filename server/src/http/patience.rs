//! A socket that does not wait for ever.
//!
//! hyper's own header timeout is one clock for two things: a connection that idles between requests, and one that sends
//! its headers a byte at a time. Here they have their own, and a reader that takes no bytes of its answer has one too.
//! The time between two pieces of a request's body is `http::limits`' matter, because only it knows who is waiting for one.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// How long a connection may take for each thing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For all headers of a request, from their first byte; and for the first byte of a new connection.
    pub(super) header: Duration,
    /// Between two requests.
    pub(super) idle: Duration,
    /// For the client to take any more bytes of an answer.
    pub(super) write: Duration,
}

/// What a connection is doing. Shared with the service, which alone sees where a head ends.
#[derive(Debug)]
pub(super) struct Phase(AtomicU8);

const FRESH: u8 = 0;
const IDLE: u8 = 1;
const HEAD: u8 = 2;
const BUSY: u8 = 3;

impl Phase {
    fn now(&self) -> u8 {
        self.0.load(Ordering::Acquire)
    }

    /// A head has been read; a request is being answered.
    pub(super) fn request_begins(&self) {
        self.0.store(BUSY, Ordering::Release);
    }

    /// The answer is known; the next head may come.
    pub(super) fn request_ends(&self) {
        self.0.store(IDLE, Ordering::Release);
    }
}

/// A socket with patience.
pub(super) struct Patient<S> {
    socket: S,
    phase: Arc<Phase>,
    patience: Patience,
    /// The phase that is timed, and when it will have taken too long.
    timed: Option<(u8, Instant)>,
    /// Goes off then or earlier: it is only ever set later while it runs, which costs next to nothing, unless something
    /// has to end earlier than it would.
    read_timer: Pin<Box<Sleep>>,
    write_waits: bool,
    write_timer: Pin<Box<Sleep>>,
}

impl<S> Patient<S> {
    pub(super) fn new(socket: S, patience: Patience) -> (Patient<S>, Arc<Phase>) {
        let phase = Arc::new(Phase(AtomicU8::new(FRESH)));
        let patient = Patient {
            socket,
            phase: Arc::clone(&phase),
            patience,
            timed: None,
            read_timer: Box::pin(tokio::time::sleep(patience.header)),
            write_waits: false,
            write_timer: Box::pin(tokio::time::sleep(patience.write)),
        };
        (patient, phase)
    }

    /// When the present phase has taken too long, and what to say then. `None` while a request is answered: nothing is
    /// expected from the client meanwhile.
    fn deadline(&mut self) -> Option<(Instant, &'static str)> {
        let phase = self.phase.now();
        let (allowed, what) = match phase {
            FRESH => (self.patience.header, "no request came"),
            HEAD => (self.patience.header, "the headers did not arrive in time"),
            IDLE => (self.patience.idle, "no further request came"),
            _ => {
                self.timed = None;
                return None;
            }
        };
        let deadline = match self.timed {
            Some((timed, deadline)) if timed == phase => deadline,
            _ => Instant::now() + allowed,
        };
        self.timed = Some((phase, deadline));
        Some((deadline, what))
    }

    /// Bytes came: those of a head, unless a request is being answered. A head that trickles keeps the clock that it
    /// started, and is told at its next byte, even if none of its reads ever waits.
    fn came(&mut self) -> io::Result<()> {
        match self.phase.now() {
            FRESH | IDLE => {
                self.phase.0.store(HEAD, Ordering::Release);
                self.timed = None;
                self.deadline();
                Ok(())
            }
            HEAD => match self.deadline() {
                Some((deadline, what)) if deadline <= Instant::now() => Err(timed_out(what)),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Ready when the present phase has taken too long.
    fn poll_too_slow(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let Some((deadline, what)) = self.deadline() else { return Poll::Pending };
        if deadline < self.read_timer.deadline() {
            self.read_timer.as_mut().reset(deadline);
        }
        ready!(self.read_timer.as_mut().poll(cx));
        while self.read_timer.deadline() < deadline {
            self.read_timer.as_mut().reset(deadline);
            ready!(self.read_timer.as_mut().poll(cx));
        }
        Poll::Ready(timed_out(what))
    }

    fn poll_write_waits(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if !self.write_waits {
            self.write_waits = true;
            let deadline = Instant::now() + self.patience.write;
            self.write_timer.as_mut().reset(deadline);
        }
        ready!(self.write_timer.as_mut().poll(cx));
        Poll::Ready(timed_out("the client took nothing of its answer"))
    }
}

fn timed_out(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.socket).poll_read(cx, buf) {
            Poll::Ready(Ok(())) if buf.filled().len() > before => Poll::Ready(self.came()),
            Poll::Ready(outcome) => Poll::Ready(outcome),
            Poll::Pending => self.poll_too_slow(cx).map(Err),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.socket).poll_write(cx, bytes) {
            Poll::Ready(outcome) => {
                self.write_waits = false;
                Poll::Ready(outcome)
            }
            Poll::Pending => self.poll_write_waits(cx).map(Err),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.socket).poll_flush(cx) {
            Poll::Ready(outcome) => {
                self.write_waits = false;
                Poll::Ready(outcome)
            }
            Poll::Pending => self.poll_write_waits(cx).map(Err),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.socket).poll_shutdown(cx) {
            Poll::Ready(outcome) => Poll::Ready(outcome),
            Poll::Pending => self.poll_write_waits(cx).map(Err),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // Most answers are one piece, for which the system has a shorter way.
        if let [only] = bytes {
            return self.poll_write(cx, only);
        }
        match Pin::new(&mut self.socket).poll_write_vectored(cx, bytes) {
            Poll::Ready(outcome) => {
                self.write_waits = false;
                Poll::Ready(outcome)
            }
            Poll::Pending => self.poll_write_waits(cx).map(Err),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    const HEADER: Duration = Duration::from_millis(20);

    /// A client that never lets anybody wait for its next byte.
    struct Eager;

    impl AsyncRead for Eager {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            buf.put_slice(b"a");
            Poll::Ready(Ok(()))
        }
    }

    fn eager() -> (Patient<Eager>, Arc<Phase>) {
        let long = Duration::from_secs(3_600);
        Patient::new(Eager, Patience { header: HEADER, idle: long, write: long })
    }

    /// No read of such a connection ever waited, so that the clock of its first head was never stopped: after ten
    /// seconds of good requests it was taken for one head that trickles, and dropped.
    #[tokio::test]
    async fn a_busy_connection_is_not_taken_for_a_head_that_trickles() {
        let (mut connection, phase) = eager();
        let begun = Instant::now();
        while begun.elapsed() < 3 * HEADER {
            assert_eq!(connection.read_u8().await.expect("each head comes at once"), b'a');
            phase.request_begins();
            phase.request_ends();
        }
    }

    #[tokio::test]
    async fn a_head_without_end_is_told_though_none_of_its_reads_waits() {
        let (mut connection, _phase) = eager();
        let begun = Instant::now();
        let error = loop {
            if let Err(error) = connection.read_u8().await {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() >= HEADER);
    }
}
