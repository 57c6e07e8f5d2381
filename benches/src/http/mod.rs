//! Both ends of an HTTP bench: requests made ahead, a client that only counts, and a bare server to hold the real one
//! against.

mod bare;
mod client;
mod requests;

pub use bare::bare_server;
pub use client::{Load, Sent};
pub use requests::{Beacons, lines};
