//! Columns: runs of bytes and of numbers, compressed where that pays. `docs/FORMAT.md`, section "Columns".
//!
//! A column of numbers is two runs of bytes: one byte for every number, and the bytes of the few long ones
//! aside. So number `n` is at byte `n`, and a column without long numbers is decoded by widening its bytes.

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{self, CParameter, ParamSwitch};

use super::frame::{Cursor, FormatError, put_varint};

/// Numbers below this are their own byte; the bytes from here on say how long the number is.
const LITERALS: u8 = 251;
/// Runs shorter than this are not worth a compressed frame's own header.
const COMPRESSED_FROM_BYTES: usize = 24;
/// Level of zstd. Decoding speed does not depend on it, and columns have little left for a higher one to find.
const LEVEL: i32 = 1;
/// A run that becomes so many times shorter by short codes alone may have much that repeats.
const SUSPICIOUS: usize = 5;

const EMPTY: u8 = 0;
const RAW: u8 = 1;
const CONSTANT: u8 = 2;
const ZSTD: u8 = 3;

/// Compresses runs of bytes; reused from run to run.
pub struct Packer {
    /// Finds what repeats, and then gives frequent bytes short codes.
    repeats: Compressor<'static>,
    /// Gives frequent bytes short codes, and does nothing else.
    symbols: Compressor<'static>,
    compressed: Vec<u8>,
    /// The form that did better, while another is tried.
    best: Vec<u8>,
}

impl Packer {
    /// A packer with its working memory.
    #[must_use]
    pub fn new() -> Packer {
        // Only a failed allocation or a setting that does not exist can fail here; without it runs are stored raw.
        let mut repeats = Compressor::default();
        let _ = repeats.set_compression_level(LEVEL);
        let mut symbols = Compressor::default();
        let settings = [
            CParameter::CompressionLevel(LEVEL),
            CParameter::Strategy(zstd_safe::Strategy::ZSTD_fast),
            // Steps so large that nothing is looked for.
            CParameter::TargetLength(zstd_safe::zstd_sys::ZSTD_TARGETLENGTH_MAX),
            CParameter::LiteralCompressionMode(ParamSwitch::Enable),
        ];
        let _ = settings.into_iter().try_for_each(|setting| symbols.set_parameter(setting));
        Packer { repeats, symbols, compressed: Vec::new(), best: Vec::new() }
    }

    /// Appends a run of bytes in the smallest of its forms: of records and lists, in which much repeats.
    pub fn pack(&mut self, bytes: &[u8], target: &mut Vec<u8>) {
        if !put_simple(bytes, target) {
            let fits = compress(&mut self.repeats, bytes, &mut self.compressed);
            self.put(bytes, fits, target);
        }
    }

    /// Appends a run of bytes that repeats by chance alone: numbers drawn from one distribution. What would be
    /// found in it costs more to read than it saves.
    pub fn pack_symbols(&mut self, bytes: &[u8], target: &mut Vec<u8>) {
        if put_simple(bytes, target) {
            return;
        }
        let mut fits = compress(&mut self.symbols, bytes, &mut self.compressed);
        // A symbol costs a bit at least. Where most cost little more, it may be that long stretches are all alike.
        let length = self.compressed.len();
        if fits && length < bytes.len() / SUSPICIOUS {
            std::mem::swap(&mut self.compressed, &mut self.best);
            fits = compress(&mut self.repeats, bytes, &mut self.compressed);
            if !fits || self.compressed.len() > length.saturating_sub(length / 8) {
                std::mem::swap(&mut self.compressed, &mut self.best);
                fits = true;
            }
        }
        self.put(bytes, fits, target);
    }

    fn put(&self, bytes: &[u8], compressed: bool, target: &mut Vec<u8>) {
        target.push(if compressed { ZSTD } else { RAW });
        put_varint(target, bytes.len() as u64);
        if compressed {
            put_varint(target, self.compressed.len() as u64);
            target.extend_from_slice(&self.compressed);
        } else {
            target.extend_from_slice(bytes);
        }
    }
}

