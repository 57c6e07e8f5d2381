//! Compaction: many small segments become few large ones, and rare countries of closed months become `ZZ`.

pub mod plan;
pub mod run;

/// When segments are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompactionOptions {
    /// So many segments of one month and similar size are merged into one.
    pub fan_in: usize,
    /// Segments up to this size count as similar, however small.
    pub small_bytes: u64,
    /// So many similar segments of one month stop the flush, and by and by the writers, until compaction caught up.
    pub stall_segments: usize,
    /// Days after its end in the westernmost zone until a month is closed. Events of it may still come.
    pub grace_days: u32,
    /// A closed month is settled (merged as a whole, rare countries recoded) when nothing came for so long, ...
    pub quiet_seconds: u64,
    /// ... or when something waits for so long.
    pub patience_seconds: u64,
}

impl CompactionOptions {
    /// What a store has when nobody chose.
    #[must_use]
    pub fn standard() -> CompactionOptions {
        CompactionOptions {
            fan_in: 8,
            small_bytes: 8 << 20,
            stall_segments: 32,
            grace_days: 3,
            quiet_seconds: 3_600,
            patience_seconds: 7 * 86_400,
        }
    }
}
