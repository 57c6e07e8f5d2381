//! What the benches measure with: clocks, the process's own accounts in `/proc`, and tables.

mod machine;
mod process;
mod samples;
mod table;

pub use machine::{describe, fdatasync};
pub use process::{MemoryWatch, ThreadTimes, anonymous_bytes, process_time, thread_time, written_bytes};
pub use samples::Samples;
pub use table::{Table, bytes, count, millis, rate};
