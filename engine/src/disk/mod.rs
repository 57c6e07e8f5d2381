//! The operating system's files behind one small trait, so that a test can lose power at any call.

mod lock;
mod map;
mod real;
#[cfg(any(test, feature = "simulation"))]
pub mod simulated;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::format::names::{Directory, FileName};

pub use real::RealDisk;

/// What a store asks of a file system. All names are of `format::names`; there are no others.
pub trait Disk: Send + Sync {
    /// Makes a file that must not exist yet, empty, for writing.
    ///
    /// # Errors
    /// What the operating system said; that the file exists is one of them.
    fn create(&self, file: FileName) -> Result<Box<dyn FileWriter>, DiskError>;

    /// Opens an existing file for appending at its end (`accounts`). Sealed files (segments) are refused.
    ///
    /// # Errors
    /// What the operating system said.
    fn append(&self, file: FileName) -> Result<Box<dyn FileWriter>, DiskError>;

    /// Opens a file for reading.
    ///
    /// # Errors
    /// What the operating system said.
    fn open(&self, file: FileName, access: Access) -> Result<Arc<dyn FileReader>, DiskError>;

    /// Moves a file over another name, replacing what is there. Durable after `sync_directory` of both.
    ///
    /// # Errors
    /// What the operating system said.
    fn rename(&self, source: FileName, target: FileName) -> Result<(), DiskError>;

    /// Unlinks a file. Readers that have it open keep it. Durable after `sync_directory`.
    ///
    /// # Errors
    /// What the operating system said.
    fn remove(&self, file: FileName) -> Result<(), DiskError>;

    /// Makes the entries of a directory durable.
    ///
    /// # Errors
    /// What the operating system said.
    fn sync_directory(&self, directory: Directory) -> Result<(), DiskError>;

    /// The files of a directory that are of `format::names`, with their lengths in bytes, by name.
    ///
    /// # Errors
    /// What the operating system said.
    fn list(&self, directory: Directory) -> Result<Vec<(FileName, u64)>, DiskError>;

    /// Bytes that may still be written.
    ///
    /// # Errors
    /// What the operating system said.
    fn free_bytes(&self) -> Result<u64, DiskError>;
}

/// A file being written. Nothing of it is durable before a sync, nor its name before `sync_directory`.
pub trait FileWriter: Send {
    /// Writes all of `bytes` at `offset`; a gap before it reads as zeros.
    ///
    /// # Errors
    /// What the operating system said; any part of `bytes` may then be in the file.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), DiskError>;

    /// Bytes of the file.
    fn length(&self) -> u64;

    /// Makes contents and length durable (`fdatasync`). After an error nothing can be known of the file.
    ///
    /// # Errors
    /// What the operating system said.
    fn sync(&mut self) -> Result<(), DiskError>;
}

/// A file that does not change any more.
pub trait FileReader: Send + Sync {
    /// Bytes of the file.
    fn length(&self) -> u64;

    /// Exactly `length` bytes at `offset`: borrowed from the mapping, or read.
    ///
    /// # Errors
    /// When the range is not in the file, or what the operating system said.
    fn read(&self, offset: u64, length: usize) -> Result<Cow<'_, [u8]>, DiskError>;
}

/// How sealed files (segments) are read; files of other kinds are always read with `pread`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Mapped into memory.
    Map,
    /// With `pread`.
    Read,
}

/// A call that failed, and on what.
#[derive(Debug, thiserror::Error)]
#[error("{operation} {path}: {source}")]
pub struct DiskError {
    /// What was asked: `write`, `sync`, ...
    pub operation: &'static str,
    /// Path of the file or directory, as a person would name it.
    pub path: Box<str>,
    /// What the operating system said.
    pub source: io::Error,
}

impl DiskError {
    pub(crate) fn new(operation: &'static str, path: impl fmt::Display, source: io::Error) -> DiskError {
        DiskError { operation, path: path.to_string().into(), source }
    }

    /// Whether there is no such file.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }

    /// Whether the file is there already.
    #[must_use]
    pub fn is_already_there(&self) -> bool {
        self.source.kind() == io::ErrorKind::AlreadyExists
    }

    /// Whether the file system, or the user's share of it, is full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }
}

/// Why a store's directory could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenDiskError {
    /// Someone has it.
    #[error(
        "{path} is held by {}; stop it, or ask it over HTTP (--server) instead of opening its directory (--data)",
        holder(pid.as_ref(), host)
    )]
    Held {
        /// Path of the lock file.
        path: Box<str>,
        /// The holder's process id, if it has written it already.
        pid: Option<u32>,
        /// The holder's host; empty if it has not written it yet.
        host: Box<str>,
    },
    /// A call failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

fn holder(pid: Option<&u32>, host: &str) -> String {
    match pid {
        Some(pid) => format!("process {pid} on {host}"),
        None => "another process".to_owned(),
    }
}

/// The range of `length` bytes at `offset` of a file of `of` bytes.
fn range_within(of: u64, offset: u64, length: usize) -> io::Result<Range<usize>> {
    match offset.checked_add(length as u64) {
        // A file larger than the address space cannot be mapped, and a range of it is never that long.
        Some(end) if end <= of => Ok(offset as usize..end as usize),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
