//! The server through a real socket.

mod access;
mod admin;
mod audit;
mod backups;
mod harness;
mod health;
mod hostile;
mod ingest;
mod names;
mod process;
mod program;
mod query;
mod sites;
mod smuggling;
mod snapshots;
mod tls;
mod tokens;
