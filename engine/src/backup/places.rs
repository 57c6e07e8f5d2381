//! The targets that a store has ever been backed up to: a purge must reach all of them, whoever starts it.

use super::BackupError;
use crate::disk::{Access, Disk, DiskError};
use crate::format::names::{Directory, FileName};

/// Most bytes of the file: more targets than anybody has.
const FILE_BYTES: u64 = 64 << 10;

/// The places that are written down.
///
/// # Errors
/// When the file cannot be read: nobody knows then where copies are.
pub fn remembered(disk: &dyn Disk) -> Result<Vec<Box<str>>, BackupError> {
    let reader = match disk.open(FileName::Targets, Access::Read) {
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        opened => opened?,
    };
    let length = usize::try_from(reader.length().min(FILE_BYTES)).unwrap_or(0);
    let bytes = reader.read(0, length)?;
    Ok(String::from_utf8_lossy(&bytes).lines().filter(|line| !line.is_empty()).map(Into::into).collect())
}

/// Writes a place down, before anything is brought there.
///
/// # Errors
/// When it cannot be made durable.
pub fn remember(disk: &dyn Disk, place: &str) -> Result<(), BackupError> {
    let mut places = remembered(disk)?;
    if places.iter().any(|known| **known == *place) {
        return Ok(());
    }
    places.push(place.into());
    write(disk, &places)
}

/// Forgets a place that is no more. Says whether it was known.
///
/// # Errors
/// When it cannot be made durable.
pub fn forget(disk: &dyn Disk, place: &str) -> Result<bool, BackupError> {
    let mut places = remembered(disk)?;
    let before = places.len();
    places.retain(|known| **known != *place);
    let was_known = places.len() < before;
    if was_known {
        write(disk, &places)?;
    }
    Ok(was_known)
}

fn write(disk: &dyn Disk, places: &[Box<str>]) -> Result<(), BackupError> {
    let lines: String = places.iter().map(|place| format!("{place}\n")).collect();
    Ok(put_file(disk, (FileName::TargetsNew, FileName::Targets), lines.as_bytes())?)
}

/// Puts a small file of the root in its place, whole or not at all, by way of another name.
pub(super) fn put_file(
    disk: &dyn Disk,
    (new, file): (FileName, FileName),
    bytes: &[u8],
) -> Result<(), DiskError> {
    let mut writer = match disk.create(new) {
        Err(error) if error.is_already_there() => {
            // Left by a crash or an error; never read.
            disk.remove(new)?;
            disk.create(new)?
        }
        created => created?,
    };
    writer.write_at(0, bytes)?;
    writer.sync()?;
    drop(writer);
    disk.rename(new, file)?;
    disk.sync_directory(Directory::Root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::simulated::SimulatedDisk;

    #[test]
    fn a_target_is_remembered_once_until_it_is_forgotten() {
        let disk = SimulatedDisk::new();
        assert!(remembered(&disk).unwrap().is_empty());
        for place in ["/backups", "s3://bucket/a", "/backups"] {
            remember(&disk, place).unwrap();
        }
        let survivor = disk.survivors().nth(0);
        assert_eq!(remembered(&survivor).unwrap(), [Box::from("/backups"), "s3://bucket/a".into()]);
        assert!(forget(&disk, "/backups").unwrap() && !forget(&disk, "/backups").unwrap());
        assert_eq!(remembered(&disk).unwrap(), [Box::from("s3://bucket/a")]);
    }
}
