//! Names of what a backup target holds. Names that people give are checked before they stand in one.

use std::fmt;

use crate::model::CopyName;

/// BLAKE3 of a file's bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub [u8; 32]);

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl ContentHash {
    /// The hash of 64 hexadecimal digits in lower case.
    #[must_use]
    pub fn parse(text: &str) -> Option<ContentHash> {
        let mut hash = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(ContentHash(hash))
    }
}

/// An object of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectName {
    /// `mark`: whose target it is, and of which region.
    Mark,
    /// `accounts`: the newest accounts.
    Accounts,
    /// `ledger`: the newest ledger.
    Ledger,
    /// `backups/<name>`: what a backup lists.
    Backup(CopyName),
    /// `segments/<hash>`: a segment, by what is in it.
    Segment(ContentHash),
}

/// Where objects are that there are many of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folder {
    /// `backups`.
    Backups,
    /// `segments`.
    Segments,
}

impl Folder {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Folder::Backups => "backups",
            Folder::Segments => "segments",
        }
    }
}

impl ObjectName {
    /// The object of a path below the target, with `/`; `None` if a target has no such object.
    #[must_use]
    pub fn parse(path: &str) -> Option<ObjectName> {
        match path.split_once('/') {
            None => [ObjectName::Mark, ObjectName::Accounts, ObjectName::Ledger]
                .into_iter()
                .find(|object| object.to_string() == path),
            Some(("backups", name)) => CopyName::new(name).ok().map(ObjectName::Backup),
            Some(("segments", hash)) => ContentHash::parse(hash).map(ObjectName::Segment),
            Some(_) => None,
        }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ObjectName::Mark => f.write_str("mark"),
            ObjectName::Accounts => f.write_str("accounts"),
            ObjectName::Ledger => f.write_str("ledger"),
            ObjectName::Backup(name) => write!(f, "{}/{name}", Folder::Backups.name()),
            ObjectName::Segment(hash) => write!(f, "{}/{hash}", Folder::Segments.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_read_back_only_as_it_is_written() {
        let hash = ContentHash(std::array::from_fn(|at| at as u8 * 7));
        for object in [
            ObjectName::Mark,
            ObjectName::Accounts,
            ObjectName::Ledger,
            ObjectName::Backup(CopyName::new("daily-1").unwrap()),
            ObjectName::Segment(hash),
        ] {
            assert_eq!(ObjectName::parse(&object.to_string()), Some(object));
        }
        let upper = hash.to_string().to_uppercase();
        for path in ["", "marks", "backups/../mark", "backups/A", "segments/0f", &format!("segments/{upper}")]
        {
            assert_eq!(ObjectName::parse(path), None, "{path}");
        }
    }
}
