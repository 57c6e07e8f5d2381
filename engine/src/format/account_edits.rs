//! What the frames of `accounts` say: edits of sites and tokens. `docs/FORMAT.md`, section "Accounts".

use super::frame::{Cursor, FormatError, put_counted, put_varint};
use crate::model::limits::{SETTING_BYTES, SETTING_ENTRIES, TOKEN_ENTRIES};
use crate::model::{
    Day, PageLimits, PathRules, QueryParams, Region, Role, Site, SiteId, SiteName, SiteSettings, Token,
    TokenId, Zone,
};

const NAME_BYTES: usize = 63;
/// Most bytes of a public key: region, `_`, and 32 random characters, with some to spare.
const KEY_BYTES: usize = 64;
/// Longest IANA name has 32 bytes.
const ZONE_BYTES: usize = 64;

const PUT_SITE: u8 = 1;
const REMOVE_SITE: u8 = 2;
const PUT_TOKEN: u8 = 3;
const REMOVE_TOKEN: u8 = 4;
const USE_TOKEN: u8 = 5;

const CLOSED: u8 = 1;
const HAS_OLD_KEY: u8 = 2;
const EXPIRES: u8 = 1;
const WAS_USED: u8 = 2;

/// One change of the accounts.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// A site is as this says, new or not.
    PutSite(Site),
    /// A site is forgotten.
    RemoveSite(SiteId),
    /// A token is as this says, new or not.
    PutToken(Token),
    /// A token is forgotten.
    RemoveToken(TokenId),
    /// A token was used on a UTC day.
    UseToken(TokenId, Day),
}

/// Finds the zone of an IANA name; `None` if there is none.
pub type FindZone<'a> = &'a mut dyn FnMut(&str) -> Option<Zone>;

impl Edit {
    /// Appends its bytes.
    pub fn encode(&self, target: &mut Vec<u8>) {
        match self {
            Edit::PutSite(site) => put_site(target, site),
            Edit::RemoveSite(site) => {
                target.push(REMOVE_SITE);
                target.extend_from_slice(&site.0.to_le_bytes());
            }
            Edit::PutToken(token) => put_token(target, token),
            Edit::RemoveToken(token) => {
                target.push(REMOVE_TOKEN);
                target.extend_from_slice(&token.0.to_le_bytes());
            }
            Edit::UseToken(token, day) => {
                target.push(USE_TOKEN);
                target.extend_from_slice(&token.0.to_le_bytes());
                target.extend_from_slice(&day.number().to_le_bytes());
            }
        }
    }

    /// Reads an edit.
    ///
    /// # Errors
    /// When the bytes end early or say what nobody can have edited.
    pub fn decode(cursor: &mut Cursor<'_>, zone: FindZone<'_>) -> Result<Edit, FormatError> {
        match cursor.u8()? {
            PUT_SITE => take_site(cursor, zone).map(Edit::PutSite),
            REMOVE_SITE => cursor.u64().map(|id| Edit::RemoveSite(SiteId(id))),
            PUT_TOKEN => take_token(cursor).map(Edit::PutToken),
            REMOVE_TOKEN => cursor.u64().map(|id| Edit::RemoveToken(TokenId(id))),
            USE_TOKEN => Ok(Edit::UseToken(TokenId(cursor.u64()?), Day::from_number(cursor.u16()?))),
            kind => Err(cursor.invalid(u64::from(kind))),
        }
    }
}

/// Appends the edit that a site is as this says.
pub fn put_site(target: &mut Vec<u8>, site: &Site) {
    let Site { id, name, region, key, old_key, created_at, closed, settings } = site;
    target.push(PUT_SITE);
    target.extend_from_slice(&id.0.to_le_bytes());
    target.push(flag(*closed, CLOSED) | flag(old_key.is_some(), HAS_OLD_KEY));
    put_counted(target, name.as_str().as_bytes());
    put_counted(target, region.as_str().as_bytes());
    put_counted(target, key.as_bytes());
    if let Some((key, good_until)) = old_key {
        put_counted(target, key.as_bytes());
        put_varint(target, *good_until);
    }
    put_varint(target, *created_at);
    put_settings(target, settings);
}

fn put_settings(target: &mut Vec<u8>, settings: &SiteSettings) {
    // Every setting is named, so that a new one cannot be forgotten here.
    let SiteSettings {
        hosts,
        timezone,
        query_params,
        path_rules,
        exclude_pages,
        exclude_networks,
        retention_days,
        hourly_days,
        min_count,
        read_origins,
        page_limits,
    } = settings;
    put_counted(target, timezone.name().as_bytes());
    match query_params {
        QueryParams::Drop => target.push(0),
        QueryParams::Keep => target.push(1),
        QueryParams::Only(keys) => {
            target.push(2);
            put_list(target, keys);
        }
    }
    target.push(match path_rules {
        PathRules::Redact => 0,
        PathRules::Keep => 1,
    });
    put_varint(target, u64::from(*retention_days));
    put_varint(target, u64::from(*hourly_days));
    put_varint(target, u64::from(*min_count));
    put_varint(target, u64::from(page_limits.new_a_day));
    put_varint(target, u64::from(page_limits.live));
    put_list(target, hosts);
    put_list(target, exclude_pages);
    put_list(target, exclude_networks);
    put_list(target, read_origins);
}

