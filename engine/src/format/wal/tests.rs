use proptest::prelude::*;

use super::rows::decode_pages;
use super::*;
use crate::format::frame::Cursor;
use crate::model::{HourOfSite, HourRow, Kind, PageRows, Row, RowKey, Seq, SiteId};

prop_compose! {
    fn rows()(mut rows in prop::collection::vec(
        ((0_u64..11, 0_u64..84, 0_u64..1 << 26, any::<u16>(), 0_u64..676), prop_oneof![Just(1_u32), 1..=u32::MAX]),
        0..200,
    )) -> Vec<Row> {
        rows.sort_unstable();
        rows.into_iter().map(|((kind, layer, cell, day, country), count)| {
            let bits = kind << 59 | layer << 52 | cell << 26 | u64::from(day) << 10 | country;
            Row { key: RowKey::from_bits(bits).unwrap(), count }
        }).collect()
    }
}

prop_compose! {
    fn hours()(hours in prop::collection::btree_map((0_u8..9, 0_u32..1_572_864), 1..=u64::MAX, 0..60)) -> Vec<HourRow> {
        hours.into_iter().map(|((kind, hour), count)| HourRow {
            kind: Kind::from_code(kind).unwrap(), hour: HourOfSite::from_number(hour).unwrap(), count,
        }).collect()
    }
}

prop_compose! {
    pub(crate) fn pages()(pages in prop::collection::btree_map("[a-z/]{1,12}|x{900,1024}", (rows(), hours()), 0..6)) -> Vec<PageRows> {
        pages.into_iter().map(|(page, (rows, hours))| PageRows { page: page.into(), rows, hours }).collect()
    }
}

prop_compose! {
    fn meta()(id in any::<Option<u64>>(), key in any::<Option<([u8; 16], [u8; 16])>>(), answer in prop::collection::vec(any::<u8>(), 0..=1_024)) -> BatchMeta {
        BatchMeta { id, key: key.map(|(key, body)| RecordedKey { key, body, answer: answer.into() }) }
    }
}

/// Pages of parts, put together again.
fn join(parts: Vec<Vec<PageRows>>) -> Vec<PageRows> {
    let mut joined: Vec<PageRows> = Vec::new();
    for page in parts.into_iter().flatten() {
        match joined.last_mut() {
            Some(last) if last.page == page.page => {
                last.rows.extend(page.rows);
                last.hours.extend(page.hours);
            }
            _ => joined.push(page),
        }
    }
    joined
}

