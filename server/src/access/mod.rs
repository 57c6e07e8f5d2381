//! Who may what: from a token to a right, and from a right to a site's data. Nothing else makes a `SiteScope`.
//!
//! A handler says what it needs as its first argument, `SiteAccess<Read>` or `Operator`, and the checks of every route
//! come in one order: network, token (401), site (404), right (403); then what else the handler takes.

mod extract;
mod principal;
mod secret;
mod used;

pub use extract::{Client, Operator, Own, Read, Right, Signed, SiteAccess, Write};
pub use principal::Principal;
pub use secret::{BadOperatorToken, NewSecret, OperatorToken};

use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use heatgrid_engine::accounts::Accounts;
use heatgrid_engine::model::{Day, Role, Token};
use ipnet::IpNet;

use self::used::Used;
use crate::config::Config;
use crate::http::problem::{NETWORK, NO_TOKEN, Problem, RATE};
use crate::privacy::visitor::Visitor;
use crate::rate::Rate;

/// Wrong tokens at once from one address, as a multiple of the rate: a page that loads asks several times.
const BURST: u32 = 10;

/// Decides who may what.
pub struct Access {
    operator: OperatorToken,
    query_allow: Vec<IpNet>,
    operator_allow: Vec<IpNet>,
    trusted_proxies: Vec<IpNet>,
    wrong: Rate,
    used: Used,
}

impl Access {
    /// With the networks and rates of the configuration.
    #[must_use]
    pub fn new(operator: OperatorToken, config: &Config) -> Access {
        let per_second = config.tokens_per_address;
        Access {
            operator,
            query_allow: config.query_allow.clone(),
            operator_allow: config.operator_allow.clone(),
            trusted_proxies: config.trusted_proxies.clone(),
            wrong: Rate::per_second(per_second, per_second.saturating_mul(BURST)),
            used: Used::default(),
        }
    }

    /// Who is at the other end of a request.
    #[must_use]
    pub fn visitor(&self, peer: SocketAddr, headers: &HeaderMap) -> Visitor {
        Visitor::of(peer, headers, &self.trusted_proxies)
    }

    /// Whose token a request carries, at the Unix second `now`.
    ///
    /// # Errors
    /// 401 without a good token; 429 after too many wrong ones; 403 for an operator outside the operators' networks.
    fn principal(
        &self,
        accounts: &Accounts,
        headers: &HeaderMap,
        client: &Visitor,
        now: u64,
    ) -> Result<Principal, Problem> {
        let Some(secret) = bearer(headers) else {
            return Err(Problem::new(&NO_TOKEN, "send a token as `Authorization: Bearer TOKEN`"));
        };
        let principal = if self.operator.is(secret) {
            Principal::operator()
        } else {
            let token = accounts.token_by_hash(&secret::hash(secret));
            let Some(token) = token.filter(|token| is_good(token, client, now)) else {
                return Err(self.wrong_token(client));
            };
            self.used.note(&token, now);
            Principal::of(token)
        };
        if principal.role() == Role::Operator && !is_allowed(client, &self.operator_allow) {
            return Err(Problem::new(
                &NETWORK,
                "operators may not come from this address: see operator_allow",
            ));
        }
        Ok(principal)
    }

    /// Whether a client may use the routes of queries, by its network alone.
    fn check_query_network(&self, client: &Visitor) -> Result<(), Problem> {
        match is_allowed(client, &self.query_allow) {
            true => Ok(()),
            false => Err(Problem::new(&NETWORK, "queries may not come from this address: see query_allow")),
        }
    }

    fn wrong_token(&self, client: &Visitor) -> Problem {
        match self.wrong.check(&client.neighbourhood()) {
            Ok(()) => Problem::new(
                &NO_TOKEN,
                "the token is unknown, revoked, expired, or not good from this address; ask for another one",
            ),
            Err(seconds) => {
                Problem::new(&RATE, "too many wrong tokens came from this address").retry_after(seconds)
            }
        }
    }

    /// The UTC day on which a token was last used, also if that is not written yet.
    #[must_use]
    pub fn last_used(&self, token: &Token) -> Option<Day> {
        self.used.noted(token.id).or(token.last_used)
    }

    /// Does what need not be done at once: notes on which days tokens were used, forgets addresses.
    ///
    /// # Errors
    /// When the days could not be written; they are tried again the next time.
    pub fn tidy(&self, accounts: &Accounts) -> Result<(), heatgrid_engine::accounts::AccountsError> {
        self.wrong.forget_idle();
        self.used.write(accounts)
    }
}

fn is_allowed(client: &Visitor, networks: &[IpNet]) -> bool {
    networks.is_empty() || client.is_in(networks)
}

fn is_good(token: &Arc<Token>, client: &Visitor, now: u64) -> bool {
    let is_in_time = token.expires_at.is_none_or(|end| now < end);
    let from = || token.allow_from.iter().filter_map(|network| network.parse::<IpNet>().ok());
    is_in_time && (token.allow_from.is_empty() || from().any(|network| network.contains(&client.address())))
}

/// The token of an `Authorization: Bearer` header, if it has one.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, secret) = headers.get(AUTHORIZATION)?.as_bytes().split_at_checked(7)?;
    let secret = secret.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer ") && !secret.is_empty()).then_some(secret)
}
