use super::*;

use crate::model::Day;

const MIB: u64 = 1 << 20;
const HOUR_MS: u64 = 3_600_000;

fn january() -> Month {
    Day::from_civil(2026, 1, 1).unwrap().month()
}

/// An instant in 2026, as Unix ms.
fn at(month: u32, day: u32, hour: u64) -> u64 {
    u64::from(Day::from_civil(2026, month, day).unwrap().number()) * DAY_MS + hour * HOUR_MS
}

fn flushed(number: u64, length_bytes: u64) -> Candidate {
    Candidate { number, month: january(), length_bytes, level: FLUSHED, added_ms: at(1, 10, 0) }
}

fn on(now_ms: u64) -> Calendar<'static> {
    Calendar { now_ms, trusted: true, unreadable: &[] }
}

fn options() -> CompactionOptions {
    CompactionOptions { fan_in: 4, ..CompactionOptions::standard() }
}

#[test]
fn a_month_is_closed_when_it_is_over_everywhere_and_the_grace_has_passed() {
    assert!(!month_closed(january(), at(2, 1, 11), 0));
    assert!(month_closed(january(), at(2, 1, 12), 0));
    assert!(!month_closed(january(), at(2, 4, 11), 3));
    assert!(month_closed(january(), at(2, 4, 12), 3));
}

#[test]
fn similar_segments_are_gathered_once_there_are_enough() {
    let mut segments: Vec<Candidate> = (1..=3).map(|number| flushed(number, MIB)).collect();
    assert_eq!(due(&segments, &on(at(1, 10, 1)), &options()), []);
    segments.push(flushed(4, 2 * MIB));
    segments.push(flushed(5, 100 * MIB));
    let merges = due(&segments, &on(at(1, 10, 1)), &options());
    assert_eq!(merges.len(), 1);
    assert_eq!((&*merges[0].inputs, merges[0].purpose), (&[1, 2, 3, 4][..], Purpose::Gather));
    assert_eq!(merges[0].input_bytes, 5 * MIB);
}

#[test]
fn a_full_tier_takes_the_smaller_ones_along() {
    let mut segments: Vec<Candidate> = (1..=4).map(|number| flushed(number, 20 * MIB)).collect();
    segments.push(flushed(5, MIB));
    assert_eq!(due(&segments, &on(at(1, 10, 1)), &options())[0].inputs, [1, 2, 3, 4, 5]);
}

#[test]
fn tiers_grow_by_the_fan_in() {
    let tier_of = |bytes| *tiers(&[flushed(1, bytes)], &options()).keys().next().unwrap();
    for (bytes, tier) in
        [(1, 0), (8 * MIB, 0), (8 * MIB + 1, 1), (32 * MIB, 1), (33 * MIB, 2), (128 * MIB, 2)]
    {
        assert_eq!(tier_of(bytes), tier, "{bytes}");
    }
}

#[test]
fn months_are_never_mixed() {
    let mut segments: Vec<Candidate> = (1..=6).map(|number| flushed(number, MIB)).collect();
    (segments[4].month, segments[5].month) = (january().next(), january().next());
    for merge in due(&segments, &on(at(1, 10, 1)), &options()) {
        assert_eq!(merge.inputs, [1, 2, 3, 4]);
    }
    segments[0].month = january().next();
    assert_eq!(due(&segments, &on(at(1, 10, 1)), &options()), []);
}

#[test]
fn a_closed_month_is_settled_when_it_is_quiet() {
    let one = [flushed(1, MIB)];
    assert_eq!(due(&one, &on(at(2, 4, 11)), &options()), [], "not closed");
    let merges = due(&one, &on(at(2, 4, 12)), &options());
    assert_eq!((merges.len(), merges[0].purpose), (1, Purpose::Settle));
    assert_eq!(
        due(&one, &Calendar { trusted: false, ..on(at(2, 4, 12)) }, &options()),
        [],
        "a doubtful clock closes no month"
    );
    let damaged = Calendar { unreadable: &[january()], ..on(at(2, 4, 12)) };
    assert_eq!(due(&one, &damaged, &options()), [], "what cannot be read cannot be merged");
    assert_eq!(all(&one, &damaged, &options()), []);

    let mut late = flushed(2, MIB);
    late.added_ms = at(2, 4, 12);
    let settled = Candidate { level: SETTLED, ..one[0] };
    assert_eq!(due(&[settled], &on(at(2, 9, 0)), &options()), []);
    assert_eq!(due(&[settled, late], &on(at(2, 4, 12)), &options()), [], "more may come");
    assert_eq!(due(&[settled, late], &on(at(2, 4, 13)), &options())[0].inputs, [1, 2]);
}

#[test]
fn a_few_late_events_wait_before_a_large_month_is_rewritten() {
    let settled = Candidate { level: SETTLED, ..flushed(1, 1_000 * MIB) };
    let late = Candidate { added_ms: at(2, 10, 0), ..flushed(2, MIB) };
    assert_eq!(due(&[settled, late], &on(at(2, 16, 23)), &options()), []);
    assert_eq!(due(&[settled, late], &on(at(2, 17, 0)), &options()).len(), 1);
}

#[test]
fn settling_takes_every_segment_of_the_month_or_none() {
    let many: Vec<Candidate> = (0..200).map(|number| flushed(number, MIB + number)).collect();
    let merges = due(&many, &on(at(3, 1, 0)), &options());
    assert_eq!(merges[0].purpose, Purpose::Gather, "too many for one merge");
    assert_eq!(merges[0].inputs, (0..INPUTS as u64).collect::<Vec<_>>());
    assert_eq!(due(&many[..INPUTS], &on(at(3, 1, 0)), &options())[0].purpose, Purpose::Settle);
}

#[test]
fn asked_for_everything_each_month_becomes_one_and_then_nothing_is_left() {
    let segments = [flushed(1, MIB), flushed(2, 900 * MIB)];
    assert_eq!(all(&segments, &on(at(1, 20, 0)), &options())[0].purpose, Purpose::Gather);
    assert_eq!(all(&segments, &on(at(3, 20, 0)), &options())[0].purpose, Purpose::Settle);
    assert_eq!(all(&segments[..1], &on(at(1, 20, 0)), &options()), []);
    let settled = Candidate { level: SETTLED, ..segments[0] };
    assert_eq!(all(&[settled], &on(at(3, 20, 0)), &options()), []);
}

#[test]
fn gathering_a_month_of_equal_flushes_writes_each_byte_a_few_times_only() {
    // Bytes in, bytes written by merges: the cost of a month that is flushed 64 times.
    let (mut live, mut written, mut next): (Vec<Candidate>, u64, u64) = (Vec::new(), 0, 0);
    for _ in 0..64 {
        live.push(flushed(next, 4 * MIB));
        next += 1;
        while let Some(merge) = due(&live, &on(at(1, 20, 0)), &options()).into_iter().next() {
            live.retain(|candidate| !merge.inputs.contains(&candidate.number));
            live.push(Candidate { level: MERGED, ..flushed(next, merge.input_bytes) });
            next += 1;
            written += merge.input_bytes;
        }
    }
    assert!(written <= 3 * 64 * 4 * MIB, "{} times", written / (64 * 4 * MIB));
    assert!(live.len() <= 3 * 4, "{}", live.len());
}

#[test]
fn debt_says_how_far_behind() {
    let segments: Vec<Candidate> = (1..=9).map(|number| flushed(number, MIB)).collect();
    let debt = debt(&segments, &on(at(1, 20, 0)), &options());
    assert_eq!(debt, Debt { merges: 1, bytes: 9 * MIB, similar: 9 });
}
