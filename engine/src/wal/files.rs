//! Files of the log that are not written any more, until they are trimmed.

use std::sync::Arc;

use parking_lot::Mutex;

use super::WalError;
use super::scan::{is_unused, read_header};
use crate::disk::{Access, Disk, DiskError};
use crate::format::names::{Directory, FileName};
use crate::model::Seq;

/// A file that is only read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OldFile {
    pub(super) number: u64,
    pub(super) length_bytes: u64,
    /// Goes to quarantine, and is not unlinked.
    pub(super) rotten: bool,
}

/// What trimming did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// Files that were unlinked.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files with rot in them that were moved to `quarantine/`.
    pub quarantined: u64,
}

/// The files of a log, for the one who trims it beside the one who appends.
pub struct WalFiles {
    disk: Arc<dyn Disk>,
    state: Mutex<State>,
}

struct State {
    /// Ascending by number.
    old: Vec<OldFile>,
    /// Number and bytes of the file being written.
    current: (u64, u64),
    /// (the last batch before, number of the file): from this file on, nothing that came before is needed,
    /// because the file begins with the windows.
    starts: Vec<(Seq, u64)>,
}

impl WalFiles {
    pub(super) fn new(disk: Arc<dyn Disk>, old: Vec<OldFile>) -> WalFiles {
        WalFiles { disk, state: Mutex::new(State { old, current: (0, 0), starts: Vec::new() }) }
    }

    /// A new file is written; the one before it is only read.
    pub(super) fn began(&self, number: u64, length_bytes: u64) {
        let mut state = self.state.lock();
        let (before, length) = std::mem::replace(&mut state.current, (number, length_bytes));
        if before != 0 {
            state.old.push(OldFile { number: before, length_bytes: length, rotten: false });
        }
    }

    /// File `number` begins with the windows as they were after batch `last`, durably.
    pub(super) fn carried(&self, last: Seq, number: u64) {
        self.state.lock().starts.push((last, number));
    }

    /// Unlinks the files that hold only batches up to `floor`, which are in segments, and what later files repeat.
    /// May run beside appending.
    ///
    /// # Errors
    /// What the operating system said. What could not be unlinked is tried again the next time.
    pub fn trim(&self, floor: Seq) -> Result<Trimmed, WalError> {
        let mut trimmed = Trimmed::default();
        let Some((first_kept, old)) = self.not_needed(floor) else { return Ok(trimmed) };
        // Oldest first, so that what a crash leaves is a stretch without holes. Not under the lock: unlinking is slow.
        for file in old {
            let name = FileName::Wal(file.number);
            let gone = match file.rotten {
                true => self.disk.rename(name, FileName::QuarantinedWal(file.number)),
                false => self.disk.remove(name),
            };
            match gone {
                Err(error) if !error.is_not_found() => return Err(error.into()),
                _ if file.rotten => trimmed.quarantined += 1,
                _ => {
                    trimmed.files += 1;
                    trimmed.bytes += file.length_bytes;
                }
            }
        }
        if trimmed.quarantined > 0 {
            self.disk.sync_directory(Directory::Quarantine)?;
        }
        if trimmed != Trimmed::default() {
            self.disk.sync_directory(Directory::Wal)?;
        }
        let mut state = self.state.lock();
        state.old.retain(|file| file.number >= first_kept);
        state.starts.retain(|(_, number)| *number >= first_kept);
        Ok(trimmed)
    }

    /// The first file that is needed when all up to `floor` is in segments, and those before it.
    fn not_needed(&self, floor: Seq) -> Option<(u64, Vec<OldFile>)> {
        let state = self.state.lock();
        let (_, first_kept) = *state.starts.iter().rfind(|(last, _)| *last <= floor)?;
        let old = state.old.iter().copied().filter(|file| file.number < first_kept).collect();
        Some((first_kept, old))
    }

    /// Number of files and their bytes, the present one included.
    #[must_use]
    pub fn size(&self) -> (u64, u64) {
        let state = self.state.lock();
        let bytes: u64 = state.old.iter().map(|file| file.length_bytes).sum();
        (state.old.len() as u64 + 1, bytes + state.current.1)
    }
}

/// The log files that are there, each with the first batch it may hold; `None` of one whose header cannot be read.
///
/// # Errors
/// What the operating system said.
pub fn first_seqs(disk: &dyn Disk) -> Result<Vec<(FileName, Option<Seq>)>, DiskError> {
    let mut files = Vec::new();
    for (name, _) in disk.list(Directory::Wal)? {
        let FileName::Wal(number) = name else { continue };
        let file = match disk.open(name, Access::Read) {
            // Trimmed since.
            Err(error) if error.is_not_found() => continue,
            opened => opened?,
        };
        match read_header(&*file, number)? {
            Some(header) => files.push((name, Some(header.first_seq))),
            None if is_unused(&file)? => {}
            None => files.push((name, None)),
        }
    }
    Ok(files)
}

/// Numbers that were given to log files, quarantined ones included: a number is never given again.
pub(super) fn highest_number(disk: &dyn Disk) -> Result<u64, DiskError> {
    let mut highest = 0;
    for directory in [Directory::Wal, Directory::Quarantine] {
        for (file, _) in disk.list(directory)? {
            if let FileName::Wal(number) | FileName::WalNew(number) | FileName::QuarantinedWal(number) = file
            {
                highest = highest.max(number);
            }
        }
    }
    Ok(highest)
}
