//! Accounts: sites with their settings, and tokens, in a file of their own, so that no restore rolls them back.
//!
//! Reading takes a short lock and hands out `Arc`s. A change is on disk before it is seen or answered.

mod check;
mod error;
mod index;
mod log;
#[cfg(test)]
mod tests;
mod tokens;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use crate::disk::Disk;
use crate::format::account_edits::Edit;
use crate::model::limits::SITES;
use crate::model::{Region, Site, SiteId, SiteName, SiteSettings};

pub use error::{AccountsError, InvalidSetting, InvalidToken};

pub use tokens::NewToken;

use index::{Index, Zones};
use log::Log;

/// A site that is to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct NewSite {
    /// Its label.
    pub name: SiteName,
    /// Where its data is to be.
    pub region: Region,
    /// What was chosen.
    pub settings: SiteSettings,
}

/// The sites and tokens of a store.
pub struct Accounts {
    disk: Arc<dyn Disk>,
    /// What was read and answered; changed only while `log` is held.
    index: RwLock<Index>,
    log: Mutex<(Log, Zones)>,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let index = self.index.read();
        write!(f, "Accounts {{ sites: {}, tokens: {} }}", index.sites().len(), index.tokens().len())
    }
}

impl Accounts {
    /// Reads the accounts; without a file there are none.
    ///
    /// # Errors
    /// When the file cannot be read, or has rotted.
    pub fn open(disk: Arc<dyn Disk>) -> Result<Accounts, AccountsError> {
        let mut zones = Zones::default();
        let (log, index) = Log::open(&*disk, &mut zones)?;
        Ok(Accounts { disk, index: RwLock::new(index), log: Mutex::new((log, zones)) })
    }

    /// Whether the accounts can be read. Writes nothing.
    ///
    /// # Errors
    /// As `open`.
    pub fn verify(disk: &dyn Disk) -> Result<(), AccountsError> {
        Log::read(disk, &mut Zones::default()).map(drop)
    }

    /// Makes sites, all or none of them, with new ids and keys, at the Unix second `now`. However many they are, they
    /// are synced once.
    ///
    /// # Errors
    /// When a name is taken or given twice, a setting is out of range, there are too many, or the disk fails.
    pub fn create_sites(&self, new: Vec<NewSite>, now: u64) -> Result<Vec<Arc<Site>>, AccountsError> {
        let mut held = self.log.lock();
        let (log, zones) = &mut *held;
        let (ids, edits) = {
            let index = self.index.read();
            check_new(&index, &new)?;
            let mut taken = HashSet::with_capacity(new.len());
            let mut edits = Vec::with_capacity(new.len());
            for NewSite { name, region, mut settings } in new {
                settings.timezone = zones.shared(settings.timezone);
                let id = new_id(|id| index.site(SiteId(id)).is_none() && taken.insert(id)).map(SiteId)?;
                let key = new_key(&region, |key| !index.has_key(key))?;
                let (old_key, closed) = (None, false);
                edits.push(Site { id, name, region, key, old_key, created_at: now, closed, settings });
            }
            let ids: Vec<SiteId> = edits.iter().map(|site| site.id).collect();
            (ids, edits.into_iter().map(Edit::PutSite).collect())
        };
        self.commit(log, edits)?;
        let index = self.index.read();
        Ok(ids.into_iter().filter_map(|id| index.site(id).cloned()).collect())
    }

    /// Gives a site other settings. `has_data` says whether anything of it is stored.
    ///
    /// # Errors
    /// When there is no such open site, a setting is out of range, the zone would change under data, or the disk fails.
    pub fn update(
        &self,
        site: SiteId,
        mut settings: SiteSettings,
        has_data: bool,
    ) -> Result<Arc<Site>, AccountsError> {
        check::settings(&settings)?;
        self.edit_site(site, |site, zones| {
            if has_data && site.settings.timezone != settings.timezone {
                return Err(AccountsError::ZoneHasData);
            }
            settings.timezone = zones.shared(settings.timezone);
            site.settings = settings;
            Ok(())
        })
    }

    /// Gives a site a new key; the present one is good until the Unix second `good_until`, one before it no more.
    ///
    /// # Errors
    /// When there is no such open site, or the disk fails.
    pub fn rotate_key(&self, site: SiteId, good_until: u64) -> Result<Arc<Site>, AccountsError> {
        self.edit_site(site, |site, _| {
            let index = self.index.read();
            let key = new_key(&site.region, |key| !index.has_key(key))?;
            site.old_key = Some((std::mem::replace(&mut site.key, key), good_until));
            Ok(())
        })
    }

    /// Closes a site to reads and writes: its name is free, its keys are no one's, and only `get` and `sites` still
    /// tell of it, until it is removed.
    ///
    /// # Errors
    /// When there is no such open site, or the disk fails.
    pub fn close(&self, site: SiteId) -> Result<Arc<Site>, AccountsError> {
        self.edit_site(site, |site, _| {
            site.closed = true;
            Ok(())
        })
    }

