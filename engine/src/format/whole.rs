//! Files that are written whole: magic, version, six reserved bytes, contents, and a checksum of everything before it.

use super::frame::{Cursor, FormatError, check_crc32, crc32};
use super::version::{FORMAT_VERSION, check_version};

/// Bytes before the contents.
pub(super) const HEADER_BYTES: usize = 16;
/// Bytes after them.
pub(super) const CRC_BYTES: usize = 4;

/// The bytes that contents are appended to.
pub(super) fn begin(magic: [u8; 8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    bytes.extend_from_slice(&magic);
    bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&[0; 6]);
    bytes
}

/// The file, when its contents are complete.
pub(super) fn end(mut bytes: Vec<u8>) -> Vec<u8> {
    let crc = crc32(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

/// The contents of a file whose header and checksum are as they should be.
pub(super) fn open<'a>(
    what: &'static str,
    magic: [u8; 8],
    file: &'a [u8],
) -> Result<Cursor<'a>, FormatError> {
    // The version before the checksum: a later one may have another.
    begun(what, magic, file)?;
    let covered = file.len().saturating_sub(CRC_BYTES).max(HEADER_BYTES);
    let (body, crc) = file.split_at_checked(covered).unwrap_or((file, &[]));
    check_crc32(what, body, Cursor::at(what, covered, crc).u32()?)?;
    let mut cursor = begun(what, magic, body)?;
    cursor.zeros(6)?;
    Ok(cursor)
}

/// What follows magic and version.
pub(super) fn begun<'a>(
    what: &'static str,
    magic: [u8; 8],
    file: &'a [u8],
) -> Result<Cursor<'a>, FormatError> {
    let mut cursor = Cursor::new(what, file);
    let got = cursor.array()?;
    if got != magic {
        return Err(Cursor::new(what, file).invalid(u64::from_le_bytes(got)));
    }
    check_version(what, cursor.u16()?)?;
    Ok(cursor)
}
