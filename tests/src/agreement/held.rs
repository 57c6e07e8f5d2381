//! A store and the world that it must look like.

use heatgrid_engine::disk::simulated::SimulatedDisk;
use heatgrid_engine::model::{CellSize, Day, DayRange, Event, Kind, SiteSettings};
use heatgrid_engine::query::Align;

use super::script::{BEGINS_MS, BatchPlan};
use crate::stored::{Stored, TestClock, options};
use crate::truth::{Ask, AskPages, AskWindows, Question, Value};
use crate::world::{Sent, World};

/// Bytes of a log file: some tens of batches fill one.
const WAL_FILE_BYTES: u64 = 16 << 10;

pub(super) struct Held {
    disk: SimulatedDisk,
    clock: TestClock,
    stored: Option<Stored>,
    world: World,
}

impl Held {
    pub(super) fn new(sites: &[SiteSettings]) -> Held {
        let (disk, clock, world) = (SimulatedDisk::new(), TestClock::at(BEGINS_MS), World::new(BEGINS_MS));
        let mut held = Held { disk, clock, stored: None, world };
        held.reopen();
        for settings in sites {
            let place = held.world.sites.len();
            held.stored_mut().create_site(place, settings.clone()).expect("a site can be made");
            held.world.add_site(settings.clone());
        }
        held
    }

    fn stored(&self) -> &Stored {
        self.stored.as_ref().expect("it is open")
    }

    fn stored_mut(&mut self) -> &mut Stored {
        self.stored.as_mut().expect("it is open")
    }

    pub(super) fn append(&mut self, site: usize, batch: &BatchPlan) {
        let zone = &self.world.sites[site].settings.timezone;
        let event = |plan: &super::script::EventPlan| {
            let at_ms = self.world.now_ms - u64::from(plan.hours_ago) * 3_600_000;
            let hour = zone.local_hour(i64::try_from(at_ms).expect("our time")).expect("a day of our time");
            let (kind, viewport, fixed, cell) = (plan.kind, plan.viewport, plan.fixed, plan.cell);
            let event = Event { kind, viewport, fixed, cell, hour, country: plan.country, count: plan.count };
            (plan.page.to_string(), event)
        };
        let events = batch.events.iter().map(event).collect();
        let sent = Sent { site, events, id: batch.id, key: batch.key };
        let receipt = self.stored().append(&sent).expect("a batch is taken");
        assert_eq!(receipt, self.world.append(&sent), "{sent:?}");
    }

    pub(super) fn flush(&mut self) {
        self.stored().flush().expect("a flush goes well");
        self.world.flush();
    }

    pub(super) fn compact(&mut self) {
        self.stored().compact().expect("a compaction goes well");
        self.world.compact(0, &[]);
    }

    pub(super) fn expire(&mut self) {
        self.stored().expire().expect("retention goes well");
    }

    /// Opens the store again without having closed it: what is not flushed is in the log.
    pub(super) fn reopen(&mut self) {
        self.stored = None;
        let disk = std::sync::Arc::new(self.disk.clone());
        let stored = Stored::open(disk, &self.clock, options(WAL_FILE_BYTES)).expect("it opens");
        assert_eq!(stored.store.report().orphans, [], "nothing is left behind");
        self.stored = Some(stored);
    }

    pub(super) fn wait(&mut self, minutes: u64) {
        self.world.now_ms += minutes * 60_000;
        self.clock.set(self.world.now_ms);
        // Months go by between two steps; that is no clock gone wrong.
        self.stored().store.accept_clock().expect("the clock is accepted");
    }

    pub(super) fn check(&self, site: usize, question: &Question) {
        let told = self.stored().answer(site, question).expect("a question is answered");
        assert_eq!(told, self.world.answer(site, question), "{question:?} on {}", self.world.today(site));
    }

    /// The sum of all grids of a site is what was accepted and has not expired.
    pub(super) fn check_totals(&self) {
        for site in 0..self.world.sites.len() {
            let ask = Ask {
                pages: AskPages::Pattern("*".into()),
                // Converted clicks may be withheld.
                kinds: Kind::ALL.iter().copied().filter(|kind| *kind != Kind::ConvertedClick).collect(),
                windows: AskWindows::All,
                fixed: None,
                countries: None,
                days: DayRange { from: Day::from_number(18_000), to: Day::from_number(25_000) },
            };
            let question = Question::Grid(ask, CellSize::STORED, Align::None);
            let told = self.stored().answer(site, &question).expect("a question is answered");
            let Value::Grid(cells, 0) = told.value else { panic!("a grid is a grid") };
            let total: u64 = cells.iter().map(|(_, _, count)| count).sum();
            let truth = &self.world.sites[site];
            assert_eq!(total, truth.events(self.world.today(site), |kind| kind != Kind::ConvertedClick));
        }
    }
}
