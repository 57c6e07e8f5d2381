//! From pageviews to batches, as a tracker or a bulk loader makes them.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use heatgrid_engine::model::{Batch, BatchBuilder, Month, SiteId};

use crate::workload::{Pageview, Workload};

/// What shares a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Events of one page: what a visitor's browser sends.
    Page,
    /// Events of one site, of one month: what a bulk loader sends.
    Site,
}

/// A batch of the site of this index. Its `site` is that index; the store's own id is put in its place when the
/// batch is appended, as a new store draws new ids.
pub struct SiteBatch {
    /// Index of the site in the workload.
    pub site: usize,
    /// The counters.
    pub batch: Batch,
}

/// Cuts the flow of pageviews into batches of `size` events each.
///
/// Batches are smaller only at the end of a month, which no batch spans, and at the end of the flow.
pub struct Batches {
    workload: Workload,
    shape: Shape,
    size: u64,
    month: Option<Month>,
    /// By site and, for `Shape::Page`, page.
    open: BTreeMap<(usize, usize), BatchBuilder>,
    ready: VecDeque<SiteBatch>,
}

impl Batches {
    /// Batches of `size` events of `workload`.
    #[must_use]
    pub fn new(workload: Workload, shape: Shape, size: u64) -> Batches {
        Batches { workload, shape, size, month: None, open: BTreeMap::new(), ready: VecDeque::new() }
    }

    fn take(&mut self, pageview: &Pageview) {
        let month = pageview.events[0].hour.day().month();
        if self.month.replace(month).is_some_and(|last| last != month) {
            self.finish_open();
        }
        let group = match self.shape {
            Shape::Page => (pageview.site, pageview.page),
            Shape::Site => (pageview.site, 0),
        };
        let text = self.workload.page_text(pageview.site, pageview.page);
        let new = || BatchBuilder::new(SiteId(pageview.site as u64));
        for event in &pageview.events {
            let builder = self.open.entry(group).or_insert_with(new);
            builder.add(text, *event).expect("the workload keeps every limit");
            if builder.events() == self.size {
                let full = self.open.remove(&group).expect("it was just filled");
                self.ready.push_back(site_batch(pageview.site, full));
            }
        }
    }

    fn finish_open(&mut self) {
        let open = std::mem::take(&mut self.open);
        self.ready.extend(open.into_iter().map(|((site, _), builder)| site_batch(site, builder)));
    }
}

fn site_batch(site: usize, builder: BatchBuilder) -> SiteBatch {
    SiteBatch { site, batch: builder.build(None, None) }
}

impl Iterator for Batches {
    type Item = SiteBatch;

    fn next(&mut self) -> Option<SiteBatch> {
        while self.ready.is_empty() {
            match self.workload.next() {
                Some(pageview) => self.take(&pageview),
                None if self.open.is_empty() => return None,
                None => self.finish_open(),
            }
        }
        self.ready.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(shape: Shape, size: u64) {
        let (mut events, mut full) = (0, 0);
        for SiteBatch { site, batch } in Batches::new(Workload::new(200_000), shape, size) {
            assert_eq!(batch.site, SiteId(site as u64));
            assert!(batch.events <= size);
            let days = batch.days().expect("no batch is empty");
            assert_eq!(days.months().count(), 1);
            assert!(shape == Shape::Site || batch.pages.len() == 1);
            events += batch.events;
            full += u64::from(batch.events == size);
        }
        assert_eq!(events, 200_000);
        assert!(full * size > events / 2, "{full} full batches of {size}");
    }

    #[test]
    fn batches_hold_every_event_once_and_are_mostly_full() {
        check(Shape::Page, 20);
        check(Shape::Site, 500);
    }
}
