//! What reading the log found.

use std::fmt;

use crate::format::names::FileName;
use crate::model::Seq;

/// Places of rot that are told one by one; more are only counted.
const ROT_TOLD: usize = 1_000;

/// Damage to what was durable once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rot {
    /// Where. The file goes to `quarantine/` when all that could be read of it is in segments.
    pub file: FileName,
    /// Offset of the first byte that could not be read.
    pub offset: u64,
    /// Offset after the last one, as far as is known.
    pub end: u64,
    /// Batches that were lost, first and last. `None`: none that is known of.
    pub lost: Option<(Seq, Seq)>,
}

impl fmt::Display for Rot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: bytes {} to {} cannot be read", self.file, self.offset, self.end)?;
        match self.lost {
            Some((first, last)) if first == last => write!(f, "; batch {} is lost", first.0),
            Some((first, last)) => write!(f, "; batches {} to {} are lost", first.0, last.0),
            None => f.write_str("; no batch is known to be lost"),
        }
    }
}

/// The end of a log that stopped in the middle of a write. What was there was never acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Where.
    pub file: FileName,
    /// Offset of the first byte that is left out.
    pub offset: u64,
    /// Offset after the last byte that is not zero.
    pub end: u64,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: a write that did not finish is left out, bytes {} to {}",
            self.file, self.offset, self.end
        )
    }
}

/// What reading the log found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WalReport {
    /// Log files that were read.
    pub files: u64,
    /// Their bytes up to the last record.
    pub bytes: u64,
    /// Batches that are in no segment yet, and were read back.
    pub batches: u64,
    /// Batches in parts whose commit was never written: never acknowledged, and left out.
    pub unfinished: u64,
    /// Writes that did not finish: at most one a file.
    pub cuts: Vec<Cut>,
    /// Damage, in order; the first of it.
    pub rot: Vec<Rot>,
    /// Places of damage that are not in `rot`, because there are too many.
    pub more_rot: u64,
}

impl WalReport {
    /// Whether nothing durable was damaged.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.rot.is_empty()
    }

    pub(super) fn add(&mut self, rot: Rot) {
        if self.rot.len() < ROT_TOLD {
            self.rot.push(rot);
        } else {
            self.more_rot += 1;
        }
    }
}
