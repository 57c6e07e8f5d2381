//! The manifest file: one, replaced atomically, never changed.

use crate::disk::{Access, Disk, DiskError};
use crate::format::frame::FormatError;
use crate::format::manifest::MANIFEST_BYTES;
use crate::format::names::{Directory, FileName};

mod edit;

pub use crate::format::manifest::{ClockMark, Manifest, Snapshot, SnapshotOrigin};
pub use edit::{Edit, Edited, NewSnapshot, Released, SnapshotError};

/// Why a manifest could not be read or replaced.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// A call failed; the manifest is as it was.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The new manifest was moved over the old one, and a call failed then: either may be the one on disk now.
    #[error("the manifest was being replaced: {0}")]
    Uncertain(DiskError),
    /// The file is not what it should be.
    #[error("{file} cannot be read: {source}")]
    Unreadable {
        /// Which file.
        file: FileName,
        /// What is wrong with it.
        source: FormatError,
    },
    /// More segments are live or in snapshots than a manifest may list.
    #[error("{file} has {got} bytes, at most {expected} are allowed; compact the store, or delete snapshots")]
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
/// After `Uncertain` either of the two may be the one that the next `load` finds, so nothing may be written that only
/// one of them allows: the caller poisons the store. Every other error leaves the old one where it is.
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
    let moved = disk.rename(file, FileName::Manifest).and_then(|()| disk.sync_directory(Directory::Root));
    moved.map_err(ManifestError::Uncertain)
}

fn within(file: FileName, got: u64) -> Result<usize, ManifestError> {
    match usize::try_from(got) {
        Ok(length) if length <= MANIFEST_BYTES => Ok(length),
        _ => Err(ManifestError::TooLarge { file, expected: MANIFEST_BYTES as u64, got }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::simulated::{Failure, Fault, PowerLost, SimulatedDisk, When};
    use crate::model::{Region, Seq};

    fn manifest(edition: u64) -> Manifest {
        Manifest {
            edition,
            store: [7; 16],
            region: Region::new("eu").unwrap(),
            wal_floor: Seq(edition * 100),
            purged_through: Seq(0),
            next_file: 1,
            clock: ClockMark { last_seen_ms: 1 },
            window_key: [9; 32],
            segments: Vec::new(),
            pinned: Vec::new(),
            snapshots: Vec::new(),
        }
    }

    fn edition(disk: &SimulatedDisk) -> Option<u64> {
        load(disk).unwrap().map(|manifest| manifest.edition)
    }

    #[test]
    fn after_a_crash_anywhere_the_old_or_the_new_one_is_there() {
        let mut states = 0;
        for first in [None, Some(manifest(1))] {
            let start = SimulatedDisk::new();
            first.iter().for_each(|manifest| replace(&start, manifest).unwrap());
            let old = edition(&start);
            for call in 1.. {
                let disk = start.fork();
                disk.crash_at(call);
                let replaced = replace(&disk, &manifest(2));
                let survivors = disk.survivors();
                assert!(survivors.is_complete());
                for index in 0..survivors.count() {
                    let survivor = survivors.nth(index);
                    let found = edition(&survivor);
                    assert!(found == old || found == Some(2), "call {call}, state {index}: {found:?}");
                    assert!(replaced.is_err() || found == Some(2), "call {call}, state {index}");
                    // And it goes on from there, whatever is lying about.
                    replace(&survivor, &manifest(3)).unwrap();
                    assert_eq!(edition(&survivor), Some(3));
                    states += 1;
                }
                if replaced.is_ok() {
                    break;
                }
            }
        }
        assert!(states > 20, "{states}");
    }

    #[test]
    fn a_failing_call_leaves_the_old_or_the_new_one() {
        for failure in [Failure::InputOutput, Failure::Full, Failure::Short] {
            for nth in 1..=7 {
                for when in [When::Once(nth), When::From(nth)] {
                    let disk = SimulatedDisk::new();
                    replace(&disk, &manifest(1)).unwrap();
                    let disk = disk.fork();
                    disk.inject(Fault { call: None, when, failure });
                    let replaced = replace(&disk, &manifest(2));
                    disk.heal();
                    match replaced {
                        Ok(()) => assert_eq!(edition(&disk), Some(2)),
                        Err(ManifestError::Disk(error)) => {
                            assert!(!PowerLost::is_why(&error));
                            assert_eq!(edition(&disk), Some(1), "{when:?} {failure:?}");
                        }
                        Err(ManifestError::Uncertain(_)) => {
                            assert!(matches!(edition(&disk), Some(1 | 2)), "{when:?} {failure:?}");
                        }
                        Err(error) => panic!("{error}: {when:?} {failure:?}"),
                    }
                }
            }
        }
    }

    #[test]
    fn a_damaged_manifest_is_an_error_that_names_the_file() {
        let disk = SimulatedDisk::new();
        assert!(load(&disk).unwrap().is_none());
        replace(&disk, &manifest(1)).unwrap();
        let length = disk.contents(FileName::Manifest).unwrap().len();
        for byte in 0..length {
            let rotten = disk.fork();
            rotten.flip(FileName::Manifest, byte, byte as u32 % 8);
            let error = load(&rotten).unwrap_err();
            assert!(matches!(error, ManifestError::Unreadable { file: FileName::Manifest, .. }), "{error}");
            let short = disk.fork();
            short.truncate(FileName::Manifest, byte);
            assert!(load(&short).is_err(), "{byte}");
        }
        disk.inject(Fault { call: None, when: When::From(1), failure: Failure::InputOutput });
        assert!(matches!(load(&disk), Err(ManifestError::Disk(_))));
    }
}
