//! From a URL to a page: `host/path[?kept keys]`, and nothing that the site did not allow.
//!
//! Text is normalised as the WHATWG URL standard says (crate `url`) and no further. A page is therefore ASCII. On top
//! of that standard: scheme, user, password and fragment go; so do the ports 80 and 443, whatever the scheme, because
//! a page does not tell it; the query is cut to what the site keeps; path segments that look personal become `*`.
//! A page that would be too long keeps its first whole path segments, or all of them and its first whole query
//! parameters: half a segment could be half of something personal, and would not be recognised any more.

use std::borrow::Cow;

use heatgrid_engine::model::limits::PAGE_BYTES;
use heatgrid_engine::model::{PathRules, QueryParams, SiteSettings};
use percent_encoding::percent_decode_str;

use super::origin::Origin;
use super::pattern::{Exclusion, strip_scheme};
use super::personal::is_personal;

/// Longest host name, in bytes: the DNS has no longer ones.
const HOST_BYTES: usize = 253;

/// A URL as it is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// `host/path[?kept keys]`, 1 to `limits::PAGE_BYTES` bytes of ASCII.
    pub text: String,
    /// Path segments that became `*`.
    pub redacted: u32,
    /// Whether segments or parameters were left out because the page was too long.
    pub shortened: bool,
}

/// Why something is not the URL of a page. The text of the URL is not repeated: errors reach logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    /// It does not follow the URL standard.
    #[error("the URL cannot be parsed ({0})")]
    Syntax(#[from] ::url::ParseError),
    /// Something like `file:` or `data:`.
    #[error("only http and https URLs are pages")]
    Scheme,
    /// A host that no DNS knows.
    #[error("a host has 1 to {HOST_BYTES} bytes, this one {bytes}")]
    HostLength {
        /// Its bytes.
        bytes: usize,
    },
}

/// Why a URL is not counted on a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPage {
    /// It is no URL of a page.
    #[error(transparent)]
    Invalid(#[from] InvalidUrl),
    /// The site counts other hosts only.
    #[error("the site counts pages of its own hosts only; add this one to `hosts`")]
    Host,
    /// The site does not count this page.
    #[error("the site excludes this page")]
    Excluded,
    /// It is not a page of the origin that sent it.
    #[error("a page is sent by its own origin only")]
    Foreign,
}

/// What a site says of its URLs, made ready.
#[derive(Clone, Debug)]
pub struct PageRules {
    hosts: Vec<String>,
    query_params: QueryParams,
    path_rules: PathRules,
    excluded: Vec<Exclusion>,
}

impl PageRules {
    /// The rules of a site.
    #[must_use]
    pub fn of(settings: &SiteSettings) -> PageRules {
        let mut rules = PageRules {
            hosts: settings.hosts.iter().map(|host| normal_host(host)).collect(),
            query_params: settings.query_params.clone(),
            path_rules: settings.path_rules,
            excluded: Vec::new(),
        };
        let excluded = settings.exclude_pages.iter().filter_map(|written| rules.exclusion(written)).collect();
        rules.excluded = excluded;
        rules
    }

    /// The page on which an event at `url` is counted.
    ///
    /// # Errors
    /// When it is not the URL of a page, or of one that the site does not count.
    pub fn normalise(&self, url: &str) -> Result<Page, NoPage> {
        self.counted(&Parts::of(&parse(url)?))
    }

    /// The page on which an event at `url` is counted that a browser sent from `origin`.
    ///
    /// # Errors
    /// As `normalise`, and when the page is not of that origin.
    pub fn normalise_from(&self, origin: Origin<'_>, url: &str) -> Result<Page, NoPage> {
        if let Some(parts) = Parts::plain(origin, url) {
            return self.counted(&parts);
        }
        let url = parse(url)?;
        let parts = Parts::of(&url);
        if parts.authority != origin.authority() {
            return Err(NoPage::Foreign);
        }
        self.counted(&parts)
    }

