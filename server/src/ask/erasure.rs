//! From a request to erase as it was written to one that the store takes.

use heatgrid_engine::error::EraseError;
use heatgrid_engine::model::{ErasureRequest, NamedKind, NamedPages, SiteId};
use heatgrid_engine::store::Store;

use crate::privacy::pattern_text;
use crate::privacy::url::PageRules;
use crate::wire::erasure::{BadErasure, WrittenErasure};

/// Why a request to erase is none.
#[derive(Debug, thiserror::Error)]
pub enum NoErasure {
    /// It is not of the form.
    #[error(transparent)]
    Bad(#[from] BadErasure),
    /// The store does not take it.
    #[error(transparent)]
    Erase(#[from] EraseError),
}

/// The request that a text means: exactly as it is stored, if anything is, so that a page that was stored under other
/// URL rules can be named; else as the site's rules write it now.
///
/// # Errors
/// When the text is no request, or what it names cannot be looked for.
pub fn erasure_request(
    store: &Store,
    rules: &PageRules,
    site: SiteId,
    written: &WrittenErasure,
) -> Result<ErasureRequest, NoErasure> {
    let (kind, text) = written.named()?;
    let request = ErasureRequest {
        site,
        pages: NamedPages::of(kind, &pattern_text(text)),
        cover: written.cover()?,
        block: written.block,
        reason: written.reason()?,
        reference: written.reference.as_deref().unwrap_or_default().into(),
    };
    if !matches!(kind, NamedKind::Page | NamedKind::Prefix) {
        return Ok(request);
    }
    let Ok(page) = rules.normalise_query_page(text) else { return Ok(request) };
    if page.text == request.pages.text() || store.dry_run(&request)?.matched.pages > 0 {
        return Ok(request);
    }
    Ok(ErasureRequest { pages: NamedPages::of(kind, &page.text), ..request })
}
