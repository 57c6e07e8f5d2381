//! A store as these tests use it: opened on a simulated disk, told batches, asked questions, in the words of `world`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use heatgrid_engine::accounts::{AccountsError, NewSite};
use heatgrid_engine::clock::Clock;
use heatgrid_engine::commit::Appended;
use heatgrid_engine::disk::Disk;
use heatgrid_engine::error::{AppendError, AskError, JobError, OpenError};
use heatgrid_engine::model::{
    Batch, BatchBuilder, BatchId, IdempotencyKey, Region, SiteId, SiteName, SiteScope, SiteSettings,
};
use heatgrid_engine::options::{Background, Options};
use heatgrid_engine::query::{
    Answer, Budget, CancelFlag, GridQuestion, PageListQuestion, PageTotal, SeriesQuestion, TopPagesQuestion,
};
use heatgrid_engine::store::Store;

use crate::truth::{Question, Summary, Told, Value};
use crate::world::{Receipt, Sent};

/// A clock that a test sets.
#[derive(Clone, Default)]
pub(crate) struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub(crate) fn at(now_ms: u64) -> TestClock {
        TestClock(Arc::new(AtomicU64::new(now_ms)))
    }

    pub(crate) fn set(&self, now_ms: u64) {
        self.0.store(now_ms, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// An open store, and its sites in the order of their names.
pub(crate) struct Stored {
    pub(crate) store: Store,
    sites: Vec<SiteId>,
}

/// The name of the site at a place in the world's list.
fn site_name(place: usize) -> SiteName {
    SiteName::new(&format!("site-{place:03}")).expect("a name")
}

/// Options of a store that does nothing unless it is told to. Small files, so that a few batches fill them.
pub(crate) fn options(wal_file_bytes: u64) -> Options {
    let region = Region::new("eu").expect("a region");
    let mut options = Options { background: Background::Manual, wal_file_bytes, ..Options::standard(region) };
    options.compaction.grace_days = 0;
    options.reserve_bytes = 0;
    // The simulated disk costs nothing.
    options.background_bytes_per_second = u64::MAX;
    options
}

impl Stored {
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        clock: &TestClock,
        options: Options,
    ) -> Result<Stored, OpenError> {
        let store = Store::open(disk, Arc::new(clock.clone()), options)?;
        let mut stored = Stored { store, sites: Vec::new() };
        stored.find_sites();
        Ok(stored)
    }

    /// How many sites there are, the last of which may have been deleted since they were looked for.
    pub(crate) fn sites(&self) -> usize {
        self.store.accounts().sites().count()
    }

    /// Makes the site at a place in the world's list.
    pub(crate) fn create_site(&mut self, place: usize, settings: SiteSettings) -> Result<(), AccountsError> {
        let region = Region::new("eu").expect("a region");
        let new = NewSite { name: site_name(place), region, settings };
        let made = self.store.accounts().create_sites(vec![new], 1_772_452_800);
        self.find_sites();
        made.map(drop)
    }

    fn find_sites(&mut self) {
        let named: BTreeMap<String, SiteId> =
            self.store.accounts().sites().map(|site| (site.name.as_str().to_string(), site.id)).collect();
        self.sites = named.into_values().collect();
    }

    /// The id of the site at a place in the world's list.
    pub(crate) fn site(&self, place: usize) -> SiteId {
        self.sites[place]
    }

    fn scope(&self, site: usize) -> SiteScope {
        SiteScope::granted(self.sites[site])
    }

    /// What the store says to a batch; an error when it is not taken.
    pub(crate) fn append(&self, sent: &Sent) -> Result<Receipt, AppendError> {
        self.append_to(self.sites[sent.site], sent)
    }

    /// The same, for a site of this id, which may be gone.
    pub(crate) fn append_to(&self, site: SiteId, sent: &Sent) -> Result<Receipt, AppendError> {
        let appended = self.store.append_wait(batch(site, sent))?;
        Ok(match appended {
            Appended::Stored { .. } => Receipt::Stored,
            Appended::Repeated { answer } => {
                if let (Some((key, _)), Some(answer)) = (sent.key, answer) {
                    assert_eq!(*answer, [key], "the first answer is given again");
                }
                Receipt::Repeated
            }
            Appended::KeyConflict => Receipt::Conflict,
        })
    }

    pub(crate) fn flush(&self) -> Result<(), Arc<JobError>> {
        self.store.flush()
    }

    pub(crate) fn compact(&self) -> Result<(), Arc<JobError>> {
        self.store.compact()
    }

    /// Removes what is older than sites keep. Clocks of these tests jump, and are right.
    pub(crate) fn expire(&self) -> Result<(), Arc<JobError>> {
        self.store.accept_clock()?;
        self.store.expire()
    }

    /// What the store says to a question.
    pub(crate) fn answer(&self, site: usize, question: &Question) -> Result<Told, AskError> {
        let (scope, budget) = (self.scope(site), &budget());
        let selection = question.ask().selection();
        match question {
            Question::Grid(_, cell, align) => {
                let question = GridQuestion { selection, cell: *cell, align: *align };
                self.store.grid(scope, &question, budget).map(|answer| {
                    told(answer, |grid| {
                        assert_eq!(grid.total(), grid.cells().map(|cell| cell.count).sum::<u64>());
                        assert_eq!(grid.max(), grid.cells().map(|cell| cell.count).max().unwrap_or(0));
                        let cells = grid.cells().map(|cell| (cell.x, cell.y, cell.count)).collect();
                        Value::Grid(cells, grid.outside())
                    })
                })
            }
            Question::Series(_, step) => {
                let question = SeriesQuestion { selection, step: *step };
                self.store.series(scope, &question, budget).map(|answer| {
                    told(answer, |steps| {
                        Value::Series(
                            steps.into_iter().map(|step| (step.time.to_string(), step.count)).collect(),
                        )
                    })
                })
            }
            Question::TopPages(_, limit) => self.pages(*limit, |after| {
                let question = TopPagesQuestion { selection: selection.clone(), limit: *limit, after };
                self.store.top_pages(scope, &question, budget)
            }),
            Question::PageList(_, limit) => self.pages(*limit, |after| {
                let after = after.map(|total| total.page);
                let question = PageListQuestion { selection: selection.clone(), limit: *limit, after };
                self.store.page_list(scope, &question, budget)
            }),
            Question::Summary(_) => {
                self.store.summary(scope, &selection, budget).map(|answer| told(answer, summary))
            }
            Question::Scroll(_) => self.store.scroll_reach(scope, &selection, budget).map(|answer| {
                told(answer, |reach| {
                    assert_eq!(reach.reached().first().copied().unwrap_or(0), reach.scrolls());
                    Value::Scroll(reach.deepest, reach.views)
                })
            }),
            Question::Attention(_) => self
                .store
                .attention(scope, &selection, budget)
                .map(|answer| told(answer, |attention| Value::Attention(attention.seconds))),
        }
    }

    /// A whole list, read `limit` pages at a time, each list beginning after the one before.
    fn pages(
        &self,
        limit: usize,
        read: impl Fn(Option<PageTotal>) -> Result<Answer<Vec<PageTotal>>, AskError>,
    ) -> Result<Told, AskError> {
        let mut all: Vec<PageTotal> = Vec::new();
        loop {
            let answer = read(all.last().cloned())?;
            let full = answer.value.len() == limit;
            all.extend(answer.value.iter().cloned());
            if !full {
                let pages = all.into_iter().map(|total| (total.page.to_string(), total.count)).collect();
                return Ok(told(answer, |_| Value::Pages(pages)));
            }
        }
    }
}

fn batch(site: SiteId, sent: &Sent) -> Batch {
    let mut builder = BatchBuilder::new(site);
    for (page, event) in &sent.events {
        builder.add(page, *event).expect("events of these tests are within limits");
    }
    let id = sent.id.map(|id| BatchId([id; 16]));
    let key = sent.key.map(|(key, body)| IdempotencyKey {
        key: format!("key {key}").into(),
        body: [body; 16],
        answer: [key].into(),
    });
    builder.build(id, key)
}

fn budget() -> Budget {
    Budget { rows: u64::MAX, bytes: u64::MAX, cancel: CancelFlag::new() }
}

fn told<T>(answer: Answer<T>, value: impl FnOnce(T) -> Value) -> Told {
    Told {
        value: value(answer.value),
        days: (!answer.days.is_empty()).then_some((answer.days.from, answer.days.to)),
        recoded: answer.recoded,
        withheld: answer.withheld,
    }
}

fn summary(summary: heatgrid_engine::query::Summary) -> Value {
    let kinds: BTreeMap<_, _> = summary.kinds.into_iter().collect();
    assert_eq!(summary.total, kinds.values().sum::<u64>(), "the parts of a summary add up");
    Value::Summary(Box::new(Summary {
        kinds,
        devices: summary.devices.into_iter().collect(),
        countries: summary.countries.into_iter().collect(),
        weekdays: summary.weekdays,
        hours: summary.hours.map(|table| {
            let counts = (0_u8..).zip(table.iter()).flat_map(|(weekday, hours)| {
                (0_u8..).zip(hours).map(move |(hour, count)| ((weekday, hour), *count))
            });
            counts.filter(|(_, count)| *count > 0).collect()
        }),
    }))
}
