use proptest::prelude::*;

use super::*;
use crate::format::frame::crc32;
use crate::format::segment::SegmentHeader;
use crate::format::version::FORMAT_VERSION;
use crate::format::whole::{CRC_BYTES, HEADER_BYTES};
use crate::model::Month;

fn entry(number: u64) -> SegmentEntry {
    let month = Month::from_number(672).unwrap();
    let header = SegmentHeader {
        uuid: [number as u8; 16],
        region: Region::new("eu").unwrap(),
        month,
        seq_lo: Seq(number * 10),
        seq_hi: Seq(number * 10 + 9),
        purged_through: Seq(1),
        key_id: [0; 16],
        aead: 0,
    };
    SegmentEntry {
        number,
        header,
        length_bytes: 8_192,
        footer_crc: 0xdead_beef,
        sites: 2,
        cells: 30,
        rows: 40,
        events: 50,
        first_day: month.day(0),
        last_day: month.day(30),
        level: 1,
    }
}

/// The manifest of the golden file; never changes.
fn golden() -> Manifest {
    Manifest {
        edition: 3,
        store: *b"store 0123456789",
        region: Region::new("eu").unwrap(),
        wal_floor: Seq(29),
        purged_through: Seq(7),
        next_file: 5,
        clock: ClockMark { last_seen_ms: 1_767_225_600_000 },
        window_key: *b"0123456789abcdef0123456789abcdef",
        segments: vec![entry(1), entry(2)],
        pinned: Vec::new(),
        snapshots: Vec::new(),
    }
}

/// The manifest of the golden file with snapshots; never changes.
fn golden_with_snapshots() -> Manifest {
    let snapshot = |name: &str, origin, created_ms, ledger_position, through, segments: [u64; 2]| Snapshot {
        name: CopyName::new(name).unwrap(),
        origin,
        created_ms,
        ledger_position,
        through: Seq(through),
        segments: segments.to_vec(),
    };
    let daily = CopyName::of_time("daily", 1_767_229_200_000);
    Manifest {
        pinned: vec![entry(3)],
        snapshots: vec![
            snapshot("before-1", SnapshotOrigin::Asked, 1_767_225_600_000, 2, 19, [1, 3]),
            snapshot(daily.as_str(), SnapshotOrigin::Schedule, 1_767_229_200_000, 3, 29, [1, 2]),
        ],
        ..golden()
    }
}

/// The bytes with a checksum that fits, so that only the check of the meaning can refuse them.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let body = bytes.len() - CRC_BYTES;
    let crc = crc32(&bytes[..body]).to_le_bytes();
    bytes[body..].copy_from_slice(&crc);
    bytes
}

#[test]
fn the_dump_in_the_documentation_is_read() {
    let bytes = crate::format::dump::dump("manifest");
    assert_eq!(Manifest::decode(&bytes), Ok(golden()));
    let bytes = crate::format::dump::dump("manifest with snapshots");
    assert_eq!(Manifest::decode(&bytes), Ok(golden_with_snapshots()));
}

#[test]
fn the_golden_file_of_version_1_is_read_and_written() {
    let bytes = include_bytes!("../golden/manifest-1.bin");
    assert_eq!(Manifest::decode(bytes), Ok(golden()));
    assert_eq!(golden().encode(), bytes);
    let bytes = include_bytes!("../golden/manifest-1-snapshots.bin");
    assert_eq!(Manifest::decode(bytes), Ok(golden_with_snapshots()));
    assert_eq!(golden_with_snapshots().encode(), bytes);
}

#[test]
fn segments_are_written_in_order() {
    let mut mixed = golden();
    mixed.segments.reverse();
    assert_eq!(Manifest::decode(&mixed.encode()), Ok(golden()));
    let mut mixed = golden_with_snapshots();
    mixed.snapshots.reverse();
    mixed.snapshots[0].segments.reverse();
    assert_eq!(Manifest::decode(&mixed.encode()), Ok(golden_with_snapshots()));
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let bytes = golden_with_snapshots().encode();
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(Manifest::decode(&damaged).is_err(), "bit {bit}");
    }
    for length in 0..bytes.len() {
        assert!(Manifest::decode(&bytes[..length]).is_err(), "length {length}");
    }
    assert!(Manifest::decode(&[&bytes[..], &[0]].concat()).is_err());
}

