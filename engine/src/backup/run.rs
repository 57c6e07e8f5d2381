//! Calls on a target, in the order that keeps what is listed there whole.

use std::ops::ControlFlow;

use super::expiry;
use super::plan::{self, KeepOptions};
use super::target::{BackupTarget, InMemory, Put, pieces};
use super::{
    BackedSegment, BackupError, BackupList, BackupReport, BackupVerification, ContentHash, Folder, Moved,
    ObjectName, TargetMark,
};
use crate::disk::{Access, Disk, FileReader};
use crate::format::backup::{BACKUP_BYTES, MARK_BYTES};
use crate::format::frame::{Cursor, FormatError};
use crate::format::names::{Directory, FileName};
use crate::model::CopyName;
use crate::segment::SegmentEntry;

/// Told how far it is; may stop it.
pub type Watch<'a> = dyn FnMut(Moved) -> ControlFlow<()> + 'a;

/// Whose target it is; `None` if it is nobody's yet.
///
/// # Errors
/// When it cannot be read.
pub fn mark(target: &dyn BackupTarget) -> Result<Option<TargetMark>, BackupError> {
    match get_small(target, ObjectName::Mark, MARK_BYTES) {
        Err(BackupError::Target(error)) if error.not_found => Ok(None),
        Err(error) => Err(error),
        Ok(bytes) => TargetMark::decode(&bytes).map(Some).map_err(unreadable(target, ObjectName::Mark)),
    }
}

/// Whether a target is this store's; it may be nobody's yet.
///
/// # Errors
/// When it is of another region or store, or cannot be read.
pub fn is_own(target: &dyn BackupTarget, own: &TargetMark) -> Result<bool, BackupError> {
    let place = || target.place().into();
    match mark(target)? {
        None => Ok(false),
        Some(found) if found.region != own.region => {
            Err(BackupError::Region { place: place(), expected: own.region.clone(), got: found.region })
        }
        Some(found) if found.store != own.store => Err(BackupError::OtherStore { place: place() }),
        Some(_) => Ok(true),
    }
}

/// Makes sure that the target is this store's, makes it so if it is nobody's, and tries whether it forgets what is
/// deleted: a target that keeps versions must say for how long.
///
/// # Errors
/// When it is of another region or store, keeps versions without end or for too long, or cannot be reached.
pub fn claim(target: &dyn BackupTarget, own: &TargetMark) -> Result<(), BackupError> {
    expiry::check_target(target, None)?;
    is_own(target, own)?;
    let put = target.put(ObjectName::Mark, &InMemory(own.encode()))?;
    forgets_in_time(target, put)
}

/// Makes sure that what a target keeps of the past goes by itself.
///
/// # Errors
/// When it has kept an old version, and nobody says for how long.
pub fn forgets_in_time(target: &dyn BackupTarget, put: Put) -> Result<(), BackupError> {
    match put.versioned && target.expires_days().is_none() {
        true => Err(BackupError::Versioned { place: target.place().into() }),
        false => Ok(()),
    }
}

/// Every backup of a target, the newest first.
///
/// # Errors
/// When one cannot be read.
pub fn lists(target: &dyn BackupTarget) -> Result<Vec<BackupList>, BackupError> {
    let mut lists = Vec::new();
    for object in target.list(Folder::Backups)? {
        if let ObjectName::Backup(name) = object {
            lists.push(list(target, name)?);
        }
    }
    lists.sort_unstable_by_key(|list| (std::cmp::Reverse(list.created_ms), list.name));
    Ok(lists)
}

/// What a backup lists.
///
/// # Errors
/// When there is no such backup, or it cannot be read.
pub fn list(target: &dyn BackupTarget, name: CopyName) -> Result<BackupList, BackupError> {
    let object = ObjectName::Backup(name);
    match get_small(target, object, BACKUP_BYTES) {
        Err(BackupError::Target(error)) if error.not_found => Err(BackupError::NoSuchBackup(name)),
        Err(error) => Err(error),
        Ok(bytes) => BackupList::decode(&bytes).map_err(unreadable(target, object)),
    }
}

/// Puts a list in its place.
///
/// # Errors
/// When the target refused or could not be reached.
pub fn put_list(target: &dyn BackupTarget, list: &BackupList) -> Result<(), BackupError> {
    let bytes = list.encode();
    // What could not be read back must not take the place of what can.
    BackupList::decode(&bytes).map_err(unreadable(target, ObjectName::Backup(list.name)))?;
    target.put(ObjectName::Backup(list.name), &InMemory(bytes))?;
    Ok(())
}

