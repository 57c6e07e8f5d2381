//! Segments against a plain map, and against damage.

mod content;
mod cutting;
mod damage;
mod golden;
mod memory;
mod merging;
mod round_trip;
