//! One edit of the manifest, as a pure step from one manifest to the next.
//!
//! A file lives for as long as a list names it, the live one or that of a snapshot. What each edit lets go of is
//! worked out here and nowhere else, so that nobody unlinks a file that a snapshot still needs.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{ClockMark, Manifest, Snapshot, SnapshotOrigin};
use crate::format::segment::SegmentEntry;
use crate::model::limits::SNAPSHOTS;
use crate::model::{CopyName, Seq};

/// What is to change. It is made as a whole, in this order: `repoint`, `snapshot`, `forget`, `remove`, `add`.
#[derive(Default)]
pub struct Edit<'a> {
    /// Every list that names the number, live or a snapshot's, names this segment in its place, or nothing.
    pub repoint: Vec<(u64, Option<SegmentEntry>)>,
    /// A snapshot that is to be made of what is live before `remove` and `add`.
    pub snapshot: Option<NewSnapshot>,
    /// Snapshots that are to go.
    pub forget: &'a [CopyName],
    /// Numbers of segments that are not live any more. Snapshots keep them.
    pub remove: &'a [u64],
    /// Segments that become live: new ones, or those of a snapshot.
    pub add: Vec<SegmentEntry>,
    /// The snapshot that `add` is from: without it they may be gone, and the edit is refused.
    pub source: Option<CopyName>,
    /// Set by a flush: everything up to here is in segments, and the frozen memtable goes.
    pub wal_floor: Option<Seq>,
    /// Set when the clock was looked at.
    pub clock: Option<ClockMark>,
}

/// A snapshot that is to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewSnapshot {
    /// What it is called.
    pub name: CopyName,
    /// Who makes it.
    pub origin: SnapshotOrigin,
    /// Unix ms.
    pub created_ms: u64,
    /// How many entries the ledger has.
    pub ledger_position: u64,
}

/// Why snapshots are not as an edit needs them. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// There is one of this name.
    #[error("there is a snapshot {0} already; delete it first, or choose another name")]
    NameTaken(CopyName),
    /// There is none of this name.
    #[error("there is no snapshot {0}; list those that there are")]
    NoSuchSnapshot(CopyName),
    /// There are as many as a store may have.
    #[error("there are {SNAPSHOTS} snapshots, and a store has no more; delete some first")]
    TooMany,
}

/// Numbers of files that no list names any more: they may be unlinked, once the edit is durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Released(pub Vec<u64>);

/// The manifest after an edit, and what it means for files and readers.
#[derive(Debug)]
pub struct Edited {
    /// The next manifest, of the next edition.
    pub manifest: Manifest,
    /// Files that no list names any more.
    pub released: Released,
    /// Numbers of segments that were live and are no longer.
    pub left: Vec<u64>,
    /// Numbers of segments that are live and were not before.
    pub joined: Vec<u64>,
}

impl Edit<'_> {
    /// The manifest after the edit.
    ///
    /// # Errors
    /// When a snapshot is there that must not be, or is not there that must be.
    pub fn apply(self, before: &Manifest) -> Result<Edited, SnapshotError> {
        let mut next = before.clone();
        next.edition += 1;
        next.wal_floor = self.wal_floor.unwrap_or(next.wal_floor);
        next.clock = self.clock.unwrap_or(next.clock);
        if let Some(name) = self.source.filter(|name| next.snapshot(*name).is_none()) {
            return Err(SnapshotError::NoSuchSnapshot(name));
        }
        let known_before = before.reachable().chain(&self.add);
        let mut known: BTreeMap<u64, SegmentEntry> =
            known_before.map(|entry| (entry.number, entry.clone())).collect();
        known.extend(self.repoint.iter().flat_map(|(_, new)| new).map(|entry| (entry.number, entry.clone())));

        let mut live: Vec<u64> = before.segments.iter().map(|entry| entry.number).collect();
        let was_live: HashSet<u64> = live.iter().copied().collect();
        let targets: HashMap<u64, Option<u64>> =
            self.repoint.iter().map(|(old, new)| (*old, new.as_ref().map(|entry| entry.number))).collect();
        if !targets.is_empty() {
            repoint(&mut live, &targets);
            next.snapshots.iter_mut().for_each(|snapshot| repoint(&mut snapshot.segments, &targets));
        }
        if let Some(new) = self.snapshot {
            add_snapshot(&mut next, new, &live)?;
        }
        for name in self.forget {
            let at = next.snapshots.iter().position(|snapshot| snapshot.name == *name);
            next.snapshots.remove(at.ok_or(SnapshotError::NoSuchSnapshot(*name))?);
        }
        live.retain(|number| !self.remove.contains(number));
        live.extend(self.add.iter().map(|entry| entry.number));
        live.sort_unstable();

        let is_live: HashSet<u64> = live.iter().copied().collect();
        let listed: HashSet<u64> =
            next.snapshots.iter().flat_map(|snapshot| &snapshot.segments).copied().collect();
        next.segments = live.iter().filter_map(|number| known.get(number)).cloned().collect();
        let pinned =
            |entry: &&SegmentEntry| listed.contains(&entry.number) && !is_live.contains(&entry.number);
        next.pinned = known.values().filter(pinned).cloned().collect();
        let released = known
            .into_keys()
            .filter(|number| !is_live.contains(number) && !listed.contains(number))
            .collect();
        Ok(Edited {
            released: Released(released),
            left: was_live.difference(&is_live).copied().collect(),
            joined: is_live.difference(&was_live).copied().collect(),
            manifest: next,
        })
    }
}

