//! Where a segment is written to, from front to back: its file, buffered and throttled, or memory.

use super::{SegmentError, Throttle};
use crate::disk::FileWriter;

/// Bytes that are written at once.
const BUFFER_BYTES: usize = 1 << 20;

pub(super) struct Output<'d> {
    /// Without one, all stays in the buffer.
    file: Option<(Box<dyn FileWriter>, &'d dyn Throttle)>,
    buffer: Vec<u8>,
    /// Bytes of the file before the buffer.
    written: u64,
}

impl<'d> Output<'d> {
    pub(super) fn new(file: Box<dyn FileWriter>, throttle: &'d dyn Throttle) -> Output<'d> {
        Output { file: Some((file, throttle)), buffer: Vec::new(), written: 0 }
    }

    /// One that keeps everything until it is taken.
    pub(super) fn in_memory() -> Output<'d> {
        Output { file: None, buffer: Vec::new(), written: 0 }
    }

    /// Takes out what it keeps; the next byte is at 0 again.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// Offset of the next byte.
    pub(super) fn position(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), SegmentError> {
        if bytes.len() >= BUFFER_BYTES && self.file.is_some() {
            // A copy goes out as it is, and not through memory once more.
            self.flush()?;
            return self.write(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    /// Fills up with zeros to a multiple of `alignment`.
    pub(super) fn align(&mut self, alignment: u64) -> Result<(), SegmentError> {
        let padding = self.position().next_multiple_of(alignment) - self.position();
        self.buffer.resize(self.buffer.len() + padding as usize, 0);
        if self.buffer.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), SegmentError> {
        if self.file.is_none() {
            return Ok(());
        }
        let buffer = std::mem::take(&mut self.buffer);
        self.write(&buffer)?;
        self.buffer = buffer;
        self.buffer.clear();
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SegmentError> {
        let Some((file, throttle)) = &mut self.file else { return Ok(()) };
        for piece in bytes.chunks(BUFFER_BYTES) {
            throttle.spend(piece.len() as u64);
            file.write_at(self.written, piece)?;
            self.written += piece.len() as u64;
        }
        Ok(())
    }

    /// Makes everything durable.
    pub(super) fn finish(&mut self) -> Result<(), SegmentError> {
        self.flush()?;
        self.sync()
    }

    /// Makes durable what is not in the buffer any more.
    pub(super) fn sync(&mut self) -> Result<(), SegmentError> {
        if let Some((file, _)) = &mut self.file {
            file.sync()?;
        }
        Ok(())
    }
}
