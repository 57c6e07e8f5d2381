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

/// Most bytes of a varint: ten groups of 7 bits hold 64.
pub const VARINT_BYTES: usize = 10;

/// CRC-32 (IEEE, as in zlib) of `bytes`.
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// CRC-32 of the four bytes of `salt` and then `parts`: bytes written under another salt do not pass, nor do zeros.
#[must_use]
pub fn crc32_salted(salt: u32, parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&salt.to_le_bytes());
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize()
}

/// Checks the CRC-32 of `bytes` against `expected`.
///
/// # Errors
/// `FormatError::Checksum` when it differs.
pub fn check_crc32(what: &'static str, bytes: &[u8], expected: u32) -> Result<(), FormatError> {
    check_checksum(what, crc32(bytes), expected)
}

/// Checks a checksum, as computed, against `expected`.
///
/// # Errors
/// `FormatError::Checksum` when it differs.
pub fn check_checksum(what: &'static str, got: u32, expected: u32) -> Result<(), FormatError> {
    // A fuzzer would never get past a checksum.
    if got == expected || cfg!(fuzzing) { Ok(()) } else { Err(FormatError::Checksum { what, expected, got }) }
}

/// Reads fields one after another. Never reads past the end, never panics, never allocates.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    what: &'static str,
    rest: &'a [u8],
    /// Offset of the byte after the last one.
    end: usize,
}

impl<'a> Cursor<'a> {
    /// Begins at the first of `bytes`; `what` is named in errors.
    #[must_use]
    pub fn new(what: &'static str, bytes: &'a [u8]) -> Cursor<'a> {
        Cursor::at(what, 0, bytes)
    }

    /// Begins at the first of `bytes`, which is at `offset` of what errors name.
    #[must_use]
    pub fn at(what: &'static str, offset: usize, bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { what, rest: bytes, end: offset.saturating_add(bytes.len()) }
    }

    /// Offset of the next byte: bytes read so far, for a cursor that began at 0.
    #[must_use]
    #[inline]
    pub fn position(&self) -> usize {
        self.end.saturating_sub(self.rest.len())
    }

    /// Bytes not read yet.
    #[must_use]
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The error that a value at the present position is not possible.
    #[must_use]
    #[cold]
    pub fn invalid(&self, got: u64) -> FormatError {
        FormatError::Invalid { what: self.what, offset: self.position(), got }
    }

    #[cold]
    fn truncated(&self, length: usize) -> FormatError {
        let needed = length.saturating_sub(self.rest.len());
        FormatError::Truncated { what: self.what, offset: self.end, needed }
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    /// `Truncated` when there are fewer.
    #[inline]
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], FormatError> {
        let Some((taken, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.truncated(length));
        };
        self.rest = rest;
        Ok(taken)
    }

    /// A cursor over the next `length` bytes alone, named `what`; this one goes on after them.
    ///
    /// # Errors
    /// `Truncated` when there are fewer.
    pub fn part(&mut self, what: &'static str, length: usize) -> Result<Cursor<'a>, FormatError> {
        let offset = self.position();
        Ok(Cursor::at(what, offset, self.take(length)?))
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    /// `Truncated` when there are fewer.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let Some((taken, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.truncated(N));
        };
        self.rest = rest;
        Ok(*taken)
    }

    /// One byte.
    ///
    /// # Errors
    /// `Truncated` at the end.
    #[inline]
    pub fn u8(&mut self) -> Result<u8, FormatError> {
        self.array::<1>().map(u8::from_le_bytes)
    }

    /// Two bytes, little-endian.
    ///
    /// # Errors
    /// `Truncated` when there are fewer.
    #[inline]
    pub fn u16(&mut self) -> Result<u16, FormatError> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four bytes, little-endian.
    ///
    /// # Errors
    /// `Truncated` when there are fewer.
    #[inline]
    pub fn u32(&mut self) -> Result<u32, FormatError> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes, little-endian.
    ///
    /// # Errors
    /// `Truncated` when there are fewer.
    #[inline]
    pub fn u64(&mut self) -> Result<u64, FormatError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A varint (LEB128) of at most 64 bits, in its shortest form.
    ///
    /// # Errors
    /// `Truncated` at the end, `Invalid` when it is too long or not the shortest form.
    #[inline]
    pub fn varint(&mut self) -> Result<u64, FormatError> {
        match self.rest.split_first() {
            Some((&byte, rest)) if byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, FormatError> {
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

    /// Passes by so many varints, whatever they are.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn skip_varints(&mut self, count: u32) -> Result<(), FormatError> {
        for _ in 0..count {
            while self.u8()? >= 0x80 {}
        }
        Ok(())
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

    /// A varint that counts items of at least `each` bytes which follow: at most `limit`, and no more than can be
    /// there, so that it is safe to allocate for that many.
    ///
    /// # Errors
    /// As `varint_within`.
    pub fn count(&mut self, limit: usize, each: usize) -> Result<usize, FormatError> {
        let room = self.rest.len().checked_div(each.max(1)).unwrap_or(0);
        self.varint_within(limit.min(room))
    }

    /// A varint length, at most `limit`, and that many bytes.
    ///
    /// # Errors
    /// As `varint_within` and `take`.
    pub fn counted(&mut self, limit: usize) -> Result<&'a [u8], FormatError> {
        let length = self.varint_within(limit)?;
        self.take(length)
    }

    /// A varint length, at most `limit`, and that many bytes of UTF-8.
    ///
    /// # Errors
    /// As `counted`, and `Invalid` when it is not UTF-8.
    pub fn text(&mut self, limit: usize) -> Result<&'a str, FormatError> {
        let bytes = self.counted(limit)?;
        std::str::from_utf8(bytes).map_err(|error| self.invalid(error.valid_up_to() as u64))
    }

    /// `length` bytes that are reserved and zero.
    ///
    /// # Errors
    /// `Truncated` when there are fewer, `Invalid` when one is not zero.
    pub fn zeros(&mut self, length: usize) -> Result<(), FormatError> {
        match self.take(length)?.iter().find(|byte| **byte != 0) {
            Some(byte) => Err(self.invalid(u64::from(*byte))),
            None => Ok(()),
        }
    }

    /// Says that everything has been read.
    ///
    /// # Errors
    /// `Invalid` when bytes are left: no writer leaves any.
    pub fn finish(&self) -> Result<(), FormatError> {
        match self.rest {
            [] => Ok(()),
            [byte, ..] => Err(self.invalid(u64::from(*byte))),
        }
    }
}

