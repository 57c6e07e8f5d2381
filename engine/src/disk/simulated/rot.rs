//! Damage that a disk does to files on its own. What is changed counts as synced; open readers keep what they have.

use std::ops::Range;

use super::SimulatedDisk;
use crate::format::names::FileName;

impl SimulatedDisk {
    /// Puts `bytes` in a file's place, or makes the file, as if it had been there for ever.
    pub fn put(&self, file: FileName, bytes: Vec<u8>) {
        self.0.lock().put(file, bytes);
    }

    /// Turns one bit (0 to 7) of a file's byte over.
    ///
    /// # Panics
    /// When the file has no such byte.
    pub fn flip(&self, file: FileName, byte: usize, bit: u32) {
        self.damage(file, |bytes| bytes[byte] ^= 1 << bit);
    }

    /// Cuts a file to `length` bytes.
    ///
    /// # Panics
    /// When there is no such file.
    pub fn truncate(&self, file: FileName, length: usize) {
        self.damage(file, |bytes| bytes.truncate(length));
    }

    /// Swaps two ranges of one length that do not overlap: misdirected writes.
    ///
    /// # Panics
    /// When the file does not have them, or they are not of one length.
    pub fn swap(&self, file: FileName, a: Range<usize>, b: Range<usize>) {
        self.damage(file, |bytes| {
            let (first, second) = (bytes[a.clone()].to_vec(), bytes[b.clone()].to_vec());
            bytes[a].copy_from_slice(&second);
            bytes[b].copy_from_slice(&first);
        });
    }

    /// Puts other bytes at `offset`, an older block for one: a lost write.
    ///
    /// # Panics
    /// When the file does not reach so far.
    pub fn replace(&self, file: FileName, offset: usize, with: &[u8]) {
        self.damage(file, |bytes| bytes[offset..offset + with.len()].copy_from_slice(with));
    }

    fn damage(&self, file: FileName, change: impl FnOnce(&mut Vec<u8>)) {
        let contents = self.contents(file).unwrap_or_else(|| panic!("{file} is not there to be damaged"));
        let mut bytes = contents.to_vec();
        change(&mut bytes);
        self.put(file, bytes);
    }
}
