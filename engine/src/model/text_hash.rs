//! Keyed hashes of page text: what a mask remembers of a page without its name.

use std::fmt;

use super::SiteId;

/// The first half of a keyed BLAKE3 over a site and a page or prefix of it. Nobody without the key finds the text
/// by trying, and equal text of two sites has two hashes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextHash(pub [u8; TextHash::BYTES]);

impl TextHash {
    /// Its bytes: two of a store's pages are the same by chance once in 2^64 stores of 2^32 pages.
    pub const BYTES: usize = 16;
}

impl fmt::Debug for TextHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// Hashes the pages of a store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TextHasher([u8; 32]);

impl fmt::Debug for TextHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TextHasher { .. }")
    }
}

impl TextHasher {
    /// Hashes with a key, which is random and the store's own.
    #[must_use]
    pub const fn new(key: [u8; 32]) -> TextHasher {
        TextHasher(key)
    }

    /// The hash of a whole page.
    #[must_use]
    pub fn page(&self, site: SiteId, text: &str) -> TextHash {
        self.hash(b'p', site, text)
    }

    /// The hash of the beginning of pages, which ends with `/`.
    #[must_use]
    pub fn prefix(&self, site: SiteId, text: &str) -> TextHash {
        self.hash(b'/', site, text)
    }

    fn hash(&self, what: u8, site: SiteId, text: &str) -> TextHash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&site.0.to_le_bytes());
        hasher.update(&[what]);
        hasher.update(text.as_bytes());
        let mut half = [0; TextHash::BYTES];
        hasher.finalize_xof().fill(&mut half);
        TextHash(half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_site_and_kind_of_text_all_change_the_hash() {
        let hasher = TextHasher::new([1; 32]);
        let hash = hasher.page(SiteId(1), "a.example/");
        assert_eq!(hash, hasher.page(SiteId(1), "a.example/"));
        assert_ne!(hash, hasher.prefix(SiteId(1), "a.example/"));
        assert_ne!(hash, hasher.page(SiteId(2), "a.example/"));
        assert_ne!(hash, hasher.page(SiteId(1), "a.example/b"));
        assert_ne!(hash, TextHasher::new([2; 32]).page(SiteId(1), "a.example/"));
    }
}
