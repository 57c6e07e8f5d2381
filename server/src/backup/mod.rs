//! Backup targets: directories and buckets behind the engine's small trait.
//!
//! The crate that speaks to them is asynchronous; each target has a runtime of its own to wait on, so that a command
//! without one can back up as well as a server.

mod address;
mod object;
mod schedule;
mod uploads;

pub use address::{Address, BadAddress, BadEncryption, Encryption, S3Options};
pub use object::{ObjectTarget, OpenTargetError};
pub use schedule::Schedule;
