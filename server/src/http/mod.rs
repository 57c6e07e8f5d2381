//! Connections: who may come in, how long they may take, and how they are shown out. Routes are in `api`.

pub mod limits;
mod listener;
mod observe;
mod patience;
pub mod problem;
#[cfg(test)]
mod tests;
mod tls;

pub use listener::{Answers, Limits, Listening, serve};
pub use observe::{Observation, observed, unpanicked};
pub use tls::{TlsError, TlsIdentity};
