//! Files of frames: a header, then frames, each of them what one call had to say. `docs/FORMAT.md`, section "Accounts".
//!
//! A frame is on disk whole before the next one is begun, so only the last one can be torn. What a torn frame looks
//! like is known: a crash leaves a sector of 512 bytes as it was, which past the synced end means zeros or nothing,
//! or as it was to be. A frame is made so that no part of it within a sector is all zeros. So a last frame without
//! such a part was not torn, it rotted; neither was one torn that others follow.

use super::frame::{Cursor, FormatError, check_checksum, check_crc32, crc32, crc32_salted};
use super::version::{FORMAT_VERSION, check_version};

/// Most bytes of a frame's payload: a call that makes 100,000 sites needs 12 MB.
pub const FRAME_BYTES: usize = 64 << 20;
/// Bytes of the file's header.
pub const FILE_HEADER_BYTES: usize = 24;
/// Bytes of a frame's header.
pub const FRAME_HEADER_BYTES: usize = 24;

/// No byte of it is zero: a frame's first part within a sector is never all zeros.
const FRAME_MARK: [u8; 4] = *b"edit";
/// The last byte of a payload, for the same reason.
const FRAME_END: u8 = 0xe5;
pub(super) const SECTOR_BYTES: usize = 512;

/// A kind of file that is made of frames.
#[derive(Clone, Copy, Debug)]
pub struct FrameFile {
    /// Begins the file.
    pub magic: [u8; 8],
    /// Names it in errors.
    pub what: &'static str,
}

/// The header of a new file. `salt` is random and enters every checksum: bytes of an older file do not pass.
#[must_use]
pub fn encode_header(kind: &FrameFile, salt: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(FILE_HEADER_BYTES);
    bytes.extend_from_slice(&kind.magic);
    bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&[0; 6]);
    bytes.extend_from_slice(&salt.to_le_bytes());
    let crc = crc32(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

/// Reads the header, and says the salt.
///
/// # Errors
/// When it is damaged, or of a version that is not known.
pub fn decode_header(kind: &FrameFile, file: &[u8]) -> Result<u32, FormatError> {
    let what = kind.what;
    let mut cursor = Cursor::new(what, file);
    let magic = cursor.array()?;
    if magic != kind.magic {
        return Err(Cursor::new(what, file).invalid(u64::from_le_bytes(magic)));
    }
    check_version(what, cursor.u16()?)?;
    cursor.zeros(6)?;
    let salt = cursor.u32()?;
    let covered = file.get(..cursor.position()).unwrap_or_default();
    check_crc32(what, covered, cursor.u32()?)?;
    Ok(salt)
}

/// Makes the `number`th frame (the first is 1) of a file from encoded edits.
#[must_use]
pub fn encode_frame(salt: u32, number: u64, edits: &[u8]) -> Vec<u8> {
    let length = edits.len().saturating_add(1);
    let mut bytes = Vec::with_capacity(length.saturating_add(FRAME_HEADER_BYTES));
    bytes.extend_from_slice(&FRAME_MARK);
    bytes.extend_from_slice(&number.to_le_bytes());
    // Callers keep to `FRAME_BYTES`, and a reader refuses a longer one.
    bytes.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(&crc32_salted(salt, &[&number.to_le_bytes(), edits, &[FRAME_END]]).to_le_bytes());
    let crc = crc32_salted(salt, &[&bytes]);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes.extend_from_slice(edits);
    bytes.push(FRAME_END);
    bytes
}

/// What stands at an offset of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// A frame with these edits (at `edits_offset` of the file), and `end`, where the next one begins.
    Frame {
        /// Encoded edits.
        edits: &'a [u8],
        /// Where they begin.
        edits_offset: usize,
        /// The first byte after the frame.
        end: usize,
    },
    /// Nothing: the file ends here.
    End,
    /// A frame that a crash tore while it was being written; nobody has been told that it was done.
    Torn,
}

