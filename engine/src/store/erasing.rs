//! Requests to erase: written down, masked at once, called off while nothing has gone yet.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{EraseError, InvalidErasure};
use crate::ledger::{LedgerEdit, REFERENCE_BYTES, SignedCertificate};
use crate::memtable::Memtable;
use crate::model::limits::PAGE_BYTES;
use crate::model::{
    Cover, Erasure, ErasureId, ErasureRequest, ErasureState, MaskRule, MaskRules, Matched, NamedKind,
    NamedPages, PageSelection, Reason, RuleIndex, Seq, SiteId, SiteMask, TextHash, Tombstone,
};
use crate::purge::certificate::{self, Certificate};
use crate::purge::evidence::{self, Evidence, EvidenceError, Roots};
use crate::purge::matching::{MatchError, Matching, PageTest};
use crate::segment::{Scratch, Segment};
use crate::view::Masks;

use super::Store;
use super::core::Core;
use super::live::ReadState;

/// What a request would cover, or covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Preview {
    /// Pages and events of what is kept.
    pub matched: Matched,
    /// Whether a country was asked for, of a time of which rare countries were made `ZZ` on disk: what was recoded is
    /// not found under its country.
    pub recoded: bool,
    /// Whether some of it could not be read, and so not be counted. It is masked and removed all the same.
    pub incomplete: bool,
}

/// A request that was taken.
#[derive(Clone, Debug)]
pub struct Requested {
    /// What it has become.
    pub erasure: Arc<Erasure>,
    /// What it covers.
    pub preview: Preview,
    /// With it and the text, anybody can check the certificate's commitment. It is kept nowhere.
    pub salt: [u8; 16],
}

/// Pages of a site that take no more events.
#[derive(Clone, Debug)]
pub struct Blocked(MaskRules);

impl Blocked {
    /// No pages.
    #[must_use]
    pub fn nothing() -> Blocked {
        Blocked(MaskRules::none())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a page is one of them.
    #[must_use]
    pub fn covers(&self, page: &str) -> bool {
        !self.0.naming(page).is_empty()
    }
}

/// The blocked pages of each site. Held for reading from the look at them to the place in the queue.
pub(super) type Blocks = HashMap<SiteId, Arc<RuleIndex>>;

impl Store {
    /// Says what a request would cover, and changes nothing.
    ///
    /// # Errors
    /// When the request cannot be, or matches too many pages.
    pub fn dry_run(&self, request: &ErasureRequest) -> Result<Preview, EraseError> {
        self.core.open_site(request.site)?;
        Ok(self.core.find(request, &check(request)?)?.preview)
    }

    /// Takes a request: from when this returns, nothing that was accepted before and that it covers is in any answer.
    ///
    /// # Errors
    /// When the request cannot be, or could not be written down. Nothing is masked then.
    pub fn erase(&self, request: &ErasureRequest) -> Result<Requested, EraseError> {
        self.core.open_site(request.site)?;
        erase(&self.core, request, false)
    }

    /// Closes a site to reads and writes. Its bytes go at the first purge after `GRACE_HOURS`; until then it can be
    /// called off.
    ///
    /// # Errors
    /// When there is no such open site, or it could not be written down.
    pub fn delete_site(&self, site: SiteId) -> Result<Requested, EraseError> {
        self.core.open_site(site)?;
        let request = ErasureRequest {
            site,
            pages: NamedPages::All,
            cover: Cover::ALL,
            block: false,
            reason: Reason::Other,
            reference: "".into(),
        };
        // The entry first: a site that is closed and in no ledger would never go.
        let requested = erase(&self.core, &request, true)?;
        self.core.accounts.close(site)?;
        // Whoever looked at the account before is in the queue by now.
        drop(self.core.blocks.write());
        Ok(requested)
    }

    /// Calls an erasure off. What is in files shows again; what was in memory or was merged since is gone.
    ///
    /// # Errors
    /// When there is no such erasure, or its data has begun to go.
    pub fn cancel_erasure(&self, id: ErasureId) -> Result<Arc<Erasure>, EraseError> {
        let core = &self.core;
        let _one_at_a_time = core.erasing.lock();
        let erasure = core.ledger.get(id).ok_or(EraseError::UnknownErasure(id))?;
        let state = erasure.state();
        if state > ErasureState::Masked || (erasure.deletes_site && !erasure.is_in_grace()) {
            return Err(EraseError::TooLate { state });
        }
        if erasure.deletes_site {
            core.accounts.reopen(erasure.site)?;
        }
        core.ledger.record(vec![LedgerEdit::Reach(id, ErasureState::Cancelled, core.now_ms())])?;
        core.refresh_masks();
        core.forget_named()?;
        core.ledger.get(id).ok_or(EraseError::UnknownErasure(id))
    }

