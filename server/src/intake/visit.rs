//! What a browser sends becomes batches: shared by the tracker's door and PostHog's.

use heatgrid_engine::model::{
    Batch, BatchBuilder, BatchId, Country, Event, Kind, PageOfBatch, Site, Viewport,
};
use heatgrid_engine::store::Blocked;

use super::placing::Placing;
use super::{DropReason, Tally};
use crate::privacy::consent::Consented;
use crate::privacy::origin::Origin;
use crate::privacy::url::{NoPage, PageRules};
use crate::wire::cell_of;
use crate::wire::collect::Beacon;
use crate::wire::posthog::Heatmap;

/// Furthest that an event lies back, whatever its age is said to be: what a tracker kept while it was offline is
/// younger, and a wrong clock moves nothing by more than a day.
const AGE_MS: u64 = 24 * 3_600 * 1_000;

/// What the events of one request are counted with. The visitor's address is gone by then.
#[derive(Clone, Copy)]
pub struct Visit<'a> {
    /// Whose pages.
    pub site: &'a Site,
    /// The site's rules.
    pub rules: &'a PageRules,
    /// Pages that an erasure keeps out.
    pub blocked: &'a Blocked,
    /// Where the pages are: they are of no other origin.
    pub origin: Origin<'a>,
    /// Where the visitor is.
    pub country: Country,
    /// When the request was received, Unix ms.
    pub now_ms: u64,
}

/// A batch, and what became of each event.
#[derive(Debug)]
pub struct Counted {
    /// What is to be stored; empty when every event was dropped.
    pub batch: Batch,
    /// Accepted, once it is stored.
    pub tally: Tally,
}

/// A page that is not of the origin which sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a page is sent by its own origin only")]
pub struct ForeignPage;

/// One event, from either door.
struct Sighting {
    /// `None` is nothing that is counted here.
    kind: Option<Kind>,
    x: f64,
    y: f64,
    fixed: bool,
    age_ms: u64,
}

impl Visit<'_> {
    /// A tracker's batch.
    ///
    /// # Errors
    /// When one of its pages is foreign; then none of its events is counted.
    pub fn beacon(&self, beacon: Consented<Beacon<'_>>) -> Result<Counted, ForeignPage> {
        let beacon = beacon.into_inner();
        let mut counting = Counting::new(self);
        for page in &beacon.pages {
            let events = page.events.iter().map(|event| Sighting {
                kind: Some(event.kind),
                x: event.x,
                y: event.y,
                fixed: event.fixed,
                age_ms: event.age_ms,
            });
            counting.page(&page.url, page.viewport_px, events)?;
        }
        Ok(counting.finish(Some(beacon.id)))
    }

    /// PostHog's heatmaps. Each has an id of its own, so each with an id is a batch; those without come last, as one.
    ///
    /// # Errors
    /// When one of their pages is foreign; then none of their events is counted.
    pub fn heatmaps(&self, heatmaps: Consented<Vec<Heatmap>>) -> Result<Vec<Counted>, ForeignPage> {
        let mut batches = Vec::new();
        let mut nameless = Counting::new(self);
        for heatmap in heatmaps.into_inner() {
            match heatmap.id {
                None => nameless.heatmap(&heatmap)?,
                Some(id) => {
                    let mut counting = Counting::new(self);
                    counting.heatmap(&heatmap)?;
                    batches.push(counting.finish(Some(id)));
                }
            }
        }
        batches.push(nameless.finish(None));
        Ok(batches)
    }
}

/// A batch that is being made.
struct Counting<'a> {
    visit: &'a Visit<'a>,
    placing: Placing<'a>,
    builder: BatchBuilder,
    tally: Tally,
}

impl<'a> Counting<'a> {
    fn new(visit: &'a Visit<'a>) -> Counting<'a> {
        Counting {
            visit,
            placing: Placing::new(visit.site, visit.now_ms),
            builder: BatchBuilder::new(visit.site.id),
            tally: Tally::default(),
        }
    }

    fn heatmap(&mut self, heatmap: &Heatmap) -> Result<(), ForeignPage> {
        for (url, points) in &heatmap.pages {
            let events = points.iter().map(|point| Sighting {
                kind: point.kind,
                x: point.x,
                y: point.y,
                fixed: point.fixed,
                age_ms: heatmap.age_ms,
            });
            self.page(url, heatmap.viewport_px, events)?;
        }
        Ok(())
    }

    fn page(
        &mut self,
        url: &str,
        viewport_px: u32,
        events: impl ExactSizeIterator<Item = Sighting>,
    ) -> Result<(), ForeignPage> {
        let Visit { rules, blocked, origin, .. } = *self.visit;
        let dropped = match rules.normalise_from(origin, url) {
            Ok(page) if blocked.covers(&page.text) => DropReason::Erased,
            Ok(page) => {
                let text = self.builder.page(page.text).expect("a normalised page has a page's length");
                self.builder.reserve(text, events.len());
                let (viewport, mut accepted) = (Viewport::of_px(viewport_px), 0);
                for event in events {
                    match self.event(text, viewport, &event) {
                        Ok(()) => accepted += 1,
                        Err(reason) => self.tally.drop(reason, 1),
                    }
                }
                self.tally.accept(accepted);
                self.tally.redact(accepted * page.redacted);
                return Ok(());
            }
            Err(NoPage::Foreign) => return Err(ForeignPage),
            Err(NoPage::Invalid(_)) => DropReason::Url,
            Err(NoPage::Host) => DropReason::Host,
            Err(NoPage::Excluded) => DropReason::Excluded,
        };
        // The limits of a body leave room for every count of its events.
        self.tally.drop(dropped, events.len() as u32);
        Ok(())
    }

    #[inline]
    fn event(&mut self, page: PageOfBatch, viewport: Viewport, seen: &Sighting) -> Result<(), DropReason> {
        let kind = seen.kind.ok_or(DropReason::Kind)?;
        let cell = cell_of(kind, seen.x, seen.y).ok_or(DropReason::Place)?;
        let at_ms = self.visit.now_ms.saturating_sub(seen.age_ms.min(AGE_MS));
        let event = Event {
            kind,
            viewport,
            fixed: seen.fixed,
            cell,
            hour: self.placing.hour(i64::try_from(at_ms).unwrap_or(i64::MAX))?,
            country: self.visit.country,
            count: 1,
        };
        self.builder.add_to(page, event).expect("a body has fewer events than a batch may have");
        Ok(())
    }

    fn finish(self, id: Option<BatchId>) -> Counted {
        Counted { batch: self.builder.build(id, None), tally: self.tally }
    }
}

#[cfg(test)]
mod tests;
