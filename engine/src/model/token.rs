//! Tokens: who may ask, for what, and from where. Secrets are known by their hashes only.

use std::fmt;

use super::{Day, SiteId, SiteName};

/// A token's random identity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub u64);

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a token is good for. The number is the code on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Role {
    /// Queries.
    Reader = 0,
    /// Bulk ingest, nothing else.
    Writer = 1,
    /// Both, erasures, settings, tokens and audit of its sites.
    Owner = 2,
    /// Everything, under audit.
    Operator = 3,
}

impl Role {
    /// Every role, by code.
    pub const ALL: [Role; 4] = [Role::Reader, Role::Writer, Role::Owner, Role::Operator];

    /// The role of a code as stored, or `None` if none has it.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Role> {
        Role::ALL.get(usize::from(code)).copied()
    }

    /// The code on disk.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Its name on the wire; tokens begin with it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::Reader => "reader",
            Role::Writer => "writer",
            Role::Owner => "owner",
            Role::Operator => "operator",
        }
    }
}

/// A token as the accounts know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its identity.
    pub id: TokenId,
    /// Its label: one of each name for a site, and for the operators.
    pub name: SiteName,
    /// What it is good for.
    pub role: Role,
    /// For which sites, ascending; none for an operator, who sees all.
    pub sites: Vec<SiteId>,
    /// BLAKE3 of the token. It is random and long, so that no salt is needed.
    pub hash: [u8; 32],
    /// Unix second of its creation.
    pub created_at: u64,
    /// Unix second from which it is not good any more.
    pub expires_at: Option<u64>,
    /// UTC day on which it was last used.
    pub last_used: Option<Day>,
    /// Networks that it is good from, as CIDR; empty is any.
    pub allow_from: Vec<String>,
}

impl Token {
    /// Whether it and `other` cannot have the same name: both are of one site, or both are operators'.
    #[must_use]
    pub fn shares_names_with(&self, other: &Token) -> bool {
        match (self.role, other.role) {
            (Role::Operator, Role::Operator) => true,
            (Role::Operator, _) | (_, Role::Operator) => false,
            _ => self.sites.iter().any(|site| other.sites.contains(site)),
        }
    }
}
