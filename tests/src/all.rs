//! Tests from outside the crates.

mod imports;
