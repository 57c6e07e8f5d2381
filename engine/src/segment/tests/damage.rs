//! A damaged segment gives an error or its old answer, never another one.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::content::{Content, content};
use super::memory::MemoryDisk;
use crate::disk::Access;
use crate::format::names::FileName;
use crate::segment::{Segment, SegmentEntry};

fn some_content(rows: usize) -> Content {
    let mut runner = TestRunner::deterministic();
    loop {
        let content = content(rows).new_tree(&mut runner).unwrap().current();
        if content.rows.len() > rows / 2 && !content.hours.is_empty() {
            return content;
        }
    }
}

/// What the file now answers. Panics unless an error names the file.
fn answer(disk: &MemoryDisk, entry: &SegmentEntry) -> Option<Content> {
    let read = Segment::open(disk, entry, Access::Read).and_then(|segment| Content::read(&segment));
    match read {
        Ok(content) => Some(content),
        Err(error) => {
            assert!(error.to_string().contains("0000000000000001.seg"), "{error}");
            None
        }
    }
}

#[test]
fn every_flipped_byte_is_noticed_or_harmless() {
    let disk = MemoryDisk::default();
    let content = some_content(60);
    let entry = content.write(&disk, 1).unwrap().unwrap();
    let bytes = disk.bytes(FileName::Segment(1));
    let mut noticed = 0;
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            disk.put(FileName::Segment(1), damaged);
            match answer(&disk, &entry) {
                Some(read) => assert_eq!(read, content, "byte {at} ^ {flip:02x}"),
                None => noticed += 1,
            }
        }
    }
    // Nothing in the file is unused.
    assert_eq!(noticed, 3 * bytes.len());
}

#[test]
fn every_truncation_is_noticed() {
    let disk = MemoryDisk::default();
    let entry = some_content(60).write(&disk, 1).unwrap().unwrap();
    let bytes = disk.bytes(FileName::Segment(1));
    for length in 0..bytes.len() {
        disk.put(FileName::Segment(1), bytes[..length].to_vec());
        assert!(Segment::open(&disk, &entry, Access::Read).is_err(), "{length}");
        assert!(Segment::open_found(&disk, 1, Access::Read).is_err(), "{length}");
    }
}
