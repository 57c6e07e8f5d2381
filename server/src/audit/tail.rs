//! The file that is written: lines are appended to it, and made durable together for all who wait.

use std::fs::File;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use super::files::Files;

/// The newest file of an audit.
pub(super) struct Tail {
    file: File,
    number: u64,
    /// Bytes that were written. Changed by the one who appends only.
    length: AtomicU64,
    /// Bytes that a power loss cannot take. Held while a sync runs.
    durable: Mutex<u64>,
    /// Whether a sync failed: what came of the bytes behind the last one that did not is not known, and no later sync of
    /// this descriptor would tell.
    is_lost: AtomicBool,
}

impl Tail {
    /// Opens a file to be appended to, and ends a line that a crash cut off.
    pub(super) fn open(files: &Files, number: u64) -> io::Result<Tail> {
        let (file, length, is_torn) = files.append(number)?;
        // What stands there may have been written by a process that did not live to sync it.
        file.sync_data()?;
        let tail = Tail::of(file, number, length);
        if is_torn {
            tail.append(b"\n")?;
        }
        Ok(tail)
    }

    pub(super) fn of(file: File, number: u64, length: u64) -> Tail {
        let (written, durable) = (AtomicU64::new(length), Mutex::new(length));
        Tail { file, number, length: written, durable, is_lost: AtomicBool::new(false) }
    }

    /// The file's number.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Bytes of the file.
    pub(super) fn length(&self) -> u64 {
        self.length.load(Ordering::Acquire)
    }

    /// Whether another file has to be begun: a sync of this one failed.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Acquire)
    }

    /// Appends a line, and says where it ends. One caller at a time.
    pub(super) fn append(&self, line: &[u8]) -> io::Result<u64> {
        let before = self.length();
        match (&self.file).write_all(line) {
            Ok(()) => {
                let end = before + line.len() as u64;
                self.length.store(end, Ordering::Release);
                Ok(end)
            }
            Err(error) => {
                // Half a line would make the next one unreadable.
                let _ = self.file.set_len(before);
                Err(error)
            }
        }
    }

    /// Returns when everything before `end` is durable. Who waits while another syncs mostly finds it done: one sync
    /// serves all whose lines were written before it began.
    pub(super) fn make_durable(&self, end: u64) -> io::Result<()> {
        let mut durable = self.durable.lock();
        if end <= *durable {
            return Ok(());
        }
        if self.is_lost() {
            return Err(io::Error::other("an earlier sync of the file failed"));
        }
        let written = self.length();
        match self.file.sync_data() {
            Ok(()) => *durable = written,
            Err(error) => {
                self.is_lost.store(true, Ordering::Release);
                return Err(error);
            }
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn durable_bytes(&self) -> u64 {
        *self.durable.lock()
    }

    /// Returns when everything is durable that can be.
    pub(super) fn settle(&self) -> io::Result<()> {
        if self.is_lost() { Ok(()) } else { self.make_durable(self.length()) }
    }
}
