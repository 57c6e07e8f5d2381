//! Tests from outside the crates.

mod agreement;
mod crash;
mod imports;
mod stored;
mod truth;
mod world;