/// Appends a varint (LEB128, shortest form).
#[inline]
pub fn put_varint(target: &mut Vec<u8>, value: u64) {
    if value < 0x80 {
        target.push(value as u8);
        return;
    }
    let bits = u64::BITS.saturating_sub(value.leading_zeros());
    if bits > 56 {
        return put_long_varint(target, value);
    }
    // Eight groups of seven bits, each moved to a byte of its own: halves, quarters, eighths. A loop would end after
    // another number of bytes each time.
    let spread = value & 0x0fff_ffff | (value & 0xff_ffff_f000_0000) << 4;
    let spread = spread & 0x3fff_0000_3fff | (spread & 0x0fff_c000_0fff_c000) << 2;
    let spread = spread & 0x7f_007f_007f_007f | (spread & 0x3f80_3f80_3f80_3f80) << 1;
    let length = bits.div_ceil(7);
    let all_but_last = u64::MAX.wrapping_shr(72_u32.wrapping_sub(length.wrapping_mul(8)));
    let bytes = spread | 0x8080_8080_8080_8080 & all_but_last;
    // All of it and then the end: that looks for room once, and not for each byte.
    let end = target.len().saturating_add(length as usize);
    target.extend_from_slice(&bytes.to_le_bytes());
    target.truncate(end);
}

/// One of nine or ten bytes.
fn put_long_varint(target: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        target.push(value as u8 | 0x80);
        value >>= 7;
    }
    target.push(value as u8);
}

/// Appends a varint length and the bytes.
pub fn put_counted(target: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(target, bytes.len() as u64);
    target.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
    #[test]
    fn errors_name_the_offset_of_what_the_cursor_began_in() {
        let mut cursor = Cursor::at("it", 10, &[5, b'a', 0xff, 0, 7]);
        let invalid = |offset, got| FormatError::Invalid { what: "it", offset, got };
        assert_eq!(cursor.clone().text(4), Err(invalid(11, 5)));
        assert_eq!(cursor.clone().count(100, 2), Err(invalid(11, 5)));
        assert_eq!(cursor.clone().zeros(1), Err(invalid(11, 5)));
        assert_eq!(cursor.clone().text(5), Err(FormatError::Truncated { what: "it", offset: 15, needed: 1 }));
        let part = FormatError::Truncated { what: "part", offset: 12, needed: 6 };
        assert_eq!(cursor.part("part", 2).unwrap().u64(), Err(part));
        assert_eq!((cursor.position(), cursor.rest()), (12, &[0xff, 0, 7][..]));
        assert_eq!(
            Cursor::new("it", &[2, 0xff, 0]).text(9),
            Err(FormatError::Invalid { what: "it", offset: 3, got: 0 })
        );
        assert_eq!(Cursor::new("it", b"\x05\xc3\xbcber").text(5), Ok("über"));
        assert_eq!(Cursor::new("it", &[2, 1, 1, 1, 1]).count(9, 2), Ok(2));
    }

    #[test]
    fn a_salt_tells_old_bytes_and_zeros_from_new_ones() {
        assert_eq!(crc32(&[]), 0);
        assert_ne!(crc32_salted(0, &[]), 0);
        assert_ne!(crc32_salted(1, &[b"ab"]), crc32_salted(2, &[b"ab"]));
        assert_eq!(crc32_salted(1, &[b"a", b"b"]), crc32_salted(1, &[b"ab"]));
    }

    proptest! {
        #[test]
        fn every_varint_is_read_back(value: u64, shift in 0_u32..64, tail: Vec<u8>) {
            let value = value >> shift;
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            prop_assert!(bytes.len() <= VARINT_BYTES);
            bytes.extend_from_slice(&tail);
            let mut cursor = Cursor::new("test", &bytes);
            prop_assert_eq!(cursor.varint(), Ok(value));
            prop_assert_eq!(cursor.rest(), &tail[..]);
        }

        #[test]
        fn what_reads_as_a_varint_is_what_is_written_for_it(bytes in proptest::collection::vec(0x78_u8..=0xff, 0..14)) {
            let mut cursor = Cursor::new("test", &bytes);
            if let Ok(value) = cursor.varint() {
                let mut again = Vec::new();
                put_varint(&mut again, value);
                prop_assert_eq!(&again[..], &bytes[..cursor.position()]);
            }
        }
    }
}
