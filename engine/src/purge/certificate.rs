//! Certificates: a statement in canonical form, and who signs it. JSON is the server's.
//!
//! The statement is lines of `key value`, in one fixed order, each ending with a line feed. It names no page: a salted
//! commitment, whose salt only the asker was given, stands for what was named.

use std::fmt::Write;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use super::evidence::Roots;
use crate::ledger::SignedCertificate;
use crate::model::{Erasure, ErasureState, NamedPages, Region};

const TITLE: &str = "heatgrid erasure certificate 1";
/// The line with the root hash of the files before the purge.
pub(super) const FILES_BEFORE: &str = "files_before";
/// And of those after it.
pub(super) const FILES_AFTER: &str = "files_after";

/// What a certificate says beside the erasure itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copies {
    /// Where the data was.
    pub region: Region,
    /// Live segments that were read again and have nothing of it.
    pub live_segments: u64,
    /// Snapshots that are covered.
    pub snapshots: u64,
    /// Segments that only they list, likewise.
    pub snapshot_segments: u64,
    /// Backup targets, likewise.
    pub backup_targets: u64,
    /// Root hashes of the operator's list of files.
    pub files: Roots,
}

/// A certificate that was read: its fields, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// `key` and `value` of each line.
    pub fields: Vec<(String, String)>,
}

/// Why a certificate is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The key is none that was published.
    #[error("the certificate is signed with a key that is not among those published")]
    UnknownKey,
    /// Something was altered.
    #[error("the signature does not match the statement: it was altered, or never signed")]
    Altered,
    /// The statement is not in canonical form.
    #[error("line {line} of the statement is not a key and a value")]
    Malformed {
        /// Which; the first is 1.
        line: usize,
    },
}

/// What stands for the named pages: BLAKE3 of the salt, how they were named, and the text.
#[must_use]
pub fn commitment(salt: &[u8; 16], pages: &NamedPages) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(salt);
    hasher.update(&[pages.kind().code()]);
    hasher.update(pages.text().as_bytes());
    *hasher.finalize().as_bytes()
}

/// The statement of an erasure that was verified at `now_ms`.
#[must_use]
pub fn statement(erasure: &Erasure, copies: &Copies, now_ms: u64) -> String {
    let mut text = format!("{TITLE}\n");
    let mut line = |key: &str, value: &dyn std::fmt::Display| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{key} {value}");
    };
    line("erasure", &erasure.id);
    line("site", &erasure.site);
    line("region", &copies.region);
    line("named", &if erasure.deletes_site { "site" } else { erasure.named.as_str() });
    line("from", &erasure.cover.days.from);
    line("to", &erasure.cover.days.to);
    if let Some(country) = erasure.cover.country {
        line("country", &country);
    }
    line("block", &erasure.block);
    line("reason", &erasure.reason.as_str());
    if !erasure.reference.is_empty() {
        line("reference", &erasure.reference);
    }
    line("commitment", &hex(&erasure.commitment));
    line("matched_pages", &erasure.matched.pages);
    line("matched_events", &erasure.matched.events);
    for state in ErasureState::all() {
        if let Some(at_ms) = erasure.at_ms(state) {
            line(&format!("{}_ms", state.as_str()), &at_ms);
        }
    }
    if let Some(gone_ms) = erasure.versions_gone_ms {
        line("versions_gone_ms", &gone_ms);
    }
    line("certified_ms", &now_ms);
    line("deadline_ms", &erasure.deadline_ms());
    line("live_segments", &copies.live_segments);
    line("snapshots", &copies.snapshots);
    line("snapshot_segments", &copies.snapshot_segments);
    line("backup_targets", &copies.backup_targets);
    for loss in &erasure.losses {
        let what = if loss.whole { "segment" } else { "site" };
        line("lost", &format_args!("{what} {:016x} events {}", loss.segment, loss.events));
    }
    line(FILES_BEFORE, &hex(&copies.files.before));
    line(FILES_AFTER, &hex(&copies.files.after));
    text
}

