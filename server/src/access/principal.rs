//! Who a request comes from, as far as rights go.

use std::sync::Arc;

use heatgrid_engine::model::{Role, SiteId, Token};

/// Whoever has a token.
#[derive(Clone, Debug)]
pub struct Principal(Option<Arc<Token>>);

impl Principal {
    /// The name in the audit of whoever has the server's own operator token.
    pub const OPERATOR: &'static str = "operator";

    pub(super) fn operator() -> Principal {
        Principal(None)
    }

    pub(super) fn of(token: Arc<Token>) -> Principal {
        Principal(Some(token))
    }

    /// The name of the token.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.as_ref().map_or(Principal::OPERATOR, |token| token.name.as_str())
    }

    /// What the token is good for.
    #[must_use]
    pub fn role(&self) -> Role {
        self.0.as_ref().map_or(Role::Operator, |token| token.role)
    }

    /// Whether the token is for this site.
    #[must_use]
    pub fn may_see(&self, site: SiteId) -> bool {
        self.role() == Role::Operator || self.sites().binary_search(&site).is_ok()
    }

    /// The sites that the token names, ascending; none for an operator, who sees all.
    #[must_use]
    pub fn sites(&self) -> &[SiteId] {
        self.0.as_ref().map_or(&[], |token| &token.sites)
    }
}