proptest! {
    #[test]
    fn a_batch_is_read_back_whole_or_in_parts(site: u64, meta in meta(), pages in pages(), limit in 3_000_usize..20_000) {
        let site = SiteId(site);
        let decoded = match encode_batch(site, &meta, &pages, limit) {
            Encoded::Whole(payload) => {
                prop_assert!(payload.len() <= limit);
                let batch = decode_batch(&payload).unwrap();
                prop_assert_eq!((batch.site, batch.meta), (site, meta));
                batch.pages
            }
            Encoded::Parts { parts, commit } => {
                let commit = decode_commit(&commit).unwrap();
                prop_assert_eq!(commit, Commit { parts: parts.len() as u32, site, meta });
                join(parts.iter().enumerate().map(|(index, payload)| {
                    assert!(payload.len() <= limit);
                    let part = decode_part(payload).unwrap();
                    assert_eq!((part.index as usize, part.site), (index, site));
                    part.pages
                }).collect())
            }
        };
        prop_assert_eq!(decoded, pages);
    }

    #[test]
    fn hostile_payloads_are_refused_or_read(mut bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = (decode_batch(&bytes), decode_part(&bytes), decode_commit(&bytes));
        let _ = (decode_carried_ids(&bytes), decode_carried_keys(&bytes), FileHeader::decode(&bytes));
        let _ = (RecordHeader::decode(&bytes), Closing::decode(&bytes, 0));
        // The same after a plausible page, so that the inner lists are reached.
        bytes.splice(0..0, [1, b'a']);
        let _ = decode_pages(&mut Cursor::new("test", &bytes));
    }

    #[test]
    fn what_can_be_read_is_what_would_be_written(site: u64, meta in meta(), pages in pages(), at: usize, bit in 0_u8..8) {
        let Encoded::Whole(mut payload) = encode_batch(SiteId(site), &meta, &pages, 1 << 20) else {
            panic!("it fits");
        };
        let at = at % payload.len();
        payload[at] ^= 1 << bit;
        if let Ok(batch) = decode_batch(&payload) {
            let again = encode_batch(batch.site, &batch.meta, &batch.pages, 1 << 20);
            prop_assert_eq!(again, Encoded::Whole(payload));
        }
    }

    #[test]
    fn carried_memories_are_read_back(ids: Vec<u64>, times: (u32, u32), sites: Vec<u64>, meta in meta()) {
        let (oldest_ms, span) = (u64::from(times.0), u64::from(times.1));
        let carried = CarriedIds { oldest_ms, newest_ms: oldest_ms + span, ids };
        let payload = encode_carried_ids(carried.oldest_ms, carried.newest_ms, &carried.ids);
        prop_assert_eq!(decode_carried_ids(&payload), Ok(carried));
        let recorded = meta.key.unwrap_or(RecordedKey { key: [1; 16], body: [2; 16], answer: Box::default() });
        let keys: Vec<CarriedKey> = sites.into_iter().map(|site| {
            CarriedKey { site: SiteId(site), time_ms: site / 2, recorded: recorded.clone() }
        }).collect();
        let mut payload = Vec::new();
        keys.iter().for_each(|key| encode_carried_key(&mut payload, key.site, key.time_ms, &key.recorded));
        prop_assert_eq!(decode_carried_keys(&payload), Ok(keys));
    }

    #[test]
    fn a_header_is_read_back_and_no_flipped_bit_passes(
        salt: u32, number: u64, seq: u64, length_bytes in 4_096_u64..1 << 30, previous in any::<Option<(u64, u64)>>(), bit in 0_usize..512,
    ) {
        let previous = previous.map(|(number, end)| PreviousFile { number: number.max(1), end });
        let header = FileHeader { number, salt, first_seq: Seq(seq), length_bytes, previous };
        let mut bytes = header.encode();
        prop_assert_eq!(FileHeader::decode(&bytes), Ok(header));
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(FileHeader::decode(&bytes).is_err());
    }

    #[test]
    fn a_closing_is_read_back_and_no_flipped_bit_passes(
        salt: u32, end in RECORDS_AT..1 << 30, seq: u64, bit in 0_usize..256,
    ) {
        let closing = Closing { end, last_seq: Seq(seq) };
        let mut bytes = closing.encode(salt);
        prop_assert_eq!(Closing::decode(&bytes, salt), Ok(closing));
        prop_assert!(Closing::decode(&bytes, !salt).is_err());
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(Closing::decode(&bytes, salt).is_err());
        prop_assert!(Closing::decode(&[0; CLOSING_BYTES], salt).is_err());
    }

    #[test]
    fn a_record_passes_only_as_written_and_where_it_was_written(
        salt: u32, offset: u64, group: u32, seq: u64, payload: Vec<u8>, at: usize, bit in 0_u8..8,
    ) {
        let header = RecordHeader { kind: RecordType::Part, group, seq: Seq(seq), time_ms: 7 };
        let mut bytes = Vec::new();
        put_record(&mut bytes, salt, offset, &header, &payload);
        prop_assert_eq!(RecordHeader::decode(&bytes).unwrap().0, header);
        prop_assert!(RecordHeader::check(salt, offset, &bytes).is_ok());
        prop_assert!(RecordHeader::check(salt, offset ^ 512, &bytes).is_err());
        prop_assert!(RecordHeader::check(!salt, offset, &bytes).is_err());
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        prop_assert!(RecordHeader::check(salt, offset, &bytes).is_err());
    }
}