/// Signs statements with one key.
pub struct Signer(SigningKey);

impl Signer {
    /// One that signs with a secret key.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Signer {
        Signer(SigningKey::from_bytes(secret))
    }

    /// Signs a statement.
    #[must_use]
    pub fn sign(&self, statement: &str) -> SignedCertificate {
        let signature = self.0.sign(statement.as_bytes()).to_bytes();
        SignedCertificate { statement: statement.into(), signature, key: self.0.verifying_key().to_bytes() }
    }
}

/// The public key of a secret one.
#[must_use]
pub fn public_key(secret: &[u8; 32]) -> [u8; 32] {
    SigningKey::from_bytes(secret).verifying_key().to_bytes()
}

/// The first 16 bytes of BLAKE3 of a public key, as people compare them.
#[must_use]
pub fn fingerprint(key: &[u8; 32]) -> String {
    blake3::hash(key).as_bytes().first_chunk::<16>().map(|half| hex(half)).unwrap_or_default()
}

/// Checks a certificate against published keys, and reads it.
///
/// # Errors
/// When it was altered, or signed by somebody else.
pub fn verify(signed: &SignedCertificate, keys: &[[u8; 32]]) -> Result<Certificate, CertificateError> {
    if !keys.contains(&signed.key) {
        return Err(CertificateError::UnknownKey);
    }
    let key = VerifyingKey::from_bytes(&signed.key).map_err(|_| CertificateError::UnknownKey)?;
    key.verify_strict(signed.statement.as_bytes(), &Signature::from_bytes(&signed.signature))
        .map_err(|_| CertificateError::Altered)?;
    Certificate::read(&signed.statement)
}

impl Certificate {
    /// Reads a statement.
    ///
    /// # Errors
    /// When it is not in canonical form.
    pub fn read(statement: &str) -> Result<Certificate, CertificateError> {
        let mut lines = statement.lines();
        if lines.next() != Some(TITLE) || !statement.ends_with('\n') {
            return Err(CertificateError::Malformed { line: 1 });
        }
        let field = |(line, text): (usize, &str)| match text.split_once(' ') {
            Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
            None => Err(CertificateError::Malformed { line }),
        };
        Ok(Certificate { fields: (2..).zip(lines).map(field).collect::<Result<_, _>>()? })
    }

    /// The value of a key.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&str> {
        self.fields.iter().find(|(of, _)| of == key).map(|(_, value)| value.as_str())
    }
}

/// Hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; 32] = [9; 32];

    #[test]
    fn an_altered_certificate_is_refused() {
        let signed = Signer::new(&SECRET).sign("heatgrid erasure certificate 1\nerasure 01\nsite 07\n");
        let keys = [public_key(&SECRET)];
        let read = verify(&signed, &keys).unwrap();
        assert_eq!((read.field("site"), read.field("page")), (Some("07"), None));

        let altered =
            SignedCertificate { statement: signed.statement.replace("07", "08").into(), ..signed.clone() };
        assert_eq!(verify(&altered, &keys), Err(CertificateError::Altered));
        let mut other_signature = signed.clone();
        other_signature.signature[3] ^= 1;
        assert_eq!(verify(&other_signature, &keys), Err(CertificateError::Altered));
        let somebody = Signer::new(&[8; 32]).sign(&signed.statement);
        assert_eq!(verify(&somebody, &keys), Err(CertificateError::UnknownKey));
        assert_eq!(verify(&signed, &[]), Err(CertificateError::UnknownKey));
    }

    #[test]
    fn a_commitment_stands_for_salt_kind_and_text() {
        let page = NamedPages::Page("s.example/".into());
        let commitment_of = |salt, pages| commitment(&[salt; 16], pages);
        assert_eq!(commitment_of(1, &page), commitment_of(1, &page));
        assert_ne!(commitment_of(1, &page), commitment_of(2, &page));
        assert_ne!(commitment_of(1, &page), commitment_of(1, &NamedPages::Prefix("s.example/".into())));
    }
}
