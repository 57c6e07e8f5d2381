use super::*;
use crate::format::wal::{decode_carried_ids, decode_carried_keys};
use crate::model::limits::{BATCH_WINDOW_SECONDS, IDEMPOTENCY_SECONDS};

const WINDOW_MS: u64 = BATCH_WINDOW_SECONDS * 1_000;

fn id(number: u64) -> u64 {
    // Spread over all bits, as a keyed hash is.
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number.rotate_left(40)
}

fn recorded(key: u8, body: u8) -> RecordedKey {
    RecordedKey { key: [key; 16], body: [body; 16], answer: Box::new([key, body]) }
}

/// The same windows after a log file that begins with them.
fn carried(windows: &mut Windows, now_ms: u64, limit: usize) -> Windows {
    let mut again = Windows::new([0; 32]);
    let records: Vec<_> = windows.carried(now_ms, limit).collect();
    // Read twice, as when an older file with the same ids is still there.
    for (kind, payload) in records.iter().chain(&records) {
        assert!(payload.len() <= limit);
        match kind {
            RecordType::CarriedIds => again.restore_ids(&decode_carried_ids(payload).unwrap()),
            RecordType::CarriedKeys => {
                decode_carried_keys(payload).unwrap().into_iter().for_each(|key| again.restore_key(key));
            }
            _ => panic!("nothing else is carried"),
        }
    }
    again
}

#[test]
fn an_id_is_known_for_ten_minutes_and_not_much_longer() {
    let mut window = IdWindow::default();
    for second in 0..3_600 {
        window.insert(id(second), second * 1_000);
        let now_ms = second * 1_000;
        for age in [0, 1, 599, 600] {
            let expected = second.checked_sub(age);
            assert!(expected.is_none_or(|second| window.contains(id(second), now_ms)), "{second} - {age}");
        }
        assert!(
            !second.checked_sub(680).is_some_and(|second| window.contains(id(second), now_ms)),
            "{second}"
        );
    }
    // On a quiet store nothing is inserted any more, and it is forgotten all the same.
    assert!(window.contains(id(3_599), 3_599_000 + WINDOW_MS));
    assert!(!window.contains(id(3_599), 3_600_000 + WINDOW_MS));
}

#[test]
fn the_window_holds_at_least_seven_eighths_and_at_most_all_of_its_ids() {
    let mut window = IdWindow::bounded(8_000, WINDOW_MS);
    for number in 0..100_000 {
        window.insert(id(number), number / 1_000);
        assert!(window.len() <= 8_000);
        let oldest = (number + 1).saturating_sub(7_000);
        assert!(window.contains(id(oldest), 100), "{oldest} of {number}");
    }
    assert!(!window.contains(id(100_000 - 8_001), 100) && window.bytes() < 8_000 * 12);
}

#[test]
fn four_million_ids_fit_fifty_megabytes() {
    let mut window = IdWindow::default();
    for number in 0..5_000_000 {
        window.insert(id(number), number / 10_000);
    }
    assert!(window.len() > 3_500_000 && window.bytes() < 50_000_000, "{}: {}", window.len(), window.bytes());
    assert!((1_500_001..5_000_000).all(|number| window.contains(id(number), 500)));
}

#[test]
fn a_clock_that_goes_back_loses_nothing() {
    let mut window = IdWindow::default();
    window.insert(1, 10_000_000);
    window.insert(2, 5);
    assert!(window.contains(1, 5) && window.contains(2, 5) && window.contains(2, 10_000_000));
}

#[test]
fn windows_are_carried_whole() {
    let mut windows = Windows::new([0; 32]);
    for number in 0..50_000 {
        let meta = BatchMeta { id: Some(id(number)), key: None };
        windows.remember(SiteId(1), meta, number * 10);
    }
    for key in 0..100 {
        let meta = BatchMeta { id: None, key: Some(recorded(key, 1)) };
        windows.remember(SiteId(u64::from(key % 3)), meta, 400_000);
    }
    let now_ms = 500_000;
    let mut again = carried(&mut windows, now_ms, 999);
    let twice = carried(&mut again, now_ms, 100);
    for windows in [&again, &twice] {
        assert_eq!(windows.real_window(now_ms).ids, 50_000);
        assert_eq!(windows.real_window(now_ms).keys, 100);
        let meta = |id| BatchMeta { id: Some(id), key: None };
        assert!((0..50_000).all(|n| windows.known(SiteId(1), &meta(id(n)), now_ms) == Some(Known::ById)));
        let meta = BatchMeta { id: None, key: Some(recorded(7, 1)) };
        assert_eq!(windows.known(SiteId(1), &meta, now_ms), Some(Known::ByKey(Box::new([7, 1]))));
        assert_eq!(windows.known(SiteId(2), &meta, now_ms), None);
        // Time goes on for what was carried as well.
        assert_eq!(windows.known(SiteId(1), &BatchMeta { id: Some(id(1)), key: None }, 1_400_000), None);
    }
}

