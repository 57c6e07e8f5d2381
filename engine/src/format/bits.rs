//! Numbers of few bits, one behind the other: what does not compress is kept as it is.

/// A number whose lowest `bits` are 1.
pub(super) fn low_mask(bits: u32) -> u32 {
    1_u32.wrapping_shl(bits).wrapping_sub(1)
}

/// Writes numbers of few bits, lowest bit first.
pub(super) struct BitWriter<'a> {
    target: &'a mut Vec<u8>,
    held: u64,
    count: u32,
}

impl<'a> BitWriter<'a> {
    /// Writes behind what `target` holds, from a byte of its own on.
    pub(super) fn new(target: &'a mut Vec<u8>) -> BitWriter<'a> {
        BitWriter { target, held: 0, count: 0 }
    }

    /// Appends the lowest `bits`, at most 32, of a number that has no others.
    #[inline]
    pub(super) fn put(&mut self, value: u32, bits: u32) {
        self.held |= u64::from(value).wrapping_shl(self.count);
        self.count = self.count.saturating_add(bits);
        if self.count >= 32 {
            self.target.extend_from_slice(&(self.held as u32).to_le_bytes());
            self.held >>= 32;
            self.count = self.count.saturating_sub(32);
        }
    }

    /// Appends the next `bits` bits of a reader.
    #[inline]
    pub(super) fn copy(&mut self, reader: &mut BitReader<'_>, bits: usize) {
        // As many as a number can have whose mask is a shift.
        const AT_ONCE: u32 = 31;
        let mut left = bits;
        while left > AT_ONCE as usize {
            self.put(reader.take(AT_ONCE), AT_ONCE);
            left = left.saturating_sub(AT_ONCE as usize);
        }
        self.put(reader.take(left as u32), left as u32);
    }

    /// Ends the last byte.
    pub(super) fn finish(self) {
        let bytes = self.count.div_ceil(8) as usize;
        self.target.extend(self.held.to_le_bytes().into_iter().take(bytes));
    }
}

/// Reads numbers of few bits. Past the end there are zeros.
#[derive(Clone, Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    held: u64,
    count: u32,
}

impl<'a> BitReader<'a> {
    /// Reads from the first byte on.
    pub(super) fn new(bytes: &'a [u8]) -> BitReader<'a> {
        BitReader { bytes, held: 0, count: 0 }
    }

    /// Reads from a bit on.
    pub(super) fn at_bit(bytes: &'a [u8], bit: usize) -> BitReader<'a> {
        let mut reader = BitReader::new(bytes.get(bit / 8..).unwrap_or_default());
        reader.take(bit as u32 % 8);
        reader
    }

    /// The next number, of so many bits, at most 32.
    #[inline]
    pub(super) fn take(&mut self, bits: u32) -> u32 {
        if self.count < bits {
            self.refill();
        }
        let value = self.held as u32 & low_mask(bits);
        self.held >>= bits.min(63);
        self.count = self.count.saturating_sub(bits);
        value
    }

    /// Holds 56 bits at least, so that any number can be taken. Bits above `count` that are held already are the
    /// file's next ones, so that putting them there once more changes nothing.
    #[inline]
    fn refill(&mut self) {
        if let Some(word) = self.bytes.first_chunk::<8>() {
            self.held |= u64::from_le_bytes(*word).wrapping_shl(self.count);
            let taken = 63_u32.saturating_sub(self.count) / 8;
            self.bytes = self.bytes.get(taken as usize..).unwrap_or_default();
            self.count |= 56;
            return;
        }
        while self.count < 56 {
            let (byte, rest) = self.bytes.split_first().unwrap_or((&0, &[]));
            self.bytes = rest;
            self.held |= u64::from(*byte).wrapping_shl(self.count);
            self.count = self.count.saturating_add(8);
        }
    }
}

/// The bits from bit `bit` on: 57 at least, and zeros past the end. Of many of these, none waits for the one before.
#[inline]
pub(super) fn bits_at(bytes: &[u8], bit: usize) -> u64 {
    let bytes = bytes.get(bit / 8..).unwrap_or_default();
    let word = match bytes.first_chunk() {
        Some(word) => u64::from_le_bytes(*word),
        None => last_bytes(bytes),
    };
    word.wrapping_shr(bit as u32 % 8)
}

/// A word of less than eight bytes.
#[cold]
fn last_bytes(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0_u64, |word, byte| word << 8 | u64::from(*byte))
}

/// Reads numbers that all have the same few bits, eight at a time. Past the end there are zeros.
#[derive(Clone, Debug)]
pub(super) struct FixedBits<'a> {
    bytes: &'a [u8],
    width: u32,
    /// Number of the next one.
    next: usize,
}

