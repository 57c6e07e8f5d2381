//! A disk in memory that keeps everything: the least that writer and reader need.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::disk::{Access, Disk, DiskError, FileReader, FileWriter};
use crate::format::names::{Directory, FileName};

#[derive(Clone, Default)]
pub(super) struct MemoryDisk(Arc<Mutex<BTreeMap<FileName, Vec<u8>>>>);

impl MemoryDisk {
    pub(super) fn bytes(&self, file: FileName) -> Vec<u8> {
        self.0.lock()[&file].clone()
    }

    pub(super) fn put(&self, file: FileName, bytes: Vec<u8>) {
        self.0.lock().insert(file, bytes);
    }

    pub(super) fn files(&self) -> Vec<FileName> {
        self.0.lock().keys().copied().collect()
    }

    fn missing(file: FileName) -> DiskError {
        DiskError::new("open", file, io::Error::from(io::ErrorKind::NotFound))
    }
}

impl Disk for MemoryDisk {
    fn create(&self, file: FileName) -> Result<Box<dyn FileWriter>, DiskError> {
        assert!(!self.files().contains(&file), "{file} exists");
        self.put(file, Vec::new());
        Ok(Box::new(Writer { disk: self.clone(), file, length: 0 }))
    }

    fn append(&self, _: FileName) -> Result<Box<dyn FileWriter>, DiskError> {
        unreachable!("segments are not appended to")
    }

    fn open(&self, file: FileName, _: Access) -> Result<Arc<dyn FileReader>, DiskError> {
        let files = self.0.lock();
        let bytes = files.get(&file).ok_or_else(|| Self::missing(file))?;
        Ok(Arc::new(Reader(file, bytes.clone())))
    }

    fn rename(&self, source: FileName, target: FileName) -> Result<(), DiskError> {
        let mut files = self.0.lock();
        let bytes = files.remove(&source).ok_or_else(|| Self::missing(source))?;
        files.insert(target, bytes);
        Ok(())
    }

    fn remove(&self, file: FileName) -> Result<(), DiskError> {
        self.0.lock().remove(&file).map(drop).ok_or_else(|| Self::missing(file))
    }

    fn sync_directory(&self, _: Directory) -> Result<(), DiskError> {
        Ok(())
    }

    fn list(&self, directory: Directory) -> Result<Vec<(FileName, u64)>, DiskError> {
        let files = self.0.lock();
        let here = files.iter().filter(|(file, _)| file.directory() == directory);
        Ok(here.map(|(file, bytes)| (*file, bytes.len() as u64)).collect())
    }

    fn free_bytes(&self) -> Result<u64, DiskError> {
        Ok(u64::MAX)
    }
}

struct Writer {
    disk: MemoryDisk,
    file: FileName,
    length: u64,
}

impl FileWriter for Writer {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        assert_eq!(offset, self.length, "segments are written from front to back");
        self.disk.0.lock().get_mut(&self.file).expect("still there").extend_from_slice(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn length(&self) -> u64 {
        self.length
    }

    fn sync(&mut self) -> Result<(), DiskError> {
        Ok(())
    }
}

struct Reader(FileName, Vec<u8>);

impl FileReader for Reader {
    fn length(&self) -> u64 {
        self.1.len() as u64
    }

    fn read(&self, offset: u64, length: usize) -> Result<Cow<'_, [u8]>, DiskError> {
        let start = usize::try_from(offset).expect("small files");
        let bytes = start.checked_add(length).and_then(|end| self.1.get(start..end));
        let outside = || DiskError::new("read", self.0, io::Error::from(io::ErrorKind::UnexpectedEof));
        // Owned, as `pread` gives it; the crash tests of the store read through mappings.
        bytes.map(|bytes| Cow::Owned(bytes.to_vec())).ok_or_else(outside)
    }
}
