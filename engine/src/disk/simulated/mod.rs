//! A disk in memory that keeps what was synced, and of the rest whatever a test wants to be left after a crash.
//!
//! What a power loss may leave (`Survivors`):
//! - of every write since the file's last sync, any of its 512-byte sectors, in any order: a sector is as it was
//!   synced or as it was after any of the writes to it;
//! - a length between the synced and the last one; what was not written within it reads as zeros;
//! - of the directory entries made, moved or removed since `sync_directory`, any subset, each whole. A file that was
//!   synced under a name that was not can be gone.
//!
//! After a failed sync the writes it was for are in that state for ever: they may be there after a crash, but a later
//! sync that succeeds has dropped them, as Linux does.

mod directory;
mod fault;
mod file;
mod outcomes;
mod random;
mod rot;
mod state;
mod survivors;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Access, Disk, DiskError, FileReader, FileWriter, range_within};
use crate::format::names::{Directory, FileName};

pub use fault::{Call, Calls, Failure, Fault, PowerLost, When};
pub use survivors::Survivors;

use fault::Step;
use file::FileId;
use state::State;

/// A disk in memory. A clone is another handle of the same disk; `fork` makes another disk.
#[derive(Clone, Debug, Default)]
pub struct SimulatedDisk(Arc<Mutex<State>>);

impl SimulatedDisk {
    /// An empty disk without faults or limits.
    #[must_use]
    pub fn new() -> SimulatedDisk {
        SimulatedDisk::default()
    }

    /// Another disk in the same state, with no calls counted and no faults planned. Shares contents until they change.
    #[must_use]
    pub fn fork(&self) -> SimulatedDisk {
        SimulatedDisk(Arc::new(Mutex::new(self.0.lock().fork())))
    }

    /// The calls so far.
    #[must_use]
    pub fn calls(&self) -> Calls {
        self.0.lock().faults.calls
    }

    /// Loses power in the `call`th mutating call (the first is 1, counted from the disk's making): that call and all
    /// later mutating ones fail with `PowerLost`. What it was doing may survive in part, as anything not synced.
    pub fn crash_at(&self, call: u64) {
        self.0.lock().faults.crash_at = Some(call);
    }

    /// Loses power now.
    pub fn lose_power(&self) {
        self.0.lock().faults.powered = false;
    }

    /// Plans a fault, beside those that are planned already.
    pub fn inject(&self, fault: Fault) {
        self.0.lock().faults.planned.push(fault);
    }

    /// Forgets all planned faults.
    pub fn heal(&self) {
        self.0.lock().faults.planned.clear();
    }

    /// Leaves room for `bytes` more; a write beyond them writes what fits and fails with ENOSPC.
    pub fn set_free_bytes(&self, bytes: u64) {
        self.0.lock().free = Some(bytes);
    }

    /// What a power loss at this moment may leave.
    #[must_use]
    pub fn survivors(&self) -> Survivors {
        Survivors::of(&self.0.lock())
    }

    /// Bytes of a file as the running system sees them; `None` if there is no such file.
    #[must_use]
    pub fn contents(&self, file: FileName) -> Option<Arc<Vec<u8>>> {
        self.0.lock().find(file).map(|(_, file)| Arc::clone(file.current()))
    }

    /// Every file with its length in bytes, as the running system sees them.
    #[must_use]
    pub fn files(&self) -> Vec<(FileName, u64)> {
        self.0.lock().files()
    }

    /// Does one call: counts it, lets planned faults and the power loss have their way, else `act`s.
    fn call<T>(
        &self,
        call: Call,
        path: impl std::fmt::Display,
        act: impl FnOnce(&mut State) -> io::Result<T>,
    ) -> Result<T, DiskError> {
        let mut state = self.0.lock();
        let done = match state.faults.step(call) {
            Step::Do => act(&mut state),
            Step::DoAndLosePower => act(&mut state).and(Err(PowerLost::error())),
            Step::Fail(error) => Err(error),
        };
        done.map_err(|source| DiskError::new(call.name(), path, source))
    }
}

impl Disk for SimulatedDisk {
    fn create(&self, file: FileName) -> Result<Box<dyn FileWriter>, DiskError> {
        let id = self.call(Call::Create, file, |state| state.create(file))?;
        Ok(Box::new(SimulatedWriter { disk: self.clone(), id, file, length: 0 }))
    }

