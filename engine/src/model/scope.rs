//! What a caller has been allowed to read.

use super::SiteId;

/// The right to read one site's data. Every query takes one.
///
/// The engine cannot know who asks. Only the server's `access`, after it has checked a token, and the offline
/// tools, whose right is the directory itself, make one; `tests/src/imports.rs` holds the list of those places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteScope(SiteId);

impl SiteScope {
    /// Says that the caller may read `site`.
    #[must_use]
    pub fn granted(site: SiteId) -> SiteScope {
        SiteScope(site)
    }

    /// The site that may be read.
    #[must_use]
    pub fn site(&self) -> SiteId {
        self.0
    }
}