    /// An erasure.
    #[must_use]
    pub fn erasure(&self, id: ErasureId) -> Option<Arc<Erasure>> {
        self.core.ledger.get(id)
    }

    /// The erasures of a site, in the order they were asked for.
    #[must_use]
    pub fn erasures(&self, site: SiteId) -> Vec<Arc<Erasure>> {
        self.core.ledger.of_site(site)
    }

    /// What an erasure was certified with.
    #[must_use]
    pub fn certificate(&self, id: ErasureId) -> Option<Arc<SignedCertificate>> {
        self.core.ledger.certificate(id)
    }

    /// Which files stood before and after the purge that an erasure was certified by, also after its site is gone.
    ///
    /// # Errors
    /// When it is not certified, the list is not there any more, or is not that of the certificate.
    pub fn evidence(&self, id: ErasureId) -> Result<Evidence, EvidenceError> {
        let signed = self.certificate(id).ok_or(EvidenceError::NotCertified)?;
        let certificate = Certificate::read(&signed.statement)?;
        let number = evidence::number_of(&certificate).ok_or(EvidenceError::Gone)?;
        let evidence = self.core.ledger.evidence(number)?.ok_or(EvidenceError::Gone)?;
        Roots::of(&evidence.files).check(&certificate)?;
        Ok(evidence)
    }

    /// The public keys that certificates are signed with.
    ///
    /// # Errors
    /// When the key cannot be read or made.
    pub fn certificate_keys(&self) -> Result<Vec<[u8; 32]>, EraseError> {
        Ok(vec![certificate::public_key(&self.core.ledger.signing_key()?)])
    }

    /// The pages of a site that take no more events.
    #[must_use]
    pub fn blocked(&self, site: SiteId) -> Blocked {
        blocked(&self.core.blocks.read(), site)
    }
}

pub(super) fn blocked(blocks: &Blocks, site: SiteId) -> Blocked {
    Blocked(blocks.get(&site).map_or_else(MaskRules::none, |index| MaskRules::open_from(index, Seq(0))))
}

/// Whether a request can be, and which pages it names.
fn check(request: &ErasureRequest) -> Result<PageTest, InvalidErasure> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if request.reference.len() > REFERENCE_BYTES || !request.reference.bytes().all(allowed) {
        return Err(InvalidErasure::Reference);
    }
    if request.cover.days.is_empty() {
        return Err(InvalidErasure::Days);
    }
    match &request.pages {
        NamedPages::Page(text) | NamedPages::Prefix(text) if text.is_empty() || text.len() > PAGE_BYTES => {
            return Err(InvalidErasure::PageLength { bytes: text.len() });
        }
        NamedPages::Prefix(text) if !text.ends_with('/') => return Err(InvalidErasure::PrefixEnd),
        NamedPages::All | NamedPages::Pattern(_) if request.block => return Err(InvalidErasure::Block),
        _ => {}
    }
    Ok(PageTest::new(&request.pages)?)
}

/// What a request covers, as of a read set.
struct Found {
    preview: Preview,
    /// Pages that a pattern has matched.
    expanded: Vec<TextHash>,
    /// Segments that were looked at.
    seen: Vec<u64>,
}

