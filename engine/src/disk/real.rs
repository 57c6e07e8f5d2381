//! The operating system's files.

use std::borrow::Cow;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::lock::Lock;
use super::map::MappedFile;
use super::{Access, Disk, DiskError, FileReader, FileWriter, OpenDiskError};
use crate::format::names::{Directory, FileName};

/// A directory of the local file system, locked for as long as this lives.
#[derive(Debug)]
pub struct RealDisk {
    root: PathBuf,
    _lock: Lock,
}

impl RealDisk {
    /// Opens the store's directory, making it and those below it if need be (mode 0700), and locks it.
    ///
    /// # Errors
    /// `Held` when another process, or this one, has it open; or what the operating system said.
    pub fn open(directory: &Path) -> Result<RealDisk, OpenDiskError> {
        let error = |operation| move |source| DiskError::new(operation, directory.display(), source);
        let new = !directory.exists();
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(error("make"))?;
        // Absolute, so that a change of the working directory changes nothing.
        let root = directory.canonicalize().map_err(error("open"))?;
        let lock = Lock::take(&root)?;
        for below in Directory::ALL {
            let path = root.join(below.path());
            match DirBuilder::new().mode(0o700).create(&path) {
                Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(DiskError::new("make", path.display(), source).into());
                }
                _ => {}
            }
        }
        let disk = RealDisk { root, _lock: lock };
        disk.sync_directory(Directory::Root)?;
        if let Some(parent) = disk.root.parent().filter(|_| new) {
            // Only the nearest: parents that had to be made as well are the operator's, as is the mount point.
            sync_path(parent).map_err(|source| DiskError::new("sync", parent.display(), source))?;
        }
        Ok(disk)
    }

    /// The store's directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn path(&self, file: FileName) -> PathBuf {
        self.root.join(file.directory().path()).join(file.base_name())
    }

    fn failed(&self, operation: &'static str, file: FileName) -> impl Fn(io::Error) -> DiskError {
        let path = self.path(file);
        move |source| DiskError::new(operation, path.display(), source)
    }
}

/// Files are for their owner only, whatever the umask.
fn writing() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

fn sync_path(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

impl Disk for RealDisk {
    fn create(&self, file: FileName) -> Result<Box<dyn FileWriter>, DiskError> {
        let path = self.path(file);
        let opened = writing().create_new(true).open(&path).map_err(self.failed("create", file))?;
        Ok(Box::new(RealWriter { file: opened, path, length: 0 }))
    }

    fn append(&self, file: FileName) -> Result<Box<dyn FileWriter>, DiskError> {
        let failed = self.failed("append", file);
        if file.is_sealed() {
            return Err(failed(io::ErrorKind::PermissionDenied.into()));
        }
        let path = self.path(file);
        let opened = writing().open(&path).map_err(&failed)?;
        let length = opened.metadata().map_err(failed)?.len();
        Ok(Box::new(RealWriter { file: opened, path, length }))
    }

    fn open(&self, file: FileName, access: Access) -> Result<Arc<dyn FileReader>, DiskError> {
        let failed = self.failed("open", file);
        let path = self.path(file);
        let opened = File::open(&path).map_err(&failed)?;
        match access {
            Access::Map if file.is_sealed() => {
                let map = MappedFile::new(&opened).map_err(failed)?;
                Ok(Arc::new(MapReader { map, path }))
            }
            Access::Map | Access::Read => {
                let length = opened.metadata().map_err(failed)?.len();
                Ok(Arc::new(PreadReader { file: opened, path, length }))
            }
        }
    }

    fn rename(&self, source: FileName, target: FileName) -> Result<(), DiskError> {
        fs::rename(self.path(source), self.path(target)).map_err(self.failed("rename", source))
    }

    fn remove(&self, file: FileName) -> Result<(), DiskError> {
        fs::remove_file(self.path(file)).map_err(self.failed("remove", file))
    }

    fn sync_directory(&self, directory: Directory) -> Result<(), DiskError> {
        let path = self.root.join(directory.path());
        sync_path(&path).map_err(|source| DiskError::new("sync", path.display(), source))
    }

    fn list(&self, directory: Directory) -> Result<Vec<(FileName, u64)>, DiskError> {
        let path = self.root.join(directory.path());
        let failed = |source| DiskError::new("list", path.display(), source);
        let mut files = Vec::new();
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Some(file) = entry.file_name().to_str().and_then(|name| FileName::parse(directory, name))
            else {
                continue;
            };
            match entry.metadata() {
                Ok(metadata) if metadata.is_file() => files.push((file, metadata.len())),
                Ok(_) => {}
                // Removed since by another thread.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
        }
        files.sort_unstable();
        Ok(files)
    }

    fn free_bytes(&self) -> Result<u64, DiskError> {
        let space = rustix::fs::statvfs(&self.root)
            .map_err(|errno| DiskError::new("statvfs", self.root.display(), errno.into()))?;
        // Without the blocks that only root may use.
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }
}

struct RealWriter {
    file: File,
    path: PathBuf,
    length: u64,
}

impl FileWriter for RealWriter {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.file
            .write_all_at(bytes, offset)
            .map_err(|source| DiskError::new("write", self.path.display(), source))?;
        self.length = self.length.max(offset.saturating_add(bytes.len() as u64));
        Ok(())
    }

    fn length(&self) -> u64 {
        self.length
    }

    fn sync(&mut self) -> Result<(), DiskError> {
        // fdatasync writes a changed length too: whatever is needed to read the data back.
        self.file.sync_data().map_err(|source| DiskError::new("sync", self.path.display(), source))
    }
}

struct PreadReader {
    file: File,
    path: PathBuf,
    length: u64,
}

impl FileReader for PreadReader {
    fn length(&self) -> u64 {
        self.length
    }

    fn read(&self, offset: u64, length: usize) -> Result<Cow<'_, [u8]>, DiskError> {
        // Looked at before memory is asked for: the length may be what rotten bytes say.
        let read = super::range_within(self.length, offset, length).and_then(|_| {
            let mut bytes = vec![0; length];
            self.file.read_exact_at(&mut bytes, offset).map(|()| Cow::Owned(bytes))
        });
        read.map_err(|source| DiskError::new("read", self.path.display(), source))
    }
}

struct MapReader {
    map: MappedFile,
    path: PathBuf,
}

impl FileReader for MapReader {
    fn length(&self) -> u64 {
        self.map.bytes().len() as u64
    }

    fn read(&self, offset: u64, length: usize) -> Result<Cow<'_, [u8]>, DiskError> {
        let bytes = usize::try_from(offset).ok().and_then(|offset| {
            let end = offset.checked_add(length)?;
            self.map.bytes().get(offset..end)
        });
        bytes
            .map(Cow::Borrowed)
            .ok_or_else(|| DiskError::new("read", self.path.display(), io::ErrorKind::UnexpectedEof.into()))
    }
}
