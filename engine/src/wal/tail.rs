//! What a process wrote last, when another one goes on after it.
//!
//! The operating system shows what was written, whether it is on the disk or not: after a kill it may not be there
//! yet, and after a failed sync it never will be, because the kernel takes such pages for clean. What is read back is
//! shown to readers and built upon, so it is written once more first, the same bytes to the same place, and synced. On
//! the disk there was either the same or a write that did not finish, so that a crash meanwhile loses nothing.

use std::sync::Arc;

use super::WalError;
use crate::disk::{Access, Disk, DiskError};
use crate::format::names::FileName;

/// Bytes that are copied at a time.
const PIECE_BYTES: u64 = 1 << 20;

/// The last group of the last file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) file: FileName,
    /// All before this offset is durable.
    pub(super) from: u64,
    /// Offset after the last record.
    pub(super) to: u64,
}

impl Tail {
    /// Makes durable what is there to be read.
    ///
    /// # Errors
    /// What the operating system said; nothing is lost by it.
    pub(super) fn write_again(&self, disk: &dyn Disk) -> Result<(), WalError> {
        let reader = disk.open(self.file, Access::Read)?;
        let mut writer = disk.append(self.file)?;
        let mut offset = self.from;
        let to = self.to.min(reader.length());
        while offset < to {
            let length = (to - offset).min(PIECE_BYTES);
            writer.write_at(offset, &reader.read(offset, length as usize)?)?;
            offset += length;
        }
        writer.sync().map_err(|failed: DiskError| WalError::Poisoned(Arc::new(failed)))
    }
}