/// Brings segments to a target that are not there yet, and reads back what it has brought. `lists` are those that the
/// target has.
///
/// # Errors
/// When a segment cannot be read, the target cannot be reached, or holds something else afterwards. What was brought
/// stays, and need not be brought again.
pub fn upload(
    disk: &dyn Disk,
    target: &dyn BackupTarget,
    lists: &[BackupList],
    entries: &[SegmentEntry],
    watch: &mut Watch<'_>,
) -> Result<(Vec<BackedSegment>, BackupReport), BackupError> {
    let known = plan::known(lists);
    let mut report = BackupReport::default();
    let total_bytes = entries.iter().map(|entry| entry.length_bytes).sum();
    let mut backed = Vec::with_capacity(entries.len());
    for entry in entries {
        let hash = match known.get(&entry.header.uuid) {
            Some((before, hash)) if plan::same_file(before, entry) => *hash,
            _ => {
                let file = disk.open(FileName::Segment(entry.number), Access::Read)?;
                let hash = upload_one(target, &*file)?;
                report.uploaded_segments += 1;
                report.uploaded_bytes += entry.length_bytes;
                hash
            }
        };
        report.segments += 1;
        report.bytes += entry.length_bytes;
        backed.push(BackedSegment { entry: entry.clone(), hash });
        if watch(Moved { done_bytes: report.bytes, total_bytes }).is_break() {
            return Err(BackupError::Stopped);
        }
    }
    Ok((backed, report))
}

/// Brings one segment file, and reads it back.
///
/// # Errors
/// As `upload`.
pub fn upload_one(target: &dyn BackupTarget, file: &dyn FileReader) -> Result<ContentHash, BackupError> {
    let mut hasher = blake3::Hasher::new();
    pieces::<BackupError>(file, &mut |piece| {
        hasher.update(piece);
        Ok(())
    })?;
    let hash = ContentHash(*hasher.finalize().as_bytes());
    let object = ObjectName::Segment(hash);
    // What an earlier run has brought and no list names yet is looked at, and not brought again.
    if target.length(object)? == Some(file.length()) && verify_one(target, hash)? == Some(file.length()) {
        return Ok(hash);
    }
    target.put(object, file)?;
    match verify_one(target, hash)? {
        Some(length) if length == file.length() => Ok(hash),
        _ => Err(BackupError::Damaged { object, place: target.place().into() }),
    }
}

/// Reads a segment of a target. Its bytes, if its content is what its name says.
fn verify_one(target: &dyn BackupTarget, hash: ContentHash) -> Result<Option<u64>, BackupError> {
    let (mut hasher, mut length) = (blake3::Hasher::new(), 0);
    target.get(ObjectName::Segment(hash), &mut |piece| {
        hasher.update(piece);
        length += piece.len() as u64;
        Ok(())
    })?;
    Ok((hasher.finalize().as_bytes() == &hash.0).then_some(length))
}

/// Reads all that a backup lists, and compares it with its names.
///
/// # Errors
/// When there is no such backup, or it was told to stop. What is wrong with segments is found, and is no error.
pub fn verify(
    target: &dyn BackupTarget,
    name: CopyName,
    watch: &mut Watch<'_>,
) -> Result<BackupVerification, BackupError> {
    let list = list(target, name)?;
    let total_bytes = list.segments.iter().map(|segment| segment.entry.length_bytes).sum();
    let mut found = BackupVerification::default();
    for BackedSegment { entry, hash } in &list.segments {
        match verify_one(target, *hash) {
            Ok(Some(length)) if length == entry.length_bytes => {}
            Ok(_) => {
                let (object, place) = (ObjectName::Segment(*hash), target.place().into());
                found.findings.push(BackupError::Damaged { object, place });
            }
            Err(error) => found.findings.push(error),
        }
        found.segments += 1;
        found.bytes += entry.length_bytes;
        if watch(Moved { done_bytes: found.bytes, total_bytes }).is_break() {
            return Err(BackupError::Stopped);
        }
    }
    Ok(found)
}

/// What a prune did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Backups that were too old or too many.
    pub backups: Vec<CopyName>,
    /// Segments that no backup lists any more.
    pub segments: usize,
    /// Uploads that were never finished.
    pub uploads: u64,
}

/// Deletes backups that are too old or too many at `now_ms`, and what no backup lists. Nobody else may back up to the
/// target meanwhile: what they have brought is in no list yet.
///
/// # Errors
/// When a list cannot be read, so that nobody knows what it needs, or the target cannot be reached.
pub fn prune(target: &dyn BackupTarget, now_ms: u64, options: &KeepOptions) -> Result<Pruned, BackupError> {
    expiry::check_target(target, Some(options.most_days))?;
    let mut lists = lists(target)?;
    let stale = plan::stale(&lists, now_ms, options);
    for name in &stale {
        target.delete(ObjectName::Backup(*name))?;
    }
    lists.retain(|list| !stale.contains(&list.name));
    let segments = delete_unlisted(target, &lists)?;
    Ok(Pruned { backups: stale, segments, uploads: target.end_unfinished()? })
}

