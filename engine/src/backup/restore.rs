//! The beginning of a restore into a directory that holds no store: what must be there before one can be opened.

use super::places;
use super::run;
use super::{BackupError, BackupList, BackupTarget, ObjectName, TargetMark};
use crate::disk::{Access, Disk, DiskError};
use crate::format::ledger::decode_key;
use crate::format::names::{Directory, FileName};
use crate::model::CopyName;

/// Brings accounts and ledger into a directory that has none, and marks it as being restored: it cannot be opened by
/// itself until the restore is done. What the directory has of its own stays. It becomes the store that was backed up, and goes on at the
/// same target. Gives what the backup lists.
///
/// # Errors
/// When the directory holds a store, there is no such backup, or it cannot be read or written.
pub fn begin(
    target: &dyn BackupTarget,
    disk: &dyn Disk,
    name: CopyName,
) -> Result<(TargetMark, BackupList), BackupError> {
    let mark = run::mark(target)?.ok_or_else(|| BackupError::NoTarget { place: target.place().into() })?;
    let list = run::list(target, name)?;
    let is_there = |file| is_there(disk, file);
    let is_begun = is_there(FileName::Restoring)?;
    if is_begun {
        // Nothing of it was ever served: it begins anew.
        for directory in [Directory::Segments, Directory::Wal] {
            for (file, _) in disk.list(directory)? {
                disk.remove(file)?;
            }
            disk.sync_directory(directory)?;
        }
        if is_there(FileName::Manifest)? {
            disk.remove(FileName::Manifest)?;
        }
    } else {
        if is_there(FileName::Manifest)? {
            return Err(BackupError::NotEmpty);
        }
        let mut writer = disk.create(FileName::Restoring)?;
        writer.write_at(0, name.as_str().as_bytes())?;
        writer.sync()?;
    }
    disk.sync_directory(Directory::Root)?;
    places::remember(disk, target.place())?;
    let files = [
        (ObjectName::Accounts, FileName::AccountsNew, FileName::Accounts),
        (ObjectName::Ledger, FileName::LedgerNew, FileName::Ledger),
    ];
    for (object, new, file) in files {
        if !is_there(file)? {
            run::download_file(target, disk, object, (new, file))?;
        }
    }
    Ok((mark, list))
}

/// Puts the key of the ledger in its place, if there is none: `key` is the content of that file of the store that was
/// backed up.
///
/// # Errors
/// When it is not such a content, or cannot be made durable.
pub fn put_ledger_key(disk: &dyn Disk, key: &[u8]) -> Result<(), BackupError> {
    decode_key(key).map_err(BackupError::NoKey)?;
    match is_there(disk, FileName::LedgerKey)? {
        true => Ok(()),
        false => Ok(places::put_file(disk, (FileName::KeyNew, FileName::LedgerKey), key)?),
    }
}

fn is_there(disk: &dyn Disk, file: FileName) -> Result<bool, DiskError> {
    match disk.open(file, Access::Read) {
        Ok(_) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}