    /// Whether the site counts pages of an origin.
    #[must_use]
    pub fn counts_origin(&self, origin: Origin<'_>) -> bool {
        self.counts_host(origin.host(), origin.authority())
    }

    fn counted(&self, url: &Parts<'_>) -> Result<Page, NoPage> {
        if !self.counts_host(url.host, &url.authority) {
            return Err(NoPage::Host);
        }
        let page = self.page(url)?;
        if self.excluded.iter().any(|excluded| excluded.covers(&page.text)) {
            return Err(NoPage::Excluded);
        }
        Ok(page)
    }

    /// The page that a question means: a URL, or a page as answers write it, without a scheme.
    ///
    /// Neither the host list nor the exclusions are asked: what was counted before they were made can be read.
    ///
    /// # Errors
    /// When it is not the URL of a page.
    pub fn normalise_query_page(&self, text: &str) -> Result<Page, InvalidUrl> {
        self.page(&Parts::of(&parse_with_or_without_scheme(text)?))
    }

    fn counts_host(&self, host: &str, authority: &str) -> bool {
        self.hosts.is_empty() || self.hosts.iter().any(|listed| listed == host || listed == authority)
    }

    /// An exclusion with `*` or a `/` first is a pattern; any other is a page, written as people write URLs.
    fn exclusion(&self, written: &str) -> Option<Exclusion> {
        if written.contains('*') || written.trim().starts_with('/') {
            return Exclusion::matching(written);
        }
        let page = self.normalise_query_page(written).ok()?;
        Some(Exclusion::Page(page.text.into_boxed_str()))
    }

    fn page(&self, url: &Parts<'_>) -> Result<Page, InvalidUrl> {
        if url.host.is_empty() || url.host.len() > HOST_BYTES {
            return Err(InvalidUrl::HostLength { bytes: url.authority.len() });
        }
        let mut page = Page {
            text: String::with_capacity(url.authority.len() + url.path.len()),
            redacted: 0,
            shortened: false,
        };
        page.text.push_str(&url.authority);
        match self.path_rules {
            // Nothing is looked for in it, and nothing has to be left out.
            PathRules::Keep if page.text.len() + url.path.len() <= PAGE_BYTES => page.text.push_str(url.path),
            _ => self.append_segments(&mut page, url.path),
        }
        if !page.shortened {
            page.shortened = self.append_query(&mut page.text, url.query);
        }
        Ok(page)
    }

    /// Appends what is kept of a path.
    fn append_segments(&self, page: &mut Page, path: &str) {
        let text = &mut page.text;
        for segment in path.split('/').skip(1) {
            let segment = match self.path_rules {
                PathRules::Redact if is_personal(segment) => {
                    page.redacted += 1;
                    "*"
                }
                _ => segment,
            };
            // The slash stays even where its segment does not fit, or the last one would read like a file.
            if text.len() + 1 + segment.len() > PAGE_BYTES {
                if text.len() < PAGE_BYTES {
                    text.push('/');
                }
                page.shortened = true;
                break;
            }
            text.push('/');
            text.push_str(segment);
        }
    }

    /// Appends what is kept of a query; whether some of it did not fit.
    fn append_query(&self, text: &mut String, query: &str) -> bool {
        if query.is_empty() || self.query_params == QueryParams::Drop {
            return false;
        }
        let path_bytes = text.len();
        let mut shortened = false;
        let mut separator = '?';
        for parameter in query.split('&').filter(|parameter| self.keeps(parameter)) {
            if text.len() + 1 + parameter.len() > PAGE_BYTES {
                shortened = true;
                break;
            }
            text.push(separator);
            text.push_str(parameter);
            separator = '&';
        }
        // One empty parameter is an empty query, and that is none.
        if text.len() == path_bytes + 1 {
            text.truncate(path_bytes);
        }
        shortened
    }

