//! Sealed files mapped into memory: the only `unsafe` of the workspace.
#![expect(unsafe_code, reason = "a mapping is borrowed as a slice, which only its promise below makes sound")]

use std::fs::File;
use std::io;

use memmap2::Mmap;

/// A sealed file's bytes, mapped for as long as this lives.
///
/// Unlinking the file does no harm. A page that the device cannot read ends the process with SIGBUS; who would
/// rather have an error reads with `Access::Read`.
#[derive(Debug)]
pub(super) struct MappedFile(Mmap);

impl MappedFile {
    /// Maps the whole of a file that was opened for reading.
    ///
    /// # Errors
    /// What the operating system said.
    pub(super) fn new(file: &File) -> io::Result<MappedFile> {
        // SAFETY: a slice over a mapping is sound as long as nobody changes or truncates the file underneath it.
        // - This process: `RealDisk::open` maps segments only, which are written under another name
        //   (`FileName::SegmentNew`), synced, renamed, and from then on never opened for writing: `RealDisk::create`
        //   refuses an existing file, and `RealDisk::append` refuses segments. Nothing in `Disk` truncates.
        // - Other processes of heatgrid: kept out by `LOCK`, which `RealDisk` holds for life.
        // - Anybody else: the operator's promise, in docs/OPERATIONS.md ("nothing else writes to the data directory",
        //   which has mode 0700). Someone who breaks it can end the process or spoil its answers, as with any
        //   program that maps files.
        let map = unsafe { Mmap::map(file)? };
        Ok(MappedFile(map))
    }

    /// All bytes of the file.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}
