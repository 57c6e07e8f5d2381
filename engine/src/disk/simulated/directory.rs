//! Directory entries: changes that a crash leaves whole or not at all.

use std::collections::{BTreeMap, BTreeSet};

use super::file::FileId;
use super::random::Random;
use crate::format::names::{Directory, FileName};

/// Names and the files they stand for, of all directories.
pub(super) type Entries = BTreeMap<FileName, FileId>;

/// Up to this many changes, every subset is a state of its own; of more, that many subsets in all.
const CHANGES_IN_FULL: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Link {
        name: FileName,
        id: FileId,
    },
    Unlink {
        name: FileName,
        id: FileId,
    },
    Move {
        source: FileName,
        target: FileName,
        id: FileId,
        /// Whether the source's directory, which is not the target's, has been synced since.
        source_synced: bool,
    },
}

impl Change {
    pub(super) fn file(&self) -> FileId {
        match *self {
            Change::Link { id, .. } | Change::Unlink { id, .. } | Change::Move { id, .. } => id,
        }
    }

    /// Makes the change. It may come without those before it: a name that stands for another file then stays.
    pub(super) fn apply(&self, entries: &mut Entries) {
        match *self {
            Change::Link { name, id } => drop(entries.insert(name, id)),
            Change::Unlink { name, id } => {
                if entries.get(&name) == Some(&id) {
                    entries.remove(&name);
                }
            }
            Change::Move { source, target, id, .. } => {
                Change::Unlink { name: source, id }.apply(entries);
                entries.insert(target, id);
            }
        }
    }

    /// Makes durable what of the change is in `directory`; what is left is returned.
    ///
    /// A move between directories stays whole until its target is synced. Its old name may then come back until the
    /// source is synced too.
    pub(super) fn synced_in(self, directory: Directory, entries: &mut Entries) -> Option<Change> {
        match self {
            Change::Link { name, .. } | Change::Unlink { name, .. } if name.directory() != directory => {
                Some(self)
            }
            Change::Move { source, target, id, source_synced }
                if source.directory() != target.directory() =>
            {
                if source.directory() == directory {
                    return Some(Change::Move { source, target, id, source_synced: true });
                }
                if target.directory() != directory {
                    return Some(self);
                }
                Change::Link { name: target, id }.apply(entries);
                let left = Change::Unlink { name: source, id };
                if !source_synced {
                    return Some(left);
                }
                left.apply(entries);
                None
            }
            Change::Move { target, .. } if target.directory() != directory => Some(self),
            _ => {
                self.apply(entries);
                None
            }
        }
    }
}

/// The distinct outcomes of any subset of `changes`, made in order, and whether these are all. None of the changes is
/// the first outcome, all of them the last.
pub(super) fn surviving(synced: &Entries, changes: &[Change]) -> (Vec<Entries>, bool) {
    let count = changes.len();
    let complete = count <= CHANGES_IN_FULL;
    let mut seen = BTreeSet::new();
    let mut outcomes = Vec::new();
    let mut last = synced.clone();
    changes.iter().for_each(|change| change.apply(&mut last));
    seen.insert(last.clone());
    let mut add = |survives: &mut dyn FnMut(usize) -> bool| {
        let mut entries = synced.clone();
        for (index, change) in changes.iter().enumerate() {
            if survives(index) {
                change.apply(&mut entries);
            }
        }
        if seen.insert(entries.clone()) {
            outcomes.push(entries);
        }
    };
    if complete {
        for subset in 0..1_usize << count {
            add(&mut |index| subset >> index & 1 == 1);
        }
    } else {
        // What a journal leaves, each change missing, each change alone, and others by chance.
        for cut in 0..count {
            add(&mut |index| index < cut);
            add(&mut |index| index != cut);
            add(&mut |index| index == cut);
        }
        let mut random = Random::new(count as u64);
        for _ in 0..1 << CHANGES_IN_FULL {
            add(&mut |_| random.next() & 1 == 1);
        }
    }
    outcomes.push(last);
    (outcomes, complete)
}
