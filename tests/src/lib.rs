//! Tests from outside the crates.