/// Looks at the `number`th frame, which is at `offset` of `file`.
///
/// # Errors
/// When there is one but it is damaged.
pub fn next_frame<'a>(
    kind: &FrameFile,
    file: &'a [u8],
    offset: usize,
    salt: u32,
    number: u64,
) -> Result<Next<'a>, FormatError> {
    let what = kind.what;
    let rest = file.get(offset..).unwrap_or_default();
    if rest.is_empty() {
        return Ok(Next::End);
    }
    let (header, payload) = rest.split_at_checked(FRAME_HEADER_BYTES).unwrap_or((rest, &[]));
    let header = match FrameHeader::decode(what, header, offset, salt) {
        Ok(header) => header,
        // Too short for a header, or a part of it was never written, and nothing was written after it.
        Err(_) if header.len() < FRAME_HEADER_BYTES => return Ok(Next::Torn),
        Err(_) if has_unwritten_part(header, offset) && !any_frame(what, payload, salt) => {
            return Ok(Next::Torn);
        }
        Err(error) => return Err(error),
    };
    if header.number != number {
        let at = Cursor::at(what, offset.saturating_add(FRAME_MARK.len()), rest);
        return Err(at.invalid(header.number));
    }
    let Some((payload, after)) = payload.split_at_checked(header.length) else {
        return Ok(Next::Torn);
    };
    let edits_offset = offset.saturating_add(FRAME_HEADER_BYTES);
    let crc = crc32_salted(salt, &[&number.to_le_bytes(), payload]);
    match (check_checksum(what, crc, header.payload_crc), payload.split_last()) {
        (Ok(()), Some((&FRAME_END, edits))) => {
            Ok(Next::Frame { edits, edits_offset, end: edits_offset.saturating_add(payload.len()) })
        }
        _ if after.is_empty() && has_unwritten_part(payload, edits_offset) => Ok(Next::Torn),
        (Err(error), _) => Err(error),
        (Ok(()), _) => Err(Cursor::at(what, edits_offset, payload).invalid(payload.len() as u64)),
    }
}

struct FrameHeader {
    number: u64,
    length: usize,
    payload_crc: u32,
}

impl FrameHeader {
    fn decode(
        what: &'static str,
        bytes: &[u8],
        offset: usize,
        salt: u32,
    ) -> Result<FrameHeader, FormatError> {
        let mut cursor = Cursor::at(what, offset, bytes);
        let mark: [u8; 4] = cursor.array()?;
        let number = cursor.u64()?;
        let length = cursor.u32()?;
        let payload_crc = cursor.u32()?;
        let covered = bytes.get(..FRAME_HEADER_BYTES.saturating_sub(4)).unwrap_or_default();
        check_checksum(what, crc32_salted(salt, &[covered]), cursor.u32()?)?;
        if mark != FRAME_MARK {
            return Err(cursor.invalid(u64::from(u32::from_le_bytes(mark))));
        }
        match usize::try_from(length) {
            Ok(length) if length <= FRAME_BYTES => Ok(FrameHeader { number, length, payload_crc }),
            _ => Err(cursor.invalid(u64::from(length))),
        }
    }
}

/// Whether any part of `bytes`, which are at `offset` of the file, that lies within one sector is all zeros.
fn has_unwritten_part(bytes: &[u8], offset: usize) -> bool {
    let to_border = SECTOR_BYTES.saturating_sub(offset.checked_rem(SECTOR_BYTES).unwrap_or(0));
    let (first, others) = bytes.split_at_checked(to_border).unwrap_or((bytes, &[]));
    let unwritten = |part: &[u8]| part.iter().all(|byte| *byte == 0);
    unwritten(first) || others.chunks(SECTOR_BYTES).any(unwritten)
}

/// Whether a whole frame is anywhere in `bytes`.
fn any_frame(what: &'static str, bytes: &[u8], salt: u32) -> bool {
    bytes.windows(FRAME_HEADER_BYTES).enumerate().any(|(at, header)| {
        header.starts_with(&FRAME_MARK) && FrameHeader::decode(what, header, at, salt).is_ok()
    })
}