/// Deletes the segments that none of `lists`, which are all of the target's, names. Says how many.
///
/// # Errors
/// When the target refused or could not be reached.
pub fn delete_unlisted(target: &dyn BackupTarget, lists: &[BackupList]) -> Result<usize, BackupError> {
    let unlisted = plan::unlisted(&target.list(Folder::Segments)?, lists);
    for object in &unlisted {
        target.delete(*object)?;
    }
    Ok(unlisted.len())
}

/// Brings the newest of a file that there is one of, `accounts` or `ledger`. Nothing if there is no such file.
///
/// # Errors
/// When it cannot be read, or the target cannot be reached.
pub fn upload_file(
    disk: &dyn Disk,
    target: &dyn BackupTarget,
    file: FileName,
    object: ObjectName,
) -> Result<(), BackupError> {
    match disk.open(file, Access::Read) {
        Err(error) if error.is_not_found() => Ok(()),
        Err(error) => Err(error.into()),
        // It may grow meanwhile: what was there when it was opened is brought.
        Ok(reader) => forgets_in_time(target, target.put(object, &*reader)?),
    }
}

/// Reads a segment of a backup into a file of a store, durable and not live.
///
/// # Errors
/// When it is not what its name says, or cannot be read or written; there is no file then.
pub fn download(
    target: &dyn BackupTarget,
    disk: &dyn Disk,
    segment: &BackedSegment,
    number: u64,
) -> Result<SegmentEntry, BackupError> {
    let new = FileName::SegmentNew(number);
    let mut writer = disk.create(new)?;
    let (mut hasher, mut offset) = (blake3::Hasher::new(), 0);
    let got = target.get(ObjectName::Segment(segment.hash), &mut |piece| {
        hasher.update(piece);
        writer.write_at(offset, piece)?;
        offset += piece.len() as u64;
        Ok(())
    });
    let damaged =
        || BackupError::Damaged { object: ObjectName::Segment(segment.hash), place: target.place().into() };
    let whole = got.map_err(BackupError::from).and_then(|()| {
        let same = hasher.finalize().as_bytes() == &segment.hash.0 && offset == segment.entry.length_bytes;
        if same { Ok(writer.sync()?) } else { Err(damaged()) }
    });
    drop(writer);
    if let Err(error) = whole {
        // What cannot be removed is an orphan, and goes at the next open.
        drop(disk.remove(new));
        return Err(error);
    }
    disk.rename(new, FileName::Segment(number))?;
    disk.sync_directory(Directory::Segments)?;
    Ok(SegmentEntry { number, ..segment.entry.clone() })
}

/// Reads a file that there is one of into the store's directory, in place of none. Says whether there was one.
///
/// # Errors
/// When it cannot be read or written.
pub fn download_file(
    target: &dyn BackupTarget,
    disk: &dyn Disk,
    object: ObjectName,
    (new, file): (FileName, FileName),
) -> Result<bool, BackupError> {
    if target.length(object)?.is_none() {
        return Ok(false);
    }
    let mut writer = match disk.create(new) {
        Err(error) if error.is_already_there() => {
            // Left by a crash or an error; never read.
            disk.remove(new)?;
            disk.create(new)?
        }
        created => created?,
    };
    let mut offset = 0;
    target.get(object, &mut |piece| {
        writer.write_at(offset, piece)?;
        offset += piece.len() as u64;
        Ok(())
    })?;
    writer.sync()?;
    drop(writer);
    disk.rename(new, file)?;
    disk.sync_directory(Directory::Root)?;
    Ok(true)
}

fn get_small(target: &dyn BackupTarget, object: ObjectName, limit: usize) -> Result<Vec<u8>, BackupError> {
    let mut bytes = Vec::new();
    let mut is_within = true;
    target.get(object, &mut |piece| {
        is_within &= bytes.len() + piece.len() <= limit;
        if is_within {
            bytes.extend_from_slice(piece);
        }
        Ok(())
    })?;
    match is_within {
        true => Ok(bytes),
        false => Err(unreadable(target, object)(Cursor::new("object", &[]).invalid(limit as u64))),
    }
}

fn unreadable(target: &dyn BackupTarget, object: ObjectName) -> impl Fn(FormatError) -> BackupError {
    let place: Box<str> = target.place().into();
    move |source| BackupError::Unreadable { object, place: place.clone(), source }
}
