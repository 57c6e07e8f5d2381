//! Segments against a plain map, and against damage.

mod content;
mod damage;
mod golden;
mod memory;
mod merging;
mod round_trip;
