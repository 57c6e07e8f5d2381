//! What can go wrong with accounts.

use crate::disk::DiskError;
use crate::format::frame::FormatError;
use crate::format::names::FileName;
use crate::model::limits::{RETENTION_DAYS, SETTING_BYTES, SETTING_ENTRIES, SITES, TOKEN_ENTRIES, TOKENS};
use crate::model::{SiteId, SiteName, TokenId};

/// Why accounts could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// A call failed. Whether a change that was being made is there will be known after the next opening.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The file has rotted, or a newer release wrote it. Nothing of it is believed: who could not see that a site was
    /// closed would open it again.
    #[error(
        "{file} cannot be read at offset {offset}: {source}; put a copy of it from a backup in its place"
    )]
    Unreadable {
        /// Which file.
        file: FileName,
        /// Where the frame begins that cannot be read.
        offset: u64,
        /// What is wrong with it.
        source: FormatError,
    },
    /// The file, or what one call wants to write into it, is too large.
    #[error("{file}: {got} bytes at once, at most {expected} are allowed; ask for less in one call")]
    TooLarge {
        /// Which file.
        file: FileName,
        /// The maximum, in bytes.
        expected: u64,
        /// How many there are.
        got: u64,
    },
    /// An open site, or a token of the same site, has the name.
    #[error("the name {0} is taken")]
    NameTaken(SiteName),
    /// No site has this id, or it is closed.
    #[error("there is no open site {0}")]
    NoSuchSite(SiteId),
    /// No token has this id.
    #[error("there is no token {0}")]
    NoSuchToken(TokenId),
    /// The zone decided the day of events that are stored.
    #[error("the time zone of a site that has data cannot change; make another site")]
    ZoneHasData,
    /// A setting that is out of range.
    #[error(transparent)]
    Setting(#[from] InvalidSetting),
    /// A token that cannot be.
    #[error(transparent)]
    Token(#[from] InvalidToken),
    /// Too many sites.
    #[error("a store has at most {SITES} sites")]
    TooManySites,
    /// Too many tokens.
    #[error("a store has at most {TOKENS} tokens")]
    TooManyTokens,
    /// The operating system gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
}

/// A setting that is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSetting {
    /// Not a number of days that anything is kept for.
    #[error("{name} is {from} to {RETENTION_DAYS}, not {got}")]
    Days {
        /// Name of the setting.
        name: &'static str,
        /// The least.
        from: u32,
        /// What was asked for.
        got: u32,
    },
    /// A list that is too long.
    #[error("{name} has at most {SETTING_ENTRIES} entries, not {got}")]
    Entries {
        /// Name of the setting.
        name: &'static str,
        /// Its entries.
        got: usize,
    },
    /// An entry that is empty, too long, or has control characters in it.
    #[error(
        "an entry of {name} has 1 to {SETTING_BYTES} bytes and no control characters; entry {index} is not so"
    )]
    Entry {
        /// Name of the setting.
        name: &'static str,
        /// Which entry; the first is 0.
        index: usize,
    },
}

/// A token that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// An operator's token names sites, or another one names none or too many.
    #[error("a token is for 1 to {TOKEN_ENTRIES} sites, an operator's for none in particular; not for {got}")]
    Sites {
        /// How many it names.
        got: usize,
    },
    /// The list of networks is too long.
    #[error("a token is good from at most {TOKEN_ENTRIES} networks, not {got}")]
    Networks {
        /// How many it names.
        got: usize,
    },
    /// An entry of the list of networks is empty, too long, or has control characters in it.
    #[error("entry {index} of the networks is none")]
    Network {
        /// Which; the first is 0.
        index: usize,
    },
    /// Another token has the same hash, so it is the same token.
    #[error("there is such a token already")]
    Known,
}
