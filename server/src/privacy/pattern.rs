//! Page patterns: `*` is any run of characters, `/` included.

/// A pattern over the text of pages.
///
/// One that begins with `/` is compared from the first `/` of a page, so that it holds on every host. A scheme is
/// left out, and what stands before the first `/` is compared in lower case, as hosts are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PagePattern {
    text: Box<str>,
    any_host: bool,
}

impl PagePattern {
    /// The pattern that a person wrote.
    #[must_use]
    pub fn new(written: &str) -> PagePattern {
        let written = written.trim();
        let text = strip_scheme(written).unwrap_or(written);
        let (host, rest) = text.split_at(text.find('/').unwrap_or(text.len()));
        PagePattern {
            any_host: host.is_empty(),
            text: format!("{}{rest}", host.to_ascii_lowercase()).into_boxed_str(),
        }
    }

    /// What it compares with, without a scheme.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the page of this text is one of those meant.
    #[must_use]
    pub fn matches(&self, page: &str) -> bool {
        let page = match self.any_host {
            true => page.find('/').map_or("", |slash| &page[slash..]),
            false => page,
        };
        matches(self.text.as_bytes(), page.as_bytes())
    }
}

/// The rest of a text that begins with `http://` or `https://`, in either case.
pub(super) fn strip_scheme(text: &str) -> Option<&str> {
    ["http://", "https://"].into_iter().find_map(|scheme| {
        let head = text.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then(|| &text[scheme.len()..])
    })
}

/// Greedy with one step back: a later `*` makes every earlier one final, so time is at most the product of lengths.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at_pattern, mut at_text) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while at_text < text.len() {
        match pattern.get(at_pattern) {
            Some(b'*') => {
                last_star = Some((at_pattern, at_text));
                at_pattern += 1;
            }
            Some(byte) if *byte == text[at_text] => {
                at_pattern += 1;
                at_text += 1;
            }
            _ => match last_star {
                Some((star, from)) => {
                    last_star = Some((star, from + 1));
                    at_pattern = star + 1;
                    at_text = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at_pattern..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_run_and_everything_else_is_itself() {
        for (pattern, page, expected) in [
            ("a.example/p/*", "a.example/p/1/2", true),
            ("a.example/p/*", "a.example/p/", true),
            ("a.example/p/*", "a.example/p", false),
            ("https://A.example/P", "a.example/P", true),
            ("HTTP://A.example/P", "a.example/p", false),
            ("*/admin/*", "a.example/x/admin/y", true),
            ("*b*b", "abab", true),
            ("*b*b", "aba", false),
            ("/admin*", "a.example/admin/users", true),
            ("/admin*", "a.example/x/admin", false),
            ("a.example/*/*/end", "a.example/1/2/3/end", true),
            ("", "a.example/", false),
            ("*", "", true),
        ] {
            assert_eq!(PagePattern::new(pattern).matches(page), expected, "{pattern} on {page}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_page_matches_itself_with_any_run_replaced(page in "[a-z./]{1,30}", from in 0..30_usize, to in 0..30_usize) {
            let (from, to) = (from.min(to).min(page.len()), from.max(to).min(page.len()));
            let pattern = format!("x{}*{}", &page[..from], &page[to..]);
            let page = format!("x{page}");
            proptest::prop_assert!(PagePattern::new(&pattern).matches(&page), "{} on {}", pattern, page);
        }
    }
}
