//! What can go wrong with a segment, and where.

use crate::disk::DiskError;
use crate::format::frame::FormatError;
use crate::model::SiteId;

/// Why a segment could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// The operating system said no.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A piece of the file is damaged. The rest of it stays readable.
    #[error(
        "segments/{segment:016x}.seg, {place} at byte {offset}: {source}; restore the file, or erase the site"
    )]
    Corrupt {
        /// Number in the file's name.
        segment: u64,
        /// Which piece.
        place: Place,
        /// Where the piece begins in the file, in bytes.
        offset: u64,
        /// What is wrong with it.
        source: FormatError,
    },
    /// The file is not the one that the manifest lists: another footer, or another length.
    #[error(
        "segments/{segment:016x}.seg is not the file that the manifest lists: {what} is {got}, not {expected}"
    )]
    NotListed {
        /// Number in the file's name.
        segment: u64,
        /// What differs.
        what: &'static str,
        /// As the manifest says.
        expected: u64,
        /// As the file says.
        got: u64,
    },
    /// A site has more text of pages than one extent can have.
    #[error("site {site} has more than 4 GiB of page text in one month; lower its page limits")]
    TooManyPages {
        /// Which.
        site: SiteId,
    },
    /// Whoever watches a merge has stopped it.
    #[error("stopped")]
    Stopped,
}

/// A piece of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Superheader, footer or file index: without it nothing of the file can be read.
    File,
    /// The header or a directory of a site.
    Site(SiteId),
    /// One block of a site.
    Block(SiteId, u32),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::File => f.write_str("file"),
            Place::Site(site) => write!(f, "site {site}"),
            Place::Block(site, block) => write!(f, "site {site}, block {block}"),
        }
    }
}
