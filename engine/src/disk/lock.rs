//! `LOCK`: one process has a store. Held for life, and let go by the operating system however the process ends.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::{DiskError, OpenDiskError};
use crate::format::names::FileName;

/// Longest text of a holder that is read: pid and a host name of 64 bytes.
const HOLDER_BYTES: u64 = 128;

/// The lock; dropping it lets go.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the store in `directory` and writes into it who has it: `<pid> <host>`.
    ///
    /// The file stays when the lock is gone: whoever unlinked it could unlink the next holder's.
    ///
    /// # Errors
    /// `Held`, with who has it, or what the operating system said.
    pub(super) fn take(directory: &Path) -> Result<Lock, OpenDiskError> {
        let path = directory.join(FileName::Lock.base_name());
        let error = |source: io::Error| DiskError::new("lock", path.display(), source);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(error)?;
        // An flock belongs to the open file: a second opening in this very process is refused too.
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let mut text = String::new();
                // The holder may be about to write it; then nobody can be named.
                let holder = (&file).take(HOLDER_BYTES).read_to_string(&mut text).ok().map(|_| text.trim());
                let (pid, host) = holder.and_then(|text| text.split_once(' ')).unwrap_or_default();
                let path = path.display().to_string().into();
                return Err(OpenDiskError::Held { path, pid: pid.parse().ok(), host: host.into() });
            }
            Err(errno) => return Err(error(errno.into()).into()),
        }
        let host = rustix::system::uname();
        let holder = format!("{} {}\n", std::process::id(), host.nodename().to_string_lossy());
        file.set_len(0).and_then(|()| file.write_all(holder.as_bytes())).map_err(error)?;
        Ok(Lock { _file: file })
    }
}
