//! Settings of a site as options.

use clap::Args;
use heatgrid_server::wire::site::{WrittenLimits, WrittenParams, WrittenSite};

/// What a site is made with; what is not named is the standard.
#[derive(Args, Debug)]
pub(crate) struct Settings {
    /// Hosts whose pages are counted (default: any)
    #[arg(long, value_name = "HOST,..", value_delimiter = ',')]
    hosts: Option<Vec<String>>,
    /// IANA name of its time zone (default: UTC)
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// Where its data is to be
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// drop, keep, or the keys to keep (default: drop)
    #[arg(long, value_name = "drop|keep|KEY,..")]
    query_params: Option<String>,
    /// redact or keep (default: redact)
    #[arg(long, value_name = "redact|keep")]
    path_rules: Option<String>,
    /// Pages that are not counted; `*` is any run of characters
    #[arg(long, value_name = "PATTERN")]
    exclude_pages: Option<Vec<String>>,
    /// Networks that are not counted
    #[arg(long, value_name = "CIDR,..", value_delimiter = ',')]
    exclude_networks: Option<Vec<String>>,
    /// Days that cells are kept (default: 730)
    #[arg(long, value_name = "DAYS")]
    retention_days: Option<u32>,
    /// Days that hour totals are kept (default: 35)
    #[arg(long, value_name = "DAYS")]
    hourly_days: Option<u32>,
    /// Countries with fewer events a month are ZZ; 0 switches it off (default: 5)
    #[arg(long, value_name = "EVENTS")]
    min_count: Option<u32>,
    /// Origins that may read over CORS
    #[arg(long, value_name = "ORIGIN,..", value_delimiter = ',')]
    read_origins: Option<Vec<String>>,
    /// New pages a day and pages with data, beyond which events count on host/(other)
    #[arg(long, value_name = "NEW,LIVE", value_parser = page_limits)]
    page_limits: Option<WrittenLimits>,
}

impl Settings {
    /// The region, if one was named.
    pub(crate) fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// The site of this name with these settings, as it would be written in a request.
    pub(crate) fn written(&self, site: &str) -> WrittenSite {
        WrittenSite {
            site: Some(site.to_owned()),
            region: self.region.clone(),
            hosts: self.hosts.clone(),
            timezone: self.timezone.clone(),
            query_params: self.query_params.as_deref().map(query_params),
            path_rules: self.path_rules.clone(),
            exclude_pages: self.exclude_pages.clone(),
            exclude_networks: self.exclude_networks.clone(),
            retention_days: self.retention_days,
            hourly_days: self.hourly_days,
            min_count: self.min_count,
            read_origins: self.read_origins.clone(),
            page_limits: self.page_limits,
        }
    }
}

/// A word is a word, and anything else a list of keys.
fn query_params(text: &str) -> WrittenParams {
    match text {
        "drop" | "keep" => WrittenParams::Word(text.to_owned()),
        keys => WrittenParams::Keys(keys.split(',').map(str::to_owned).collect()),
    }
}

fn page_limits(text: &str) -> Result<WrittenLimits, &'static str> {
    let numbers = text.split_once(',').and_then(|(new, live)| Some((new.parse().ok()?, live.parse().ok()?)));
    let (new_a_day, live) = numbers.ok_or("two numbers with a comma between them, such as 10000,100000")?;
    Ok(WrittenLimits { new_a_day, live })
}
