//! Tokens: who holds which, kept by hash. What they allow is decided by the server.

use std::sync::Arc;

use super::index::Index;
use super::{Accounts, AccountsError, InvalidToken, check, new_id};
use crate::format::account_edits::Edit;
use crate::model::limits::TOKENS;
use crate::model::{Day, Role, SiteId, SiteName, Token, TokenId};

/// A token that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// Its label: one of each name for a site, and for the operators.
    pub name: SiteName,
    /// What it is good for.
    pub role: Role,
    /// For which sites, in any order; none for an operator.
    pub sites: Vec<SiteId>,
    /// BLAKE3 of the token.
    pub hash: [u8; 32],
    /// Unix second from which it is not good any more.
    pub expires_at: Option<u64>,
    /// Networks that it is good from, as CIDR; empty is any.
    pub allow_from: Vec<String>,
}

impl Accounts {
    /// Makes a token at the Unix second `now`.
    ///
    /// # Errors
    /// When a site is not open, the name is taken, it is not what a token can be, there are too many, or the disk fails.
    pub fn put_token(&self, new: NewToken, now: u64) -> Result<Arc<Token>, AccountsError> {
        let mut held = self.log.lock();
        let NewToken { name, role, mut sites, hash, expires_at, allow_from } = new;
        sites.sort_unstable();
        sites.dedup();
        let (created_at, last_used) = (now, None);
        let mut token =
            Token { id: TokenId(0), name, role, sites, hash, created_at, expires_at, last_used, allow_from };
        check::token(&token)?;
        {
            let index = self.index.read();
            if index.tokens().len() >= TOKENS {
                return Err(AccountsError::TooManyTokens);
            }
            if index.by_hash(&hash).is_some() {
                return Err(InvalidToken::Known.into());
            }
            let is_open = |site: &SiteId| index.site(*site).is_some_and(|site| !site.closed);
            if let Some(site) = token.sites.iter().find(|site| !is_open(site)) {
                return Err(AccountsError::NoSuchSite(*site));
            }
            if index.tokens().any(|other| other.name == token.name && other.shares_names_with(&token)) {
                return Err(AccountsError::NameTaken(token.name));
            }
            token.id = new_id(|id| index.token(TokenId(id)).is_none()).map(TokenId)?;
        }
        let id = token.id;
        self.commit(&mut held.0, vec![Edit::PutToken(token)])?;
        self.index.read().token(id).cloned().ok_or(AccountsError::NoSuchToken(id))
    }

    /// Forgets a token: it is good for nothing once this returns.
    ///
    /// # Errors
    /// When there is no such token, or the disk fails.
    pub fn remove_token(&self, token: TokenId) -> Result<(), AccountsError> {
        let mut held = self.log.lock();
        self.index.read().token(token).ok_or(AccountsError::NoSuchToken(token))?;
        self.commit(&mut held.0, vec![Edit::RemoveToken(token)])
    }

    /// Makes a token good for one site less; one that was for that site alone is forgotten.
    ///
    /// # Errors
    /// When there is no such token of that site, or the disk fails.
    pub fn remove_token_of(&self, token: TokenId, site: SiteId) -> Result<(), AccountsError> {
        let mut held = self.log.lock();
        let edit = {
            let index = self.index.read();
            let of_site = index.token(token).filter(|token| token.sites.contains(&site));
            without(of_site.ok_or(AccountsError::NoSuchToken(token))?, site)
        };
        self.commit(&mut held.0, vec![edit])
    }

    /// Notes on which UTC days tokens were used: one sync for all of them, none if all is known. Tokens that are gone
    /// by now are left out.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn use_tokens(&self, used: &[(TokenId, Day)]) -> Result<(), AccountsError> {
        let mut held = self.log.lock();
        let edits = {
            let index = self.index.read();
            let is_news = |(id, day): &&(TokenId, Day)| {
                index.token(*id).is_some_and(|token| token.last_used < Some(*day))
            };
            used.iter().filter(is_news).map(|(id, day)| Edit::UseToken(*id, *day)).collect()
        };
        self.commit(&mut held.0, edits)
    }

    /// The token whose BLAKE3 is `hash`. Whether it has expired is the caller's to look at.
    #[must_use]
    pub fn token_by_hash(&self, hash: &[u8; 32]) -> Option<Arc<Token>> {
        self.index.read().by_hash(hash).cloned()
    }

    /// Every token, by id.
    #[must_use]
    pub fn tokens(&self) -> Vec<Arc<Token>> {
        self.index.read().tokens().cloned().collect()
    }

    /// The tokens that name a site, by id.
    #[must_use]
    pub fn tokens_of(&self, site: SiteId) -> Vec<Arc<Token>> {
        self.index.read().tokens().filter(|token| token.sites.contains(&site)).cloned().collect()
    }
}

/// The edits after which no token names `site`.
pub(super) fn without_site(index: &Index, site: SiteId) -> Vec<Edit> {
    let of_site = index.tokens().filter(|token| token.sites.contains(&site));
    of_site.map(|token| without(token, site)).collect()
}

/// The edit after which `token` does not name `site`.
fn without(token: &Token, site: SiteId) -> Edit {
    let sites: Vec<SiteId> = token.sites.iter().copied().filter(|other| *other != site).collect();
    match sites.is_empty() {
        true => Edit::RemoveToken(token.id),
        false => Edit::PutToken(Token { sites, ..token.clone() }),
    }
}
