//! Sites and tokens in memory, found by id, name, key and hash. Each is held once.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::ops::Bound;
use std::sync::Arc;

use crate::format::account_edits::Edit;
use crate::model::{Site, SiteId, SiteMap, SiteName, Token, TokenId, Zone};

/// An open site, found by its name.
struct ByName(Arc<Site>);

impl Borrow<str> for ByName {
    fn borrow(&self) -> &str {
        self.0.name.as_str()
    }
}

impl Ord for ByName {
    fn cmp(&self, other: &ByName) -> std::cmp::Ordering {
        self.0.name.cmp(&other.0.name)
    }
}

impl PartialOrd for ByName {
    fn partial_cmp(&self, other: &ByName) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ByName {
    fn eq(&self, other: &ByName) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for ByName {}

/// An open site, found by its key.
struct ByKey(Arc<Site>);

impl Borrow<str> for ByKey {
    fn borrow(&self) -> &str {
        &self.0.key
    }
}

impl Hash for ByKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As a `str`, which it is looked up by.
        str::hash(&self.0.key, state);
    }
}

impl PartialEq for ByKey {
    fn eq(&self, other: &ByKey) -> bool {
        self.0.key == other.0.key
    }
}

impl Eq for ByKey {}

#[derive(Default)]
pub(super) struct Index {
    sites: SiteMap<Arc<Site>>,
    names: BTreeSet<ByName>,
    keys: HashSet<ByKey>,
    /// Keys from before a rotation; few sites have one.
    old_keys: HashMap<Box<str>, SiteId>,
    tokens: BTreeMap<TokenId, Arc<Token>>,
    hashes: HashMap<[u8; 32], TokenId>,
}

/// One `Zone` for each name, however many sites have it.
#[derive(Default)]
pub(super) struct Zones(HashMap<Box<str>, Zone>);

impl Zones {
    pub(super) fn find(&mut self, name: &str) -> Option<Zone> {
        if let Some(zone) = self.0.get(name) {
            return Some(zone.clone());
        }
        let zone = Zone::named(name).ok()?;
        self.0.insert(name.into(), zone.clone());
        Some(zone)
    }

    /// The one of this zone's name.
    pub(super) fn shared(&mut self, zone: Zone) -> Zone {
        self.find(zone.name()).unwrap_or(zone)
    }
}

impl Index {
    pub(super) fn apply(&mut self, edit: Edit) {
        match edit {
            Edit::PutSite(site) => {
                self.forget_site(site.id);
                self.put_site(Arc::new(site));
            }
            Edit::RemoveSite(site) => self.forget_site(site),
            Edit::PutToken(token) => {
                self.forget_token(token.id);
                self.hashes.insert(token.hash, token.id);
                self.tokens.insert(token.id, Arc::new(token));
            }
            Edit::RemoveToken(token) => self.forget_token(token),
            Edit::UseToken(token, day) => {
                if let Some(token) = self.tokens.get_mut(&token) {
                    Arc::make_mut(token).last_used = Some(day);
                }
            }
        }
    }

    fn put_site(&mut self, site: Arc<Site>) {
        if !site.closed {
            self.names.insert(ByName(Arc::clone(&site)));
            self.keys.insert(ByKey(Arc::clone(&site)));
            if let Some((key, _)) = &site.old_key {
                self.old_keys.insert(key.clone(), site.id);
            }
        }
        self.sites.insert(site.id, site);
    }

    fn forget_site(&mut self, site: SiteId) {
        let Some(site) = self.sites.remove(&site) else { return };
        if site.closed {
            // Its name may be another site's by now.
            return;
        }
        self.names.remove(site.name.as_str());
        self.keys.remove(&*site.key);
        if let Some((key, _)) = &site.old_key {
            self.old_keys.remove(key);
        }
    }

    fn forget_token(&mut self, token: TokenId) {
        if let Some(token) = self.tokens.remove(&token) {
            self.hashes.remove(&token.hash);
        }
    }

    pub(super) fn site(&self, site: SiteId) -> Option<&Arc<Site>> {
        self.sites.get(&site)
    }

    pub(super) fn by_name(&self, name: &str) -> Option<&Arc<Site>> {
        self.names.get(name).map(|found| &found.0)
    }

    /// The open site that has this key, or had it until after the Unix second `now`.
    pub(super) fn by_key(&self, key: &str, now: u64) -> Option<&Arc<Site>> {
        if let Some(found) = self.keys.get(key) {
            return Some(&found.0);
        }
        let site = self.sites.get(self.old_keys.get(key)?)?;
        site.old_key.as_ref().is_some_and(|(_, good_until)| now < *good_until).then_some(site)
    }

    /// Whether any open site has or had this key.
    pub(super) fn has_key(&self, key: &str) -> bool {
        self.keys.contains(key) || self.old_keys.contains_key(key)
    }

    /// Open sites by name, those after `after`.
    pub(super) fn open_sites(&self, after: Option<&SiteName>) -> impl Iterator<Item = &Arc<Site>> {
        let from = after.map_or(Bound::Unbounded, |name| Bound::Excluded(name.as_str()));
        self.names.range::<str, _>((from, Bound::Unbounded)).map(|found| &found.0)
    }

    /// Every site, closed ones too, in no order.
    pub(super) fn sites(&self) -> impl ExactSizeIterator<Item = &Arc<Site>> {
        self.sites.values()
    }

    pub(super) fn token(&self, token: TokenId) -> Option<&Arc<Token>> {
        self.tokens.get(&token)
    }

    pub(super) fn by_hash(&self, hash: &[u8; 32]) -> Option<&Arc<Token>> {
        self.tokens.get(self.hashes.get(hash)?)
    }

    /// Every token, by id.
    pub(super) fn tokens(&self) -> impl ExactSizeIterator<Item = &Arc<Token>> {
        self.tokens.values()
    }

    /// Sites and tokens: what a file holds that has no garbage in it.
    pub(super) fn entries(&self) -> usize {
        self.sites.len() + self.tokens.len()
    }
}