fn repoint(numbers: &mut Vec<u64>, targets: &HashMap<u64, Option<u64>>) {
    let target = |number: &u64| targets.get(number).copied().unwrap_or(Some(*number));
    *numbers = numbers.iter().filter_map(target).collect();
    numbers.sort_unstable();
}

fn add_snapshot(next: &mut Manifest, new: NewSnapshot, live: &[u64]) -> Result<(), SnapshotError> {
    let NewSnapshot { name, origin, created_ms, ledger_position } = new;
    if next.snapshot(name).is_some() {
        return Err(SnapshotError::NameTaken(name));
    }
    if next.snapshots.len() >= SNAPSHOTS {
        return Err(SnapshotError::TooMany);
    }
    let (through, segments) = (next.wal_floor, live.to_vec());
    next.snapshots.push(Snapshot { name, origin, created_ms, ledger_position, through, segments });
    next.snapshots.sort_unstable_by_key(|snapshot| snapshot.name);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::segment::SegmentHeader;
    use crate::model::{Month, Region};

    fn entry(number: u64) -> SegmentEntry {
        let month = Month::from_number(672).unwrap();
        let header = SegmentHeader {
            uuid: [number as u8; 16],
            region: Region::new("eu").unwrap(),
            month,
            seq_lo: Seq(1),
            seq_hi: Seq(2),
            purged_through: Seq(0),
            key_id: [0; 16],
            aead: 0,
        };
        SegmentEntry {
            number,
            header,
            length_bytes: 8_192,
            footer_crc: 1,
            sites: 1,
            cells: 1,
            rows: 1,
            events: 1,
            first_day: month.day(0),
            last_day: month.day(0),
            level: 0,
        }
    }

    fn name(text: &str) -> CopyName {
        CopyName::new(text).unwrap()
    }

    fn snapshot(text: &str) -> Option<NewSnapshot> {
        let origin = SnapshotOrigin::Asked;
        Some(NewSnapshot { name: name(text), origin, created_ms: 5, ledger_position: 0 })
    }

    /// A manifest with these live segments.
    fn manifest(live: &[u64]) -> Manifest {
        Manifest {
            edition: 1,
            store: [7; 16],
            region: Region::new("eu").unwrap(),
            wal_floor: Seq(9),
            purged_through: Seq(0),
            next_file: 100,
            clock: ClockMark { last_seen_ms: 1 },
            window_key: [9; 32],
            segments: live.iter().copied().map(entry).collect(),
            pinned: Vec::new(),
            snapshots: Vec::new(),
        }
    }

    /// What an edit makes of a manifest; its bytes must mean the same again.
    fn edited(before: &Manifest, edit: Edit<'_>) -> Edited {
        let edited = edit.apply(before).unwrap();
        assert_eq!(Manifest::decode(&edited.manifest.encode()).as_ref(), Ok(&edited.manifest));
        edited
    }

    fn numbers(entries: &[SegmentEntry]) -> Vec<u64> {
        entries.iter().map(|entry| entry.number).collect()
    }

    #[test]
    fn what_a_snapshot_lists_stays_when_it_is_merged_away() {
        let first = edited(&manifest(&[1, 2]), Edit { snapshot: snapshot("a"), ..Edit::default() });
        assert_eq!(first.released, Released::default());
        let merged =
            edited(&first.manifest, Edit { remove: &[1, 2], add: vec![entry(3)], ..Edit::default() });
        assert_eq!((merged.released, merged.left.len(), merged.joined), (Released::default(), 2, vec![3]));
        assert_eq!(
            (numbers(&merged.manifest.segments), numbers(&merged.manifest.pinned)),
            (vec![3], vec![1, 2])
        );
        let forgotten = edited(&merged.manifest, Edit { forget: &[name("a")], ..Edit::default() });
        assert_eq!(forgotten.released, Released(vec![1, 2]));
        assert_eq!((forgotten.left, forgotten.joined), (vec![], vec![]));
    }

    #[test]
    fn a_segment_is_let_go_when_the_last_list_lets_it_go() {
        let first = edited(&manifest(&[1]), Edit { snapshot: snapshot("a"), ..Edit::default() });
        let both = edited(&first.manifest, Edit { snapshot: snapshot("b"), ..Edit::default() });
        let dropped = edited(&both.manifest, Edit { remove: &[1], ..Edit::default() });
        let one = edited(&dropped.manifest, Edit { forget: &[name("a")], ..Edit::default() });
        assert_eq!(one.released, Released::default());
        let none = edited(&one.manifest, Edit { forget: &[name("b")], ..Edit::default() });
        assert_eq!(none.released, Released(vec![1]));
    }

    #[test]
    fn repointing_reaches_every_list_at_once() {
        let first = edited(&manifest(&[1, 2]), Edit { snapshot: snapshot("a"), ..Edit::default() });
        let merged = edited(&first.manifest, Edit { remove: &[2], add: vec![entry(3)], ..Edit::default() });
        let repoint = vec![(1, Some(entry(4))), (2, None), (77, Some(entry(5)))];
        let purged = edited(&merged.manifest, Edit { repoint, ..Edit::default() });
        assert_eq!(
            (numbers(&purged.manifest.segments), numbers(&purged.manifest.pinned)),
            (vec![3, 4], vec![])
        );
        assert_eq!(purged.manifest.snapshots[0].segments, [4]);
        assert_eq!(purged.released, Released(vec![1, 2, 5]), "what nobody listed is let go at once");
        assert_eq!((purged.left, purged.joined), (vec![1], vec![4]));
    }

    #[test]
    fn a_restore_lists_the_present_and_swaps_it_for_the_past() {
        let first = edited(&manifest(&[1, 2]), Edit { snapshot: snapshot("a"), ..Edit::default() });
        let merged = edited(&first.manifest, Edit { remove: &[2], add: vec![entry(3)], ..Edit::default() });
        let restored = edited(
            &merged.manifest,
            Edit {
                snapshot: snapshot("before"),
                source: Some(name("a")),
                remove: &[3],
                add: vec![entry(2)],
                ..Edit::default()
            },
        );
        assert_eq!(numbers(&restored.manifest.segments), [1, 2]);
        assert_eq!(restored.manifest.snapshot(name("before")).unwrap().segments, [1, 3]);
        assert_eq!((restored.released, numbers(&restored.manifest.pinned)), (Released::default(), vec![3]));
    }

    #[test]
    fn snapshots_that_are_there_or_are_not_are_refused() {
        let one = edited(&manifest(&[1]), Edit { snapshot: snapshot("a"), ..Edit::default() }).manifest;
        let refused = |edit: Edit<'_>| edit.apply(&one).unwrap_err();
        let taken = refused(Edit { snapshot: snapshot("a"), ..Edit::default() });
        assert_eq!(taken, SnapshotError::NameTaken(name("a")));
        let missing = SnapshotError::NoSuchSnapshot(name("b"));
        assert_eq!(refused(Edit { forget: &[name("b")], ..Edit::default() }), missing);
        assert_eq!(refused(Edit { source: Some(name("b")), ..Edit::default() }), missing);
        let mut full = one.clone();
        full.snapshots = (0..SNAPSHOTS)
            .map(|at| Snapshot { name: name(&format!("s{at}")), ..one.snapshots[0].clone() })
            .collect();
        let edit = Edit { snapshot: snapshot("a"), ..Edit::default() };
        assert_eq!(edit.apply(&full).unwrap_err(), SnapshotError::TooMany);
    }
}
