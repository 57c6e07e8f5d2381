//! From the log of an earlier process to one that can be appended to.

use std::sync::Arc;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::memtable::Memtable;
use crate::model::Seq;
use crate::wal::{ReplayedRows, Wal, WalError, WalOptions, WalReport, replay};
use crate::window::Windows;

/// What was in the log.
pub struct Recovered {
    /// Its end.
    pub wal: Wal,
    /// What was accepted lately.
    pub windows: Windows,
    /// What is in no segment yet.
    pub memtable: Arc<Memtable>,
    /// What was found.
    pub report: WalReport,
}

/// Reads the log and begins a new file after it. `key` is the store's key for what is remembered of batches; `keep`
/// may leave out rows, by their batch, that an erasure has masked since.
///
/// # Errors
/// When a file of the log cannot be read at all, or the new one not be written.
pub fn recover(
    disk: &Arc<dyn Disk>,
    clock: &dyn Clock,
    options: WalOptions,
    floor: Seq,
    key: [u8; 32],
    keep: &mut dyn FnMut(&mut ReplayedRows),
) -> Result<Recovered, WalError> {
    let mut windows = Windows::new(key);
    let memtable = Memtable::new();
    let replayed = replay(&**disk, floor, &mut windows, &mut |mut rows| {
        keep(&mut rows);
        memtable.apply(rows.site, &rows.pages, rows.seq, rows.time_ms);
    })?;
    let mut wal = Wal::begin(disk.clone(), options, replayed.end)?;
    if memtable.is_empty() {
        // All of it is in segments: the old files need not wait for the next flush.
        let now_ms = clock.now_ms();
        let limit = wal.payload_bytes();
        wal.carry(now_ms, windows.carried(now_ms, limit))?;
        wal.files().trim(floor)?;
    }
    Ok(Recovered { wal, windows, memtable: Arc::new(memtable), report: replayed.report })
}