impl<'a> FixedBits<'a> {
    /// Reads from the first byte on numbers of so many bits, at most 32.
    pub(super) fn new(bytes: &'a [u8], width: u32) -> FixedBits<'a> {
        FixedBits { bytes, width: width.min(32), next: 0 }
    }

    /// Appends the next `count` numbers to `target`.
    #[inline]
    pub(super) fn read(&mut self, count: usize, target: &mut Vec<u32>) {
        match self.width {
            0 => target.resize(target.len().saturating_add(count), 0),
            1 => self.read_eights::<1>(count, target),
            2 => self.read_eights::<2>(count, target),
            3 => self.read_eights::<3>(count, target),
            4 => self.read_eights::<4>(count, target),
            5 => self.read_eights::<5>(count, target),
            6 => self.read_eights::<6>(count, target),
            7 => self.read_eights::<7>(count, target),
            8 => self.read_eights::<8>(count, target),
            _ => {
                target.extend((self.next..self.next.saturating_add(count)).map(|number| self.number(number)));
            }
        }
        self.next = self.next.saturating_add(count);
    }

    /// Eight numbers of `WIDTH` bits, at most 8, begin and end with a byte.
    fn read_eights<const WIDTH: usize>(&self, count: usize, target: &mut Vec<u32>) {
        let (mask, end) = (low_mask(WIDTH as u32), self.next.saturating_add(count));
        let aligned = self.next.next_multiple_of(8).min(end);
        target.extend((self.next..aligned).map(|number| self.number(number)));
        let eights = end.saturating_sub(aligned) / 8;
        let bytes = self.bytes.get((aligned / 8).saturating_mul(WIDTH)..).unwrap_or_default();
        // The last words reach beyond their eight numbers; there may be nothing.
        let words = bytes.windows(8).step_by(WIDTH).take(eights);
        let read = words.len();
        for word in words {
            let word = word.first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
            let eight: [u32; 8] =
                std::array::from_fn(|at| (word.wrapping_shr(at.wrapping_mul(WIDTH) as u32)) as u32 & mask);
            target.extend_from_slice(&eight);
        }
        let rest = aligned.saturating_add(read.saturating_mul(8));
        target.extend((rest..end).map(|number| self.number(number)));
    }

    fn number(&self, number: usize) -> u32 {
        let bit = number.saturating_mul(self.width as usize);
        bits_at(self.bytes, bit) as u32 & low_mask32(self.width)
    }
}

/// As `low_mask`, also of all 32 bits.
fn low_mask32(bits: u32) -> u32 {
    if bits == 32 { u32::MAX } else { low_mask(bits) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_of_one_width_are_read_back_in_any_pieces(
            width in 0..=26_u32,
            numbers in prop::collection::vec(any::<u32>(), 0..200),
            pieces in prop::collection::vec(0..40_usize, 0..20),
        ) {
            let numbers: Vec<u32> = numbers.into_iter().map(|number| number & low_mask(width)).collect();
            let mut bytes = Vec::new();
            let mut writer = BitWriter::new(&mut bytes);
            numbers.iter().for_each(|number| writer.put(*number, width));
            writer.finish();
            let (mut reader, mut back) = (FixedBits::new(&bytes, width), Vec::new());
            for piece in pieces {
                reader.read(piece.min(numbers.len() - back.len()), &mut back);
            }
            reader.read(numbers.len() - back.len(), &mut back);
            prop_assert_eq!(&back, &numbers);
            let mut beyond = Vec::new();
            FixedBits::new(&[], width).read(20, &mut beyond);
            prop_assert_eq!(beyond, vec![0; 20]);
            let mut one_by_one = BitReader::new(&bytes);
            prop_assert!(numbers.iter().all(|number| one_by_one.take(width) == *number));
            for (at, number) in numbers.iter().enumerate() {
                prop_assert_eq!(bits_at(&bytes, at * width as usize) as u32 & low_mask(width), *number);
            }
        }

        #[test]
        fn bits_are_copied_from_any_bit_to_any_bit(
            bytes in prop::collection::vec(any::<u8>(), 1..60),
            first in 0..100_usize,
            length in 0..400_usize,
            before in 0..=31_u32,
        ) {
            let bits = |bytes: &[u8], first: usize, length: usize| -> Vec<bool> {
                (first..first + length).map(|bit| bytes[bit / 8] >> (bit % 8) & 1 == 1).collect()
            };
            let first = first.min(bytes.len() * 8);
            let length = length.min(bytes.len() * 8 - first);
            let mut target = Vec::new();
            let mut writer = BitWriter::new(&mut target);
            writer.put(low_mask(before), before);
            writer.copy(&mut BitReader::at_bit(&bytes, first), length);
            writer.put(1, 1);
            writer.finish();
            let before = before as usize;
            prop_assert_eq!(bits(&target, before, length), bits(&bytes, first, length));
            prop_assert_eq!(bits(&target, before + length, 1), [true]);
            prop_assert_eq!(target.len(), (before + length + 1).div_ceil(8));
        }
    }
}
