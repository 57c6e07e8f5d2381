//! The store as a whole, on a simulated disk and a clock that stands still.

mod against_a_map;
mod backups;
mod bulk;
mod erasing;
mod faults;
mod jobs;
mod snapshots;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::accounts::NewSite;
use crate::clock::ManualClock;
use crate::compaction::CompactionOptions;
use crate::disk::Access;
use crate::disk::simulated::SimulatedDisk;
use crate::format::names::FileName;
use crate::model::{
    Batch, BatchBuilder, Cell, CellSize, CopyName, Country, Day, DayRange, Event, HourOfSite, Kind,
    LayerSelection, Region, SiteId, SiteName, SiteScope, SiteSettings, Viewport,
};
use crate::options::Background;
use crate::query::{Align, Budget, CancelFlag, GridQuestion, Pages, Selection};

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// A store with one site, its disk and its clock.
struct Bench {
    disk: SimulatedDisk,
    clock: Arc<ManualClock>,
    options: Options,
    settings: SiteSettings,
}

/// The one site of a store.
fn site(store: &Store) -> SiteId {
    store.accounts().sites().next().unwrap().id
}

/// An instant in 2026, as Unix ms.
fn at(month: u32, day: u32, hour: u64) -> u64 {
    u64::from(date(month, day).number()) * DAY_MS + hour * HOUR_MS
}

fn date(month: u32, day: u32) -> Day {
    Day::from_civil(2026, month, day).unwrap()
}

impl Bench {
    fn new() -> Bench {
        let options = Options {
            background: Background::Manual,
            access: Access::Read,
            memtable_bytes: 64 << 10,
            wal_file_bytes: 16 << 10,
            reserve_bytes: 0,
            compaction: CompactionOptions {
                fan_in: 3,
                small_bytes: 64 << 10,
                ..CompactionOptions::standard()
            },
            ..Options::standard(Region::new("eu").unwrap())
        };
        let settings = SiteSettings { min_count: 0, ..SiteSettings::standard() };
        Bench {
            disk: SimulatedDisk::new(),
            clock: Arc::new(ManualClock::new(at(3, 10, 12))),
            options,
            settings,
        }
    }

    /// The same store on another disk.
    fn on(&self, disk: SimulatedDisk) -> Bench {
        let (clock, options) = (Arc::new(ManualClock::new(self.clock.now_ms())), self.options.clone());
        Bench { disk, clock, options, settings: self.settings.clone() }
    }

    fn open(&self) -> Store {
        self.open_from(Arc::new(self.disk.clone()))
    }

    /// As `open`, from a disk of any kind.
    fn open_from(&self, disk: Arc<dyn Disk>) -> Store {
        let store = Store::open(disk, self.clock.clone(), self.options.clone()).unwrap();
        if store.report().made {
            let (name, region) = (SiteName::new("shop").unwrap(), self.options.region.clone());
            let new = NewSite { name, region, settings: self.settings.clone() };
            store.accounts().create_sites(vec![new], self.clock.now_ms() / 1_000).unwrap();
        }
        store
    }
}

fn event(day: Day, x: u32, country: &str, count: u32) -> Event {
    Event {
        kind: Kind::Click,
        viewport: Viewport::of_px(1_440),
        fixed: false,
        cell: Cell::at_px(x * 8, 80).unwrap(),
        hour: HourOfSite::new(day, 9),
        country: country.parse().unwrap(),
        count,
    }
}

fn batch(store: &Store, events: &[(&str, Event)]) -> Batch {
    let mut builder = BatchBuilder::new(site(store));
    events.iter().for_each(|(page, event)| builder.add(page, *event).unwrap());
    builder.build(None, None)
}

fn budget() -> Budget {
    Budget { rows: u64::MAX, bytes: u64::MAX, cancel: CancelFlag::new() }
}

/// Events by column of a page's grid, over some days and countries.
fn columns(
    store: &Store,
    page: &str,
    days: DayRange,
    countries: Option<&[&str]>,
) -> Result<BTreeMap<u32, u64>, crate::error::AskError> {
    let country = |text: &&str| text.parse::<Country>().unwrap();
    let question = GridQuestion {
        selection: Selection {
            pages: Pages::Page(page.into()),
            layers: LayerSelection::of_kinds(Kind::Click),
            countries: countries.map(|countries| countries.iter().map(country).collect()),
            days,
        },
        cell: CellSize::STORED,
        align: Align::None,
    };
    let answer = store.grid(SiteScope::granted(site(store)), &question, &budget())?;
    Ok(answer.value.cells().map(|cell| (cell.x, cell.count)).collect())
}

/// Numbers of the segment files on a disk.
fn files(disk: &SimulatedDisk) -> Vec<u64> {
    let number = |(file, _)| match file {
        FileName::Segment(number) | FileName::SegmentNew(number) => Some(number),
        _ => None,
    };
    disk.files().into_iter().filter_map(number).collect()
}

/// Numbers of the segments that are live or in a snapshot.
fn listed(store: &Store) -> Vec<u64> {
    let mut numbers: Vec<u64> = store.core.live.manifest().reachable().map(|entry| entry.number).collect();
    numbers.sort_unstable();
    numbers
}

fn year() -> DayRange {
    DayRange { from: date(1, 1), to: date(12, 31) }
}