/// Appends a run of nothing, or of one byte again and again; says whether it is one.
fn put_simple(bytes: &[u8], target: &mut Vec<u8>) -> bool {
    let Some((first, others)) = bytes.split_first() else {
        target.push(EMPTY);
        return true;
    };
    let constant = others.iter().all(|byte| byte == first);
    if constant {
        target.push(CONSTANT);
        put_varint(target, bytes.len() as u64);
        target.push(*first);
    }
    constant
}

/// Whether the compressed form is smaller.
fn compress(compressor: &mut Compressor<'_>, bytes: &[u8], compressed: &mut Vec<u8>) -> bool {
    compressed.clear();
    if bytes.len() < COMPRESSED_FROM_BYTES {
        return false;
    }
    compressed.reserve_exact(zstd_safe::compress_bound(bytes.len()));
    let done = compressor.compress_to_buffer(bytes, compressed);
    done.is_ok_and(|length| length.saturating_add(4) < bytes.len())
}

impl Default for Packer {
    fn default() -> Packer {
        Packer::new()
    }
}

/// Decompresses runs of bytes; reused from run to run.
pub struct Unpacker(Decompressor<'static>);

impl Unpacker {
    /// An unpacker with its working memory.
    #[must_use]
    pub fn new() -> Unpacker {
        Unpacker(Decompressor::default())
    }

    /// Reads a run of at most `limit` bytes into `target`, whose old contents go.
    ///
    /// # Errors
    /// When it is longer, or cannot be decompressed.
    pub fn unpack(
        &mut self,
        cursor: &mut Cursor<'_>,
        limit: usize,
        target: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        target.clear();
        match cursor.u8()? {
            EMPTY => {}
            RAW => {
                let length = cursor.varint_within(limit)?;
                target.extend_from_slice(cursor.take(length)?);
            }
            CONSTANT => {
                let length = cursor.varint_within(limit)?;
                target.resize(length, cursor.u8()?);
            }
            ZSTD => {
                let length = cursor.varint_within(limit)?;
                let stored = cursor.varint_within(limit)?;
                let bytes = cursor.take(stored)?;
                target.reserve(length);
                match self.0.decompress_to_buffer(bytes, target) {
                    Ok(written) if written == length => {}
                    Ok(written) => return Err(cursor.invalid(written as u64)),
                    Err(_) => return Err(cursor.invalid(length as u64)),
                }
            }
            other => return Err(cursor.invalid(u64::from(other))),
        }
        Ok(())
    }

    /// Reads a run of exactly `length` bytes.
    ///
    /// # Errors
    /// As `unpack`, and when it is shorter.
    pub fn unpack_exactly(
        &mut self,
        cursor: &mut Cursor<'_>,
        length: usize,
        target: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        self.unpack(cursor, length, target)?;
        if target.len() == length { Ok(()) } else { Err(cursor.invalid(target.len() as u64)) }
    }
}

impl Default for Unpacker {
    fn default() -> Unpacker {
        Unpacker::new()
    }
}

/// A column of numbers, as it is built and as it is after unpacking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// One byte for each number.
    shorts: Vec<u8>,
    /// The long numbers' bytes.
    longs: Vec<u8>,
}

impl Numbers {
    /// Takes all numbers out.
    pub fn clear(&mut self) {
        self.shorts.clear();
        self.longs.clear();
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shorts.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shorts.is_empty()
    }

    /// Appends one.
    #[inline]
    pub fn push(&mut self, number: u64) {
        if number < u64::from(LITERALS) {
            self.shorts.push(number as u8);
        } else {
            self.push_long(number);
        }
    }

    #[cold]
    fn push_long(&mut self, number: u64) {
        let above = number.wrapping_sub(u64::from(LITERALS));
        let (code, bytes, length) = match number {
            _ if above < 1 << 8 => (LITERALS, above, 1),
            _ if number < 1 << 16 => (252, number, 2),
            _ if number < 1 << 24 => (253, number, 3),
            _ if number < 1 << 32 => (254, number, 4),
            _ => (255, number, 8),
        };
        self.shorts.push(code);
        self.longs.extend(bytes.to_le_bytes().into_iter().take(length));
    }

