//! Files written with zeros ahead of their use: an fdatasync into them costs half of one into a growing file.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::WalError;
use crate::disk::{Disk, DiskError, FileWriter};
use crate::format::names::{Directory, FileName};

/// Zeros of one write.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// A durable file full of zeros, with its name.
pub(super) struct Spare {
    pub(super) number: u64,
    pub(super) writer: Box<dyn FileWriter>,
    pub(super) length: u64,
}

/// Where the next file lies ready. One thread may be lent to it, which then makes each spare before it is needed.
pub struct SpareShelf {
    disk: Arc<dyn Disk>,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    next_number: u64,
    /// Bytes of the spare that is to be made.
    wanted: Option<u64>,
    making: bool,
    ready: Option<Result<Spare, WalError>>,
    closed: bool,
}

impl SpareShelf {
    pub(super) fn new(disk: Arc<dyn Disk>, next_number: u64) -> SpareShelf {
        let state = State { next_number, wanted: None, making: false, ready: None, closed: false };
        SpareShelf { disk, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Makes spares as they are wanted, until the log is closed. For a thread of its own; without one, each spare
    /// is made when it is needed.
    pub fn run(&self) {
        let mut state = self.state.lock();
        while !state.closed {
            let Some(length) = state.wanted.take() else {
                self.changed.wait(&mut state);
                continue;
            };
            state.making = true;
            let number = state.next_number;
            state.next_number += 1;
            drop(state);
            let made = make(&*self.disk, number, length);
            state = self.state.lock();
            state.making = false;
            state.ready = Some(made);
            self.changed.notify_all();
        }
    }

    /// Says that a file of this length will be needed.
    pub(super) fn want(&self, length: u64) {
        let mut state = self.state.lock();
        if state.ready.is_none() && !state.making {
            state.wanted = Some(length);
            self.changed.notify_all();
        }
    }

    /// The spare, or a new file of `length`, in either case of at least `least` bytes.
    ///
    /// # Errors
    /// `Disk` when it cannot be written, `Poisoned` when it cannot be made durable.
    pub(super) fn take(&self, least: u64, length: u64) -> Result<Spare, WalError> {
        let mut state = self.state.lock();
        // What has not been begun is made here: nobody else could be faster.
        state.wanted = None;
        while state.making {
            self.changed.wait(&mut state);
        }
        match state.ready.take() {
            Some(Ok(spare)) if spare.length >= least => return Ok(spare),
            Some(Ok(spare)) => drop_unused(&*self.disk, spare.number),
            // A failure while nobody waited is not told; the disk may have room again.
            Some(Err(WalError::Disk(_))) | None => {}
            Some(Err(poisoned)) => return Err(poisoned),
        }
        let number = state.next_number;
        state.next_number += 1;
        drop(state);
        make(&*self.disk, number, length.max(least))
    }

    /// Ends `run`, and removes a spare that was not used.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.wanted = None;
        self.changed.notify_all();
        while state.making {
            self.changed.wait(&mut state);
        }
        if let Some(Ok(spare)) = state.ready.take() {
            drop_unused(&*self.disk, spare.number);
        }
    }
}

/// Under its own name only when all of its zeros are durable: a log file that is shorter than it says, or empty, has
/// been damaged.
fn make(disk: &dyn Disk, number: u64, length: u64) -> Result<Spare, WalError> {
    let unfinished = FileName::WalNew(number);
    let given_up = |failed: DiskError| {
        // If it stays, the next opening removes it.
        let _ = disk.remove(unfinished);
        WalError::from(failed)
    };
    // After a failed sync nothing is sure of the whole disk.
    let failed_sync = |failed: DiskError| WalError::Poisoned(Arc::new(failed));
    let mut zeroed = disk.create(unfinished).map_err(WalError::from)?;
    zero(&mut *zeroed, length).map_err(given_up)?;
    zeroed.sync().map_err(failed_sync)?;
    drop(zeroed);
    disk.rename(unfinished, FileName::Wal(number)).map_err(given_up)?;
    disk.sync_directory(Directory::Wal).map_err(failed_sync)?;
    // Opened again, so that what goes wrong with it is told of the name that it has.
    let writer = disk.append(FileName::Wal(number)).inspect_err(|_| drop_unused(disk, number))?;
    Ok(Spare { number, writer, length })
}

fn zero(writer: &mut dyn FileWriter, length: u64) -> Result<(), DiskError> {
    let mut at = 0;
    while at < length {
        let some = usize::try_from(length - at).map_or(ZEROS.len(), |left| left.min(ZEROS.len()));
        writer.write_at(at, &ZEROS[..some])?;
        at += some as u64;
    }
    Ok(())
}

/// Removes a file that was never used. If it stays, the next opening removes it: nothing is in it.
fn drop_unused(disk: &dyn Disk, number: u64) {
    let _ = disk.remove(FileName::Wal(number));
}
