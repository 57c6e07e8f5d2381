//! What a crash may leave of one file: lengths, and sectors as they were at different times.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::random::Random;

/// What a device writes whole or not at all.
const SECTOR_BYTES: usize = 512;
/// Within one write that makes a file longer: so many lengths between the old and the new one, at most.
const LENGTHS_BETWEEN: usize = 64;

type Sector = [u8; SECTOR_BYTES];

/// How a crash comes upon a file, as real file systems leave them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Nothing unsynced is left.
    Nothing,
    /// The new length is there, and all sectors.
    Everything,
    /// The new length is there, and no sector.
    LengthAlone,
    /// The new length is there, and all sectors but one.
    AllButOne,
    /// The new length is there, and sectors in order up to one of them.
    InOrder,
    /// Any length, any version of each sector.
    Any,
}

impl Manner {
    pub(super) fn by_chance(random: &mut Random) -> Manner {
        match random.below(8) {
            0 => Manner::Nothing,
            1 => Manner::Everything,
            2 => Manner::LengthAlone,
            3 => Manner::AllButOne,
            4 => Manner::InOrder,
            _ => Manner::Any,
        }
    }
}

/// The distinct contents that a crash may leave of a file.
#[derive(Clone, Debug)]
pub(super) struct Outcomes {
    synced: Arc<Vec<u8>>,
    current: Arc<Vec<u8>>,
    /// Ascending, with the number of contents of each.
    lengths: Vec<(usize, u128)>,
    /// Sectors that have more than one version, ascending by offset: the synced one and one after each write.
    sectors: Vec<(usize, Vec<Sector>)>,
}

impl Outcomes {
    /// Of a file with these `writes` (offset and bytes) since it was synced, in order.
    pub(super) fn of<'a>(
        synced: &Arc<Vec<u8>>,
        current: &Arc<Vec<u8>>,
        writes: impl Iterator<Item = (usize, &'a [u8])>,
    ) -> Outcomes {
        let mut lengths = BTreeSet::from([synced.len()]);
        let mut length = synced.len();
        // The versions of a sector, and the one that the next write changes.
        let mut sectors: BTreeMap<usize, (Vec<Sector>, Sector)> = BTreeMap::new();
        for (offset, bytes) in writes {
            let end = offset + bytes.len();
            if end > length {
                let stride = ((end - length) / LENGTHS_BETWEEN).max(1).next_multiple_of(SECTOR_BYTES);
                lengths.extend((length.next_multiple_of(SECTOR_BYTES)..end).step_by(stride));
                lengths.insert(end);
                length = end;
            }
            let first = offset - offset % SECTOR_BYTES;
            for at in (first..end).step_by(SECTOR_BYTES) {
                let (versions, latest) = sectors.entry(at).or_insert_with(|| {
                    let old = sector_of(synced, at);
                    (vec![old], old)
                });
                let (from, to) = (offset.max(at), end.min(at + SECTOR_BYTES));
                latest[from - at..to - at].copy_from_slice(&bytes[from - offset..to - offset]);
                if !versions.contains(latest) {
                    versions.push(*latest);
                }
            }
        }
        let sectors: Vec<(usize, Vec<Sector>)> = sectors
            .into_iter()
            .map(|(at, (versions, _))| (at, versions))
            .filter(|(_, versions)| versions.len() > 1)
            .collect();
        let mut outcomes = Outcomes {
            synced: Arc::clone(synced),
            current: Arc::clone(current),
            lengths: Vec::new(),
            sectors,
        };
        outcomes.lengths = lengths.into_iter().map(|length| (length, outcomes.contents_of(length))).collect();
        outcomes
    }

