//! What each site says of its URLs and visitors, made ready once and not for every request.

use std::sync::Arc;

use heatgrid_engine::model::{Site, SiteId, SiteMap, SiteSettings};
use ipnet::IpNet;
use parking_lot::RwLock;

use crate::privacy::url::PageRules;

/// Sites whose rules are kept ready. Beyond, all are forgotten, which is simpler than choosing and seldom happens.
const SITES: usize = 16_384;

/// A site's rules.
#[derive(Debug)]
pub struct SiteRules {
    /// From a URL to a page.
    pub pages: PageRules,
    /// Networks whose visitors are not counted.
    pub excluded_networks: Vec<IpNet>,
}

impl SiteRules {
    fn of(settings: &SiteSettings) -> SiteRules {
        // What is no network was refused when the setting was made.
        let networks = settings.exclude_networks.iter().filter_map(|network| network.parse().ok());
        SiteRules { pages: PageRules::of(settings), excluded_networks: networks.collect() }
    }
}

/// The rules of the sites that were asked for lately.
#[derive(Debug, Default)]
pub struct Rules(RwLock<SiteMap<(Arc<Site>, Arc<SiteRules>)>>);

impl Rules {
    /// The rules of a site as the accounts know it now: a changed site is another `Arc`.
    #[must_use]
    pub fn of(&self, site: &Arc<Site>) -> Arc<SiteRules> {
        if let Some((known, rules)) = self.0.read().get(&site.id)
            && Arc::ptr_eq(known, site)
        {
            return Arc::clone(rules);
        }
        let rules = Arc::new(SiteRules::of(&site.settings));
        let mut ready = self.0.write();
        if ready.len() >= SITES {
            ready.clear();
        }
        ready.insert(site.id, (Arc::clone(site), Arc::clone(&rules)));
        rules
    }

    /// Forgets a site.
    pub fn forget(&self, site: SiteId) {
        self.0.write().remove(&site);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heatgrid_engine::model::{Region, SiteName};

    fn site(hosts: &[&str]) -> Arc<Site> {
        let mut settings = SiteSettings::standard();
        settings.hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        settings.exclude_networks = vec!["10.0.0.0/8".into()];
        Arc::new(Site {
            id: SiteId(7),
            name: SiteName::new("shop").unwrap(),
            region: Region::new("eu").unwrap(),
            key: "eu_1".into(),
            old_key: None,
            created_at: 0,
            closed: false,
            settings,
        })
    }

    #[test]
    fn rules_are_made_once_and_again_when_the_site_changes() {
        let rules = Rules::default();
        let (before, after) = (site(&["a.example"]), site(&["b.example"]));
        let first = rules.of(&before);
        assert!(Arc::ptr_eq(&first, &rules.of(&before)));
        assert_eq!(first.excluded_networks.len(), 1);
        assert!(first.pages.normalise("https://b.example/").is_err());
        assert!(rules.of(&after).pages.normalise("https://b.example/").is_ok());
    }
}
