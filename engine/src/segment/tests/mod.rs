//! Segments against a plain map, and against damage.

mod content;
mod damage;
mod memory;
mod merging;
mod round_trip;
