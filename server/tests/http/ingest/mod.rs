//! Every door of ingest, and what must not come in by one.

mod bulk;
mod collect;
mod country;
mod country_database;
mod counts;
mod hostile;
mod overload;
mod posthog;
mod unseen;

use std::collections::BTreeMap;

use crate::harness::{Asking, OPERATOR, Server};

/// Where the pages of the tests are.
const ORIGIN: &str = "https://shop.example";

/// A beacon of the tracker with a batch id of its own.
fn beacon(key: &str, id: u32, url: &str, events: &str) -> String {
    format!(r#"{{"key":"{key}","id":"{id:032x}","pages":[{{"url":"{url}","vw":1440,"events":[{events}]}}]}}"#)
}

/// A request to the tracker's door, as a browser makes it.
fn collect(server: &Server, body: String) -> Asking {
    server.post("/v1/collect").header("origin", ORIGIN).header("content-type", "text/plain").body(body)
}

/// What the server has counted since it started: accepted, and dropped by reason.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counted {
    accepted: u64,
    dropped: BTreeMap<String, u64>,
}

impl Counted {
    async fn by(server: &Server) -> Counted {
        let metrics = server.get("/metrics").token(OPERATOR).send().await;
        assert_eq!(metrics.status, 200);
        Counted::in_metrics(&metrics.bytes)
    }

    fn in_metrics(metrics: &[u8]) -> Counted {
        let text = std::str::from_utf8(metrics).expect("metrics are text");
        let mut counted = Counted::default();
        for line in text.lines() {
            let Some((name, value)) = line.rsplit_once(' ') else { continue };
            let reason = name
                .strip_prefix("heatgrid_events_dropped_total{reason=\"")
                .and_then(|rest| rest.strip_suffix("\"}"));
            let value = || value.parse::<u64>().expect("a count");
            match reason {
                Some(reason) if value() > 0 => drop(counted.dropped.insert(reason.to_owned(), value())),
                _ if name == "heatgrid_events_accepted_total" => counted.accepted = value(),
                _ => {}
            }
        }
        counted
    }

    fn of(accepted: u64, dropped: &[(&str, u64)]) -> Counted {
        let dropped = dropped.iter().map(|(reason, events)| ((*reason).to_owned(), *events)).collect();
        Counted { accepted, dropped }
    }

    fn sent(&self) -> u64 {
        self.accepted + self.dropped.values().sum::<u64>()
    }
}