    /// Appends the column's bytes.
    pub fn pack(&self, packer: &mut Packer, target: &mut Vec<u8>) {
        packer.pack_symbols(&self.shorts, target);
        packer.pack(&self.longs, target);
    }

    /// Appends all numbers of another column.
    pub fn append(&mut self, other: &Numbers) {
        self.shorts.extend_from_slice(&other.shorts);
        self.longs.extend_from_slice(&other.longs);
    }

    /// Puts the `count` numbers from number `start` on (or those that there are) of another column in place of these.
    pub fn copy_of(&mut self, other: &Numbers, start: usize, count: usize) {
        self.clear();
        self.append_part(other, start, count);
    }

    /// Appends the `count` numbers from number `start` on (or those that there are) of another column.
    pub fn append_part(&mut self, other: &Numbers, start: usize, count: usize) {
        let reader = other.reader(start);
        let shorts = reader.shorts.split_at_checked(count).map_or(reader.shorts, |(shorts, _)| shorts);
        let longs = longs_bytes(shorts);
        self.shorts.extend_from_slice(shorts);
        self.longs.extend_from_slice(reader.longs.get(..longs).unwrap_or_default());
    }

    /// Reads a column of at most `limit` numbers over this one.
    ///
    /// # Errors
    /// When there are more of them, or they cannot be decompressed.
    pub fn unpack(
        &mut self,
        unpacker: &mut Unpacker,
        cursor: &mut Cursor<'_>,
        limit: usize,
    ) -> Result<(), FormatError> {
        unpacker.unpack(cursor, limit, &mut self.shorts)?;
        unpacker.unpack_exactly(cursor, longs_bytes(&self.shorts), &mut self.longs)
    }

    /// Reads a column of exactly `count` numbers over this one.
    ///
    /// # Errors
    /// As `unpack`, and when there are fewer.
    pub fn unpack_exactly(
        &mut self,
        unpacker: &mut Unpacker,
        cursor: &mut Cursor<'_>,
        count: usize,
    ) -> Result<(), FormatError> {
        self.unpack(unpacker, cursor, count)?;
        if self.len() == count { Ok(()) } else { Err(cursor.invalid(self.len() as u64)) }
    }

    /// Reads the numbers from number `start` on.
    #[must_use]
    pub fn reader(&self, start: usize) -> NumberReader<'_> {
        let (before, shorts) = self.shorts.split_at_checked(start).unwrap_or((&self.shorts, &[]));
        let skipped = match self.longs.is_empty() {
            true => 0,
            false => longs_bytes(before),
        };
        NumberReader { shorts, longs: self.longs.get(skipped..).unwrap_or_default() }
    }
}

/// Bytes that the numbers of these short bytes have aside.
fn longs_bytes(shorts: &[u8]) -> usize {
    // So many of them stay within 16 bits, of which the processor adds more at once than of a usize.
    const ADDED: usize = 4_096;
    if is_short(shorts) {
        return 0;
    }
    let of = |codes: &[u8]| codes.iter().fold(0_u16, |sum, code| sum.wrapping_add(long_bytes(*code).into()));
    shorts.chunks(ADDED).map(|codes| usize::from(of(codes))).sum()
}

/// Whether all of them are numbers themselves.
#[inline]
fn is_short(shorts: &[u8]) -> bool {
    // A maximum without an early end is done 32 or 64 bytes at a time.
    shorts.iter().fold(0, |highest, byte| highest.max(*byte)) < LITERALS
}

/// Bytes that the number of this short byte has aside: 1, 2, 3, 4 or 8 from `LITERALS` on. Without a branch, so that
/// many are summed at once.
#[inline]
fn long_bytes(code: u8) -> u8 {
    let above = code.saturating_sub(LITERALS.wrapping_sub(1));
    if above == 5 { 8 } else { above }
}

/// Reads numbers one after another, or many at once while they are short.
#[derive(Clone, Debug)]
pub struct NumberReader<'a> {
    shorts: &'a [u8],
    longs: &'a [u8],
}

