//! Connections: who may come in, how long they may take, and how they are shown out. Routes are in `api`.

pub mod limits;
mod listener;
mod observe;
mod patience;
pub mod problem;
#[cfg(test)]
mod tests;
mod tls;

pub use listener::{Limits, Listening, serve};
pub use observe::observed;
pub use tls::{TlsError, TlsIdentity};
