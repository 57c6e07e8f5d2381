//! More than the server can take.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use tokio::task::JoinSet;

use super::{Counted, ORIGIN, beacon};
use crate::harness::{Answer, Asking, OPERATOR};
use crate::process::{Program, command};

/// Requests that are worked on at a time, one of them in bulk.
const PLACES: u32 = 8;
/// Ten times as many, all the time.
const CLIENTS: u32 = 10 * PLACES;
/// Requests of each sort that are to be accepted, and turned away, at least.
const ENOUGH: u64 = 60;
/// Events of a beacon, and lines of a request in bulk.
const EVENTS: u64 = 20;
const LINES: u64 = 4_000;

/// What became of the requests of one sort.
#[derive(Default)]
struct Seen {
    accepted: AtomicU64,
    refused: AtomicU64,
}

impl Seen {
    fn is_enough(&self) -> bool {
        self.accepted() >= ENOUGH && self.refused.load(Ordering::Relaxed) >= ENOUGH
    }

    fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Accepted whole, or told when to come back.
    fn note(&self, answer: &Answer, accepted: u16) {
        if answer.status == accepted {
            self.accepted.fetch_add(1, Ordering::Relaxed);
        } else {
            answer.problem("busy", 503);
            assert_eq!(answer.header("retry-after"), Some("1"));
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn send_beacons(program: Arc<Program>, key: String, client: u32, seen: Arc<[Seen; 2]>) {
    let event = "[1,100,200,0,0]";
    let events = vec![event; EVENTS as usize].join(",");
    for number in (client << 20).. {
        if seen.iter().all(Seen::is_enough) {
            return;
        }
        let body = beacon(&key, number, &format!("{ORIGIN}/overload"), &events);
        let asking = program.request("POST", "/v1/collect").header("origin", ORIGIN);
        seen[0].note(&asking.body(body).send().await, 204);
    }
}

async fn send_bulk(program: Arc<Program>, seen: Arc<[Seen; 2]>) {
    let now_ms = program.now_ms();
    let line = |n: u64| {
        let (x, y) = (n % 1_000, n * 7 % 9_000);
        format!(r#"{{"ts":{now_ms},"url":"{ORIGIN}/bulk","kind":"move","x":{x},"y":{y}}}"#)
    };
    let body = (0..LINES).map(line).collect::<Vec<_>>().join("\n");
    while !seen.iter().all(Seen::is_enough) {
        let asking: Asking = program.ask("POST", "/v1/sites/shop/events");
        // Who is turned away for want of a place while it still sends may find the connection closed.
        match asking.body(body.clone()).try_send().await {
            Ok(answer) => seen[1].note(&answer, 200),
            Err(_) => drop(seen[1].refused.fetch_add(1, Ordering::Relaxed)),
        }
    }
}

#[tokio::test]
async fn ten_times_what_the_server_can_take_is_accepted_exactly_or_told_to_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let places = PLACES.to_string();
    let settings = [
        ["--max-requests", &places],
        ["--bulk-requests", "1"],
        ["--memtable-mib", "8"],
        ["--wal-file-mib", "8"],
        ["--collect-per-address", "1000000"],
        ["--collect-per-site", "1000000"],
    ];
    let mut command = command(directory.path(), settings.as_flattened());
    let program = Arc::new(Program::run(command.env("HEATGRID_OPERATOR_TOKEN", OPERATOR)).await);
    let key = program.site("shop").await["key"].as_str().unwrap().to_owned();
    let (at_rest, seen) = (program.peak_kib(), Arc::new(<[Seen; 2]>::default()));
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        match client % 4 {
            0 => clients.spawn(send_bulk(Arc::clone(&program), Arc::clone(&seen))),
            _ => clients.spawn(send_beacons(Arc::clone(&program), key.clone(), client, Arc::clone(&seen))),
        };
    }
    clients.join_all().await;
    // 20 bodies of bulk requests alone are 8 MB, and what was accepted is more than the memtable may hold.
    let grown_mib = (program.peak_kib() - at_rest) >> 10;
    assert!(grown_mib < 100, "{grown_mib} MiB more than at rest");

    let [beacons, bulk] = &*seen;
    let accepted = beacons.accepted() * EVENTS + bulk.accepted() * LINES;
    let metrics = program.ask("GET", "/metrics").send().await;
    assert_eq!(Counted::in_metrics(&metrics.bytes), Counted::of(accepted, &[]));
    for (page, kind, events) in
        [("overload", "click", beacons.accepted() * EVENTS), ("bulk", "move", bulk.accepted() * LINES)]
    {
        let question = json!({ "page": format!("{ORIGIN}/{page}"), "kind": kind });
        let grid = program.ask("POST", "/v1/sites/shop/grid").json(&question).send().await;
        assert_eq!(grid.json()["total"], json!(events), "{page}");
    }
    assert_eq!(program.get("/readyz", "").await.split("\r\n").next(), Some("HTTP/1.1 200 OK"));
}
