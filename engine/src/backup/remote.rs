//! An object of a target as a file that is read piece by piece: a segment's indexes cost a few calls, and not its length.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::ObjectName;
use super::target::{BackupTarget, TargetError};
use crate::disk::{DiskError, FileReader};

/// Bytes that one call brings: dictionaries and directories lie close together, and a call costs as much as this does.
const WINDOW_BYTES: u64 = 1 << 20;
/// Windows that are kept.
const WINDOWS: usize = 16;

/// An object of a target, read by ranges.
pub struct RemoteFile {
    target: Arc<dyn BackupTarget>,
    object: ObjectName,
    length: u64,
    /// The last ones that were read, by number.
    windows: Mutex<VecDeque<(u64, Arc<[u8]>)>>,
}

impl RemoteFile {
    /// An object of this length.
    #[must_use]
    pub fn new(target: Arc<dyn BackupTarget>, object: ObjectName, length: u64) -> RemoteFile {
        RemoteFile { target, object, length, windows: Mutex::default() }
    }

    fn get(&self, offset: u64, length: u64) -> Result<Vec<u8>, DiskError> {
        let length = usize::try_from(length).map_err(|_| self.failed(io::ErrorKind::UnexpectedEof.into()))?;
        self.target.get_range(self.object, offset, length).map_err(|error| self.failed(as_io(error)))
    }

    fn window(&self, number: u64) -> Result<Arc<[u8]>, DiskError> {
        let mut windows = self.windows.lock();
        if let Some((_, bytes)) = windows.iter().find(|(known, _)| *known == number) {
            return Ok(Arc::clone(bytes));
        }
        let offset = number * WINDOW_BYTES;
        let bytes: Arc<[u8]> = self.get(offset, WINDOW_BYTES.min(self.length - offset))?.into();
        if windows.len() == WINDOWS {
            windows.pop_front();
        }
        windows.push_back((number, Arc::clone(&bytes)));
        Ok(bytes)
    }

    fn failed(&self, source: io::Error) -> DiskError {
        DiskError::new("read", format_args!("{} at {}", self.object, self.target.place()), source)
    }
}

fn as_io(error: TargetError) -> io::Error {
    let kind = if error.not_found { io::ErrorKind::NotFound } else { io::ErrorKind::Other };
    io::Error::new(kind, error)
}

impl FileReader for RemoteFile {
    fn length(&self) -> u64 {
        self.length
    }

    fn read(&self, offset: u64, length: usize) -> Result<Cow<'_, [u8]>, DiskError> {
        let outside = || self.failed(io::ErrorKind::UnexpectedEof.into());
        let end = offset.checked_add(length as u64).filter(|end| *end <= self.length).ok_or_else(outside)?;
        if length as u64 > WINDOW_BYTES {
            return self.get(offset, length as u64).map(Cow::Owned);
        }
        let mut bytes = Vec::with_capacity(length);
        let mut at = offset;
        while at < end {
            let number = at / WINDOW_BYTES;
            let (window, begin) = (self.window(number)?, number * WINDOW_BYTES);
            let until = end.min(begin + WINDOW_BYTES);
            // A target that gave less than it was asked for has failed the call already.
            let piece = window.get((at - begin) as usize..(until - begin) as usize).ok_or_else(outside)?;
            bytes.extend_from_slice(piece);
            at = until;
        }
        Ok(Cow::Owned(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::memory::MemoryTarget;
    use crate::backup::target::InMemory;

    #[test]
    fn any_range_is_read_and_what_lies_close_together_costs_one_call() {
        let content: Vec<u8> = (0..3 * WINDOW_BYTES + 777).map(|at| (at % 251) as u8).collect();
        let target = MemoryTarget::default();
        target.put(ObjectName::Ledger, &InMemory(content.clone())).unwrap();
        let file = RemoteFile::new(Arc::new(target.clone()), ObjectName::Ledger, content.len() as u64);
        let (window, length) = (WINDOW_BYTES as usize, content.len());
        for (offset, bytes) in
            [(0, 1), (0, 0), (window - 3, 6), (window, window), (length - 5, 5), (5, length - 9), (length, 0)]
        {
            assert_eq!(
                *file.read(offset as u64, bytes).unwrap(),
                content[offset..offset + bytes],
                "{offset}"
            );
        }
        file.read(length as u64 - 4, 5).unwrap_err();
        let before = target.calls();
        for offset in 0..1_000 {
            file.read(2 * WINDOW_BYTES + offset * 900, 800).unwrap();
        }
        assert!(target.calls() - before <= 1, "{}", target.calls() - before);
        target.delete(ObjectName::Ledger).unwrap();
        let fresh = RemoteFile::new(Arc::new(target), ObjectName::Ledger, content.len() as u64);
        assert!(fresh.read(0, 4).unwrap_err().is_not_found());
    }
}
