//! Where backups go: a small set of calls on whole objects, so that a directory and a bucket are the same to the engine.

use std::borrow::Cow;
use std::error::Error;

use crate::disk::{DiskError, FileReader};
use crate::format::objects::{Folder, ObjectName};

/// Bytes that are moved at once.
pub const PIECE_BYTES: usize = 8 << 20;

/// A place for backups. Calls wait; whoever has a connection of its own kind waits for it here.
pub trait BackupTarget: Send + Sync {
    /// Where it is, for people: never with a secret in it.
    fn place(&self) -> &str;

    /// Days for which it keeps what was deleted or replaced, as its operator says; `None` if it keeps nothing.
    fn expires_days(&self) -> Option<u32>;

    /// Puts a whole object in its place, or none of it. Durable when it returns.
    ///
    /// # Errors
    /// When the target refused or could not be reached; whether the object is there cannot be known then.
    fn put(&self, object: ObjectName, content: &dyn FileReader) -> Result<Put, TargetError>;

    /// Reads a whole object, piece by piece.
    ///
    /// # Errors
    /// When it is not there, the target could not be reached, or `take` could not go on.
    fn get(
        &self,
        object: ObjectName,
        take: &mut dyn FnMut(&[u8]) -> Result<(), DiskError>,
    ) -> Result<(), GetError>;

    /// Exactly `length` bytes at `offset` of an object.
    ///
    /// # Errors
    /// When it is not there or not that long, or the target could not be reached.
    fn get_range(&self, object: ObjectName, offset: u64, length: usize) -> Result<Vec<u8>, TargetError>;

    /// Bytes of an object; `None` if there is no such object.
    ///
    /// # Errors
    /// When the target could not be reached.
    fn length(&self, object: ObjectName) -> Result<Option<u64>, TargetError>;

    /// The objects of a folder, in any order.
    ///
    /// # Errors
    /// When the target could not be reached.
    fn list(&self, folder: Folder) -> Result<Vec<ObjectName>, TargetError>;

    /// Deletes an object; one that is not there is deleted.
    ///
    /// # Errors
    /// When the target refused or could not be reached.
    fn delete(&self, object: ObjectName) -> Result<(), TargetError>;

    /// Ends uploads that an earlier process began and did not finish. Says how many.
    ///
    /// # Errors
    /// When the target refused or could not be reached.
    fn end_unfinished(&self) -> Result<u64, TargetError>;
}

/// What a target said to a put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Put {
    /// Whether the target keeps older versions of objects: deleting does not remove their bytes then.
    pub versioned: bool,
}

/// A call on a target that failed.
#[derive(Debug, thiserror::Error)]
#[error("{operation} {object} at {place}: {source}")]
pub struct TargetError {
    /// What was asked: `put`, `get`, ...
    pub operation: &'static str,
    /// Of which object or folder.
    pub object: Box<str>,
    /// Where.
    pub place: Box<str>,
    /// Whether there is no such object.
    pub not_found: bool,
    /// What the target said.
    pub source: Box<dyn Error + Send + Sync>,
}

/// Why an object could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum GetError {
    /// The target did not give it.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// What was read could not be kept.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Bytes in memory as the content of an object.
pub struct InMemory(pub Vec<u8>);

impl FileReader for InMemory {
    fn length(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&self, offset: u64, length: usize) -> Result<Cow<'_, [u8]>, DiskError> {
        let end = usize::try_from(offset).ok().and_then(|offset| Some(offset..offset.checked_add(length)?));
        let bytes = end.and_then(|range| self.0.get(range));
        bytes.map(Cow::Borrowed).ok_or_else(|| {
            DiskError::new("read", "bytes in memory", std::io::ErrorKind::UnexpectedEof.into())
        })
    }
}

/// Gives the content of an object piece by piece.
///
/// # Errors
/// What the disk, or `take`, said.
pub fn pieces<E: From<DiskError>>(
    content: &dyn FileReader,
    take: &mut dyn FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut offset = 0;
    while offset < content.length() {
        let length = PIECE_BYTES.min(usize::try_from(content.length() - offset).unwrap_or(PIECE_BYTES));
        take(&content.read(offset, length)?)?;
        offset += length as u64;
    }
    Ok(())
}