    /// Opens a closed site again, as it was.
    ///
    /// # Errors
    /// When there is no such closed site, another one has its name by now, or the disk fails.
    pub fn reopen(&self, site: SiteId) -> Result<Arc<Site>, AccountsError> {
        let mut held = self.log.lock();
        let mut edited = match self.get(site) {
            Some(site) if site.closed => Site::clone(&site),
            Some(open) => return Ok(open),
            None => return Err(AccountsError::NoSuchSite(site)),
        };
        {
            let index = self.index.read();
            if index.by_name(edited.name.as_str()).is_some() || index.has_key(&edited.key) {
                return Err(AccountsError::NameTaken(edited.name));
            }
        }
        edited.closed = false;
        self.commit(&mut held.0, vec![Edit::PutSite(edited)])?;
        self.get(site).ok_or(AccountsError::NoSuchSite(site))
    }

    /// Forgets a site, open or closed, and the tokens that were for it alone: nothing of its name, settings and keys is
    /// in the file any more.
    ///
    /// # Errors
    /// When there is no such site, or the disk fails.
    pub fn remove(&self, site: SiteId) -> Result<(), AccountsError> {
        let mut held = self.log.lock();
        let mut edits = vec![Edit::RemoveSite(site)];
        {
            let index = self.index.read();
            index.site(site).ok_or(AccountsError::NoSuchSite(site))?;
            edits.extend(tokens::without_site(&index, site));
            held.0.rewrite(&*self.disk, &index, &edits)?;
        }
        let mut index = self.index.write();
        edits.into_iter().for_each(|edit| index.apply(edit));
        Ok(())
    }

    /// A site, open or closed.
    #[must_use]
    pub fn get(&self, site: SiteId) -> Option<Arc<Site>> {
        self.index.read().site(site).cloned()
    }

    /// The open site of this name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<Arc<Site>> {
        self.index.read().by_name(name).cloned()
    }

    /// The open site whose pages carry this key, or a rotated one that is still good at the Unix second `now`.
    #[must_use]
    pub fn by_key(&self, key: &str, now: u64) -> Option<Arc<Site>> {
        self.index.read().by_key(key, now).cloned()
    }

    /// Open sites by name, at most `limit`, those after `after`.
    #[must_use]
    pub fn list(&self, after: Option<&SiteName>, limit: usize) -> Vec<Arc<Site>> {
        self.index.read().open_sites(after).take(limit).cloned().collect()
    }

    /// Every site, closed ones too, in no order: as they are now.
    pub fn sites(&self) -> impl ExactSizeIterator<Item = Arc<Site>> + use<> {
        let sites: Vec<Arc<Site>> = self.index.read().sites().cloned().collect();
        sites.into_iter()
    }

    fn edit_site(
        &self,
        site: SiteId,
        edit: impl FnOnce(&mut Site, &mut Zones) -> Result<(), AccountsError>,
    ) -> Result<Arc<Site>, AccountsError> {
        let mut held = self.log.lock();
        let (log, zones) = &mut *held;
        let no_such_site = AccountsError::NoSuchSite(site);
        let mut edited = match self.get(site) {
            Some(site) if !site.closed => Site::clone(&site),
            _ => return Err(no_such_site),
        };
        edit(&mut edited, zones)?;
        self.commit(log, vec![Edit::PutSite(edited)])?;
        self.get(site).ok_or(no_such_site)
    }

    /// Makes edits durable, then seen.
    fn commit(&self, log: &mut Log, edits: Vec<Edit>) -> Result<(), AccountsError> {
        if edits.is_empty() {
            return Ok(());
        }
        // Only who holds the log changes the index, so nobody waits for this lock while the disk is at work.
        log.append(&*self.disk, &self.index.read(), &edits)?;
        let mut index = self.index.write();
        edits.into_iter().for_each(|edit| index.apply(edit));
        Ok(())
    }
}

fn check_new(index: &Index, new: &[NewSite]) -> Result<(), AccountsError> {
    if index.sites().len().saturating_add(new.len()) > SITES {
        return Err(AccountsError::TooManySites);
    }
    let mut names = HashSet::with_capacity(new.len());
    for site in new {
        check::settings(&site.settings)?;
        if index.by_name(site.name.as_str()).is_some() || !names.insert(&site.name) {
            return Err(AccountsError::NameTaken(site.name.clone()));
        }
    }
    Ok(())
}

fn random<const N: usize>() -> Result<[u8; N], AccountsError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(AccountsError::Random)?;
    Ok(bytes)
}

/// A random number that is `free`, and not 0, which could be taken for the lack of one.
fn new_id(mut free: impl FnMut(u64) -> bool) -> Result<u64, AccountsError> {
    loop {
        let id = u64::from_le_bytes(random()?);
        if id != 0 && free(id) {
            return Ok(id);
        }
    }
}

/// `<region>_` and 128 random bits in hexadecimal digits.
fn new_key(region: &Region, free: impl Fn(&str) -> bool) -> Result<Box<str>, AccountsError> {
    loop {
        let key = format!("{region}_{:032x}", u128::from_le_bytes(random()?));
        if free(&key) {
            return Ok(key.into());
        }
    }
}
