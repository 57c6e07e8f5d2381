//! Erasures: what a person asked to be removed, and how far that is.

use std::fmt;
use std::str::FromStr;

use super::{Cover, MaskRule, PageSelection, Seq, SiteId, TextHash, Tombstone};

/// Days from a request to the moment by which no copy has the data any more.
pub const DEADLINE_DAYS: u64 = 90;
/// Days after a request by which a purge begins by itself.
pub const PURGE_DAYS: u64 = 7;
/// Days before the last possible moment at which a piece that cannot be read is removed whole.
pub const LAST_DAYS: u64 = 7;
/// Hours in which the deletion of a site can be cancelled, before its bytes go.
pub const GRACE_HOURS: u64 = 72;

/// Tells an erasure from every other, and cannot be guessed: who has it may read its certificate.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErasureId(pub [u8; 16]);

impl fmt::Display for ErasureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for ErasureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text that is not the id of an erasure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an erasure is named by 32 of 0-9 and a-f")]
pub struct InvalidErasureId;

impl FromStr for ErasureId {
    type Err = InvalidErasureId;

    fn from_str(text: &str) -> Result<ErasureId, InvalidErasureId> {
        let digits = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() != 32 || !text.bytes().all(digits) {
            return Err(InvalidErasureId);
        }
        let number = u128::from_str_radix(text, 16).map_err(|_| InvalidErasureId)?;
        Ok(ErasureId(number.to_be_bytes()))
    }
}

/// Pages of a site, named by text as it is stored: `host/path`.
#[derive(Clone, PartialEq, Eq)]
pub enum NamedPages {
    /// Every page.
    All,
    /// The page of exactly this text.
    Page(Box<str>),
    /// Pages whose text begins with this, which ends with `/`.
    Prefix(Box<str>),
    /// Pages that match; `*` is any run.
    Pattern(Box<str>),
}

impl NamedPages {
    /// The text that was named; none for all pages.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            NamedPages::All => "",
            NamedPages::Page(text) | NamedPages::Prefix(text) | NamedPages::Pattern(text) => text,
        }
    }

    /// How they are named.
    #[must_use]
    pub fn kind(&self) -> NamedKind {
        match self {
            NamedPages::All => NamedKind::All,
            NamedPages::Page(_) => NamedKind::Page,
            NamedPages::Prefix(_) => NamedKind::Prefix,
            NamedPages::Pattern(_) => NamedKind::Pattern,
        }
    }

    /// Pages of this kind and text.
    #[must_use]
    pub fn of(kind: NamedKind, text: &str) -> NamedPages {
        match kind {
            NamedKind::All => NamedPages::All,
            NamedKind::Page => NamedPages::Page(text.into()),
            NamedKind::Prefix => NamedPages::Prefix(text.into()),
            NamedKind::Pattern => NamedPages::Pattern(text.into()),
        }
    }
}

impl fmt::Debug for NamedPages {
    /// Without the text: it may be what somebody wants forgotten.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NamedPages::{:?}(..)", self.kind())
    }
}

/// How pages are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedKind {
    /// All of the site.
    All,
    /// One page.
    Page,
    /// By how they begin.
    Prefix,
    /// By a pattern.
    Pattern,
}

impl NamedKind {
    /// Its words, by code.
    const WORDS: [(NamedKind, &'static str); 4] = [
        (NamedKind::All, "all"),
        (NamedKind::Page, "page"),
        (NamedKind::Prefix, "page_prefix"),
        (NamedKind::Pattern, "page_pattern"),
    ];

    /// Its number on disk.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The kind of a number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<NamedKind> {
        Self::WORDS.get(usize::from(code)).map(|(kind, _)| *kind)
    }

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::WORDS[self as usize].1
    }
}

/// Why something is to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nobody said, or none of the others.
    Other,
    /// A person asked for it.
    SubjectRequest,
    /// A URL held what it should not.
    UrlLeak,
    /// The site's owner has left.
    ContractEnd,
}

