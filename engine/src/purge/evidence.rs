//! What ties the operator's list of files to a certificate: a root hash of those before a purge, and one of those after.

use super::certificate::{Certificate, CertificateError, FILES_AFTER, FILES_BEFORE, hex};
use crate::ledger::LedgerError;
use crate::model::limits::EVIDENCE_DAYS;

pub use crate::format::evidence::{Evidence, EvidencedFile, Stood};

/// Root hashes of the files before and after a purge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roots {
    /// Of those before it.
    pub before: [u8; 32],
    /// Of those after it.
    pub after: [u8; 32],
}

/// Why there is no evidence, or none that is good.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// There is no certificate that it could belong to.
    #[error("there is no certificate of this erasure, or not yet, and so no evidence")]
    NotCertified,
    /// There is none.
    #[error(
        "there is no list of files for this certificate: it is kept for {EVIDENCE_DAYS} days, in this store only"
    )]
    Gone,
    /// It is not the list that the certificate is about.
    #[error(
        "the list of files does not hash to the root hashes of the certificate: it was altered, or is another one's"
    )]
    Altered,
    /// The certificate cannot be read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The list cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Roots {
    /// Those of a list of files, ascending by number.
    #[must_use]
    pub fn of(files: &[EvidencedFile]) -> Roots {
        let root_of = |stood: fn(Stood) -> bool| root(files.iter().filter(|file| stood(file.stood)));
        Roots { before: root_of(Stood::is_before), after: root_of(Stood::is_after) }
    }

    /// What their evidence is called.
    #[must_use]
    pub fn number(&self) -> u64 {
        number(&hex(&self.before), &hex(&self.after))
    }

    /// Whether a certificate has them.
    ///
    /// # Errors
    /// When it has others.
    pub fn check(&self, certificate: &Certificate) -> Result<(), EvidenceError> {
        let is = |key, root: &[u8; 32]| certificate.field(key) == Some(&*hex(root));
        match is(FILES_BEFORE, &self.before) && is(FILES_AFTER, &self.after) {
            true => Ok(()),
            false => Err(EvidenceError::Altered),
        }
    }
}

/// What the evidence of a certificate is called; `None` if it has no root hashes.
#[must_use]
pub fn number_of(certificate: &Certificate) -> Option<u64> {
    Some(number(certificate.field(FILES_BEFORE)?, certificate.field(FILES_AFTER)?))
}

/// By the root hashes as certificates write them, so that a certificate alone finds its evidence.
fn number(before: &str, after: &str) -> u64 {
    let mut first = [0; 8];
    let mut hasher = blake3::Hasher::new();
    hasher.update(before.as_bytes()).update(after.as_bytes()).finalize_xof().fill(&mut first);
    u64::from_le_bytes(first)
}

/// BLAKE3 over number, uuid, length and footer checksum of each file, by number.
fn root<'a>(files: impl Iterator<Item = &'a EvidencedFile>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for file in files {
        hasher.update(&file.number.to_le_bytes());
        hasher.update(&file.uuid);
        hasher.update(&file.length_bytes.to_le_bytes());
        hasher.update(&file.footer_crc.to_le_bytes());
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(number: u64, stood: Stood) -> EvidencedFile {
        EvidencedFile { number, uuid: [number as u8; 16], length_bytes: 9, footer_crc: 5, stood }
    }

    fn certificate(roots: &Roots) -> Certificate {
        let (before, after) = (hex(&roots.before), hex(&roots.after));
        let text = format!("heatgrid erasure certificate 1\nfiles_before {before}\nfiles_after {after}\n");
        Certificate::read(&text).unwrap()
    }

    #[test]
    fn a_certificate_finds_its_evidence_and_no_altered_one() {
        let files = vec![file(1, Stood::Before), file(2, Stood::Throughout), file(3, Stood::After)];
        let roots = Roots::of(&files);
        let certificate = certificate(&roots);
        assert_eq!(number_of(&certificate), Some(roots.number()));
        roots.check(&certificate).unwrap();
        let altered = |alter: &dyn Fn(&mut Vec<EvidencedFile>)| {
            let mut files = files.clone();
            alter(&mut files);
            Roots::of(&files).check(&certificate)
        };
        assert!(altered(&|_| {}).is_ok());
        let alterations: [&dyn Fn(&mut Vec<EvidencedFile>); 7] = [
            &|files| files.truncate(2),
            &|files| files.retain(|file| file.number != 1),
            &|files| files[0].stood = Stood::Throughout,
            &|files| files[1].stood = Stood::After,
            &|files| files[1].number = 9,
            &|files| files[1].uuid[0] ^= 1,
            &|files| files[2].length_bytes += 1,
        ];
        for (at, alter) in alterations.into_iter().enumerate() {
            assert!(matches!(altered(alter), Err(EvidenceError::Altered)), "{at}");
        }
    }
}
