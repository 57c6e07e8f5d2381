//! What goes over the wire, in and out: the only place that knows JSON, NDJSON and CSV.

pub mod collect;
pub mod event;
pub mod posthog;
pub mod question;
