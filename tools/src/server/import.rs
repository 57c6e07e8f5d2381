//! Sending a file of events: many requests, each stored whole or not at all, each safe to send again.

use std::io::Read;
use std::thread;
use std::time::Duration;

use heatgrid_server::wire::event::LineError;
use serde_json::Value;

use super::{Server, ServerError};
use crate::import::{self, Cut, Sink, Stopped, Stored};

/// Most bytes of lines in one request: enough to keep a server busy, little enough to send again.
const REQUEST_BYTES: usize = 64 << 20;
/// How often one request is sent before the import stops.
const TRIES: u32 = 8;
/// Longest pause between two tries.
const PAUSE_SECONDS: u64 = 30;

impl Server {
    /// Sends what `content` holds to a site.
    pub(crate) fn import(
        &self,
        site: &str,
        content: &mut dyn Read,
        cut: Cut,
    ) -> Result<Stored, Box<Stopped<ServerError>>> {
        let mut run = [0; 16];
        if let Err(error) = getrandom::fill(&mut run) {
            return Err(Box::new(Stopped {
                stored: Stored::default(),
                cause: import::Cause::Store(error.into()),
            }));
        }
        let run = u128::from_le_bytes(run);
        let mut sending = Sending { server: self, site, run, body: Vec::new(), lines: 0, first_line: 0 };
        import::import(content, &mut sending, cut)
    }
}

/// The request that is being filled.
struct Sending<'a> {
    server: &'a Server,
    site: &'a str,
    /// Random: what this import's idempotency keys begin with.
    run: u128,
    body: Vec<u8>,
    lines: usize,
    /// Number of the first line of the request in the file, from 1.
    first_line: u64,
}

impl Sink for Sending<'_> {
    type Error = ServerError;

    fn lines(&self) -> usize {
        self.lines
    }

    fn is_full(&self, next_bytes: usize) -> bool {
        self.lines > 0 && self.body.len() + next_bytes > REQUEST_BYTES
    }

    fn line(&mut self, number: u64, line: &[u8]) -> Result<(), LineError> {
        if self.lines == 0 {
            self.first_line = number;
        }
        // Blank lines are counted by the server as they are in the file.
        while self.first_line + (self.lines as u64) < number {
            self.body.push(b'\n');
            self.lines += 1;
        }
        self.body.extend_from_slice(line);
        self.body.push(b'\n');
        self.lines += 1;
        Ok(())
    }

    fn store(&mut self, stored: &mut Stored) -> Result<(), ServerError> {
        let receipt = self.deliver(stored.batches)?;
        let counted = receipt["accepted"].as_u64().zip(receipt["dropped"].as_object());
        let (accepted, dropped) = counted.ok_or_else(|| self.server.strange())?;
        stored.batches += 1;
        stored.accepted += accepted;
        for (reason, events) in dropped {
            *stored.dropped.entry(reason.clone()).or_default() += events.as_u64().unwrap_or_default();
        }
        self.body.clear();
        self.lines = 0;
        Ok(())
    }
}

impl Sending<'_> {
    fn receipt(&self, path: &[&str], headers: &[(&str, &str)]) -> Result<Value, ServerError> {
        let answer = self.server.post(path, headers, &self.body)?;
        serde_json::from_slice(&answer).map_err(|_| self.server.strange())
    }

    /// Sends the request until it is taken, or refused for good.
    fn deliver(&self, index: u64) -> Result<Value, ServerError> {
        // The same key on every try: what was taken and not answered is not taken again.
        let key = format!("{:032x}-{index}", self.run);
        let headers = [("content-type", "application/x-ndjson"), ("idempotency-key", key.as_str())];
        let path = ["v1", "sites", self.site, "events"];
        let mut tries = 1;
        loop {
            match self.receipt(&path, &headers) {
                Err(error) if tries < TRIES && error.may_pass_after().is_some() => {
                    let asked = error.may_pass_after().unwrap_or_default();
                    thread::sleep(Duration::from_secs(asked.max(1 << (tries - 1)).min(PAUSE_SECONDS)));
                    tries += 1;
                }
                result => return result.map_err(|error| error.with_lines_from(self.first_line)),
            }
        }
    }
}
