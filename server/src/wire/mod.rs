//! What goes over the wire, in and out: the only place that knows JSON, NDJSON and CSV.

pub mod answer;
pub mod audit;
pub mod backup;
mod cell;
pub mod collect;
pub mod encoding;
pub mod erasure;
pub mod event;
pub mod evidence;
pub mod format;
pub mod job;
pub mod posthog;
pub mod purge;
pub mod question;
pub mod receipt;
pub mod site;
pub mod snapshot;
pub mod status;
pub mod time;
pub mod token;

pub use cell::cell_of;
