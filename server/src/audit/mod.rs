//! What operators did with the data of sites: who by the name of the token, which route, which site, when. Never a
//! page. Sites are named by their ids, which mean nothing once a site is gone.
//!
//! Entries are lines of JSON in numbered files below `audit/` of the store's directory. An entry is durable before what it
//! is about is done.

mod files;
mod line;
mod tail;
#[cfg(test)]
mod tests;

pub use line::Entry;

use std::io;
use std::path::Path;
use std::sync::Arc;

use heatgrid_engine::model::SiteId;
use parking_lot::Mutex;

use self::files::Files;
use self::tail::Tail;

/// Bytes of one file; then another is begun.
const FILE_BYTES: u64 = 8 << 20;
/// Files that are kept: about two and a half million entries.
const FILES: usize = 32;
/// Days that entries are kept: a year, and time to look at it.
const KEPT_DAYS: u64 = 400;

/// The audit of a store.
pub struct Audit {
    files: Files,
    /// Held while a line is appended, not while it is synced.
    tail: Mutex<Arc<Tail>>,
}

/// Some entries, newest first.
#[derive(Debug, PartialEq, Eq)]
pub struct Listed {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Where the list goes on, if it does.
    pub next: Option<Cursor>,
}

/// A place in the audit: everything before it is older.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    number: u64,
    offset: u64,
}

impl std::str::FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Cursor, ()> {
        let (number, offset) = text.split_once('-').ok_or(())?;
        Ok(Cursor { number: number.parse().map_err(drop)?, offset: offset.parse().map_err(drop)? })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.number, self.offset)
    }
}

impl Audit {
    /// Opens the audit below a store's directory, or begins one.
    ///
    /// # Errors
    /// When a call fails.
    pub fn open(store: &Path) -> io::Result<Audit> {
        let files = Files::open(store)?;
        let number = files.numbers()?.last().copied().unwrap_or(1);
        let tail = Mutex::new(Arc::new(Tail::open(&files, number)?));
        Ok(Audit { files, tail })
    }

    /// Writes an entry, and returns when it is durable. Waits for the disk.
    ///
    /// # Errors
    /// When it could not be written or synced: what it is about must not be done then.
    pub fn write(&self, entry: &Entry) -> io::Result<()> {
        let line = entry.to_line();
        let (tail, end) = {
            let mut tail = self.tail.lock();
            if tail.is_lost() || tail.length() >= FILE_BYTES {
                *tail = Arc::new(self.next(&tail)?);
            }
            (Arc::clone(&tail), tail.append(&line)?)
        };
        tail.make_durable(end)
    }

    /// The file behind `tail`, which is left.
    fn next(&self, tail: &Tail) -> io::Result<Tail> {
        tail.settle()?;
        let next = Tail::open(&self.files, tail.number() + 1)?;
        self.files.keep_newest(FILES)?;
        Ok(next)
    }

    /// Removes files whose entries are all too old at the Unix second `now`.
    ///
    /// # Errors
    /// When a call fails.
    pub fn expire(&self, now: u64) -> io::Result<()> {
        let tail = self.tail.lock();
        let first_kept = now.saturating_sub(KEPT_DAYS * 86_400);
        self.files.remove_older(first_kept, tail.number())
    }

    /// At most `limit` entries, of one site or of all, newest first, from a place on.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn list(&self, site: Option<SiteId>, from: Option<Cursor>, limit: usize) -> io::Result<Listed> {
        let mut entries = Vec::new();
        for number in self.files.numbers()?.into_iter().rev() {
            if from.is_some_and(|from| number > from.number) {
                continue;
            }
            let before = from.filter(|from| from.number == number).map(|from| from.offset);
            for (offset, entry) in self.files.read(number, before, site)?.into_iter().rev() {
                if entries.len() == limit {
                    // The entry at this place is the first of what is left.
                    let next = Some(Cursor { number, offset: offset + 1 });
                    return Ok(Listed { entries, next });
                }
                entries.push(entry);
            }
        }
        Ok(Listed { entries, next: None })
    }

    /// Forgets every entry about a site that is not known any more.
    ///
    /// # Errors
    /// When a call fails; to ask again finishes it.
    pub fn forget_unknown(&self, is_known: impl Fn(SiteId) -> bool) -> io::Result<()> {
        let is_kept = |entry: &Entry| entry.site.is_none_or(&is_known);
        for number in self.files.numbers()? {
            // Nobody waits for this look; only where something goes is the audit held.
            if self.files.read(number, None, None)?.iter().all(|(_, entry)| is_kept(entry)) {
                continue;
            }
            let mut tail = self.tail.lock();
            // Who waits for a line finds it durable here or in the file that is written anew.
            tail.settle()?;
            self.files.keep(number, is_kept)?;
            *tail = Arc::new(Tail::open(&self.files, tail.number())?);
        }
        Ok(())
    }
}
