//! Tokens: as they are asked for, shown once, and listed.

use heatgrid_engine::model::limits::TOKEN_ENTRIES;
use heatgrid_engine::model::{Day, InvalidName, Role, SiteName, Token};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::time::rfc3339;

/// A token that is asked for.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrittenToken {
    /// Its label.
    pub name: String,
    /// reader, writer or owner; an operator's is asked for without.
    pub role: Option<String>,
    /// Names of its sites, where the path names none.
    pub sites: Option<Vec<String>>,
    /// From when it is good for nothing, RFC 3339; never, if not given.
    pub expires_at: Option<String>,
    /// Networks (CIDR) that it is good from; any, if not given.
    #[serde(default)]
    pub allow_from: Vec<String>,
}

/// What is wrong with a token that is asked for.
#[derive(Debug, thiserror::Error)]
pub enum BadToken {
    /// No JSON object of a token.
    #[error("not an object that describes a token: {0}")]
    Json(#[from] serde_json::Error),
    /// A name that is none.
    #[error("{name}: {source}")]
    Name {
        /// Where it stands.
        name: &'static str,
        /// What is wrong.
        source: InvalidName,
    },
    /// A value that is not what it has to be.
    #[error("{name} is {expected}")]
    Value {
        /// Its name.
        name: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// Something of other routes.
    #[error("{name} has no meaning here")]
    NotHere {
        /// Its name.
        name: &'static str,
    },
}

impl WrittenToken {
    /// Reads a JSON object.
    ///
    /// # Errors
    /// When it is none, or has a member that means nothing.
    pub fn from_json(body: &[u8]) -> Result<WrittenToken, BadToken> {
        Ok(serde_json::from_slice(body)?)
    }

    /// Its name.
    ///
    /// # Errors
    /// When it is not of the allowed form.
    pub fn name(&self) -> Result<SiteName, BadToken> {
        name("name", &self.name)
    }

    /// The role of a site's token.
    ///
    /// # Errors
    /// When it is missing, or none of a site.
    pub fn role(&self) -> Result<Role, BadToken> {
        let of_sites = [Role::Reader, Role::Writer, Role::Owner];
        let role =
            self.role.as_deref().and_then(|text| of_sites.into_iter().find(|role| role.name() == text));
        role.ok_or(BadToken::Value { name: "role", expected: "reader, writer or owner" })
    }

    /// The names of its sites.
    ///
    /// # Errors
    /// When there are none, too many, or one is not of the allowed form.
    pub fn sites(&self) -> Result<Vec<SiteName>, BadToken> {
        let sites = self.sites.as_deref().unwrap_or_default();
        if !(1..=TOKEN_ENTRIES).contains(&sites.len()) {
            return Err(BadToken::Value { name: "sites", expected: "the names of 1 to 1,000 sites" });
        }
        sites.iter().map(|site| name("sites", site)).collect()
    }

    /// That nothing is said which the path says, or which has no meaning for such a token.
    ///
    /// # Errors
    /// When something is.
    pub fn without(&self, role: bool, sites: bool) -> Result<(), BadToken> {
        match self {
            WrittenToken { role: Some(_), .. } if role => Err(BadToken::NotHere { name: "role" }),
            WrittenToken { sites: Some(_), .. } if sites => Err(BadToken::NotHere { name: "sites" }),
            _ => Ok(()),
        }
    }

    /// The Unix second from which it is good for nothing, after the Unix second `now`.
    ///
    /// # Errors
    /// When it is no instant, or over already.
    pub fn expires_at(&self, now: u64) -> Result<Option<u64>, BadToken> {
        let bad = || BadToken::Value {
            name: "expires_at",
            expected: "an instant in the future, such as 2030-01-31T00:00:00Z",
        };
        let Some(text) = &self.expires_at else { return Ok(None) };
        let instant: jiff::Timestamp = text.parse().map_err(|_| bad())?;
        let second = u64::try_from(instant.as_second()).map_err(|_| bad())?;
        if second > now { Ok(Some(second)) } else { Err(bad()) }
    }

    /// The networks that it is good from.
    ///
    /// # Errors
    /// When one is none, or there are too many.
    pub fn allow_from(&self) -> Result<Vec<String>, BadToken> {
        let are_networks = self.allow_from.iter().all(|network| network.parse::<IpNet>().is_ok());
        if are_networks && self.allow_from.len() <= TOKEN_ENTRIES {
            return Ok(self.allow_from.clone());
        }
        Err(BadToken::Value { name: "allow_from", expected: "networks such as 192.0.2.0/24, at most 1,000" })
    }
}

fn name(what: &'static str, text: &str) -> Result<SiteName, BadToken> {
    SiteName::new(text).map_err(|source| BadToken::Name { name: what, source })
}

/// A token, as lists show it: never its secret, and never the other sites it is for.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Token)]
pub struct TokenJson<'a> {
    name: &'a str,
    role: &'static str,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// UTC day; absent if it never was.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<String>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    allow_from: &'a [String],
}

impl<'a> TokenJson<'a> {
    /// Shows a token that was last used on the UTC day `last_used`.
    #[must_use]
    pub fn of(token: &'a Token, last_used: Option<Day>) -> TokenJson<'a> {
        TokenJson {
            name: token.name.as_str(),
            role: token.role.name(),
            created_at: rfc3339(token.created_at.saturating_mul(1_000)),
            expires_at: token.expires_at.map(|second| rfc3339(second.saturating_mul(1_000))),
            last_used: last_used.map(|day| day.to_string()),
            allow_from: &token.allow_from,
        }
    }
}

/// A token that was just made, with its secret: the only time that it is shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewToken)]
pub struct NewTokenJson<'a> {
    /// The secret.
    pub token: &'a str,
    /// What it is.
    #[serde(flatten)]
    pub about: TokenJson<'a>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> WrittenToken {
        WrittenToken::from_json(body.as_bytes()).unwrap()
    }

    #[test]
    fn a_token_is_read_and_what_is_wrong_with_it_is_named() {
        let written = read(
            r#"{"name":"dash","role":"reader","sites":["shop"],"expires_at":"2026-01-02T12:00:00+01:00","allow_from":["::1/128"]}"#,
        );
        assert_eq!(written.name().unwrap().as_str(), "dash");
        assert_eq!(written.role().unwrap(), Role::Reader);
        assert_eq!(written.sites().unwrap(), [SiteName::new("shop").unwrap()]);
        assert_eq!(written.expires_at(0).unwrap(), Some(1_767_351_600));
        assert!(written.expires_at(1_767_351_600).is_err(), "over already");
        assert_eq!(written.allow_from().unwrap(), ["::1/128"]);
        assert!(written.without(false, false).is_ok());
        assert!(written.without(true, false).is_err() && written.without(false, true).is_err());

        let wrong = read(r#"{"name":"A","role":"operator","expires_at":"tomorrow","allow_from":["here"]}"#);
        assert!(wrong.name().is_err() && wrong.role().is_err() && wrong.sites().is_err());
        assert!(wrong.expires_at(0).is_err() && wrong.allow_from().is_err());
        for body in ["{}", "[]", r#"{"name":"a","colour":"red"}"#] {
            assert!(WrittenToken::from_json(body.as_bytes()).is_err(), "{body}");
        }
    }
}
