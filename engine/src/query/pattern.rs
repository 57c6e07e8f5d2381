//! Page patterns: text in which `*` is any run of bytes, `/` included.

use super::InvalidQuestion;
use crate::model::limits::{PAGE_BYTES, PATTERN_WILDCARDS};

/// A pattern of page text. `*` is any run, also an empty one; there is no escape, and a `*` in a page's text is
/// matched by a `*` like any other byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PagePattern {
    /// The text between wildcards: one more than there are wildcards.
    parts: Box<[Box<str>]>,
}

impl PagePattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When it has more than `limits::PATTERN_WILDCARDS` wildcards, or is longer than any page.
    pub fn new(text: &str) -> Result<PagePattern, InvalidQuestion> {
        let wildcards = text.bytes().filter(|byte| *byte == b'*').count();
        if wildcards > PATTERN_WILDCARDS {
            return Err(InvalidQuestion::TooManyWildcards { wildcards });
        }
        if text.len() > PAGE_BYTES + PATTERN_WILDCARDS {
            return Err(InvalidQuestion::PatternLength { bytes: text.len() });
        }
        Ok(PagePattern { parts: text.split('*').map(Box::from).collect() })
    }

    /// What every matching page begins with; pages are sorted by text, so they stand side by side.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.parts[0]
    }

    /// Whether a page matches. Takes time linear in the page's length for each part.
    #[must_use]
    pub fn matches(&self, page: &str) -> bool {
        let Some((last, leading)) = self.parts.split_last() else { return false };
        let Some((first, middle)) = leading.split_first() else { return page == &**last };
        let Some(mut rest) = page.strip_prefix(&**first) else { return false };
        // The leftmost place of each part leaves the most for those after it, so nothing is ever tried again.
        for part in middle {
            match rest.find(&**part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(&**last)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Matching by its definition: a wildcard takes nothing, or one byte and goes on.
    fn matches_by_definition(pattern: &[u8], page: &[u8]) -> bool {
        match (pattern, page) {
            ([], []) => true,
            ([b'*', rest @ ..], _) if matches_by_definition(rest, page) => true,
            ([b'*', ..], [_, page @ ..]) => matches_by_definition(pattern, page),
            ([a, rest @ ..], [b, page @ ..]) if a == b => matches_by_definition(rest, page),
            _ => false,
        }
    }

    #[test]
    fn a_wildcard_is_any_run_with_slashes() {
        for (pattern, page, expected) in [
            ("shop.example/p/*", "shop.example/p/", true),
            ("shop.example/p/*", "shop.example/p/1/reviews", true),
            ("shop.example/p/*", "shop.example/p", false),
            ("shop.example/", "shop.example/", true),
            ("shop.example/", "shop.example/a", false),
            ("*/cart*", "shop.example/de/cart?step=2", true),
            ("ab*ba", "aba", false),
            ("*", "", true),
            ("", "", true),
            ("shop.example/*/x", "shop.example/*/x", true),
        ] {
            assert_eq!(PagePattern::new(pattern).unwrap().matches(page), expected, "{pattern} on {page}");
        }
    }

    #[test]
    fn patterns_are_bounded() {
        assert!(PagePattern::new("********").is_ok());
        let many = InvalidQuestion::TooManyWildcards { wildcards: 9 };
        assert_eq!(PagePattern::new("*********"), Err(many));
        let long = "a".repeat(PAGE_BYTES + PATTERN_WILDCARDS + 1);
        assert_eq!(PagePattern::new(&long), Err(InvalidQuestion::PatternLength { bytes: long.len() }));
    }

    proptest! {
        #[test]
        fn matching_is_what_its_definition_says(pattern in "[ab*]{0,8}", page in "[ab]{0,10}") {
            let expected = matches_by_definition(pattern.as_bytes(), page.as_bytes());
            let pattern = PagePattern::new(&pattern).unwrap();
            prop_assert_eq!(pattern.matches(&page), expected);
            prop_assert!(!expected || page.starts_with(pattern.prefix()));
        }
    }
}
