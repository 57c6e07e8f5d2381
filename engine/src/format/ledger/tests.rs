use proptest::prelude::*;

use super::*;
use crate::format::frames::{Next, encode_frame};

const SALT: u32 = 0x1234_5678;

fn id(byte: u8) -> ErasureId {
    ErasureId([byte; 16])
}

/// The frames of the golden file; they never change.
fn golden() -> Vec<Vec<LedgerEdit>> {
    let mut times = [None; ErasureState::COUNT];
    times[0] = Some(1_767_225_600_000);
    let page = Erasure {
        id: id(0xa1),
        number: 0,
        site: SiteId(0x0102_0304_0506_0708),
        through: Seq(300),
        named: NamedKind::Page,
        hashes: vec![TextHash(*b"hash of one page")],
        cover: Cover {
            days: DayRange { from: Day::from_number(20_000), to: Day::from_number(20_031) },
            country: Country::from_code(5),
        },
        block: true,
        deletes_site: false,
        reason: Reason::UrlLeak,
        reference: "T-1".into(),
        matched: Matched { pages: 1, events: 1_500 },
        commitment: *b"commitment to salt and selector.",
        times,
        grace_over_ms: None,
        versions_gone_ms: None,
        losses: Vec::new(),
    };
    let site = Erasure {
        id: id(0xa2),
        named: NamedKind::All,
        hashes: Vec::new(),
        cover: Cover::ALL,
        block: false,
        deletes_site: true,
        reason: Reason::Other,
        reference: "".into(),
        ..page.clone()
    };
    let certificate = SignedCertificate {
        statement: "heatgrid erasure certificate 1\n".into(),
        signature: [0x51; 64],
        key: [0x4b; 32],
    };
    let loss = Loss { segment: 7, whole: true, events: 9 };
    vec![
        vec![LedgerEdit::Key(*b"fingerprint, 16b"), LedgerEdit::Request(Box::new(page))],
        vec![LedgerEdit::Reach(id(0xa1), ErasureState::Masked, 1_767_225_600_001)],
        vec![LedgerEdit::Request(Box::new(site)), LedgerEdit::GraceOver(id(0xa2), 1_767_484_800_000)],
        vec![
            LedgerEdit::Hashes(id(0xa1), vec![TextHash(*b"hash of a second")]),
            LedgerEdit::Lose(id(0xa1), loss),
            LedgerEdit::Certify(id(0xa1), 1_767_225_700_000, certificate),
        ],
    ]
}

fn encode(frames: &[Vec<LedgerEdit>]) -> Vec<u8> {
    let mut file = encode_header(SALT);
    for (number, edits) in (1..).zip(frames) {
        let mut bytes = Vec::new();
        edits.iter().for_each(|edit| edit.encode(&mut bytes));
        file.extend(encode_frame(SALT, number, &bytes));
    }
    file
}

fn decode(file: &[u8]) -> Result<Vec<Vec<LedgerEdit>>, FormatError> {
    let salt = decode_header(file)?;
    let mut frames = Vec::new();
    let mut offset = LEDGER_HEADER_BYTES;
    while let Next::Frame { edits, edits_offset, end } =
        next_frame(file, offset, salt, frames.len() as u64 + 1)?
    {
        let mut decoded = Vec::new();
        decode_edits(edits, edits_offset, &mut |edit| decoded.push(edit))?;
        frames.push(decoded);
        offset = end;
    }
    Ok(frames)
}

#[test]
fn the_dump_in_the_documentation_is_read() {
    assert_eq!(decode(&crate::format::dump::dump("ledger")), Ok(golden()));
}

#[test]
fn the_golden_file_of_version_1_is_read_and_written() {
    let bytes = include_bytes!("../golden/ledger-1.bin");
    assert_eq!(decode(bytes), Ok(golden()));
    assert_eq!(encode(&golden()), bytes);
}

#[test]
fn every_flipped_bit_is_noticed() {
    let file = encode(&golden());
    for bit in 0..file.len() * 8 {
        let mut damaged = file.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(decode(&damaged).is_err(), "bit {bit}");
    }
}

#[test]
fn keys_and_named_pages_are_read_back_and_damage_is_noticed() {
    let key = encode_key(&[7; 32]);
    assert_eq!((key.len(), decode_key(&key)), (KEY_FILE_BYTES, Ok([7; 32])));
    let pages = NamedPages::Prefix("s.example/a/".into());
    let named = encode_named(id(3), &pages);
    assert_eq!(decode_named(&named), Ok((id(3), pages)));
    for bit in 0..key.len() * 8 {
        let mut damaged = key.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(decode_key(&damaged).is_err(), "bit {bit}");
    }
    for length in 0..named.len() {
        assert!(decode_named(&named[..length]).is_err(), "{length}");
    }
}

proptest! {
    #[test]
    fn hostile_bytes_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        noise in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut edits = Vec::new();
        golden().concat().iter().for_each(|edit| edit.encode(&mut edits));
        for (index, byte) in changes {
            let at = index.index(edits.len());
            edits[at] = byte;
        }
        let _ = decode_edits(&edits, 0, &mut |_| {});
        let _ = decode_edits(&noise, 0, &mut |_| {});
        let _ = decode_named(&noise);
        let _ = decode_key(&noise);
    }
}
