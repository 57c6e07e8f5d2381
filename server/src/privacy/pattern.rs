//! Which pages a site does not count.

use heatgrid_engine::query::PagePattern;

/// What a site does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Exclusion {
    /// The page of exactly this text.
    Page(Box<str>),
    /// Pages that match.
    Matching(PagePattern),
    /// Pages that match from their first `/` on, on every host.
    OnEveryHost(PagePattern),
}

impl Exclusion {
    /// A pattern that a person wrote: `*` is any run of characters, and a `/` first means every host. `None` when it
    /// has too many wildcards or is longer than any page, so that it would match none; settings are checked with
    /// `is_exclusion` before they are stored.
    pub(super) fn matching(written: &str) -> Option<Exclusion> {
        let text = pattern_text(written);
        let pattern = PagePattern::new(&text).ok()?;
        Some(match text.starts_with('/') {
            true => Exclusion::OnEveryHost(pattern),
            false => Exclusion::Matching(pattern),
        })
    }

    /// Whether the page of this text is one of those meant.
    pub(super) fn covers(&self, page: &str) -> bool {
        match self {
            Exclusion::Page(text) => **text == *page,
            Exclusion::Matching(pattern) => pattern.matches(page),
            Exclusion::OnEveryHost(pattern) => {
                page.find('/').is_some_and(|slash| pattern.matches(&page[slash..]))
            }
        }
    }
}

/// Whether a text can be one of a site's `exclude_pages`.
#[must_use]
pub fn is_exclusion(written: &str) -> bool {
    !written.trim().is_empty() && Exclusion::matching(written).is_some()
}

/// A pattern as pages are stored: without a scheme, and with its host in lower case.
#[must_use]
pub fn pattern_text(written: &str) -> String {
    let written = written.trim();
    let text = strip_scheme(written).unwrap_or(written);
    let (host, rest) = text.split_at(text.find('/').unwrap_or(text.len()));
    host.to_ascii_lowercase() + rest
}

/// The rest of a text that begins with `http://` or `https://`, in either case.
pub(super) fn strip_scheme(text: &str) -> Option<&str> {
    ["http://", "https://"].into_iter().find_map(|scheme| {
        let head = text.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then(|| &text[scheme.len()..])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exclusion_holds_on_its_host_or_on_every_one() {
        for (written, page, expected) in [
            ("a.example/p/*", "a.example/p/1/2", true),
            ("https://A.example/P", "a.example/P", true),
            ("HTTP://A.example/P", "a.example/p", false),
            (" */admin/* ", "a.example/x/admin/y", true),
            ("/admin*", "a.example/admin/users", true),
            ("/admin*", "a.example/x/admin", false),
            ("/a*", "/a", true),
        ] {
            assert_eq!(Exclusion::matching(written).unwrap().covers(page), expected, "{written} on {page}");
        }
    }

    #[test]
    fn what_cannot_be_matched_is_no_exclusion() {
        assert!(is_exclusion("/admin/*") && is_exclusion("a.example/"));
        for written in ["", "  ", "*********", &"a".repeat(2_000)] {
            assert!(!is_exclusion(written), "{written}");
        }
    }
}
