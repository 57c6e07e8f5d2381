//! heatgrid's storage engine: per-site counters on a pixel grid, durable when acknowledged.
//!
//! The modules are listed floor by floor, lowest first. A module imports only from floors below it; the test
//! `tests/src/imports.rs` checks this against the real imports, and `docs/ARCHITECTURE.md` is the map.

// 0: words
pub mod model;
// 1: bytes <-> values
pub mod format;
// 2: the operating system
pub mod clock;
pub mod disk;
// 3: the parts of a store
pub mod accounts;
pub mod ledger;
pub mod manifest;
pub mod memtable;
pub mod segment;
// 4: on top of them
pub mod throttle;
pub mod view;
pub mod wal;
pub mod window;
// 5: jobs
pub mod backup;
pub mod commit;
pub mod compaction;
pub mod flush;
pub mod inspect;
pub mod purge;
pub mod query;
pub mod retention;
pub mod snapshot;
// 6: the store
pub mod error;
pub mod options;
pub mod store;
