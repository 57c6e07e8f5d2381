//! Purge: physically removing what tombstones mask, from every file, and saying so.

pub mod certificate;
pub mod evidence;
pub mod matching;
pub mod plan;
pub mod verify;

pub use certificate::{Certificate, CertificateError};
pub use evidence::EvidenceError;