    /// How many there are.
    pub(super) fn count(&self) -> u128 {
        self.lengths.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// As the running system saw the file.
    pub(super) fn everything(&self) -> Arc<Vec<u8>> {
        Arc::clone(&self.current)
    }

    /// The `index`th of them; the first is the file as it was synced.
    pub(super) fn nth(&self, mut index: u128) -> Arc<Vec<u8>> {
        let mut lengths = self.lengths.iter();
        let length = loop {
            match lengths.next() {
                Some((length, count)) if index < *count => break *length,
                Some((_, count)) => index -= count,
                None => unreachable!("an index is below the count"),
            }
        };
        self.build(length, |versions| {
            let version = index % versions as u128;
            index /= versions as u128;
            version as usize
        })
    }

    /// One of them by chance, in a manner. `mark` is told of every choice.
    pub(super) fn sample(
        &self,
        manner: Manner,
        random: &mut Random,
        mark: &mut dyn FnMut(usize),
    ) -> Arc<Vec<u8>> {
        let last = self.lengths.len() - 1;
        let length = match manner {
            Manner::Nothing => 0,
            Manner::Any => random.below(self.lengths.len()),
            _ => last,
        };
        let odd = random.below(self.sectors.len().max(1));
        let mut sector = 0;
        mark(length);
        self.build(self.lengths[length].0, |versions| {
            let survives = match manner {
                Manner::Nothing | Manner::LengthAlone => false,
                Manner::Everything => true,
                Manner::AllButOne => sector != odd,
                Manner::InOrder => sector < odd,
                Manner::Any => true,
            };
            let version = match manner {
                Manner::Any if survives => random.below(versions),
                _ if survives => versions - 1,
                _ => 0,
            };
            sector += 1;
            mark(version);
            version
        })
    }

    /// The file cut at `length`, its sectors in the versions that `pick` chooses among so many.
    fn build(&self, length: usize, mut pick: impl FnMut(usize) -> usize) -> Arc<Vec<u8>> {
        let mut bytes = None;
        for (at, versions) in self.sectors.iter().filter(|(at, _)| *at < length) {
            let kept = SECTOR_BYTES.min(length - at);
            let version = match distinct(versions, kept) {
                Distinct::All => pick(versions.len()),
                Distinct::Some(indexes) if indexes.len() > 1 => indexes[pick(indexes.len())],
                Distinct::Some(_) => 0,
            };
            if version > 0 {
                let bytes = bytes.get_or_insert_with(|| resized(&self.synced, length));
                bytes[*at..at + kept].copy_from_slice(&versions[version][..kept]);
            }
        }
        match bytes {
            Some(bytes) => Arc::new(bytes),
            None if length == self.synced.len() => Arc::clone(&self.synced),
            None => Arc::new(resized(&self.synced, length)),
        }
    }

    fn contents_of(&self, length: usize) -> u128 {
        let sectors = self.sectors.iter().take_while(|(at, _)| *at < length);
        sectors.fold(1, |product: u128, (at, versions)| {
            let count = match distinct(versions, SECTOR_BYTES.min(length - at)) {
                Distinct::All => versions.len(),
                Distinct::Some(indexes) => indexes.len(),
            };
            product.saturating_mul(count as u128)
        })
    }
}

enum Distinct {
    All,
    /// Indexes of versions.
    Some(Vec<usize>),
}

/// Which versions differ in their first `kept` bytes.
fn distinct(versions: &[Sector], kept: usize) -> Distinct {
    if kept == SECTOR_BYTES {
        return Distinct::All;
    }
    let first_of_its_kind = |index: &usize| {
        let version = &versions[*index][..kept];
        versions[..*index].iter().all(|earlier| earlier[..kept] != *version)
    };
    Distinct::Some((0..versions.len()).filter(first_of_its_kind).collect())
}

fn sector_of(bytes: &[u8], at: usize) -> Sector {
    let mut sector = [0; SECTOR_BYTES];
    if let Some(there) = bytes.get(at..) {
        let there = &there[..there.len().min(SECTOR_BYTES)];
        sector[..there.len()].copy_from_slice(there);
    }
    sector
}

fn resized(bytes: &[u8], length: usize) -> Vec<u8> {
    let mut resized = Vec::with_capacity(length);
    resized.extend_from_slice(&bytes[..bytes.len().min(length)]);
    resized.resize(length, 0);
    resized
}
