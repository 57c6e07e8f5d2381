//! What the process asks of the operating system for itself: nothing it writes is for others, and it leaves no core.

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};

/// Files are for their owner only, and memory never becomes a file: it holds what visitors just did.
///
/// # Errors
/// When core dumps cannot be switched off.
pub fn keep_to_itself() -> rustix::io::Result<()> {
    umask(Mode::from_raw_mode(0o077));
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })
}

/// Allows as many open files as may be: each connection is one. Says how many that is, `None` for any number.
pub fn open_as_many_files_as_may_be() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    }
}
