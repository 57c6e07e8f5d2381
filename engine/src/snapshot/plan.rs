//! Which snapshots are to go, and whether one is to be made: decided from numbers alone.

use super::{Snapshot, SnapshotOptions, SnapshotOrigin};
use crate::model::CopyName;

const HOUR_MS: u64 = 3_600_000;

/// What is to be done about snapshots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Those that are too old, or that the schedule made and does not keep.
    pub delete: Vec<CopyName>,
    /// Whether the schedule wants one.
    pub take: bool,
}

/// Unix ms from which on a snapshot may go by itself.
#[must_use]
pub fn expires_ms(created_ms: u64, options: &SnapshotOptions) -> u64 {
    created_ms.saturating_add(u64::from(options.most_days).saturating_mul(24 * HOUR_MS))
}

/// What is due at `now_ms`, by a clock that is believed.
#[must_use]
pub fn due(snapshots: &[Snapshot], now_ms: u64, options: &SnapshotOptions) -> Due {
    let mut due = Due::default();
    let mut scheduled: Vec<&Snapshot> = Vec::new();
    for snapshot in snapshots {
        if now_ms >= expires_ms(snapshot.created_ms, options) {
            due.delete.push(snapshot.name);
        } else if snapshot.origin == SnapshotOrigin::Schedule {
            scheduled.push(snapshot);
        }
    }
    scheduled.sort_unstable_by_key(|snapshot| std::cmp::Reverse(snapshot.created_ms));
    if options.every_hours > 0 {
        let every_ms = u64::from(options.every_hours) * HOUR_MS;
        let last_ms = scheduled.first().map(|snapshot| snapshot.created_ms);
        due.take = last_ms.is_none_or(|last_ms| now_ms >= last_ms.saturating_add(every_ms));
        // The one that is about to be made counts, so that there are never more; the newest stays until it is there.
        let keep = options.keep.max(1);
        let kept = if due.take && scheduled.len() >= keep { (keep - 1).max(1) } else { keep };
        due.delete.extend(scheduled.iter().skip(kept).map(|snapshot| snapshot.name));
    }
    due
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Seq;

    fn snapshot(name: &str, origin: SnapshotOrigin, created_hour: u64) -> Snapshot {
        Snapshot {
            name: CopyName::new(name).unwrap(),
            origin,
            created_ms: created_hour * HOUR_MS,
            ledger_position: 0,
            through: Seq(0),
            segments: Vec::new(),
        }
    }

    fn check(snapshots: &[Snapshot], hour: u64, options: &SnapshotOptions, delete: &[&str], take: bool) {
        let due = due(snapshots, hour * HOUR_MS, options);
        let names: Vec<&str> = due.delete.iter().map(CopyName::as_str).collect();
        assert_eq!((names.as_slice(), due.take), (delete, take), "hour {hour}");
    }

    #[test]
    fn a_snapshot_goes_when_it_is_too_old_whoever_made_it() {
        let options = SnapshotOptions { most_days: 2, every_hours: 0, keep: 1 };
        let snapshots = [
            snapshot("asked", SnapshotOrigin::Asked, 10),
            snapshot("before", SnapshotOrigin::Restore, 11),
            snapshot("daily", SnapshotOrigin::Schedule, 12),
        ];
        check(&snapshots, 57, &options, &[], false);
        check(&snapshots, 58, &options, &["asked"], false);
        check(&snapshots, 60, &options, &["asked", "before", "daily"], false);
    }

    #[test]
    fn the_schedule_keeps_its_newest_and_leaves_those_of_others() {
        let options = SnapshotOptions { most_days: 30, every_hours: 6, keep: 2 };
        check(&[], 1, &options, &[], true);
        let two = [
            snapshot("a", SnapshotOrigin::Schedule, 6),
            snapshot("b", SnapshotOrigin::Schedule, 12),
            snapshot("c", SnapshotOrigin::Asked, 1),
        ];
        check(&two, 17, &options, &[], false);
        check(&two, 18, &options, &["a"], true);
        let three = [two[0].clone(), two[1].clone(), snapshot("d", SnapshotOrigin::Schedule, 18)];
        check(&three, 19, &options, &["a"], false);
        let one = SnapshotOptions { keep: 1, ..options };
        check(&two[1..], 18, &one, &[], true);
    }

    #[test]
    fn what_expires_has_left_every_copy_in_time() {
        let days = |most_days| SnapshotOptions { most_days, ..SnapshotOptions::standard() };
        assert_eq!(days(83).check(), Ok(()));
        assert_eq!(
            (days(84).check(), days(0).check()),
            (Err(super::super::TooOld { got: 84 }), Err(super::super::TooOld { got: 0 }))
        );
    }
}
