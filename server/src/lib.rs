//! heatgrid over HTTP: ingest, queries, operations.

pub mod ask;
pub mod config;
pub mod http;
pub mod intake;
pub mod privacy;
pub mod wire;
