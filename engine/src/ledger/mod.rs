//! The ledger: every erasure and how far it is, without any text of a URL. Outside of snapshots and backups of data,
//! so that no restore forgets what was erased.
//!
//! An entry is on disk before it is seen or answered. Pages are known by keyed hashes; what an open request has
//! named lies in a file of its own.

mod error;
mod evidence;
mod index;
mod keys;
mod log;
mod named;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use crate::disk::{Disk, DiskError, FileWriter};
use crate::format::names::{Directory, FileName};
use crate::model::{Erasure, ErasureId, ErasureState, Seq, SiteId, TextHasher};

pub use crate::format::ledger::{LedgerEdit, REFERENCE_BYTES, SignedCertificate};
pub use error::LedgerError;

use index::Index;
use log::Log;

/// The erasures of a store.
pub struct Ledger {
    disk: Arc<dyn Disk>,
    hasher: TextHasher,
    fingerprint: [u8; 16],
    /// What was read and answered; changed only while `log` is held.
    index: RwLock<Index>,
    log: Mutex<Log>,
}

impl Ledger {
    /// Reads the ledger; without a file there are no erasures, and a key is made.
    ///
    /// # Errors
    /// When a file cannot be read or has rotted, or the key of a ledger is not there.
    pub fn load(disk: Arc<dyn Disk>) -> Result<Ledger, LedgerError> {
        let (log, index) = Log::open(&*disk)?;
        let key = match keys::load(&*disk, FileName::LedgerKey)? {
            Some(key) => key,
            None if log.frames > 0 => return Err(LedgerError::NoKey),
            None => keys::make(&*disk, FileName::LedgerKey)?,
        };
        let fingerprint = keys::fingerprint(&key);
        if index.fingerprint.is_some_and(|of| of != fingerprint) {
            return Err(LedgerError::WrongKey);
        }
        let hasher = TextHasher::new(key);
        let ledger = Ledger { disk, hasher, fingerprint, index: RwLock::new(index), log: Mutex::new(log) };
        // What certification or a crash left.
        let open: Vec<u64> = ledger.open().iter().map(|erasure| erasure.number).collect();
        ledger.forget_named(|number| open.contains(&number))?;
        Ok(ledger)
    }

    /// Hashes the pages that entries name.
    #[must_use]
    pub fn hasher(&self) -> TextHasher {
        self.hasher
    }

    /// How many times it was added to: a copy of data says with which of these it was made.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.log.lock().frames
    }

    /// The last batch that any erasure covers: no later batch may have a sequence up to it.
    #[must_use]
    pub fn last_through(&self) -> Seq {
        self.index.read().last_through
    }

    /// Writes down a request, which is masked from then on, and gives it its number. What it names was written before.
    ///
    /// # Errors
    /// When it could not be made durable; nothing was asked for then, but a restart may find that it was.
    pub fn request(&self, erasure: Erasure, now_ms: u64) -> Result<Arc<Erasure>, LedgerError> {
        let id = erasure.id;
        let mut edits = vec![
            LedgerEdit::Request(Box::new(erasure.clone())),
            LedgerEdit::Reach(id, ErasureState::Masked, now_ms),
        ];
        let mut log = self.log.lock();
        if self.index.read().fingerprint.is_none() {
            edits.insert(0, LedgerEdit::Key(self.fingerprint));
        }
        self.commit(&mut log, edits)?;
        drop(log);
        Ok(self.get(id).unwrap_or_else(|| Arc::new(erasure)))
    }

    /// Writes down how erasures go on, all of it or nothing.
    ///
    /// # Errors
    /// When it could not be made durable.
    pub fn record(&self, edits: Vec<LedgerEdit>) -> Result<(), LedgerError> {
        if edits.is_empty() {
            return Ok(());
        }
        self.commit(&mut self.log.lock(), edits)
    }

    fn commit(&self, log: &mut Log, edits: Vec<LedgerEdit>) -> Result<(), LedgerError> {
        log.append(&*self.disk, &edits)?;
        let mut index = self.index.write();
        edits.into_iter().for_each(|edit| index.apply(edit));
        Ok(())
    }

    /// An erasure.
    #[must_use]
    pub fn get(&self, id: ErasureId) -> Option<Arc<Erasure>> {
        self.index.read().get(id).cloned()
    }

    /// Every erasure, in the order they were asked for.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Erasure>> {
        self.index.read().all().cloned().collect()
    }

    /// The erasures that are neither done nor called off, in the order they were asked for.
    #[must_use]
    pub fn open(&self) -> Vec<Arc<Erasure>> {
        self.index.read().all().filter(|erasure| erasure.is_open()).cloned().collect()
    }

    /// The erasures of a site, in the order they were asked for.
    #[must_use]
    pub fn of_site(&self, site: SiteId) -> Vec<Arc<Erasure>> {
        self.index.read().of_site(site).cloned().collect()
    }

    /// What an erasure was certified with.
    #[must_use]
    pub fn certificate(&self, id: ErasureId) -> Option<Arc<SignedCertificate>> {
        self.index.read().certificate(id).cloned()
    }

    /// The key that certificates are signed with: 32 secret bytes, made when first asked for.
    ///
    /// # Errors
    /// When it cannot be read or made.
    pub fn signing_key(&self) -> Result<[u8; 32], LedgerError> {
        let _one_at_a_time = self.log.lock();
        match keys::load(&*self.disk, FileName::SigningKey)? {
            Some(key) => Ok(key),
            None => keys::make(&*self.disk, FileName::SigningKey),
        }
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ledger {{ position: {} }}", self.position())
    }
}

/// Writes a file under another name, makes it durable, and moves it to its own.
fn put_file(
    disk: &dyn Disk,
    new: FileName,
    file: FileName,
    directory: Directory,
    bytes: &[u8],
) -> Result<Box<dyn FileWriter>, DiskError> {
    let mut writer = match disk.create(new) {
        Err(error) if error.is_already_there() => {
            // Left by a crash or an error; never read.
            disk.remove(new)?;
            disk.create(new)?
        }
        created => created?,
    };
    writer.write_at(0, bytes)?;
    writer.sync()?;
    disk.rename(new, file)?;
    disk.sync_directory(directory)?;
    Ok(writer)
}
