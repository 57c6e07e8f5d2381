//! File names: numbers and fixed words only. Names that people give live inside files.

use std::fmt;

/// A directory of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Directory {
    /// The store's own: lock, manifest, accounts.
    Root,
    /// `wal/`: log files.
    Wal,
    /// `segments/`: sealed segments.
    Segments,
    /// `quarantine/`: files that could not be read, kept for a person to look at.
    Quarantine,
    /// `erasures/`: the texts of open requests.
    Erasures,
    /// `evidence/`: which files stood before and after each purge.
    Evidence,
}

impl Directory {
    /// Every directory, parents first.
    pub const ALL: [Directory; 6] = [
        Directory::Root,
        Directory::Wal,
        Directory::Segments,
        Directory::Quarantine,
        Directory::Erasures,
        Directory::Evidence,
    ];

    /// Its path below the store's directory; empty for the store's own.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Directory::Root => "",
            Directory::Wal => "wal",
            Directory::Segments => "segments",
            Directory::Quarantine => "quarantine",
            Directory::Erasures => "erasures",
            Directory::Evidence => "evidence",
        }
    }
}

/// A file of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileName {
    /// `LOCK`: held for life by the process that has the store.
    Lock,
    /// `manifest`: the one truth of what is live.
    Manifest,
    /// `manifest.new`: a manifest being written; never read.
    ManifestNew,
    /// `accounts`: sites, settings, token hashes.
    Accounts,
    /// `accounts.new`: accounts being rewritten; never read.
    AccountsNew,
    /// `ledger`: erasures, without any text.
    Ledger,
    /// `ledger.new`: a ledger whose torn end is being cut off; never read.
    LedgerNew,
    /// `ledger.key`: the key of the ledger's hashes.
    LedgerKey,
    /// `signing.key`: the key that certificates are signed with.
    SigningKey,
    /// `key.new`: a key being written; never read.
    KeyNew,
    /// `targets`: where this store has been backed up to, a line each.
    Targets,
    /// `targets.new`: the same, being written; never read.
    TargetsNew,
    /// `restoring`: a backup is being restored here, and nothing may be served yet.
    Restoring,
    /// `erasures/<number>.txt`: what an open request has named.
    Named(u64),
    /// `erasures/<number>.new`: the same, being written; never read.
    NamedNew(u64),
    /// `evidence/<number>.lst`: which files stood before and after a purge.
    Evidence(u64),
    /// `evidence/<number>.new`: the same, being written; never read.
    EvidenceNew(u64),
    /// `wal/<number>.wal`.
    Wal(u64),
    /// `wal/<number>.new`: a log file whose zeros are being written; never read.
    WalNew(u64),
    /// `segments/<number>.seg`.
    Segment(u64),
    /// `segments/<number>.new`: a segment being written; never read.
    SegmentNew(u64),
    /// `quarantine/<number>.wal`: a log file with rot in it.
    QuarantinedWal(u64),
    /// `quarantine/<number>.seg`: a segment that could not be read.
    QuarantinedSegment(u64),
}

impl FileName {
    /// The directory it is in.
    #[must_use]
    pub fn directory(self) -> Directory {
        match self {
            FileName::Lock
            | FileName::Manifest
            | FileName::ManifestNew
            | FileName::Accounts
            | FileName::AccountsNew
            | FileName::Ledger
            | FileName::LedgerNew
            | FileName::LedgerKey
            | FileName::SigningKey
            | FileName::KeyNew
            | FileName::Targets
            | FileName::TargetsNew
            | FileName::Restoring => Directory::Root,
            FileName::Named(_) | FileName::NamedNew(_) => Directory::Erasures,
            FileName::Evidence(_) | FileName::EvidenceNew(_) => Directory::Evidence,
            FileName::Wal(_) | FileName::WalNew(_) => Directory::Wal,
            FileName::Segment(_) | FileName::SegmentNew(_) => Directory::Segments,
            FileName::QuarantinedWal(_) | FileName::QuarantinedSegment(_) => Directory::Quarantine,
        }
    }