#[test]
fn a_newer_version_is_named_before_anything_else() {
    let mut bytes = golden().encode();
    bytes[8] = 2;
    let newer = FormatError::Version { what: "manifest", got: 2, newest: FORMAT_VERSION };
    assert_eq!(Manifest::decode(&bytes), Err(newer));
}

#[test]
fn what_no_store_has_is_refused_in_spite_of_its_checksum() {
    let good = golden();
    let mut other_region = good.clone();
    other_region.segments[1].header.region = Region::new("us").unwrap();
    let twice = Manifest { segments: vec![entry(1), entry(1)], ..good.clone() };
    let not_given = Manifest { next_file: 2, ..good.clone() };
    let kept = golden_with_snapshots();
    let mut pinned_elsewhere = kept.clone();
    pinned_elsewhere.pinned[0].header.region = Region::new("us").unwrap();
    let pinned_and_live = Manifest { pinned: vec![entry(2), entry(3)], ..kept.clone() };
    let pinned_by_nobody = Manifest { pinned: vec![entry(3), entry(4)], ..kept.clone() };
    let pinned_not_given = Manifest { next_file: 3, ..kept.clone() };
    let mut listed_and_unknown = kept.clone();
    listed_and_unknown.snapshots[1].segments.push(4);
    let mut listed_twice = kept.clone();
    listed_twice.snapshots[1].segments.push(2);
    let mut same_name = kept.clone();
    same_name.snapshots[1].name = same_name.snapshots[0].name;
    for manifest in [
        other_region,
        twice,
        not_given,
        pinned_elsewhere,
        pinned_and_live,
        pinned_by_nobody,
        pinned_not_given,
        listed_and_unknown,
        listed_twice,
        same_name,
    ] {
        assert!(Manifest::decode(&manifest.encode()).is_err(), "{manifest:?}");
    }
    // Section types, and reserved bytes.
    let bytes = good.encode();
    let segments_at = bytes.len() - CRC_BYTES - 2 * SEGMENT_ENTRY_BYTES - 8;
    for offset in [10, HEADER_BYTES, HEADER_BYTES + 2, segments_at, segments_at + 2] {
        let mut changed = bytes.clone();
        changed[offset] += 1;
        assert!(Manifest::decode(&resealed(changed)).is_err(), "offset {offset}");
    }
}

proptest! {
    #[test]
    fn any_manifest_is_read_back(
        numbers in (any::<[u64; 6]>(), any::<[u8; 16]>(), any::<[u8; 32]>(), "[a-z]{1,8}"),
        segments in proptest::collection::btree_set(1_u64..1_000, 0..40),
    ) {
        let ([edition, wal_floor, purged_through, next_file, last_seen_ms, _], store, window_key, region) = numbers;
        let region = Region::new(&region).unwrap();
        let segments = segments.into_iter().map(entry).map(|mut entry| {
            entry.header.region = region.clone();
            entry
        });
        let manifest = Manifest {
            edition,
            store,
            wal_floor: Seq(wal_floor),
            purged_through: Seq(purged_through),
            next_file: next_file.max(1_000),
            clock: ClockMark { last_seen_ms },
            window_key,
            segments: segments.collect(),
            pinned: Vec::new(),
            snapshots: Vec::new(),
            region,
        };
        prop_assert_eq!(Manifest::decode(&manifest.encode()), Ok(manifest));
    }

    #[test]
    fn hostile_bytes_are_refused_or_mean_what_they_say(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = golden_with_snapshots().encode();
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len() - CRC_BYTES) + CRC_BYTES);
        }
        let bytes = resealed(bytes);
        if let Ok(manifest) = Manifest::decode(&bytes) {
            prop_assert_eq!(manifest.encode(), bytes);
        }
    }

    #[test]
    fn noise_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Manifest::decode(&bytes).is_err());
    }
}
