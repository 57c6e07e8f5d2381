//! Damage: bits that flip, files that are cut, blocks that change places or are of yesterday.

use std::collections::BTreeMap;
use std::ops::Range;

use heatgrid_engine::disk::simulated::SimulatedDisk;
use heatgrid_engine::format::names::{Directory, FileName};

use super::expected::Expected;
use super::explorer::beginning;
use super::play::Play;
use super::script::Op;

/// What changes places with another, or is as it was earlier: small, so that files of some KiB have many.
const BLOCK_BYTES: usize = 128;

/// A disk with files of every kind, and what its store must say.
pub(super) struct Specimen {
    pub(super) disk: SimulatedDisk,
    /// What the store may say when any of the batches that are only in the log is lost; with all of them last.
    worlds: Vec<Expected>,
    /// What files held earlier, by name.
    earlier: BTreeMap<FileName, Vec<Vec<u8>>>,
}

/// One damage to one file.
#[derive(Clone, Debug)]
pub(super) enum Damage {
    Flip {
        byte: usize,
        bit: u32,
    },
    Cut {
        length: usize,
    },
    Swap {
        a: Range<usize>,
        b: Range<usize>,
    },
    /// A block as it was earlier, or that belongs to another file.
    Stale {
        offset: usize,
        bytes: Vec<u8>,
    },
}

impl Specimen {
    pub(super) fn make(base: &SimulatedDisk) -> Specimen {
        let before = [
            Op::AppendLarge,
            Op::AppendOther,
            Op::CreateSite,
            Op::Flush,
            Op::AppendOther,
            Op::AppendLarge,
            Op::Flush,
            Op::Compact,
            Op::AppendKeyed,
            Op::Append,
            Op::Flush,
        ];
        let logged = vec![Op::Append, Op::AppendRepeated, Op::AppendOther, Op::AppendLarge, Op::Append];
        let disk = base.fork();
        let mut expected = beginning();
        let mut play = Play::open(disk.clone(), expected.world.now_ms).expect("nothing goes wrong");
        let mut earlier: BTreeMap<FileName, Vec<Vec<u8>>> = BTreeMap::new();
        for op in before {
            play.act(op, &expected).expect("nothing goes wrong");
            expected = expected.after(op);
            remember(&disk, &mut earlier);
        }
        let worlds = without_some(&expected, &logged);
        for op in &logged {
            play.act(*op, &expected).expect("nothing goes wrong");
            expected = expected.after(*op);
            remember(&disk, &mut earlier);
        }
        drop(play);
        Specimen { disk: disk.survivors().nth(0), worlds, earlier }
    }

    /// Every damage of `file` that is looked at; with every bit of every byte, or with one of each.
    pub(super) fn damages(&self, file: FileName, every_bit: bool) -> Vec<Damage> {
        let now = self.disk.contents(file).expect("the file is there");
        let mut damages: Vec<Damage> = (0..now.len()).map(|length| Damage::Cut { length }).collect();
        for byte in 0..now.len() {
            let bits = if every_bit { 0..8 } else { byte as u32 % 8..byte as u32 % 8 + 1 };
            damages.extend(bits.map(|bit| Damage::Flip { byte, bit }));
        }
        let blocks: Vec<Range<usize>> = (0..now.len() / BLOCK_BYTES)
            .map(|block| block * BLOCK_BYTES..(block + 1) * BLOCK_BYTES)
            .collect();
        for (place, a) in blocks.iter().enumerate() {
            let others = blocks[place + 1..].iter().filter(|b| now[a.clone()] != now[(*b).clone()]);
            damages.extend(others.map(|b| Damage::Swap { a: a.clone(), b: b.clone() }));
        }
        let of_others = self.disk.files().into_iter().filter(|(other, _)| *other != file);
        let strange = of_others.map(|(other, _)| self.disk.contents(other).expect("it is there").to_vec());
        for stale in self.earlier.get(&file).into_iter().flatten().cloned().chain(strange) {
            for offset in (0..now.len().min(stale.len())).step_by(BLOCK_BYTES) {
                let bytes = stale[offset..stale.len().min(now.len()).min(offset + BLOCK_BYTES)].to_vec();
                if now[offset..offset + bytes.len()] != *bytes {
                    damages.push(Damage::Stale { offset, bytes });
                }
            }
        }
        damages
    }

    /// Damages `file` and opens the store: it says nothing wrong, and what it cannot say it lays at the file's door.
    pub(super) fn check(&self, file: FileName, damage: &Damage) -> Result<Seen, String> {
        let disk = self.disk.fork();
        match damage {
            Damage::Flip { byte, bit } => disk.flip(file, *byte, *bit),
            Damage::Cut { length } => disk.truncate(file, *length),
            Damage::Swap { a, b } => disk.swap(file, a.clone(), b.clone()),
            Damage::Stale { offset, bytes } => disk.replace(file, *offset, bytes),
        }
        let names_it = |text: &str| text.contains(&file.base_name());
        let play = match Play::open(disk, self.worlds[0].world.now_ms) {
            Ok(play) => play,
            Err(error) if names_it(&error.to_string()) => return Ok(Seen::Refused),
            Err(error) => return Err(format!("the error does not name {file}: {error}")),
        };
        let report = play.stored().store.report();
        // What was lost of the log is said, and only that is missing.
        let lost_is_said = file.directory() == Directory::Wal && !report.wal.is_sound();
        let whole = self.worlds.len() - 1;
        let found = play.says_nothing_wrong(&self.worlds[if lost_is_said { 0 } else { whole }..])?;
        let sites = play.stored().sites();
        let mut seen = if sites < found.world.sites.len() { Seen::Missing } else { Seen::Whole };
        // The end of a log of accounts can be cut off and nobody knows; only that may be missing.
        if seen == Seen::Missing && file != FileName::Accounts {
            return Err("a site is missing".into());
        }
        if !report.unreadable.is_empty() || seen == Seen::Whole {
            for error in play.refusals(found) {
                if !names_it(&error) {
                    return Err(format!("the error does not name {file}: {error}"));
                }
                seen = Seen::Named;
            }
        }
        Ok(if seen == Seen::Whole && lost_is_said { Seen::Named } else { seen })
    }
}

/// Every world in which some of the operations, all of them batches, left nothing; the one in which none is missing
/// comes last.
fn without_some(flushed: &Expected, logged: &[Op]) -> Vec<Expected> {
    let kept_in = |kept: usize| {
        let mut expected = Expected::new(flushed.world.clone(), flushed.sent);
        for (place, op) in logged.iter().enumerate() {
            let after = expected.after(*op);
            expected = if kept >> place & 1 == 1 { after } else { Expected::new(expected.world, after.sent) };
        }
        expected
    };
    (0..1 << logged.len()).map(kept_in).collect()
}

/// What became of a damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Seen {
    /// It hit nothing that matters: every answer is right.
    Whole,
    /// The sites that were made last are missing.
    Missing,
    /// Something is missing, and the file is named.
    Named,
    /// The store does not open, and says because of which file.
    Refused,
}

fn remember(disk: &SimulatedDisk, earlier: &mut BTreeMap<FileName, Vec<Vec<u8>>>) {
    for (file, _) in disk.files() {
        let contents = disk.contents(file).expect("it is there").to_vec();
        let versions = earlier.entry(file).or_default();
        if versions.last() != Some(&contents) {
            versions.push(contents);
        }
    }
}