    fn append(&self, file: FileName) -> Result<Box<dyn FileWriter>, DiskError> {
        let (id, length) = self.call(Call::Append, file, |state| state.append(file))?;
        Ok(Box::new(SimulatedWriter { disk: self.clone(), id, file, length }))
    }

    fn open(&self, file: FileName, access: Access) -> Result<Arc<dyn FileReader>, DiskError> {
        let bytes = self.call(Call::Open, file, |state| state.read(file))?;
        let mapped = access == Access::Map && file.is_sealed();
        Ok(Arc::new(SimulatedReader { disk: self.clone(), file, bytes, mapped }))
    }

    fn rename(&self, source: FileName, target: FileName) -> Result<(), DiskError> {
        self.call(Call::Rename, source, |state| state.rename(source, target))
    }

    fn remove(&self, file: FileName) -> Result<(), DiskError> {
        self.call(Call::Remove, file, |state| state.remove(file))
    }

    fn sync_directory(&self, directory: Directory) -> Result<(), DiskError> {
        let mut state = self.0.lock();
        let done = match state.faults.step(Call::SyncDirectory) {
            Step::Do => {
                state.sync_directory(directory);
                Ok(())
            }
            Step::DoAndLosePower => Err(PowerLost::error()),
            Step::Fail(error) => Err(error),
        };
        done.map_err(|source| DiskError::new(Call::SyncDirectory.name(), directory.path(), source))
    }

    fn list(&self, directory: Directory) -> Result<Vec<(FileName, u64)>, DiskError> {
        self.call(Call::List, directory.path(), |state| {
            Ok(state.files().into_iter().filter(|(file, _)| file.directory() == directory).collect())
        })
    }

    fn free_bytes(&self) -> Result<u64, DiskError> {
        self.call(Call::FreeBytes, "", |state| Ok(state.free.unwrap_or(1 << 40)))
    }
}

struct SimulatedWriter {
    disk: SimulatedDisk,
    id: FileId,
    file: FileName,
    length: u64,
}

impl FileWriter for SimulatedWriter {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        let mut state = self.disk.0.lock();
        let (bytes, failure) = match state.faults.step(Call::Write) {
            Step::Do => (bytes, None),
            Step::DoAndLosePower => (bytes, Some(PowerLost::error())),
            Step::Fail(error) if error.kind() == io::ErrorKind::WriteZero => {
                (&bytes[..bytes.len() / 2], Some(error))
            }
            Step::Fail(error) => (&[][..], Some(error)),
        };
        let written = state.write(self.id, offset, bytes);
        self.length = state.length(self.id);
        let done = written.and(failure.map_or(Ok(()), Err));
        done.map_err(|source| DiskError::new(Call::Write.name(), self.file, source))
    }

    fn length(&self) -> u64 {
        self.length
    }

    fn sync(&mut self) -> Result<(), DiskError> {
        let mut state = self.disk.0.lock();
        let done = match state.faults.step(Call::Sync) {
            Step::Do => {
                state.sync(self.id);
                Ok(())
            }
            // Whatever of it was done is one of the states that a crash before it may leave.
            Step::DoAndLosePower => Err(PowerLost::error()),
            Step::Fail(error) => {
                state.abandon(self.id);
                Err(error)
            }
        };
        done.map_err(|source| DiskError::new(Call::Sync.name(), self.file, source))
    }
}

impl Drop for SimulatedWriter {
    fn drop(&mut self) {
        self.disk.0.lock().close(self.id);
    }
}

/// The file as it was when it was opened.
struct SimulatedReader {
    disk: SimulatedDisk,
    file: FileName,
    bytes: Arc<Vec<u8>>,
    mapped: bool,
}

impl FileReader for SimulatedReader {
    fn length(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read(&self, offset: u64, length: usize) -> Result<Cow<'_, [u8]>, DiskError> {
        let range = range_within(self.length(), offset, length);
        if self.mapped {
            // A mapping does not fail with an error, so neither does this.
            let range = range.map_err(|source| DiskError::new(Call::Read.name(), self.file, source))?;
            return Ok(Cow::Borrowed(&self.bytes[range]));
        }
        self.disk.call(Call::Read, self.file, |_| range.map(|range| Cow::Owned(self.bytes[range].to_vec())))
    }
}
