//! The log file of version 1 that is kept for ever, and its dump in the documentation.

use super::*;
use crate::model::{Cell, Country, Day, HourOfSite, HourRow, Kind, Layer, PageRows, Row, RowKey};
use crate::model::{Seq, SiteId, Viewport};

const SALT: u32 = 0x1234_5678;
const SITE: SiteId = SiteId(0x0102_0304_0506_0708);
const TIME_MS: u64 = 1_767_225_600_000;
const CLOSING: Closing = Closing { end: 1_543, last_seq: Seq(42) };
const FILE: &[u8] = include_bytes!("../golden/wal-1.bin");

fn header() -> FileHeader {
    let previous = Some(PreviousFile { number: 1, end: 1_500 });
    FileHeader { number: 2, salt: SALT, first_seq: Seq(41), length_bytes: 4_096, previous }
}

fn page(text: &str, cells: u32) -> PageRows {
    let day = Day::from_number(20_454);
    let layer = Layer::new(Kind::Click, Viewport::of_px(1_440), false);
    let row = |x: u32| Row {
        key: RowKey::new(layer, Cell::at_px(x * 8, 40).unwrap(), day, "DE".parse::<Country>().unwrap()),
        count: x + 1,
    };
    let hours = vec![HourRow { kind: Kind::Click, hour: HourOfSite::new(day, 9), count: 3 }];
    PageRows { page: text.into(), rows: (0..cells).map(row).collect(), hours }
}

fn key() -> RecordedKey {
    RecordedKey { key: *b"key 456789abcdef", body: *b"body 56789abcdef", answer: (*b"{}").into() }
}

fn meta() -> BatchMeta {
    BatchMeta { id: Some(0x1122_3344_5566_7788), key: Some(key()) }
}

/// The payload of a part: that of a batch, with an index for what a batch begins with.
fn part(index: u8, pages: &[PageRows]) -> Vec<u8> {
    let Encoded::Whole(whole) = encode_batch(SITE, &BatchMeta::default(), pages, 3_000) else {
        panic!("it fits")
    };
    [&[index], &whole[..8], &whole[9..]].concat()
}

/// Payloads of every type of record, and whether each begins a group: the batch in parts is one.
fn records() -> Vec<(RecordType, bool, Seq, Vec<u8>)> {
    let mut keys = Vec::new();
    encode_carried_key(&mut keys, SITE, TIME_MS - 5, &key());
    let Encoded::Whole(batch) = encode_batch(SITE, &meta(), &[page("shop.example/", 2)], 3_000) else {
        panic!("it fits")
    };
    let mut commit = vec![2];
    commit.extend_from_slice(&batch[..8]);
    commit.push(0);
    vec![
        (RecordType::CarriedIds, true, Seq(40), encode_carried_ids(TIME_MS - 9, TIME_MS - 7, &[0x99, 0x98])),
        (RecordType::CarriedKeys, true, Seq(40), keys),
        (RecordType::Batch, true, Seq(41), batch),
        (RecordType::Part, true, Seq(42), part(0, &[page("shop.example/", 1), page("shop.example/a", 1)])),
        (RecordType::Part, false, Seq(42), part(1, &[page("shop.example/a", 2)])),
        (RecordType::Commit, false, Seq(42), commit),
    ]
}

fn encode() -> Vec<u8> {
    let mut bytes = Vec::new();
    for at in HEADER_COPIES_AT {
        bytes.resize(at as usize, 0);
        bytes.extend_from_slice(&header().encode());
        bytes.extend_from_slice(&CLOSING.encode(SALT));
    }
    bytes.resize(RECORDS_AT as usize, 0);
    let mut group = bytes.len() as u32;
    for (kind, begins_group, seq, payload) in records() {
        let offset = bytes.len() as u64;
        if begins_group {
            group = offset as u32;
        }
        put_record(&mut bytes, SALT, offset, &RecordHeader { kind, group, seq, time_ms: TIME_MS }, &payload);
    }
    bytes.resize(4_096, 0);
    bytes
}

#[test]
fn the_golden_file_of_version_1_is_written() {
    assert_eq!(encode(), FILE);
}

#[test]
fn the_dump_in_the_documentation_is_the_golden_file() {
    assert_eq!(crate::format::dump::dump("wal"), FILE);
}

#[test]
fn the_golden_file_of_version_1_is_read() {
    for at in HEADER_COPIES_AT.map(|at| at as usize) {
        let closing_at = at + HEADER_BYTES;
        assert_eq!(FileHeader::decode(&FILE[at..closing_at]), Ok(header()));
        assert_eq!(Closing::decode(&FILE[closing_at..closing_at + CLOSING_BYTES], SALT), Ok(CLOSING));
    }
    let mut at = RECORDS_AT as usize;
    for (kind, _, seq, payload) in records() {
        let (header, length, _) = RecordHeader::decode(&FILE[at..]).unwrap();
        let end = at + RECORD_HEADER_BYTES + length;
        assert_eq!(RecordHeader::check(SALT, at as u64, &FILE[at..end]), Ok(()));
        assert_eq!(
            (header.kind, header.seq, &FILE[at + RECORD_HEADER_BYTES..end]),
            (kind, seq, &payload[..])
        );
        match kind {
            RecordType::Batch => {
                let batch = StoredBatch { site: SITE, meta: meta(), pages: vec![page("shop.example/", 2)] };
                assert_eq!(decode_batch(&payload), Ok(batch));
            }
            RecordType::Part => assert_eq!(decode_part(&payload).unwrap().site, SITE),
            RecordType::Commit => {
                let commit = Commit { parts: 2, site: SITE, meta: BatchMeta::default() };
                assert_eq!(decode_commit(&payload), Ok(commit));
            }
            RecordType::CarriedIds => assert_eq!(decode_carried_ids(&payload).unwrap().ids, [0x99, 0x98]),
            RecordType::CarriedKeys => assert_eq!(decode_carried_keys(&payload).unwrap()[0].recorded, key()),
        }
        at = end;
    }
    assert_eq!(at as u64, CLOSING.end);
    assert!(FILE[at..].iter().all(|byte| *byte == 0), "zeros to the end");
}