fn take_site(cursor: &mut Cursor<'_>, zone: FindZone<'_>) -> Result<Site, FormatError> {
    let id = SiteId(cursor.u64()?);
    let flags = take_flags(cursor, CLOSED | HAS_OLD_KEY)?;
    let name = take_name(cursor)?;
    let region = cursor.text(Region::MAX_BYTES)?;
    let region = Region::new(region).map_err(|_| cursor.invalid(region.len() as u64))?;
    let key = cursor.text(KEY_BYTES)?.into();
    let old_key = match flags & HAS_OLD_KEY {
        0 => None,
        _ => Some((cursor.text(KEY_BYTES)?.into(), cursor.varint()?)),
    };
    let created_at = cursor.varint()?;
    let closed = flags & CLOSED != 0;
    let settings = take_settings(cursor, zone)?;
    Ok(Site { id, name, region, key, old_key, created_at, closed, settings })
}

fn take_settings(cursor: &mut Cursor<'_>, zone: FindZone<'_>) -> Result<SiteSettings, FormatError> {
    let timezone = cursor.text(ZONE_BYTES)?;
    let timezone = zone(timezone).ok_or_else(|| cursor.invalid(timezone.len() as u64))?;
    let query_params = match cursor.u8()? {
        0 => QueryParams::Drop,
        1 => QueryParams::Keep,
        2 => QueryParams::Only(take_list(cursor, SETTING_ENTRIES)?),
        got => return Err(cursor.invalid(u64::from(got))),
    };
    let path_rules = match cursor.u8()? {
        0 => PathRules::Redact,
        1 => PathRules::Keep,
        got => return Err(cursor.invalid(u64::from(got))),
    };
    Ok(SiteSettings {
        timezone,
        query_params,
        path_rules,
        retention_days: cursor.varint_u32()?,
        hourly_days: cursor.varint_u32()?,
        min_count: cursor.varint_u32()?,
        page_limits: PageLimits { new_a_day: cursor.varint_u32()?, live: cursor.varint_u32()? },
        hosts: take_list(cursor, SETTING_ENTRIES)?,
        exclude_pages: take_list(cursor, SETTING_ENTRIES)?,
        exclude_networks: take_list(cursor, SETTING_ENTRIES)?,
        read_origins: take_list(cursor, SETTING_ENTRIES)?,
    })
}

/// Appends the edit that a token is as this says.
pub fn put_token(target: &mut Vec<u8>, token: &Token) {
    let Token { id, name, role, sites, hash, created_at, expires_at, last_used, allow_from } = token;
    target.push(PUT_TOKEN);
    target.extend_from_slice(&id.0.to_le_bytes());
    target.push(flag(expires_at.is_some(), EXPIRES) | flag(last_used.is_some(), WAS_USED));
    target.push(role.code());
    target.extend_from_slice(hash);
    put_counted(target, name.as_str().as_bytes());
    put_varint(target, *created_at);
    if let Some(expires_at) = expires_at {
        put_varint(target, *expires_at);
    }
    if let Some(day) = last_used {
        target.extend_from_slice(&day.number().to_le_bytes());
    }
    put_varint(target, sites.len() as u64);
    sites.iter().for_each(|site| target.extend_from_slice(&site.0.to_le_bytes()));
    put_list(target, allow_from);
}

fn take_token(cursor: &mut Cursor<'_>) -> Result<Token, FormatError> {
    let id = TokenId(cursor.u64()?);
    let flags = take_flags(cursor, EXPIRES | WAS_USED)?;
    let role = cursor.u8()?;
    let role = Role::from_code(role).ok_or_else(|| cursor.invalid(u64::from(role)))?;
    let hash = cursor.array()?;
    let name = take_name(cursor)?;
    let created_at = cursor.varint()?;
    let expires_at = if flags & EXPIRES == 0 { None } else { Some(cursor.varint()?) };
    let last_used = if flags & WAS_USED == 0 { None } else { Some(Day::from_number(cursor.u16()?)) };
    let count = cursor.count(TOKEN_ENTRIES, size_of::<u64>())?;
    let mut sites: Vec<SiteId> = Vec::with_capacity(count);
    for _ in 0..count {
        let site = SiteId(cursor.u64()?);
        if sites.last().is_some_and(|last| *last >= site) {
            return Err(cursor.invalid(site.0));
        }
        sites.push(site);
    }
    let allow_from = take_list(cursor, TOKEN_ENTRIES)?;
    Ok(Token { id, name, role, sites, hash, created_at, expires_at, last_used, allow_from })
}

fn take_name(cursor: &mut Cursor<'_>) -> Result<SiteName, FormatError> {
    let name = cursor.text(NAME_BYTES)?;
    SiteName::new(name).map_err(|_| cursor.invalid(name.len() as u64))
}

fn flag(is: bool, bit: u8) -> u8 {
    if is { bit } else { 0 }
}

fn take_flags(cursor: &mut Cursor<'_>, known: u8) -> Result<u8, FormatError> {
    match cursor.u8()? {
        flags if flags & !known == 0 => Ok(flags),
        flags => Err(cursor.invalid(u64::from(flags))),
    }
}

fn put_list(target: &mut Vec<u8>, list: &[String]) {
    put_varint(target, list.len() as u64);
    list.iter().for_each(|entry| put_counted(target, entry.as_bytes()));
}

fn take_list(cursor: &mut Cursor<'_>, limit: usize) -> Result<Vec<String>, FormatError> {
    let count = cursor.count(limit, 1)?;
    (0..count).map(|_| cursor.text(SETTING_BYTES).map(str::to_owned)).collect()
}

#[cfg(test)]
pub(crate) mod tests;
