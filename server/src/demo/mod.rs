//! `--demo`: a store with a made-up shop to click on, and ninety days of made-up visits, so that the first look shows
//! something.

mod history;
mod shop;
mod targets;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use heatgrid_engine::accounts::{AccountsError, NewSite, NewToken};
use heatgrid_engine::error::AppendError;
use heatgrid_engine::model::{Region, Role, Site, SiteName, SiteSettings};
use heatgrid_engine::store::Store;

use crate::access::NewSecret;
use crate::config::Config;

/// Name of the demo's site.
const SITE: &str = "demo";

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The store is somebody's.
    #[error(
        "the store holds the site {0}; the demo wants a store of its own: leave --data out, or name an empty directory"
    )]
    OtherSites(SiteName),
    /// The site could not be made.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The history could not be stored.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// A demo that can be shown.
pub struct Demo {
    address: String,
    key: String,
    token: NewSecret,
}

impl Demo {
    /// Makes the demo's site with its history, if the store does not have it yet, and a token to look at it. The server
    /// is at `authority`, a host with a port; `now_ms` is Unix ms. Blocks until everything is durable.
    ///
    /// # Errors
    /// When the store holds other sites, or cannot be written.
    pub fn begin(store: &Store, config: &Config, authority: &str, now_ms: u64) -> Result<Demo, DemoError> {
        let site = site(store, &config.region, authority, now_ms)?;
        let scheme = if config.tls.is_some() { "https" } else { "http" };
        let address = format!("{scheme}://{authority}");
        Ok(Demo { address, key: site.key.to_string(), token: token(store, &site, now_ms)? })
    }

    /// The shop's pages.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        shop::routes(&self.key)
    }
}

impl fmt::Display for Demo {
    /// What a person does next.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Demo { address, token, .. } = self;
        writeln!(f, "The demo is ready. Open these two side by side; Ctrl-C ends it.\n")?;
        writeln!(f, "  a shop to click on    {address}/demo/")?;
        writeln!(f, "  its heatmaps          {address}/#token={}", token.text())
    }
}

/// The demo's site, made with its history if it is not there.
fn site(store: &Store, region: &Region, authority: &str, now_ms: u64) -> Result<Arc<Site>, DemoError> {
    let accounts = store.accounts();
    if let Some(other) = accounts.list(None, 2).into_iter().find(|site| site.name.as_str() != SITE) {
        return Err(DemoError::OtherSites(other.name.clone()));
    }
    if let Some(site) = accounts.by_name(SITE) {
        return Ok(site);
    }
    let new = NewSite { name: name(SITE), region: region.clone(), settings: SiteSettings::standard() };
    let made = accounts.create_sites(vec![new], now_ms / 1_000)?;
    let site = made.into_iter().next().expect("one was asked for");
    for batch in history::batches(site.id, authority, now_ms) {
        store.append_wait(batch)?;
    }
    Ok(site)
}

/// A new token to look at the demo's site; the one of the last time ends.
fn token(store: &Store, site: &Site, now_ms: u64) -> Result<NewSecret, DemoError> {
    let (accounts, name) = (store.accounts(), name("dashboard"));
    if let Some(last) = accounts.tokens_of(site.id).into_iter().find(|token| token.name == name) {
        accounts.remove_token(last.id)?;
    }
    let secret = NewSecret::of(Role::Reader).map_err(AccountsError::Random)?;
    let (hash, sites) = (secret.hash(), vec![site.id]);
    let new = NewToken { name, role: Role::Reader, sites, hash, expires_at: None, allow_from: Vec::new() };
    accounts.put_token(new, now_ms / 1_000)?;
    Ok(secret)
}

fn name(text: &str) -> SiteName {
    SiteName::new(text).expect("the demo's names are names")
}

#[cfg(test)]
mod tests {
    use heatgrid_engine::clock::SystemClock;
    use heatgrid_engine::disk::simulated::SimulatedDisk;
    use heatgrid_engine::options::{Background, Options};

    use super::*;

    const NOW_MS: u64 = 1_790_000_000_000;

    fn store(region: &Region) -> Store {
        let options = Options { background: Background::Manual, ..Options::standard(region.clone()) };
        Store::open(Arc::new(SimulatedDisk::new()), Arc::new(SystemClock), options).unwrap()
    }

    #[test]
    fn the_demo_is_made_once_and_its_token_is_new_every_time() {
        let region = Region::new("local").unwrap();
        let store = store(&region);
        let made = site(&store, &region, "127.0.0.1:8080", NOW_MS).unwrap();
        let events = store.status().memtable_events;
        assert!(events > 100_000);
        assert_eq!(site(&store, &region, "127.0.0.1:8080", NOW_MS).unwrap().id, made.id);
        assert_eq!(store.status().memtable_events, events);
        let first = token(&store, &made, NOW_MS).unwrap();
        let second = token(&store, &made, NOW_MS).unwrap();
        assert!(store.accounts().token_by_hash(&first.hash()).is_none());
        assert_eq!(store.accounts().token_by_hash(&second.hash()).unwrap().role, Role::Reader);
    }

    #[test]
    fn a_store_with_other_sites_is_left_alone() {
        let region = Region::new("local").unwrap();
        let store = store(&region);
        let new = NewSite { name: name("shop"), region: region.clone(), settings: SiteSettings::standard() };
        store.accounts().create_sites(vec![new], 0).unwrap();
        let refused = site(&store, &region, "127.0.0.1:8080", NOW_MS);
        assert!(matches!(refused, Err(DemoError::OtherSites(other)) if other.as_str() == "shop"));
        assert_eq!(store.status().memtable_events, 0);
    }
}