    /// Whether a file never changes once it has this name, so that it may be mapped and is never appended to.
    #[must_use]
    pub fn is_sealed(self) -> bool {
        matches!(self, FileName::Segment(_) | FileName::QuarantinedSegment(_))
    }

    /// The file of a name found in a directory; `None` if a store has no such file.
    #[must_use]
    pub fn parse(directory: Directory, name: &str) -> Option<FileName> {
        let fixed = [
            FileName::Lock,
            FileName::Manifest,
            FileName::ManifestNew,
            FileName::Accounts,
            FileName::AccountsNew,
            FileName::Ledger,
            FileName::LedgerNew,
            FileName::LedgerKey,
            FileName::SigningKey,
            FileName::KeyNew,
            FileName::Targets,
            FileName::TargetsNew,
            FileName::Restoring,
        ];
        if directory == Directory::Root {
            return fixed.into_iter().find(|file| file.to_string() == name);
        }
        let (number, _) = name.split_once('.')?;
        let number = u64::from_str_radix(number, 16).ok()?;
        let numbered = [
            FileName::Wal(number),
            FileName::WalNew(number),
            FileName::Segment(number),
            FileName::SegmentNew(number),
            FileName::QuarantinedWal(number),
            FileName::QuarantinedSegment(number),
            FileName::Named(number),
            FileName::NamedNew(number),
            FileName::Evidence(number),
            FileName::EvidenceNew(number),
        ];
        // Printing it again refuses other spellings of the same number.
        numbered.into_iter().find(|file| file.directory() == directory && file.base_name() == name)
    }

    /// Its name within its directory.
    #[must_use]
    pub fn base_name(self) -> String {
        match self {
            FileName::Lock => "LOCK".into(),
            FileName::Manifest => "manifest".into(),
            FileName::ManifestNew => "manifest.new".into(),
            FileName::Accounts => "accounts".into(),
            FileName::AccountsNew => "accounts.new".into(),
            FileName::Ledger => "ledger".into(),
            FileName::LedgerNew => "ledger.new".into(),
            FileName::LedgerKey => "ledger.key".into(),
            FileName::Targets => "targets".into(),
            FileName::TargetsNew => "targets.new".into(),
            FileName::Restoring => "restoring".into(),
            FileName::SigningKey => "signing.key".into(),
            FileName::KeyNew => "key.new".into(),
            FileName::Named(number) => format!("{number:016x}.txt"),
            FileName::Wal(number) | FileName::QuarantinedWal(number) => format!("{number:016x}.wal"),
            FileName::Segment(number) | FileName::QuarantinedSegment(number) => format!("{number:016x}.seg"),
            FileName::Evidence(number) => format!("{number:016x}.lst"),
            FileName::WalNew(number)
            | FileName::SegmentNew(number)
            | FileName::NamedNew(number)
            | FileName::EvidenceNew(number) => format!("{number:016x}.new"),
        }
    }
}

impl fmt::Display for FileName {
    /// Its path below the store's directory, with `/`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.directory() {
            Directory::Root => f.write_str(&self.base_name()),
            directory => write!(f, "{}/{}", directory.path(), self.base_name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_only_as_it_was_written() {
        for file in [
            FileName::Lock,
            FileName::Manifest,
            FileName::AccountsNew,
            FileName::Wal(0),
            FileName::WalNew(7),
            FileName::Segment(u64::MAX),
            FileName::SegmentNew(9),
            FileName::QuarantinedWal(3),
            FileName::QuarantinedSegment(3),
            FileName::LedgerKey,
            FileName::Named(3),
            FileName::NamedNew(3),
            FileName::Evidence(3),
            FileName::EvidenceNew(3),
        ] {
            assert_eq!(FileName::parse(file.directory(), &file.base_name()), Some(file));
        }
        for (directory, name) in [
            (Directory::Wal, "1.wal"),
            (Directory::Wal, "0000000000000001.seg"),
            (Directory::Root, "lock"),
            (Directory::Segments, "000000000000000A.seg"),
            (Directory::Segments, ""),
        ] {
            assert_eq!(FileName::parse(directory, name), None, "{name}");
        }
    }
}
