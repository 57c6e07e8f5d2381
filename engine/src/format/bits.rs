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

    /// Appends the lowest `bits` of a number that has no others.
    pub(super) fn put(&mut self, value: u32, bits: u32) {
        self.held |= u64::from(value).wrapping_shl(self.count);
        self.count = self.count.saturating_add(bits);
        while self.count >= 8 {
            self.target.push(self.held as u8);
            self.held >>= 8;
            self.count = self.count.saturating_sub(8);
        }
    }

    /// Ends the last byte.
    pub(super) fn finish(self) {
        if self.count > 0 {
            self.target.push(self.held as u8);
        }
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