impl<'a> NumberReader<'a> {
    /// The next `count` numbers (or what is left) as bytes, if all of them are short; else nothing is taken.
    #[inline]
    pub fn short_run(&mut self, count: usize) -> Option<&'a [u8]> {
        let (run, rest) = self.shorts.split_at_checked(count).unwrap_or((self.shorts, &[]));
        if !is_short(run) {
            return None;
        }
        self.shorts = rest;
        Some(run)
    }

    fn long(&mut self, code: u8) -> u64 {
        let length = usize::from(long_bytes(code));
        let (bytes, rest) = self.longs.split_at_checked(length).unwrap_or((self.longs, &[]));
        self.longs = rest;
        let value = bytes.iter().rev().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        if code == LITERALS { value.wrapping_add(u64::from(LITERALS)) } else { value }
    }
}

impl Iterator for NumberReader<'_> {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        let (code, rest) = self.shorts.split_first()?;
        self.shorts = rest;
        Some(if *code < LITERALS { u64::from(*code) } else { self.long(*code) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number() -> impl Strategy<Value = u64> {
        (any::<u64>(), 0..64_u32).prop_map(|(bits, shift)| bits >> shift)
    }

    proptest! {
        #[test]
        fn numbers_are_read_back_from_any_start(
            numbers in prop::collection::vec(number(), 0..300),
            start in 0_usize..310,
        ) {
            let mut column = Numbers::default();
            numbers.iter().for_each(|number| column.push(*number));
            let mut bytes = Vec::new();
            column.pack(&mut Packer::new(), &mut bytes);
            let mut back = Numbers::default();
            let mut cursor = Cursor::new("test", &bytes);
            back.unpack_exactly(&mut Unpacker::new(), &mut cursor, numbers.len()).unwrap();
            cursor.finish().unwrap();
            let tail = numbers.get(start..).unwrap_or_default();
            prop_assert_eq!(back.reader(start).collect::<Vec<_>>(), tail);
        }

        #[test]
        fn any_bytes_are_refused_or_read_within_the_limit(
            bytes in prop::collection::vec(prop_oneof![0..4_u8, any::<u8>()], 0..60),
            limit in 0..100_usize,
        ) {
            let mut column = Numbers::default();
            let mut cursor = Cursor::new("test", &bytes);
            if column.unpack(&mut Unpacker::new(), &mut cursor, limit).is_ok() {
                prop_assert!(column.len() <= limit);
                prop_assert_eq!(column.reader(0).count(), column.len());
            }
        }
    }

    #[test]
    fn each_run_takes_its_smallest_form() {
        for (bytes, tag) in [
            (&[][..], EMPTY),
            (&[7; 1_000], CONSTANT),
            (&[7], CONSTANT),
            (&[1, 2, 3], RAW),
            (&[1_u8, 1, 2].repeat(30), ZSTD),
        ] {
            let (mut packed, mut back) = (Vec::new(), vec![9]);
            Packer::new().pack(bytes, &mut packed);
            assert_eq!(packed[0], tag, "{bytes:?}");
            let mut cursor = Cursor::new("test", &packed);
            Unpacker::new().unpack_exactly(&mut cursor, bytes.len(), &mut back).unwrap();
            assert_eq!(back, bytes);
            let mut cursor = Cursor::new("test", &packed);
            assert!(
                bytes.is_empty() || Unpacker::new().unpack(&mut cursor, bytes.len() - 1, &mut back).is_err()
            );
        }
    }

    #[test]
    fn a_run_that_says_less_than_it_holds_is_refused() {
        let mut packed = Vec::new();
        Packer::new().pack(&[1_u8, 1, 2].repeat(30), &mut packed);
        assert_eq!(packed[1], 90);
        for lie in [0, 1, 89, 91, 127] {
            packed[1] = lie;
            let refused = Unpacker::new().unpack(&mut Cursor::new("test", &packed), 1 << 20, &mut Vec::new());
            assert!(refused.is_err(), "{lie}");
        }
    }
}
