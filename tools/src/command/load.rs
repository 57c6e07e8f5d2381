//! `heatgrid load`: what a server takes, measured with made-up visits through the tracker's own door.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use crate::failure::{DONE, Failure};
use crate::output;
use crate::place::Where;
use crate::server::Server;

/// Kinds of the events that are sent, by their codes in the beacon, in the shares of a usual visit.
const KINDS: [u8; 8] = [4, 4, 4, 4, 4, 1, 6, 5];
/// Pages that the events are spread over.
const PAGES: u64 = 50;

/// Sends made-up events to a site, and says how many requests a second the server answered, and how fast.
///
/// The events stay in the site: use one of its own. The server's limits hold here as for anybody: from one address
/// it takes `collect_per_address` requests a second, unless it is set higher.
#[derive(Args, Debug)]
pub(crate) struct Load {
    #[command(flatten)]
    place: Where,
    /// Name of the site
    #[arg(long)]
    site: String,
    /// The name again: its grids will hold made-up events
    #[arg(long, value_name = "SITE")]
    confirm: String,
    /// Requests in all
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    requests: u64,
    /// Events in a request
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    events: u64,
    /// Connections at the same time
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=256))]
    connections: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What one connection saw.
#[derive(Default)]
struct Seen {
    taken: u64,
    refused: u64,
    times: Vec<Duration>,
}

impl Load {
    /// Sends, measures and prints.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        if self.confirm != self.site {
            return Err(Failure::Unconfirmed { name: self.site });
        }
        let server = self.place.server()?;
        let site = server.site(&self.site)?;
        let key = output::plain(&site["key"]);
        let host = site["hosts"][0].as_str().unwrap_or("load.example").to_owned();
        let next = AtomicU64::new(0);
        let begun = Instant::now();
        let work = || self.connection(&server, &key, &host, &next);
        let seen = thread::scope(|scope| {
            let connections: Vec<_> = (0..self.connections).map(|_| scope.spawn(work)).collect();
            let finished = connections.into_iter().map(|connection| match connection.join() {
                Ok(seen) => seen,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            finished.collect::<Result<Vec<Seen>, _>>()
        })?;
        let elapsed = begun.elapsed();
        let report = self.report(&seen, elapsed);
        output::print(&if self.json {
            output::json(&report)
        } else {
            output::table_of_object(&report).into_bytes()
        })?;
        Ok(DONE)
    }

    fn connection(&self, server: &Server, key: &str, host: &str, next: &AtomicU64) -> Result<Seen, Failure> {
        let mut seen = Seen::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= self.requests {
                return Ok(seen);
            }
            let body = self.beacon(key, host, number);
            let begun = Instant::now();
            match server.beacon(&format!("https://{host}"), body.as_bytes()) {
                Ok(()) => {
                    seen.taken += 1;
                    seen.times.push(begun.elapsed());
                }
                // A server that refuses for the moment is what is measured here, too.
                Err(error) if error.may_pass_after().is_some() => seen.refused += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// A beacon that no other of this run is like: events of one page, strewn by its number.
    fn beacon(&self, key: &str, host: &str, number: u64) -> String {
        let id = format!("{:08x}{number:024x}", std::process::id());
        let strewn = |salt: u64| number.wrapping_add(salt << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
        let events: Vec<_> = (0..self.events)
            .map(|event| {
                let kind = KINDS[(strewn(event) % KINDS.len() as u64) as usize];
                let x = if kind == 6 { 0 } else { strewn(event + 1_000) % 1_440 };
                json!([kind, x, strewn(event + 2_000) % 4_000, 0, 50 * event])
            })
            .collect();
        let url = format!("https://{host}/load/{}", strewn(3_000) % PAGES);
        json!({"key": key, "id": id, "pages": [{"url": url, "vw": 1_440, "events": events}]}).to_string()
    }

    fn report(&self, seen: &[Seen], elapsed: Duration) -> serde_json::Value {
        let mut times: Vec<Duration> = seen.iter().flat_map(|seen| seen.times.iter().copied()).collect();
        times.sort_unstable();
        let taken: u64 = seen.iter().map(|seen| seen.taken).sum();
        let at = |share: f64| {
            let index = ((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1));
            times.get(index).map(|time| time.as_micros() as f64 / 1_000.0)
        };
        let a_second = |count: u64| (count as f64 / elapsed.as_secs_f64()).round() as u64;
        json!({
            "requests_taken": taken,
            "requests_refused_for_the_moment": seen.iter().map(|seen| seen.refused).sum::<u64>(),
            "events_sent": taken * self.events,
            "seconds": elapsed.as_secs_f64(),
            "requests_a_second": a_second(taken),
            "events_a_second": a_second(taken * self.events),
            "median_ms": at(0.5),
            "p99_ms": at(0.99),
        })
    }
}
