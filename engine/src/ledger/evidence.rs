//! The evidence of purges: one file each, written before the certificate that has its root hashes, and kept for
//! `limits::EVIDENCE_DAYS`, whatever becomes of the site.

use super::{Ledger, LedgerError, put_file};
use crate::disk::{Access, Disk, DiskError};
use crate::format::evidence::{EVIDENCE_BYTES, EVIDENCE_HEAD_BYTES, Evidence};
use crate::format::frame::FormatError;
use crate::format::names::{Directory, FileName};
use crate::model::limits::EVIDENCE_DAYS;

impl Ledger {
    /// Keeps evidence under a number, durable before its certificate is.
    ///
    /// # Errors
    /// When it could not be made durable.
    pub fn put_evidence(&self, number: u64, evidence: &Evidence) -> Result<(), LedgerError> {
        let (new, file) = (FileName::EvidenceNew(number), FileName::Evidence(number));
        put_file(&*self.disk, new, file, Directory::Evidence, &evidence.encode())?;
        Ok(())
    }

    /// The evidence of a number; `None` if there is none, or none any more.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn evidence(&self, number: u64) -> Result<Option<Evidence>, LedgerError> {
        match read(&*self.disk, FileName::Evidence(number)) {
            Err(LedgerError::Disk(error)) if error.is_not_found() => Ok(None),
            evidence => evidence.map(Some),
        }
    }

    /// Unlinks evidence that is old enough at `now_ms`, and what a crash left. No purge is at work meanwhile.
    ///
    /// # Errors
    /// What the operating system said.
    pub fn forget_evidence(&self, now_ms: u64) -> Result<(), LedgerError> {
        let mut removed = false;
        for (file, _) in self.disk.list(Directory::Evidence)? {
            let goes = match file {
                FileName::Evidence(_) => is_old(&*self.disk, file, now_ms)?,
                _ => true,
            };
            if goes {
                self.disk.remove(file)?;
                removed = true;
            }
        }
        if removed {
            self.disk.sync_directory(Directory::Evidence)?;
        }
        Ok(())
    }

    /// Reads all the evidence of a directory, and says what cannot be read.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub fn verify_evidence(disk: &dyn Disk) -> Result<Vec<LedgerError>, DiskError> {
        let files = disk.list(Directory::Evidence)?.into_iter().map(|(file, _)| file);
        let whole = files.filter(|file| matches!(file, FileName::Evidence(_)));
        let read = whole.map(|file| read(disk, file));
        // What went meanwhile was old.
        Ok(read.filter_map(Result::err).filter(|error| !is_gone(error)).collect())
    }
}

fn is_gone(error: &LedgerError) -> bool {
    matches!(error, LedgerError::Disk(error) if error.is_not_found())
}

fn read(disk: &dyn Disk, file: FileName) -> Result<Evidence, LedgerError> {
    let reader = disk.open(file, Access::Read)?;
    let (expected, got) = (EVIDENCE_BYTES as u64, reader.length());
    if got > expected {
        return Err(LedgerError::TooLarge { file, expected, got });
    }
    Evidence::decode(&reader.read(0, got as usize)?).map_err(|source| LedgerError::Evidence { file, source })
}

/// Whether a list has been kept for as long as it is to be. One that does not say when it was written stays: it is named
/// by who verifies the store.
fn is_old(disk: &dyn Disk, file: FileName, now_ms: u64) -> Result<bool, LedgerError> {
    let reader = disk.open(file, Access::Read)?;
    let head = reader.read(0, EVIDENCE_HEAD_BYTES.min(reader.length() as usize))?;
    let written_ms: Result<u64, FormatError> = Evidence::written_ms(&head);
    let most_ms = u64::from(EVIDENCE_DAYS) * 86_400_000;
    Ok(written_ms.is_ok_and(|written_ms| now_ms.saturating_sub(written_ms) >= most_ms))
}
