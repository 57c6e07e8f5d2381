//! Tests from outside the crates.

mod agreement;
mod crash;
mod erasure;
mod explore;
mod imports;
mod stored;
mod truth;
mod world;