impl Reason {
    const WORDS: [(Reason, &'static str); 4] = [
        (Reason::Other, "other"),
        (Reason::SubjectRequest, "subject_request"),
        (Reason::UrlLeak, "url_leak"),
        (Reason::ContractEnd, "contract_end"),
    ];

    /// Its number on disk.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The reason of a number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Reason> {
        Self::WORDS.get(usize::from(code)).map(|(reason, _)| *reason)
    }

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::WORDS[self as usize].1
    }

    /// The reason of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Reason> {
        Self::WORDS.iter().find(|(_, known)| *known == word).map(|(reason, _)| *reason)
    }
}

/// What a person asks to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasureRequest {
    /// Of which site.
    pub site: SiteId,
    /// Which pages.
    pub pages: NamedPages,
    /// What of them.
    pub cover: Cover,
    /// Whether later events of the page or prefix are refused.
    pub block: bool,
    /// Why.
    pub reason: Reason,
    /// The asker's own reference, `[A-Za-z0-9-]{0,32}`.
    pub reference: Box<str>,
}

/// How far an erasure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErasureState {
    /// Written down.
    Requested,
    /// In no answer any more.
    Masked,
    /// In no live file, log or memory.
    LivePurged,
    /// In no snapshot.
    SnapshotsPurged,
    /// In no backup.
    BackupsPurged,
    /// Verified, and signed for.
    Certified,
    /// Called off while it was masked.
    Cancelled,
}

impl ErasureState {
    /// How many there are.
    pub const COUNT: usize = 7;
    const WORDS: [(ErasureState, &'static str); Self::COUNT] = [
        (ErasureState::Requested, "requested"),
        (ErasureState::Masked, "masked"),
        (ErasureState::LivePurged, "live_purged"),
        (ErasureState::SnapshotsPurged, "snapshots_purged"),
        (ErasureState::BackupsPurged, "backups_purged"),
        (ErasureState::Certified, "certified"),
        (ErasureState::Cancelled, "cancelled"),
    ];

    /// Its number on disk.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The state of a number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<ErasureState> {
        Self::WORDS.get(usize::from(code)).map(|(state, _)| *state)
    }

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::WORDS[self as usize].1
    }

    /// Every state, in the order they are gone through, and `Cancelled`.
    pub fn all() -> impl Iterator<Item = ErasureState> {
        Self::WORDS.into_iter().map(|(state, _)| state)
    }
}

/// How much a request covers of what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Matched {
    /// Pages with anything that is covered.
    pub pages: u64,
    /// Events that are covered.
    pub events: u64,
}

/// An erasure as the ledger knows it: without any text of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Tells it from every other.
    pub id: ErasureId,
    /// Its place among all of the ledger; the first is 1.
    pub number: u64,
    /// Of which site.
    pub site: SiteId,
    /// The last batch it covers.
    pub through: Seq,
    /// How its pages were named.
    pub named: NamedKind,
    /// Hashes of them: of the page, of the prefix, of the pages that a pattern has matched.
    pub hashes: Vec<TextHash>,
    /// What of them.
    pub cover: Cover,
    /// Whether later events are refused.
    pub block: bool,
    /// Whether the site itself is deleted.
    pub deletes_site: bool,
    /// Why.
    pub reason: Reason,
    /// The asker's own reference.
    pub reference: Box<str>,
    /// How much it covered.
    pub matched: Matched,
    /// BLAKE3 of a salt, which only the asker has, and of what was named.
    pub commitment: [u8; 32],
    /// Unix ms at which each state was reached, by its code.
    pub times: [Option<u64>; ErasureState::COUNT],
    /// Unix ms from which the deletion of a site cannot be cancelled any more.
    pub grace_over_ms: Option<u64>,
    /// Unix ms from which no backup target has an old version of it any more, once the targets that keep some were
    /// purged.
    pub versions_gone_ms: Option<u64>,
    /// What could not be read and was removed whole.
    pub losses: Vec<Loss>,
}