fn erase(core: &Arc<Core>, request: &ErasureRequest, deletes_site: bool) -> Result<Requested, EraseError> {
    let test = check(request)?;
    let _one_at_a_time = core.erasing.lock();
    let found = core.find(request, &test)?;
    let (preview, salt, id) = (found.preview, random()?, ErasureId(random()?));
    let (hasher, now_ms) = (core.ledger.hasher(), core.now_ms());
    let mut times = [None; ErasureState::COUNT];
    times[ErasureState::Requested as usize] = Some(now_ms);
    let erasure = Erasure {
        id,
        number: 0,
        site: request.site,
        through: Seq(0),
        named: request.pages.kind(),
        hashes: match &request.pages {
            NamedPages::All => Vec::new(),
            NamedPages::Page(text) => vec![hasher.page(request.site, text)],
            NamedPages::Prefix(text) => vec![hasher.prefix(request.site, text)],
            NamedPages::Pattern(_) => Vec::new(),
        },
        cover: request.cover,
        block: request.block,
        deletes_site,
        reason: request.reason,
        reference: request.reference.clone(),
        matched: preview.matched,
        commitment: certificate::commitment(&salt, &request.pages),
        times,
        grace_over_ms: None,
        versions_gone_ms: None,
        losses: Vec::new(),
    };
    core.ledger.write_named(id, &request.pages)?;
    // Before the cut: what is in the queue by now is covered, and nothing more gets into it.
    if let Some(pages) = erasure.blocks() {
        core.block(request.site, pages);
    }
    let shared = Arc::clone(core);
    let settled = core
        .log
        .between_groups(move |through, _| shared.settle(through, erasure, &test, found))
        .map_err(EraseError::from)
        .and_then(|settled| settled);
    if settled.is_err() && request.block {
        core.refresh_blocks();
    }
    Ok(Requested { erasure: settled?, preview, salt })
}

impl Core {
    pub(super) fn open_site(&self, site: SiteId) -> Result<(), EraseError> {
        match self.accounts.get(site) {
            Some(site) if !site.closed => Ok(()),
            _ => Err(EraseError::UnknownSite(site)),
        }
    }

    /// Looks through everything that is stored for what a request covers.
    fn find(&self, request: &ErasureRequest, test: &PageTest) -> Result<Found, EraseError> {
        let state = self.live.read();
        let mut cover = request.cover;
        if let Some(site) = self.accounts.get(request.site) {
            // What has expired is in no answer, and is not counted here either.
            let kept_from = site.settings.expiry(site.settings.day_at(self.now_ms())).days_from;
            cover.days.from = cover.days.from.max(kept_from).min(cover.days.to);
        }
        let mut found = Found { preview: Preview::default(), expanded: Vec::new(), seen: Vec::new() };
        let mut matching = Matching::new(request.site, self.ledger.hasher(), test, cover);
        let mut scratch = Scratch::new();
        found.preview.incomplete = !state.segments.unreadable().is_empty();
        for segment in state.segments.iter() {
            let header = &segment.entry().header;
            let masked = state.masks.rules(request.site, header);
            let counted = segment.extent(request.site).map_err(MatchError::from).and_then(|extent| {
                let Some(extent) = extent else { return Ok(()) };
                let days = cover.days.intersect(&header.month.days());
                found.preview.recoded |= cover.country.is_some()
                    && !days.is_empty()
                    && segment.entry().level == crate::compaction::plan::SETTLED;
                matching.count(&extent, |page| masked.of_page(page), &mut scratch)
            });
            match counted {
                Err(MatchError::Segment(_)) => found.preview.incomplete = true,
                counted => counted?,
            }
            found.seen.push(segment.entry().number);
        }
        for memtable in memtables(&state) {
            memtable
                .read_site(request.site, |rows| rows.map_or(Ok(()), |rows| matching.count_memory(rows)))?;
        }
        found.preview.matched = matching.matched();
        found.expanded = matching.expanded();
        Ok(found)
    }

    /// Writes a request down and masks what it covers: between two groups, so that every batch is before or after it.
    fn settle(
        &self,
        through: Seq,
        mut erasure: Erasure,
        test: &PageTest,
        found: Found,
    ) -> Result<Arc<Erasure>, EraseError> {
        let state = self.live.read();
        erasure.through = through;
        if erasure.named == NamedKind::Pattern {
            let mut matching = Matching::new(erasure.site, self.ledger.hasher(), test, erasure.cover);
            // What was flushed since, and what snapshots alone have.
            let new = state.segments.iter().filter(|segment| !found.seen.contains(&segment.entry().number));
            let live: Vec<u64> = state.segments.iter().map(|segment| segment.entry().number).collect();
            for segment in new {
                segment.extent(erasure.site)?.map_or(Ok(()), |extent| matching.name(&extent))?;
            }
            for entry in self.live.manifest().pinned.iter().filter(|entry| !live.contains(&entry.number)) {
                let segment = Segment::open(&*self.disk, entry, self.options.access)?;
                segment.extent(erasure.site)?.map_or(Ok(()), |extent| matching.name(&extent))?;
            }
            for memtable in memtables(&state) {
                memtable.read_site(erasure.site, |rows| {
                    rows.map_or(Ok(()), |rows| matching.count_memory(rows))
                })?;
            }
            erasure.hashes = matching.expanded();
            erasure.hashes.extend(found.expanded);
            erasure.hashes.sort_unstable();
            erasure.hashes.dedup();
            if erasure.hashes.len() > crate::model::limits::PATTERN_PAGES {
                return Err(MatchError::TooManyPages.into());
            }
        }
        let erasure = self.ledger.request(erasure, self.now_ms())?;
        if let Some(tombstone) = erasure.tombstone() {
            let mut masks = Masks::clone(&state.masks);
            masks.insert(erasure.site, &tombstone);
            self.live.mask(&Arc::new(masks));
            self.mask_memory(erasure.site, &tombstone);
        }
        Ok(erasure)
    }

