//! heatgrid over HTTP: ingest, queries, operations.

// From settings to a server, and what it consists of.
pub mod app;
pub mod config;
pub mod dashboard;
pub mod demo;
pub mod health;
pub mod log;
pub mod meters;
pub mod process;
pub mod serve;
// From a connection to an answer.
pub mod access;
pub mod api;
pub mod audit;
pub mod backup;
pub mod http;
pub mod rate;
// From what is written to what is stored, and back; the offline tools share these.
pub mod ask;
pub mod intake;
pub mod picture;
pub mod privacy;
pub mod rules;
pub mod web;
pub mod wire;
