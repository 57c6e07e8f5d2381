//! What is counted about the server itself, as Prometheus metrics. Never a site, page or address as a label.

mod store;

pub use store::{record_connections, record_places, record_store};

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use metrics::{Counter, Histogram, Key, KeyName, Label, Level, Metadata, Recorder, SharedString, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use parking_lot::RwLock;

use crate::intake::{DropReason, Tally};

/// Bounds of the request histogram in seconds: from a cached answer to a bulk upload.
const SECONDS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
const REQUESTS: &str = "heatgrid_request_duration_seconds";

static METADATA: Metadata<'static> = Metadata::new("heatgrid", Level::INFO, None);

/// The server's own counters.
pub struct Meters {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    accepted: Counter,
    redacted: Counter,
    dropped: [Counter; DropReason::ALL.len()],
    /// By template, of which there are as many as routes.
    routes: RwLock<HashMap<Box<str>, Arc<Route>>>,
}

/// Requests of a route.
pub struct Route {
    template: Box<str>,
    answered: RwLock<Vec<Answered>>,
}

impl Route {
    /// As it is routed, without anything of a request.
    #[must_use]
    pub fn template(&self) -> &str {
        &self.template
    }
}

/// Requests of a route with one method and one status: few of either.
struct Answered {
    method: &'static str,
    status: StatusCode,
    seconds: Histogram,
}

/// Methods of the routes. A client may send any word as one; those are `other`.
const USUAL: [&str; 6] = ["GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"];

impl Meters {
    /// Counters at zero.
    #[must_use]
    pub fn new() -> Meters {
        let recorder =
            PrometheusBuilder::new().set_buckets(&SECONDS).expect("there are bounds").build_recorder();
        describe(&recorder);
        let dropped = DropReason::ALL.map(|reason| {
            let labels = vec![Label::from_static_parts("reason", reason.name())];
            recorder.register_counter(&Key::from_parts("heatgrid_events_dropped_total", labels), &METADATA)
        });
        let counter = |name| recorder.register_counter(&Key::from_static_name(name), &METADATA);
        Meters {
            accepted: counter("heatgrid_events_accepted_total"),
            redacted: counter("heatgrid_path_segments_redacted_total"),
            dropped,
            handle: recorder.handle(),
            recorder,
            routes: RwLock::default(),
        }
    }

    /// Counts what became of the events of a request.
    pub fn tally(&self, tally: &Tally) {
        self.accepted.increment(tally.accepted());
        self.redacted.increment(tally.redacted());
        for (reason, events) in tally.dropped() {
            self.dropped[reason as usize].increment(events);
        }
    }

    /// The route of a template.
    pub fn of_route(&self, template: &str) -> Arc<Route> {
        if let Some(known) = self.routes.read().get(template) {
            return Arc::clone(known);
        }
        let new = || Arc::new(Route { template: template.into(), answered: RwLock::default() });
        Arc::clone(self.routes.write().entry(template.into()).or_insert_with(new))
    }

    /// Counts an answered request.
    pub fn request(&self, method: &Method, route: &Route, status: StatusCode, took: Duration) {
        let method = USUAL.iter().find(|usual| **usual == method.as_str()).copied().unwrap_or("other");
        let same = |answered: &&Answered| answered.method == method && answered.status == status;
        if let Some(known) = route.answered.read().iter().find(same) {
            known.seconds.record(took.as_secs_f64());
            return;
        }
        let labels = vec![
            Label::from_static_parts("method", method),
            Label::new("route", String::from(route.template())),
            Label::new("status", status.as_str().to_owned()),
        ];
        let seconds = self.recorder.register_histogram(&Key::from_parts(REQUESTS, labels), &METADATA);
        seconds.record(took.as_secs_f64());
        let mut answered = route.answered.write();
        // Another one may have been as early: both record the same series.
        if answered.iter().find(same).is_none() {
            answered.push(Answered { method, status, seconds });
        }
    }

    /// Sets a number that goes up and down.
    pub fn gauge(&self, name: &'static str, value: f64) {
        self.recorder.register_gauge(&Key::from_static_name(name), &METADATA).set(value);
    }

    /// Sets a count that is kept elsewhere.
    pub fn count(&self, name: &'static str, value: u64) {
        self.recorder.register_counter(&Key::from_static_name(name), &METADATA).absolute(value);
    }

    /// Everything, in Prometheus' text format.
    #[must_use]
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Moves what was recorded into buckets, so that it takes no memory while nobody asks.
    pub fn tidy(&self) {
        self.handle.run_upkeep();
    }
}

impl Default for Meters {
    fn default() -> Meters {
        Meters::new()
    }
}

fn describe(recorder: &PrometheusRecorder) {
    let counters = &[
        ("heatgrid_events_accepted_total", "Events that were stored."),
        ("heatgrid_events_dropped_total", "Events that were not stored, by reason."),
        ("heatgrid_path_segments_redacted_total", "Path segments that looked personal and became *."),
    ];
    for (name, meaning) in counters.iter().chain(store::COUNTS) {
        recorder.describe_counter(KeyName::from_const_str(name), None, SharedString::const_str(meaning));
    }
    for (name, meaning) in store::GAUGES {
        recorder.describe_gauge(KeyName::from_const_str(name), None, SharedString::const_str(meaning));
    }
    recorder.describe_histogram(
        KeyName::from_const_str(REQUESTS),
        Some(Unit::Seconds),
        SharedString::const_str("Time from a request's headers to its answer's, by route template."),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dashboard_draws_only_what_is_counted() {
        let dashboard = include_str!("../../../docs/grafana/heatgrid.json");
        let counted = [
            "heatgrid_events_accepted_total",
            "heatgrid_events_dropped_total",
            "heatgrid_path_segments_redacted_total",
            "heatgrid_request_duration_seconds_bucket",
            "heatgrid_request_duration_seconds_count",
        ];
        let mut drawn = 0;
        for part in dashboard.split("heatgrid_").skip(1) {
            let end = part.find(|char: char| !char.is_ascii_lowercase() && char != '_').unwrap_or(part.len());
            let name = format!("heatgrid_{}", &part[..end]);
            let is_stored = store::GAUGES.iter().chain(store::COUNTS).any(|(known, _)| *known == name);
            assert!(is_stored || counted.contains(&name.as_str()), "{name} is not counted");
            drawn += 1;
        }
        assert!(drawn > 20, "{drawn}");
    }

    #[test]
    fn methods_that_nobody_knows_make_no_new_series() {
        let meters = Meters::new();
        for method in ["GET", "BREW", "WHEN", "PROPFIND"] {
            let method = Method::from_bytes(method.as_bytes()).expect("a token is a method");
            meters.request(&method, &meters.of_route("/livez"), StatusCode::OK, Duration::from_millis(1));
        }
        let text = meters.render();
        assert!(
            text.contains(r#"method="other",route="/livez",status="200"} 3"#) && !text.contains("BREW"),
            "{text}"
        );
        assert!(text.contains(r#"heatgrid_request_duration_seconds_bucket{method="GET",route="/livez",status="200",le="0.001"} 1"#), "{text}");
    }
}