    /// Takes out of memory what a tombstone covers. Called between two groups, or when its site takes nothing more.
    pub(super) fn mask_memory(&self, site: SiteId, tombstone: &Tombstone) {
        let mut index = RuleIndex::new(site, self.ledger.hasher());
        index.insert(tombstone);
        let mask = SiteMask::of_rules(MaskRules::open_from(&Arc::new(index), tombstone.through));
        for memtable in memtables(&self.live.read()) {
            memtable.mask_in_place(site, &mask);
        }
    }

    /// Masks what the ledger says, and blocks what it says.
    pub(super) fn refresh_masks(&self) {
        let masks = masks_of(&self.ledger, self.ledger.open());
        self.live.mask(&Arc::new(masks));
        self.refresh_blocks();
    }

    pub(super) fn refresh_blocks(&self) {
        *self.blocks.write() = blocks_of(&self.ledger);
    }

    fn block(&self, site: SiteId, pages: PageSelection) {
        put_block(&mut self.blocks.write(), &self.ledger, site, pages);
    }

    /// Unlinks what requests have named that are not open any more.
    pub(super) fn forget_named(&self) -> Result<(), crate::ledger::LedgerError> {
        let open: Vec<u64> = self.ledger.open().iter().map(|erasure| erasure.number).collect();
        self.ledger.forget_named(|number| open.contains(&number))
    }
}

/// The tombstones of some erasures of a ledger.
pub(super) fn masks_of(
    ledger: &crate::ledger::Ledger,
    erasures: impl IntoIterator<Item = impl AsRef<Erasure>>,
) -> Masks {
    gather(ledger, erasures, Erasure::tombstone)
}

/// What the erasures of a ledger have taken out of memory, also those that are done or were called off: a log that still
/// has it must not bring it back.
pub(super) fn taken_from_memory(ledger: &crate::ledger::Ledger) -> Masks {
    gather(ledger, ledger.all(), Erasure::taken_from_memory)
}

fn gather(
    ledger: &crate::ledger::Ledger,
    erasures: impl IntoIterator<Item = impl AsRef<Erasure>>,
    of: impl Fn(&Erasure) -> Option<Tombstone>,
) -> Masks {
    let mut masks = Masks::none(ledger.hasher());
    for erasure in erasures {
        let erasure = erasure.as_ref();
        if let Some(tombstone) = of(erasure) {
            masks.insert(erasure.site, &tombstone);
        }
    }
    masks
}

/// What a ledger blocks, also of erasures that are done.
pub(super) fn blocks_of(ledger: &crate::ledger::Ledger) -> Blocks {
    let mut blocks = Blocks::new();
    for erasure in ledger.all() {
        if let Some(pages) = erasure.blocks() {
            put_block(&mut blocks, ledger, erasure.site, pages);
        }
    }
    blocks
}

fn put_block(blocks: &mut Blocks, ledger: &crate::ledger::Ledger, site: SiteId, pages: PageSelection) {
    let index = blocks.entry(site).or_insert_with(|| Arc::new(RuleIndex::new(site, ledger.hasher())));
    let rule = MaskRule { pages, cover: Cover::ALL };
    Arc::make_mut(index).insert(&Tombstone { through: Seq(u64::MAX), rule });
}

fn memtables(state: &ReadState) -> impl Iterator<Item = &Arc<Memtable>> {
    [Some(&state.active), state.frozen.as_ref()].into_iter().flatten()
}

fn random<const N: usize>() -> Result<[u8; N], EraseError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(EraseError::Random)?;
    Ok(bytes)
}
