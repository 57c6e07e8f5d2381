//! Calls that are counted, and those of them that fail.

use std::io;

use rustix::io::Errno;

use crate::disk::DiskError;

/// A call of `Disk`, `FileWriter` or `FileReader`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `Disk::create`
    Create,
    /// `Disk::rename`
    Rename,
    /// `Disk::remove`
    Remove,
    /// `Disk::sync_directory`
    SyncDirectory,
    /// `FileWriter::write_at`
    Write,
    /// `FileWriter::sync`
    Sync,
    /// `Disk::append`
    Append,
    /// `Disk::open`
    Open,
    /// `FileReader::read` of a file that is not mapped
    Read,
    /// `Disk::list`
    List,
    /// `Disk::free_bytes`
    FreeBytes,
}

impl Call {
    /// Every call; those that change the disk first.
    pub const ALL: [Call; 11] = [
        Call::Create,
        Call::Rename,
        Call::Remove,
        Call::SyncDirectory,
        Call::Write,
        Call::Sync,
        Call::Append,
        Call::Open,
        Call::Read,
        Call::List,
        Call::FreeBytes,
    ];

    /// Whether it changes the disk: the calls at which a crash makes a difference.
    #[must_use]
    pub fn is_mutating(self) -> bool {
        (self as usize) < Call::Append as usize
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Call::Create => "create",
            Call::Rename => "rename",
            Call::Remove => "remove",
            Call::SyncDirectory | Call::Sync => "sync",
            Call::Write => "write",
            Call::Append => "append",
            Call::Open => "open",
            Call::Read => "read",
            Call::List => "list",
            Call::FreeBytes => "statvfs",
        }
    }
}

/// How many calls there were since the disk was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls([u64; Call::ALL.len()]);

impl Calls {
    /// Calls of one kind.
    #[must_use]
    pub fn of(&self, call: Call) -> u64 {
        self.0[call as usize]
    }

    /// Calls that change the disk: what `SimulatedDisk::crash_at` counts.
    #[must_use]
    pub fn mutating(&self) -> u64 {
        self.0[..Call::Append as usize].iter().sum()
    }

    /// Calls of every kind.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// EIO. Any call but `free_bytes`; a failed sync abandons the writes it was for.
    InputOutput,
    /// ENOSPC. Calls that change the disk, but `remove`.
    Full,
    /// Half of a write is written; a read finds the file shorter than it is. Writes and reads.
    Short,
}

impl Failure {
    fn can_befall(self, call: Call) -> bool {
        match self {
            Failure::InputOutput => call != Call::FreeBytes,
            Failure::Full => call.is_mutating() && call != Call::Remove,
            Failure::Short => matches!(call, Call::Write | Call::Read),
        }
    }

    fn error(self, call: Call) -> io::Error {
        match self {
            Failure::InputOutput => Errno::IO.into(),
            Failure::Full => Errno::NOSPC.into(),
            Failure::Short if call == Call::Read => io::ErrorKind::UnexpectedEof.into(),
            Failure::Short => io::ErrorKind::WriteZero.into(),
        }
    }
}

/// Which calls a fault befalls, counted from 1 since the disk was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// That one.
    Once(u64),
    /// That one and all after it.
    From(u64),
}

/// A planned failure. Calls that it cannot befall (a read does not run out of space) go well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The kind of call that is counted and fails; `None` is every kind.
    pub call: Option<Call>,
    /// Which of them.
    pub when: When,
    /// How.
    pub failure: Failure,
}

/// What mutating calls fail with after `SimulatedDisk::crash_at` or `lose_power`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("power lost")]
pub struct PowerLost;

impl PowerLost {
    pub(super) fn error() -> io::Error {
        io::Error::other(PowerLost)
    }

    /// Whether a call failed for this reason.
    #[must_use]
    pub fn is_why(error: &DiskError) -> bool {
        error.source.get_ref().is_some_and(|inner| inner.is::<PowerLost>())
    }
}

/// What is to be done about a call.
pub(super) enum Step {
    Do,
    /// What it does is not synced any more.
    DoAndLosePower,
    Fail(io::Error),
}

#[derive(Clone, Debug)]
pub(super) struct Faults {
    pub(super) calls: Calls,
    pub(super) planned: Vec<Fault>,
    pub(super) crash_at: Option<u64>,
    pub(super) powered: bool,
}

impl Default for Faults {
    fn default() -> Faults {
        Faults { calls: Calls::default(), planned: Vec::new(), crash_at: None, powered: true }
    }
}

impl Faults {
    pub(super) fn step(&mut self, call: Call) -> Step {
        if call.is_mutating() && !self.powered {
            return Step::Fail(PowerLost::error());
        }
        self.calls.0[call as usize] += 1;
        if call.is_mutating() && self.crash_at == Some(self.calls.mutating()) {
            self.powered = false;
            return Step::DoAndLosePower;
        }
        let strikes = |fault: &&Fault| {
            let count = match fault.call {
                Some(kind) if kind != call => return false,
                Some(kind) => self.calls.of(kind),
                None => self.calls.all(),
            };
            let now = match fault.when {
                When::Once(nth) => count == nth,
                When::From(nth) => count >= nth,
            };
            now && fault.failure.can_befall(call)
        };
        match self.planned.iter().find(strikes) {
            Some(fault) => Step::Fail(fault.failure.error(call)),
            None => Step::Do,
        }
    }
}
