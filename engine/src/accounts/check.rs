//! What settings and tokens must be like, whoever writes them.

use super::{InvalidSetting, InvalidToken};
use crate::model::limits::{RETENTION_DAYS, SETTING_BYTES, SETTING_ENTRIES, TOKEN_ENTRIES};
use crate::model::{QueryParams, Role, SiteSettings, Token};

/// Checks the settings of a site. What the texts mean is the server's to check.
pub(super) fn settings(settings: &SiteSettings) -> Result<(), InvalidSetting> {
    days("retention_days", settings.retention_days, 1)?;
    days("hourly_days", settings.hourly_days, 0)?;
    let kept_params: &[String] = match &settings.query_params {
        QueryParams::Only(keys) => keys,
        QueryParams::Drop | QueryParams::Keep => &[],
    };
    for (name, list) in [
        ("hosts", &settings.hosts[..]),
        ("query_params", kept_params),
        ("exclude_pages", &settings.exclude_pages),
        ("exclude_networks", &settings.exclude_networks),
        ("read_origins", &settings.read_origins),
    ] {
        if list.len() > SETTING_ENTRIES {
            return Err(InvalidSetting::Entries { name, got: list.len() });
        }
        if let Some(index) = list.iter().position(|entry| !is_entry(entry)) {
            return Err(InvalidSetting::Entry { name, index });
        }
    }
    Ok(())
}

/// Checks a token.
pub(super) fn token(token: &Token) -> Result<(), InvalidToken> {
    let got = token.sites.len();
    let in_order = token.sites.is_sorted_by(|a, b| a < b);
    let sites_are_right = match token.role {
        Role::Operator => got == 0,
        _ => (1..=TOKEN_ENTRIES).contains(&got) && in_order,
    };
    if !sites_are_right {
        return Err(InvalidToken::Sites { got });
    }
    if token.allow_from.len() > TOKEN_ENTRIES {
        return Err(InvalidToken::Networks { got: token.allow_from.len() });
    }
    match token.allow_from.iter().position(|entry| !is_entry(entry)) {
        Some(index) => Err(InvalidToken::Network { index }),
        None => Ok(()),
    }
}

fn days(name: &'static str, got: u32, from: u32) -> Result<(), InvalidSetting> {
    let ok = (from..=RETENTION_DAYS).contains(&got);
    if ok { Ok(()) } else { Err(InvalidSetting::Days { name, from, got }) }
}

/// Control characters are in no host, page, network or origin; the log relies on there being no long run of NULs.
fn is_entry(text: &str) -> bool {
    (1..=SETTING_BYTES).contains(&text.len()) && !text.chars().any(char::is_control)
}
