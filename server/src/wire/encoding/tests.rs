use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::GzEncoder::new(bytes, flate2::Compression::best()).read_to_end(&mut out).unwrap();
    out
}

fn zstd_of(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn decode(sent: &[u8], encoding: Encoding, limit: u64) -> Result<Vec<u8>, Undecodable> {
    let mut body = Vec::new();
    Decoded::new(sent, encoding, limit).unwrap().each(|piece| {
        body.extend_from_slice(piece);
        Ok::<_, Undecodable>(())
    })?;
    Ok(body)
}

/// Like `decode`, but keeps nothing: what is read of a bomb.
fn decoded_bytes(sent: &[u8], encoding: Encoding, limit: u64) -> (u64, Result<(), Undecodable>) {
    let mut bytes = 0;
    let ended = Decoded::new(sent, encoding, limit).unwrap().each(|piece| {
        bytes += piece.len() as u64;
        Ok(())
    });
    (bytes, ended)
}

#[test]
fn a_body_is_what_it_was_before_it_was_compressed() {
    let text: Vec<u8> = (0..200_000_u32).flat_map(|i| i.wrapping_mul(i).to_le_bytes()).collect();
    let (first, second) = text.split_at(333_333);
    for (encoding, sent) in [
        (Encoding::Identity, text.clone()),
        (Encoding::Gzip, gzip(&text)),
        (Encoding::Gzip, [gzip(first), gzip(b""), gzip(second)].concat()),
        (Encoding::Zstd, zstd_of(&text)),
        (Encoding::Zstd, [zstd_of(first), zstd_of(second)].concat()),
    ] {
        assert!(decode(&sent, encoding, text.len() as u64) == Ok(text.clone()), "{encoding:?}");
        let limit = text.len() as u64 - 1;
        let length = decode(&sent, encoding, limit).map(|body| body.len());
        assert_eq!(length, Err(Undecodable::TooLarge { limit }), "{encoding:?}");
    }
}

#[test]
fn encodings_are_named_one_at_a_time() {
    for (name, encoding) in [
        ("gzip", Some(Encoding::Gzip)),
        (" GZIP ", Some(Encoding::Gzip)),
        ("zstd", Some(Encoding::Zstd)),
        ("identity", Some(Encoding::Identity)),
        ("br", None),
        ("gzip, gzip", None),
        ("gzip\0", None),
    ] {
        assert_eq!(Encoding::named(name.as_bytes()), encoding, "{name}");
    }
}

#[test]
fn a_body_that_is_damaged_or_cut_off_is_refused() {
    let text = b"{\"a\":1}\n".repeat(1_000);
    // gzip has a checksum of its content; a zstd frame need not, so that only its form can be wrong.
    for (encoding, whole, garbled_at) in
        [(Encoding::Gzip, gzip(&text), 30), (Encoding::Zstd, zstd_of(&text), 0)]
    {
        let mut garbled = whole.clone();
        garbled[garbled_at] ^= 0x55;
        let cut_off = whole[..whole.len() - 1].to_vec();
        let bad = [cut_off, garbled, [whole, b"trailing".to_vec()].concat(), text.clone()];
        for (index, bad) in bad.iter().enumerate() {
            let length = decode(bad, encoding, 1 << 30).map(|body| body.len());
            assert_eq!(length, Err(Undecodable::Damaged), "{encoding:?} {index}");
        }
    }
}

#[test]
fn a_bomb_is_stopped_by_its_ratio_or_by_the_limit() {
    let zeros = vec![0; 64 << 20];
    let (read, ended) = decoded_bytes(&zstd_of(&zeros), Encoding::Zstd, 1 << 30);
    assert_eq!(ended, Err(Undecodable::Bomb));
    assert!(read <= WATCHED_BYTES, "{read} bytes were handed out");
    // Deflate cannot grow as much: the limit holds.
    let (read, ended) = decoded_bytes(&gzip(&zeros), Encoding::Gzip, 20 << 20);
    assert_eq!(ended, Err(Undecodable::TooLarge { limit: 20 << 20 }));
    assert!(read <= 20 << 20);
    // A bomb in a bomb is opened once: what is inside stays compressed.
    let nested = gzip(&gzip(&zeros));
    let (read, ended) = decoded_bytes(&nested, Encoding::Gzip, 1 << 30);
    assert_eq!((read, ended), (gzip(&zeros).len() as u64, Ok(())));
}

#[test]
fn a_zstd_window_that_would_take_much_memory_is_refused() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    let mut text = vec![0_u8; 9 << 20];
    let mut state = 1_u32;
    for byte in &mut text {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (state >> 24) as u8;
    }
    io::Write::write_all(&mut encoder, &text).unwrap();
    let length = decode(&encoder.finish().unwrap(), Encoding::Zstd, 1 << 30).map(|body| body.len());
    assert_eq!(length, Err(Undecodable::Damaged));
}

#[test]
fn a_source_that_breaks_off_is_told_from_a_damaged_one() {
    struct Breaks;
    impl Read for Breaks {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(ErrorKind::ConnectionAborted.into())
        }
    }
    let half = gzip(b"{}\n");
    for encoding in [Encoding::Identity, Encoding::Gzip, Encoding::Zstd] {
        let sent: &[u8] = if encoding == Encoding::Gzip { &half[..9] } else { b"" };
        let source = BufReader::new(sent.chain(Breaks));
        let ended = Decoded::new(source, encoding, 1 << 30).unwrap().each(|_| Ok(()));
        assert_eq!(ended, Err(Undecodable::BrokenOff), "{encoding:?}");
    }
}
