//! The log of `accounts`: frames, each of them the edits of one call. `docs/FORMAT.md`, section "Accounts".

use super::account_edits::{Edit, FindZone};
use super::frame::{Cursor, FormatError};
use super::frames::{self, FrameFile};
use super::version::ACCOUNTS_MAGIC;

pub use super::frames::{FRAME_BYTES, Next, encode_frame};

/// Most bytes of the file: some ten times a million sites with usual settings.
pub const ACCOUNTS_BYTES: u64 = 2 << 30;
/// Bytes of the file's header.
pub const ACCOUNTS_HEADER_BYTES: usize = frames::FILE_HEADER_BYTES;

const WHAT: &str = "accounts";
const ACCOUNTS: FrameFile = FrameFile { magic: ACCOUNTS_MAGIC, what: WHAT };

/// The header of a new file. `salt` is random and enters every checksum: bytes of an older file do not pass.
#[must_use]
pub fn encode_header(salt: u32) -> Vec<u8> {
    frames::encode_header(&ACCOUNTS, salt)
}

/// Reads the header, and says the salt.
///
/// # Errors
/// When it is damaged, or of a version that is not known.
pub fn decode_header(file: &[u8]) -> Result<u32, FormatError> {
    frames::decode_header(&ACCOUNTS, file)
}

/// Looks at the `number`th frame, which is at `offset` of `file`.
///
/// # Errors
/// When there is one but it is damaged.
pub fn next_frame(file: &[u8], offset: usize, salt: u32, number: u64) -> Result<Next<'_>, FormatError> {
    frames::next_frame(&ACCOUNTS, file, offset, salt, number)
}

/// Reads the edits of a frame that is at `offset` of the file.
///
/// # Errors
/// When they say what nobody can have edited.
pub fn decode_edits(
    edits: &[u8],
    offset: usize,
    zone: FindZone<'_>,
    each: &mut dyn FnMut(Edit),
) -> Result<(), FormatError> {
    let mut cursor = Cursor::at(WHAT, offset, edits);
    while !cursor.rest().is_empty() {
        each(Edit::decode(&mut cursor, zone)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
