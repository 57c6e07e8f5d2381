//! What is at a target already, what is too old, and what is nobody's: decided from lists alone.

use std::collections::{HashMap, HashSet};

use super::{BackupList, ContentHash, ObjectName};
use crate::model::CopyName;
use crate::model::limits::COPY_DAYS;
use crate::segment::SegmentEntry;

/// Milliseconds of a day.
pub(super) const DAY_MS: u64 = 86_400_000;

/// How many backups are kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepOptions {
    /// Days, at most `limits::COPY_DAYS`.
    pub most_days: u32,
    /// Newest ones that are kept; those beyond go.
    pub keep: usize,
}

impl KeepOptions {
    /// Thirty backups, for thirty days at most.
    #[must_use]
    pub fn standard() -> KeepOptions {
        KeepOptions { most_days: 30, keep: 30 }
    }
}

/// The hashes of segments that lists know: a segment with the same identity need not be read again to be known.
#[must_use]
pub fn known(lists: &[BackupList]) -> HashMap<[u8; 16], (SegmentEntry, ContentHash)> {
    let segments = lists.iter().flat_map(|list| &list.segments);
    segments.map(|segment| (segment.entry.header.uuid, (segment.entry.clone(), segment.hash))).collect()
}

/// Whether two entries are of the same bytes, whatever they are called where.
#[must_use]
pub fn same_file(one: &SegmentEntry, other: &SegmentEntry) -> bool {
    one.header == other.header && one.length_bytes == other.length_bytes && one.footer_crc == other.footer_crc
}

/// Backups that are too old or too many, at `now_ms` by a clock that is believed.
#[must_use]
pub fn stale(lists: &[BackupList], now_ms: u64, options: &KeepOptions) -> Vec<CopyName> {
    let age_ms = u64::from(options.most_days.min(COPY_DAYS)) * DAY_MS;
    let mut newest: Vec<&BackupList> = lists.iter().collect();
    newest.sort_unstable_by_key(|list| (std::cmp::Reverse(list.created_ms), list.name));
    let is_stale = |(at, list): &(usize, &BackupList)| {
        *at >= options.keep.max(1) || now_ms.saturating_sub(list.created_ms) >= age_ms
    };
    newest.into_iter().enumerate().filter(is_stale).map(|(_, list)| list.name).collect()
}

/// Segments of a target that no list names.
#[must_use]
pub fn unlisted(objects: &[ObjectName], lists: &[BackupList]) -> Vec<ObjectName> {
    let listed: HashSet<ContentHash> =
        lists.iter().flat_map(|list| &list.segments).map(|segment| segment.hash).collect();
    let is_nobodys =
        |object: &&ObjectName| matches!(object, ObjectName::Segment(hash) if !listed.contains(hash));
    objects.iter().filter(is_nobodys).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Region, Seq};

    fn list(name: &str, day: u64) -> BackupList {
        BackupList {
            name: CopyName::new(name).unwrap(),
            store: [1; 16],
            region: Region::new("eu").unwrap(),
            created_ms: day * DAY_MS,
            ledger_position: 0,
            through: Seq(0),
            segments: Vec::new(),
        }
    }

    #[test]
    fn backups_go_by_age_and_by_number() {
        let lists = [list("a", 1), list("b", 5), list("c", 9), list("d", 10)];
        let check = |most_days, keep, day, expected: &[&str]| {
            let stale = stale(&lists, day * DAY_MS, &KeepOptions { most_days, keep });
            assert_eq!(stale.iter().map(CopyName::as_str).collect::<Vec<_>>(), expected);
        };
        check(30, 9, 11, &[]);
        check(30, 2, 11, &["b", "a"]);
        check(6, 9, 11, &["b", "a"]);
        check(30, 0, 11, &["c", "b", "a"]);
        check(1_000, 9, 84, &["a"]);
        check(30, 9, 0, &[]);
    }

    #[test]
    fn what_no_list_names_is_nobodys() {
        let [one, two] = [1, 2].map(|byte| ContentHash([byte; 32]));
        let objects = [ObjectName::Segment(one), ObjectName::Segment(two), ObjectName::Ledger];
        assert_eq!(unlisted(&objects, &[list("a", 1)]), [ObjectName::Segment(one), ObjectName::Segment(two)]);
    }
}
