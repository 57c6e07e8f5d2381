//! The workload of the benches, and the instruments that they share.
//!
//! The benches are the programs in `benches/`; what they found is in `docs/PERFORMANCE.md`.

pub mod workload;

pub mod batches;
pub mod bed;
pub mod spool;

#[cfg(feature = "server")]
pub mod http;

pub mod instruments;
pub mod settings;
