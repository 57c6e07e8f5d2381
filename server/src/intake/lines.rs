//! Cuts a stream of bytes into lines, whatever pieces it comes in.

use crate::wire::event::LineError;

/// Most bytes of one line: longer than any URL that browsers send, and small enough to hold for each connection.
pub const LINE_BYTES: usize = 1 << 20;

/// Lines of a stream that comes in pieces. Holds at most one unfinished line.
#[derive(Debug, Default)]
pub struct Lines {
    partial: Vec<u8>,
    number: u64,
}

impl Lines {
    /// Before the first byte.
    #[must_use]
    pub fn new() -> Lines {
        Lines::default()
    }

    /// Number of the line read last, from 1: the one that an error is about.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Hands out the lines that end in `piece`, with their numbers and without their LF; blank ones are counted and
    /// left out.
    ///
    /// # Errors
    /// The first one of `take`, or that a line is too long; nothing more can then be fed.
    pub fn feed<E: From<LineError>>(
        &mut self,
        piece: &[u8],
        take: &mut impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut from = 0;
        for end in memchr::memchr_iter(b'\n', piece) {
            let rest = &piece[from..end];
            from = end + 1;
            if self.partial.is_empty() {
                self.hand_out(rest, take)?;
            } else {
                self.hold(rest)?;
                let line = std::mem::take(&mut self.partial);
                self.hand_out(&line, take)?;
                self.partial = line;
                self.partial.clear();
            }
        }
        Ok(self.hold(&piece[from..])?)
    }

    /// Hands out the last line, if it has no LF.
    ///
    /// # Errors
    /// That of `take`.
    pub fn finish<E: From<LineError>>(
        &mut self,
        take: &mut impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        match std::mem::take(&mut self.partial) {
            last if last.is_empty() => Ok(()),
            last => self.hand_out(&last, take),
        }
    }

    fn hand_out<E: From<LineError>>(
        &mut self,
        line: &[u8],
        take: &mut impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.number += 1;
        if line.len() > LINE_BYTES {
            return Err(LineError::Length { limit: LINE_BYTES }.into());
        }
        if line.trim_ascii().is_empty() { Ok(()) } else { take(self.number, line) }
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), LineError> {
        if self.partial.len() + bytes.len() > LINE_BYTES {
            self.number += 1;
            return Err(LineError::Length { limit: LINE_BYTES });
        }
        self.partial.extend_from_slice(bytes);
        Ok(())
    }
}
