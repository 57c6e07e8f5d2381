//! Both ends of an HTTP bench: requests made ahead, a client that only counts, the real server, and a bare one to hold it
//! against.

mod bare;
mod client;
mod requests;
mod serving;

pub use bare::bare_server;
pub use client::{Load, Sent};
pub use requests::{Beacons, lines};
pub use serving::{OPERATOR, Serving};
