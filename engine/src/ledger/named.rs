//! What open requests have named: one file each, for as long as it is needed.

use super::{Ledger, LedgerError, put_file};
use crate::disk::{Access, DiskError};
use crate::format::ledger::{NAMED_FILE_BYTES, decode_named, encode_named};
use crate::format::names::{Directory, FileName};
use crate::model::{Erasure, ErasureId, NamedPages};

impl Ledger {
    /// What an open request has named; `None` when it is not open any more.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn named(&self, erasure: &Erasure) -> Result<Option<NamedPages>, LedgerError> {
        let file = FileName::Named(erasure.number);
        let reader = match self.disk.open(file, Access::Read) {
            Err(error) if error.is_not_found() => return Ok(None),
            opened => opened?,
        };
        let (expected, got) = (NAMED_FILE_BYTES as u64, reader.length());
        if got > expected {
            return Err(LedgerError::TooLarge { file, expected, got });
        }
        let bytes = reader.read(0, got as usize)?;
        let unreadable = |source| LedgerError::Unreadable { file, offset: 0, source };
        let (id, pages) = decode_named(&bytes).map_err(unreadable)?;
        Ok((id == erasure.id).then_some(pages))
    }

    /// Writes down what the next request names, before the request itself. Requests come one at a time.
    ///
    /// # Errors
    /// When it could not be made durable.
    pub fn write_named(&self, id: ErasureId, pages: &NamedPages) -> Result<(), LedgerError> {
        let number = self.index.read().next_number();
        let (new, file) = (FileName::NamedNew(number), FileName::Named(number));
        put_file(&*self.disk, new, file, Directory::Erasures, &encode_named(id, pages))?;
        Ok(())
    }

    /// Unlinks what was named by requests that are not open any more, or never were, and what a crash left.
    ///
    /// # Errors
    /// What the operating system said.
    pub fn forget_named(&self, still_needed: impl Fn(u64) -> bool) -> Result<(), LedgerError> {
        self.forget_named_by(still_needed, |files| files.iter().try_for_each(|file| self.disk.remove(*file)))
    }

    /// As `forget_named`; `remove` unlinks the files that it is given.
    ///
    /// # Errors
    /// What the operating system said.
    pub fn forget_named_by(
        &self,
        still_needed: impl Fn(u64) -> bool,
        remove: impl FnOnce(&[FileName]) -> Result<(), DiskError>,
    ) -> Result<(), LedgerError> {
        let is_needed = |file: &FileName| matches!(file, FileName::Named(number) if still_needed(*number));
        let mut files: Vec<FileName> =
            self.disk.list(Directory::Erasures)?.into_iter().map(|(file, _)| file).collect();
        files.retain(|file| !is_needed(file));
        if !files.is_empty() {
            remove(&files)?;
            self.disk.sync_directory(Directory::Erasures)?;
        }
        Ok(())
    }
}
