//! The proof before a certificate: every file is read again, and nothing that was named is in it.

use crate::disk::{Access, Disk};
use crate::format::names::{Directory, FileName};
use crate::model::{Seq, SiteId};
use crate::segment::{Scratch, Segment, SegmentEntry, SegmentError};
use crate::view::Masks;
use crate::wal;

/// Where something that should be gone still is, or may be.
#[derive(Debug, thiserror::Error)]
pub enum Leftover {
    /// A segment has it still.
    #[error("{} still has data of site {site} that is to be gone; purge again", FileName::Segment(*segment))]
    Segment {
        /// Its number.
        segment: u64,
        /// Whose data.
        site: SiteId,
    },
    /// A log file reaches back to before the erasure.
    #[error("{file} reaches back to before the erasure; purge again")]
    Log {
        /// Which.
        file: FileName,
    },
    /// A file was put aside because it could not be read: nobody can say what is in it.
    #[error(
        "{file} was put aside because it could not be read, and may hold what is to be gone; save what can be, then remove it"
    )]
    Quarantined {
        /// Which.
        file: FileName,
    },
    /// A segment cannot be read.
    #[error(transparent)]
    Unreadable(#[from] SegmentError),
    /// A call failed.
    #[error(transparent)]
    Disk(#[from] crate::disk::DiskError),
}

/// Opens a segment to be read again, from the disk.
///
/// # Errors
/// When it cannot be read.
pub fn open(disk: &dyn Disk, entry: &SegmentEntry) -> Result<Segment, Leftover> {
    // Not through a mapping that others have warmed up: what is on the disk counts.
    Ok(Segment::open(disk, entry, Access::Read)?)
}

/// Reads dictionary and extent of a named site of a segment again.
///
/// # Errors
/// When anything that `masks` cover is in it, or it cannot be read.
pub fn site(segment: &Segment, site: SiteId, masks: &Masks) -> Result<(), Leftover> {
    let rules = masks.rules(site, &segment.entry().header);
    if rules.is_empty() {
        return Ok(());
    }
    let Some(extent) = segment.extent(site)? else { return Ok(()) };
    extent.check()?;
    match extent.has_covered(&rules, &mut Scratch::new())? {
        true => Err(Leftover::Segment { segment: segment.entry().number, site }),
        false => Ok(()),
    }
}

/// Looks at every file that is not a listed segment: log files begin after `through`, and nothing is put aside.
///
/// # Errors
/// The first file that may hold what was written up to `through`.
pub fn other_files(disk: &dyn Disk, through: Seq) -> Result<(), Leftover> {
    for (file, first_seq) in wal::first_seqs(disk)? {
        if first_seq.is_none_or(|first| first <= through) {
            return Err(Leftover::Log { file });
        }
    }
    match disk.list(Directory::Quarantine)?.first() {
        Some((file, _)) => Err(Leftover::Quarantined { file: *file }),
        None => Ok(()),
    }
}
