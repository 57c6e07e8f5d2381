//! Files with a key: of the ledger's hashes, and of signatures. Neither ever leaves the directory by itself.

use super::{LedgerError, put_file};
use crate::disk::{Access, Disk};
use crate::format::ledger::{KEY_FILE_BYTES, decode_key, encode_key};
use crate::format::names::{Directory, FileName};

/// The key of a file; `None` if there is no such file.
pub(super) fn load(disk: &dyn Disk, file: FileName) -> Result<Option<[u8; 32]>, LedgerError> {
    let reader = match disk.open(file, Access::Read) {
        Err(error) if error.is_not_found() => return Ok(None),
        opened => opened?,
    };
    let (expected, got) = (KEY_FILE_BYTES as u64, reader.length());
    if got > expected {
        return Err(LedgerError::TooLarge { file, expected, got });
    }
    let bytes = reader.read(0, got as usize)?;
    let unreadable = |source| LedgerError::Unreadable { file, offset: 0, source };
    decode_key(&bytes).map(Some).map_err(unreadable)
}

/// Makes a key, durable before it is used.
pub(super) fn make(disk: &dyn Disk, file: FileName) -> Result<[u8; 32], LedgerError> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(LedgerError::Random)?;
    put_file(disk, FileName::KeyNew, file, Directory::Root, &encode_key(&key))?;
    Ok(key)
}

/// What tells a key from others without telling it.
pub(super) fn fingerprint(key: &[u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    blake3::Hasher::new_keyed(key).update(b"fingerprint").finalize_xof().fill(&mut half);
    half
}
