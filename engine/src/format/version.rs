//! The version of every file, and the magics that files begin and end with.

use super::frame::FormatError;

/// The version that is written. A change of any byte's meaning is a new one.
pub const FORMAT_VERSION: u16 = 1;

/// Begins a manifest.
pub const MANIFEST_MAGIC: [u8; 8] = *b"HGRIDman";
/// Begins the accounts.
pub const ACCOUNTS_MAGIC: [u8; 8] = *b"HGRIDacc";
/// Begins a ledger.
pub const LEDGER_MAGIC: [u8; 8] = *b"HGRIDled";
/// Begins a file with a key.
pub const KEY_MAGIC: [u8; 8] = *b"HGRIDkey";
/// Begins the text of an open request.
pub const NAMED_MAGIC: [u8; 8] = *b"HGRIDtxt";
/// Begins the evidence of a purge.
pub const EVIDENCE_MAGIC: [u8; 8] = *b"HGRIDevi";
/// Begins a log file.
pub const WAL_MAGIC: [u8; 8] = *b"HGRIDwal";
/// Begins a segment.
pub const SEGMENT_MAGIC: [u8; 8] = *b"HGRIDseg";
/// Begins a segment's footer.
pub const SEGMENT_FOOTER_MAGIC: [u8; 8] = *b"HGRIDend";

/// Begins the list of a backup.
pub const BACKUP_MAGIC: [u8; 8] = *b"HGRIDbak";
/// Begins the mark of a backup target.
pub const TARGET_MAGIC: [u8; 8] = *b"HGRIDtgt";

/// Checks a version found in a file.
///
/// # Errors
/// `FormatError::Version` unless it is one that this program reads.
pub fn check_version(what: &'static str, got: u16) -> Result<(), FormatError> {
    match got {
        1..=FORMAT_VERSION => Ok(()),
        _ => Err(FormatError::Version { what, got, newest: FORMAT_VERSION }),
    }
}
