//! Sites of a store in a directory.

use std::sync::Arc;

use heatgrid_engine::accounts::{AccountsError, NewSite};
use heatgrid_engine::clock::Clock;
use heatgrid_engine::model::{Region, Site, SiteSettings};
use heatgrid_server::wire::site::{SiteJson, WrittenSite};
use serde_json::Value;

use super::{Target, TargetError};

/// Sites read at once.
const LIST_SITES: usize = 10_000;

impl Target {
    /// Every open site with its settings, by name.
    pub(crate) fn sites(&self) -> Value {
        let accounts = self.store.accounts();
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let some = accounts.list(after.as_ref(), LIST_SITES);
            let Some(last) = some.last() else { return Value::Array(all) };
            after = Some(last.name.clone());
            all.extend(some.iter().map(|site| json(site)));
        }
    }

    /// One site with its settings.
    pub(crate) fn site(&self, name: &str) -> Result<Value, TargetError> {
        Ok(json(&*self.find(name)?))
    }

    /// Makes a site.
    pub(crate) fn create_site(&self, written: &WrittenSite) -> Result<Value, TargetError> {
        Ok(json(&*self.create(written)?))
    }

    /// The site of a name, made if it is not there. A site that is there keeps its settings, and must not have been
    /// asked for with others.
    pub(crate) fn site_or_new(&self, written: &WrittenSite) -> Result<Arc<Site>, TargetError> {
        let Some(site) = self.store.accounts().by_name(written.name()?.as_str()) else {
            return self.create(written);
        };
        self.region_of(written)?;
        if written.settings(&site.settings)? != site.settings {
            return Err(TargetError::OtherSettings(site.name.to_string()));
        }
        Ok(site)
    }

    /// The open site of a name.
    pub(super) fn find(&self, name: &str) -> Result<Arc<Site>, TargetError> {
        let site = self.store.accounts().by_name(name);
        site.ok_or_else(|| TargetError::UnknownSite(name.to_owned()))
    }

    fn create(&self, written: &WrittenSite) -> Result<Arc<Site>, TargetError> {
        let name = written.name()?;
        let settings = written.settings(&SiteSettings::standard())?;
        let region = self.region_of(written)?;
        let new = NewSite { name: name.clone(), region, settings };
        let now = self.clock.now_ms() / 1_000;
        let made = self.store.accounts().create_sites(vec![new], now).map_err(|error| match error {
            AccountsError::NameTaken(name) => TargetError::SiteExists(name.to_string()),
            other => TargetError::Accounts(other),
        })?;
        made.into_iter().next().ok_or_else(|| TargetError::UnknownSite(name.to_string()))
    }

    /// The store's region, which is every site's in it.
    fn region_of(&self, written: &WrittenSite) -> Result<Region, TargetError> {
        let store = self.region.clone();
        match written.region()? {
            Some(asked) if asked != store => Err(TargetError::OtherRegion { store, asked }),
            _ => Ok(store),
        }
    }
}

fn json(site: &Site) -> Value {
    serde_json::to_value(SiteJson::of(site)).expect("settings are valid JSON")
}
