//! What every file is made of: fixed little-endian fields, varints, CRC-32.

/// Why bytes are not what a format says. Offsets are in bytes from the start of what was decoded.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum FormatError {
    /// The bytes end too early.
    #[error("{what}: ends at byte {offset}, {needed} more were expected")]
    Truncated {
        /// What was read.
        what: &'static str,
        /// Where it ended.
        offset: usize,
        /// Bytes that were missing, as far as is known.
        needed: usize,
    },
    /// A checksum does not match its bytes.
    #[error("{what}: checksum {got:08x} where {expected:08x} was expected")]
    Checksum {
        /// What was read.
        what: &'static str,
        /// As stored, or as the parent's index says.
        expected: u32,
        /// As computed.
        got: u32,
    },
    /// A value that no writer writes.
    #[error("{what}: {got} at byte {offset} is not possible")]
    Invalid {
        /// What was read.
        what: &'static str,
        /// Where.
        offset: usize,
        /// The value.
        got: u64,
    },
    /// A version this program does not know.
    #[error("{what}: format version {got}, this program reads up to {newest}; use a newer one")]
    Version {
        /// What was read.
        what: &'static str,
        /// The version found.
        got: u16,
        /// The newest one known.
        newest: u16,
    },
}

/// CRC-32 (IEEE, as in zlib) of `bytes`.
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// Checks the CRC-32 of `bytes` against `expected`.
///
/// # Errors
/// `FormatError::Checksum` when it differs.
pub fn check_crc32(what: &'static str, bytes: &[u8], expected: u32) -> Result<(), FormatError> {
    let got = crc32(bytes);
    if got == expected { Ok(()) } else { Err(FormatError::Checksum { what, expected, got }) }
}

/// Reads fields one after another. Never reads past the end, never panics.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    what: &'static str,
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    /// Begins at the first of `bytes`; `what` is named in errors.
    #[must_use]
    pub fn new(what: &'static str, bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { what, bytes, position: 0 }
    }

    /// Bytes read so far.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// Bytes not read yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }

    /// The error that a value at the present position is not possible.
    #[must_use]
    pub fn invalid(&self, got: u64) -> FormatError {
        FormatError::Invalid { what: self.what, offset: self.position, got }
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    /// `Truncated` when there are fewer.
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], FormatError> {
        let rest = self.rest();
        let Some(taken) = rest.get(..length) else {
            return Err(FormatError::Truncated {
                what: self.what,
                offset: self.bytes.len(),
                needed: length.saturating_sub(rest.len()),
            });
        };
        self.position = self.position.saturating_add(length);
        Ok(taken)
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    /// `Truncated` when there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// One byte.
    ///
    /// # Errors
    /// `Truncated` at the end.
    pub fn u8(&mut self) -> Result<u8, FormatError> {
        self.array::<1>().map(u8::from_le_bytes)
    }

    /// Two bytes, little-endian.
    ///
    /// # Errors
    /// `Truncated` when there are fewer.
    pub fn u16(&mut self) -> Result<u16, FormatError> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four bytes, little-endian.
    ///
    /// # Errors
    /// `Truncated` when there are fewer.
    pub fn u32(&mut self) -> Result<u32, FormatError> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes, little-endian.
    ///
    /// # Errors
    /// `Truncated` when there are fewer.
    pub fn u64(&mut self) -> Result<u64, FormatError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A varint (LEB128) of at most 64 bits, in its shortest form.
    ///
    /// # Errors
    /// `Truncated` at the end, `Invalid` when it is too long or not the shortest form.
    pub fn varint(&mut self) -> Result<u64, FormatError> {
        let mut value = 0_u64;
        let mut shift = 0_u32;
        loop {
            let byte = self.u8()?;
            if shift == 63 && byte > 1 || shift > 0 && byte == 0 {
                return Err(self.invalid(u64::from(byte)));
            }
            value |= u64::from(byte & 0x7f).wrapping_shl(shift);
            if byte < 0x80 {
                return Ok(value);
            }
            shift = shift.saturating_add(7);
        }
    }

    /// A varint of at most 32 bits.
    ///
    /// # Errors
    /// As `varint`, and `Invalid` when it does not fit.
    pub fn varint_u32(&mut self) -> Result<u32, FormatError> {
        let value = self.varint()?;
        u32::try_from(value).map_err(|_| self.invalid(value))
    }

    /// A varint that says a number of bytes or items, at most `limit`.
    ///
    /// # Errors
    /// As `varint`, and `Invalid` when it is more than `limit`.
    pub fn varint_within(&mut self, limit: usize) -> Result<usize, FormatError> {
        let value = self.varint()?;
        match usize::try_from(value) {
            Ok(value) if value <= limit => Ok(value),
            _ => Err(self.invalid(value)),
        }
    }

    /// Says that everything has been read.
    ///
    /// # Errors
    /// `Invalid` when bytes are left: no writer leaves any.
    pub fn finish(&self) -> Result<(), FormatError> {
        match self.rest() {
            [] => Ok(()),
            [byte, ..] => Err(self.invalid(u64::from(*byte))),
        }
    }
}

/// Appends a varint (LEB128, shortest form).
pub fn put_varint(target: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        target.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    target.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_varint_is_read_back_only_in_its_shortest_form() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            let mut cursor = Cursor::new("test", &bytes);
            assert_eq!(cursor.varint(), Ok(value));
            assert_eq!(cursor.finish(), Ok(()));
            for cut in 0..bytes.len() {
                assert!(Cursor::new("test", &bytes[..cut]).varint().is_err(), "{value} cut at {cut}");
            }
        }
        for bytes in
            [&[0x80, 0][..], &[0xff, 0x80, 0], &[0xff; 11], &[255, 255, 255, 255, 255, 255, 255, 255, 255, 2]]
        {
            assert!(Cursor::new("test", bytes).varint().is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn fields_end_with_the_bytes() {
        let mut cursor = Cursor::new("test", &[1, 2, 0, 3]);
        assert_eq!((cursor.u8(), cursor.u16()), (Ok(1), Ok(2)));
        assert_eq!(cursor.u32(), Err(FormatError::Truncated { what: "test", offset: 4, needed: 3 }));
        assert!(cursor.finish().is_err());
        assert_eq!(cursor.take(1), Ok(&[3][..]));
        assert_eq!(cursor.finish(), Ok(()));
        assert!(check_crc32("test", b"123456789", 0xcbf4_3926).is_ok());
    }
}
