//! Bodies that came compressed: read in pieces, and never more of them than was agreed.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::rc::Rc;

/// Decoded bytes held at a time.
const PIECE_BYTES: usize = 256 << 10;
/// A zstd frame may look back 2^23 bytes, 8 MiB: what decoders must support (RFC 8878), and the memory it costs.
const ZSTD_WINDOW_LOG: u32 = 23;
/// Decoded bytes from which on the ratio is watched.
const WATCHED_BYTES: u64 = 16 << 20;
/// Most decoded bytes for each one that was sent. Deflate reaches 1,032 at most; zstd reaches 30,000, which no events
/// do and a bomb does.
const RATIO: u64 = 1_100;

/// How a body was compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// gzip (RFC 1952), one member or several.
    Gzip,
    /// zstd (RFC 8878), one frame or several.
    Zstd,
}

impl Encoding {
    /// The encoding of a `Content-Encoding`; `None` if it is unknown, or several on top of each other.
    #[must_use]
    pub fn named(name: &[u8]) -> Option<Encoding> {
        match name.trim_ascii().to_ascii_lowercase().as_slice() {
            b"" | b"identity" => Some(Encoding::Identity),
            b"gzip" | b"x-gzip" => Some(Encoding::Gzip),
            b"zstd" => Some(Encoding::Zstd),
            _ => None,
        }
    }
}

/// Why a body cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    /// Its source broke off.
    #[error("the body broke off; send it again")]
    BrokenOff,
    /// Not what its encoding says, or cut off inside.
    #[error(
        "the body cannot be decompressed: it is damaged, cut off, or a zstd frame with a window over 8 MiB"
    )]
    Damaged,
    /// More decoded bytes than there may be.
    #[error("a body has at most {limit} bytes, decoded; send the rest apart")]
    TooLarge {
        /// Most there may be.
        limit: u64,
    },
    /// Far more decoded bytes than were sent.
    #[error("the body grows to more than {RATIO} times what was sent; compress it less")]
    Bomb,
}

/// A body as it was before it was compressed.
pub struct Decoded<'a> {
    content: Box<dyn BufRead + 'a>,
    sent_bytes: Rc<Cell<u64>>,
    given_bytes: u64,
    limit_bytes: u64,
}

impl<'a> Decoded<'a> {
    /// Of a source that says `ErrorKind::ConnectionAborted` when it breaks off; at most `limit_bytes`, decoded.
    ///
    /// # Errors
    /// When there is no memory for the decompressor.
    pub fn new(source: impl BufRead + 'a, encoding: Encoding, limit_bytes: u64) -> io::Result<Decoded<'a>> {
        let sent_bytes = Rc::new(Cell::new(0));
        let source = Metered { source, bytes: Rc::clone(&sent_bytes) };
        let content: Box<dyn BufRead + 'a> = match encoding {
            Encoding::Identity => Box::new(source),
            Encoding::Gzip => {
                Box::new(BufReader::with_capacity(PIECE_BYTES, flate2::bufread::MultiGzDecoder::new(source)))
            }
            Encoding::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(source)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Box::new(BufReader::with_capacity(PIECE_BYTES, decoder))
            }
        };
        Ok(Decoded { content, sent_bytes, given_bytes: 0, limit_bytes })
    }

    /// Hands out the whole body in pieces.
    ///
    /// # Errors
    /// The first one of `take`, or that the body cannot be read on.
    pub fn each<E: From<Undecodable>>(
        &mut self,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        loop {
            let piece = match self.content.fill_buf() {
                Ok([]) => return Ok(()),
                Ok(piece) => piece,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {
                    return Err(Undecodable::BrokenOff.into());
                }
                Err(_) => return Err(Undecodable::Damaged.into()),
            };
            let length = piece.len();
            self.given_bytes += length as u64;
            if self.given_bytes > self.limit_bytes {
                return Err(Undecodable::TooLarge { limit: self.limit_bytes }.into());
            }
            let allowed = self.sent_bytes.get().saturating_mul(RATIO).max(WATCHED_BYTES);
            if self.given_bytes > allowed {
                return Err(Undecodable::Bomb.into());
            }
            take(piece)?;
            self.content.consume(length);
        }
    }
}

/// Counts what is taken from a source.
struct Metered<S> {
    source: S,
    bytes: Rc<Cell<u64>>,
}

impl<S: BufRead> Read for Metered<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.bytes.set(self.bytes.get() + read as u64);
        Ok(read)
    }
}

impl<S: BufRead> BufRead for Metered<S> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.source.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.bytes.set(self.bytes.get() + bytes as u64);
        self.source.consume(bytes);
    }
}

#[cfg(test)]
mod tests;