#[test]
fn a_key_gives_its_answer_again_for_a_day() {
    let mut windows = KeyWindow::default();
    windows.insert(SiteId(1), recorded(1, 1), 1_000);
    let last_ms = 1_000 + IDEMPOTENCY_SECONDS * 1_000;
    assert_eq!(windows.known(SiteId(1), &recorded(1, 1), last_ms), Some(Known::ByKey(Box::new([1, 1]))));
    assert_eq!(windows.known(SiteId(1), &recorded(1, 2), last_ms), Some(Known::OtherBody));
    assert_eq!(windows.known(SiteId(1), &recorded(1, 1), last_ms + 1), None);
    assert_eq!(windows.known(SiteId(2), &recorded(1, 1), last_ms), None);
    // What is too old makes room for itself.
    windows.insert(SiteId(1), recorded(1, 3), last_ms + 1);
    assert_eq!(windows.known(SiteId(1), &recorded(1, 3), last_ms + 1), Some(Known::ByKey(Box::new([1, 3]))));
    assert_eq!(windows.len(), 1);
}

#[test]
fn keys_are_bounded_by_site_and_in_all() {
    let mut windows = KeyWindow::bounded(50, 100 * 130);
    for key in 0..200 {
        windows.insert(SiteId(1), recorded(key, 0), 0);
    }
    assert_eq!(windows.len(), 50);
    assert!(windows.known(SiteId(1), &recorded(149, 0), 0).is_none());
    assert!(windows.known(SiteId(1), &recorded(150, 0), 0).is_some());
    windows.insert(SiteId(2), recorded(9, 9), 0);
    for key in 0..60 {
        windows.insert(SiteId(3), recorded(key, 0), 0);
        windows.insert(SiteId(4), recorded(key, 0), 0);
    }
    // The quiet site keeps its key.
    assert!(windows.len() <= 100 && windows.known(SiteId(2), &recorded(9, 9), 0).is_some());
    windows.forget(SiteId(2));
    windows.expire(IDEMPOTENCY_SECONDS * 2_000);
    assert!(windows.is_empty() && windows.bytes() == 0);
}

#[test]
fn hashes_depend_on_key_site_and_text() {
    use crate::model::{BatchId, IdempotencyKey};
    let batch = |site, id: u8, key: &str| Batch {
        site: SiteId(site),
        id: Some(BatchId([id; 16])),
        idempotency: Some(IdempotencyKey { key: key.into(), body: [id; 16], answer: Box::default() }),
        pages: Vec::new(),
        events: 0,
    };
    let one = WindowKey::new([1; 32]).meta(&batch(1, 1, "a"));
    assert_eq!(one, WindowKey::new([1; 32]).meta(&batch(1, 1, "a")));
    for other in [
        WindowKey::new([2; 32]).meta(&batch(1, 1, "a")),
        WindowKey::new([1; 32]).meta(&batch(2, 1, "a")),
        WindowKey::new([1; 32]).meta(&batch(1, 2, "b")),
    ] {
        assert!(one.id != other.id && one.key != other.key);
    }
    assert_ne!(one.key.unwrap().body, [1; 16]);
}

/// The log carries them from one process to the next.
#[test]
fn a_batch_id_is_hashed_as_it_ever_was() {
    use crate::model::BatchId;
    let batch = Batch {
        site: SiteId(7),
        id: Some(BatchId([9; 16])),
        idempotency: None,
        pages: Vec::new(),
        events: 0,
    };
    let input = [&b"batch"[..], &7_u64.to_le_bytes(), &[9; 16]].concat();
    let hash = blake3::keyed_hash(&[1; 32], &input);
    let first: [u8; 8] = hash.as_bytes()[..8].try_into().unwrap();
    assert_eq!(WindowKey::new([1; 32]).meta(&batch).id, Some(u64::from_le_bytes(first)));
}
