//! Files of events: plain, gzip or zstd, told apart by their first bytes and not by their names.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

/// Largest zstd window in bytes, as a power of two: what the `zstd` command reads without being asked twice.
const ZSTD_WINDOW_LOG: u32 = 27;
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// An opened input.
pub(crate) struct Input {
    /// What it holds, decompressed.
    pub(crate) content: Box<dyn Read>,
    /// Its bytes as they lie on the disk, if that is known.
    pub(crate) length_bytes: Option<u64>,
}

/// Opens a file, or standard input for `-`. `count` is told how many bytes were taken from it, still compressed.
pub(crate) fn open(path: &Path, count: impl Fn(u64) + 'static) -> io::Result<Input> {
    let (source, length_bytes): (Box<dyn Read>, _) = match path.as_os_str().to_str() {
        Some("-") => (Box::new(io::stdin()), None),
        _ => {
            let file = File::open(path)?;
            let length = file.metadata()?;
            (Box::new(file), length.is_file().then_some(length.len()))
        }
    };
    let content = decompress(Counted { source, count })?;
    Ok(Input { content, length_bytes })
}

/// Looks at the first bytes, and decompresses if they are those of a compressed file.
fn decompress(mut source: impl Read + 'static) -> io::Result<Box<dyn Read>> {
    let mut head = Vec::new();
    source.by_ref().take(ZSTD_MAGIC.len() as u64).read_to_end(&mut head)?;
    let is_zstd = head.starts_with(&ZSTD_MAGIC);
    let is_gzip = head.starts_with(&GZIP_MAGIC);
    let whole = Cursor::new(head).chain(source);
    Ok(if is_zstd {
        let mut decoder = zstd::Decoder::new(whole)?;
        decoder.window_log_max(ZSTD_WINDOW_LOG)?;
        Box::new(decoder)
    } else if is_gzip {
        Box::new(MultiGzDecoder::new(whole))
    } else {
        Box::new(whole)
    })
}

struct Counted<R, F> {
    source: R,
    count: F,
}

impl<R: Read, F: Fn(u64)> Read for Counted<R, F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.source.read(into)?;
        (self.count)(bytes as u64);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        decompress(Cursor::new(bytes))?.read_to_end(&mut content)?;
        Ok(content)
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_a_file_is_stands_in_its_first_bytes() {
        let text = b"{\"ts\":1}\n".repeat(1_000);
        assert_eq!(read(text.clone()).unwrap(), text);
        assert_eq!(read(zstd::encode_all(&text[..], 3).unwrap()).unwrap(), text);
        assert_eq!(read(gzip(&text)).unwrap(), text);
        for short in [&b""[..], b"{", b"{}\n"] {
            assert_eq!(read(short.to_vec()).unwrap(), short);
        }
    }

    #[test]
    fn files_put_one_behind_the_other_are_one() {
        assert_eq!(read([gzip(b"one\n"), gzip(b"two\n")].concat()).unwrap(), b"one\ntwo\n");
        let frames =
            [zstd::encode_all(&b"one\n"[..], 1).unwrap(), zstd::encode_all(&b"two\n"[..], 1).unwrap()];
        assert_eq!(read(frames.concat()).unwrap(), b"one\ntwo\n");
    }

    #[test]
    fn a_file_that_was_cut_is_an_error_and_not_a_shorter_one() {
        let text = b"{\"ts\":1}\n".repeat(1_000);
        for whole in [gzip(&text), zstd::encode_all(&text[..], 3).unwrap()] {
            assert!(read(whole[..whole.len() - 3].to_vec()).is_err());
        }
    }
}