    fn keeps(&self, parameter: &str) -> bool {
        match &self.query_params {
            QueryParams::Drop => false,
            QueryParams::Keep => true,
            QueryParams::Only(keys) => {
                let key = parameter.split('=').next().unwrap_or_default().replace('+', " ");
                let key = percent_decode_str(&key).decode_utf8_lossy();
                keys.iter().any(|kept| *kept == key)
            }
        }
    }
}

/// What of a URL makes a page, as the standard writes it.
struct Parts<'a> {
    host: &'a str,
    authority: Cow<'a, str>,
    path: &'a str,
    query: &'a str,
}

impl<'a> Parts<'a> {
    fn of(url: &'a ::url::Url) -> Parts<'a> {
        Parts {
            host: url.host_str().unwrap_or_default(),
            authority: authority(url),
            path: url.path(),
            query: url.query().unwrap_or_default(),
        }
    }

    /// Those of a URL of `origin` in which the standard changes nothing, as most are; it is told without parsing it.
    /// `None` is any other.
    fn plain(origin: Origin<'a>, url: &'a str) -> Option<Parts<'a>> {
        let host = origin.authority();
        let bare = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
        let path = bare.strip_prefix(host)?;
        (is_plain_path(path) && is_plain_host(host)).then_some(Parts {
            host,
            authority: host.into(),
            path,
            query: "",
        })
    }
}

/// Whether the standard changes nothing in a path: a segment that begins with a dot may be one that goes up.
fn is_plain_path(path: &str) -> bool {
    let unchanged = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_');
    let mut before = 0;
    path.starts_with('/')
        && path.bytes().all(|byte| {
            let goes_up = std::mem::replace(&mut before, byte) == b'/' && byte == b'.';
            unchanged(byte) && !goes_up
        })
}

/// Whether a host is a name of small letters, neither punycode nor an address: those the standard looks into.
fn is_plain_host(host: &str) -> bool {
    let is_plain = |label: &[u8]| {
        label.first().is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit())
            && label.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && !label.windows(4).any(|four| four == b"xn--")
    };
    let mut last = &[][..];
    for label in host.as_bytes().split(|byte| *byte == b'.') {
        if !is_plain(label) {
            return false;
        }
        last = label;
    }
    last.first().is_some_and(u8::is_ascii_lowercase)
}

fn parse(text: &str) -> Result<::url::Url, InvalidUrl> {
    let url = ::url::Url::parse(text)?;
    if matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err(InvalidUrl::Scheme) }
}

fn parse_with_or_without_scheme(text: &str) -> Result<::url::Url, InvalidUrl> {
    // The standard leaves these out at both ends.
    let text = text.trim_matches(|c: char| c <= ' ');
    match strip_scheme(text) {
        Some(_) => parse(text),
        None if text.contains("://") && !text[..text.find("://").unwrap_or(0)].contains(['/', '?', '#']) => {
            Err(InvalidUrl::Scheme)
        }
        None => parse(&format!("http://{text}")),
    }
}

/// Host and port, if it is neither of the two that browsers leave out.
fn authority(url: &::url::Url) -> Cow<'_, str> {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        None | Some(80 | 443) => Cow::Borrowed(host),
        Some(port) => Cow::Owned(format!("{host}:{port}")),
    }
}

fn normal_host(written: &str) -> String {
    match parse_with_or_without_scheme(written) {
        Ok(url) => authority(&url).into_owned(),
        Err(_) => written.trim().to_ascii_lowercase(),
    }
}

/// Whether a text is a host, perhaps with a port, and nothing more.
#[must_use]
pub fn is_host(text: &str) -> bool {
    let bare = |url: &::url::Url| url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    !text.contains(['/', '\\', '@', '?', '#']) && parse(&format!("http://{text}")).is_ok_and(|url| bare(&url))
}

/// Whether a text is an http or https origin as browsers send it, or differs from that only in case.
#[must_use]
pub fn is_origin(text: &str) -> bool {
    parse(text).is_ok_and(|url| url.origin().ascii_serialization().eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests;
