//! heatgrid over HTTP: ingest, queries, operations.

pub mod config;
pub mod http;
pub mod privacy;