/// A piece of a file that could not be read, and was removed to keep the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Number of the segment.
    pub segment: u64,
    /// Whether all of the file was lost, or only what it had of the site.
    pub whole: bool,
    /// Events in it, of all sites, as far as is known.
    pub events: u64,
}

impl Erasure {
    /// How far it is.
    #[must_use]
    pub fn state(&self) -> ErasureState {
        let reached = ErasureState::all().filter(|state| self.at_ms(*state).is_some());
        reached.max().unwrap_or(ErasureState::Requested)
    }

    /// When it reached a state, in Unix ms.
    #[must_use]
    pub fn at_ms(&self, state: ErasureState) -> Option<u64> {
        self.times[state as usize]
    }

    /// When it was asked for, in Unix ms.
    #[must_use]
    pub fn requested_ms(&self) -> u64 {
        self.at_ms(ErasureState::Requested).unwrap_or(0)
    }

    /// By when no copy has the data any more, in Unix ms.
    #[must_use]
    pub fn deadline_ms(&self) -> u64 {
        self.requested_ms().saturating_add(DEADLINE_DAYS * 86_400_000)
    }

    /// Whether it is neither done nor called off.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state() < ErasureState::Certified
    }

    /// Whether it is a site's deletion that can still be called off.
    #[must_use]
    pub fn is_in_grace(&self) -> bool {
        self.deletes_site && self.grace_over_ms.is_none() && self.is_open()
    }

    /// What it masks; nothing when it was called off, or while a deletion can be.
    #[must_use]
    pub fn tombstone(&self) -> Option<Tombstone> {
        if self.state() == ErasureState::Cancelled { None } else { self.taken_from_memory() }
    }

    /// What it has taken out of memory. That is for good: when it is called off, no log brings it back.
    #[must_use]
    pub fn taken_from_memory(&self) -> Option<Tombstone> {
        if self.deletes_site && self.grace_over_ms.is_none() {
            return None;
        }
        let pages = match self.named {
            NamedKind::All => PageSelection::All,
            NamedKind::Page | NamedKind::Pattern => PageSelection::Pages(self.hashes.clone()),
            NamedKind::Prefix => PageSelection::Prefix(*self.hashes.first()?),
        };
        // Nothing is ever written again of a site that is gone.
        let through = if self.deletes_site { Seq(u64::MAX) } else { self.through };
        Some(Tombstone { through, rule: MaskRule { pages, cover: self.cover } })
    }

    /// What it keeps out from now on, if it blocks.
    #[must_use]
    pub fn blocks(&self) -> Option<PageSelection> {
        if !self.block || self.state() == ErasureState::Cancelled {
            return None;
        }
        match self.named {
            NamedKind::Page => Some(PageSelection::Pages(self.hashes.clone())),
            NamedKind::Prefix => self.hashes.first().copied().map(PageSelection::Prefix),
            NamedKind::All | NamedKind::Pattern => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_only_as_it_was_written() {
        let id = ErasureId([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]);
        assert_eq!(id.to_string(), "000102030405060708090a0b0c0d0eff");
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in ["", "00", "000102030405060708090A0B0C0D0EFF", "+00102030405060708090a0b0c0d0eff"] {
            assert_eq!(wrong.parse::<ErasureId>(), Err(InvalidErasureId), "{wrong}");
        }
    }

    #[test]
    fn codes_and_words_belong_together() {
        for state in ErasureState::all() {
            assert_eq!(ErasureState::from_code(state.code()), Some(state));
        }
        for code in 0..4 {
            assert_eq!(NamedKind::from_code(code).unwrap().code(), code);
            let reason = Reason::from_code(code).unwrap();
            assert_eq!((reason.code(), Reason::parse(reason.as_str())), (code, Some(reason)));
        }
        assert_eq!((Reason::from_code(4), Reason::parse("")), (None, None));
    }

    #[test]
    fn what_was_named_is_never_printed() {
        let pages = NamedPages::Page("s.example/secret".into());
        assert_eq!(format!("{pages:?}"), "NamedPages::Page(..)");
    }
}
