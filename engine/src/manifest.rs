//! The manifest file: one, replaced atomically, never changed.

use crate::disk::{Access, Disk, DiskError};
use crate::format::frame::FormatError;
use crate::format::manifest::MANIFEST_BYTES;
use crate::format::names::{Directory, FileName};

pub use crate::format::manifest::{ClockMark, Manifest};

/// Why a manifest could not be read or replaced.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// A call failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The file is not what it should be.
    #[error("{file} cannot be read: {source}")]
    Unreadable {
        /// Which file.
        file: FileName,
        /// What is wrong with it.
        source: FormatError,
    },
    /// More segments are live than a manifest may list.
    #[error("{file} has {got} bytes, at most {expected} are allowed; compact the store")]
    TooLarge {
        /// Which file.
        file: FileName,
        /// The maximum, in bytes.
        expected: u64,
        /// Its bytes.
        got: u64,
    },
}

/// Reads the manifest; `None` of a directory that has none, which is a store that was never finished being made.
///
/// # Errors
/// When it is there but cannot be read.
pub fn load(disk: &dyn Disk) -> Result<Option<Manifest>, ManifestError> {
    let file = FileName::Manifest;
    let reader = match disk.open(file, Access::Read) {
        Err(error) if error.is_not_found() => return Ok(None),
        opened => opened?,
    };
    let length = within(file, reader.length())?;
    let bytes = reader.read(0, length)?;
    Manifest::decode(&bytes).map(Some).map_err(|source| ManifestError::Unreadable { file, source })
}

/// Puts `manifest` in the place of the one that is there: written and synced under another name, then renamed.
///
/// # Errors
/// After an error either of the two may be the one that the next `load` finds, so nothing may be written that only
/// one of them allows: the caller poisons the store. `TooLarge` and `Unreadable` alone leave everything as it was.
pub fn replace(disk: &dyn Disk, manifest: &Manifest) -> Result<(), ManifestError> {
    let file = FileName::ManifestNew;
    let bytes = manifest.encode();
    within(file, bytes.len() as u64)?;
    // What could not be read back must not take the place of what can.
    Manifest::decode(&bytes).map_err(|source| ManifestError::Unreadable { file, source })?;
    let mut writer = match disk.create(file) {
        Err(error) if error.is_already_there() => {
            // Left by a crash or an error in an earlier replacement; never read.
            disk.remove(file)?;
            disk.create(file)?
        }
        created => created?,
    };
    writer.write_at(0, &bytes)?;
    writer.sync()?;
    drop(writer);
    disk.rename(file, FileName::Manifest)?;
    disk.sync_directory(Directory::Root)?;
    Ok(())
}

fn within(file: FileName, got: u64) -> Result<usize, ManifestError> {
    match usize::try_from(got) {
        Ok(length) if length <= MANIFEST_BYTES => Ok(length),
        _ => Err(ManifestError::TooLarge { file, expected: MANIFEST_BYTES as u64, got }),
    }
}
