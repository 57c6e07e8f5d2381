//! The server through a real socket.

mod access;
mod admin;
mod audit;
mod backups;
mod harness;
mod health;
mod hostile;
mod ingest;
mod program;
mod query;
mod sites;
mod snapshots;
mod tokens;
