//! URLs: what becomes of one is a page that stays what it is when it is normalised again.
#![no_main]

use heatgrid_engine::model::{PathRules, QueryParams, SiteSettings};
use heatgrid_server::privacy::url::PageRules;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|url: &str| {
    for (query_params, path_rules) in
        [(QueryParams::Drop, PathRules::Redact), (QueryParams::Keep, PathRules::Keep)]
    {
        let rules = PageRules::of(&SiteSettings { query_params, path_rules, ..SiteSettings::standard() });
        if let Ok(page) = rules.normalise(url) {
            let again = rules.normalise(&format!("https://{}", page.text));
            assert_eq!(again.map(|again| again.text), Ok(page.text));
        }
        let _ = rules.normalise_query_page(url);
    }
});
