//! Queries against a plain model: the same events in segments and memtables, and in a list.

mod agree;
mod bounds;
mod reference;
mod work;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Clock;
use crate::disk::simulated::SimulatedDisk;
use crate::disk::{Access, Disk};
use crate::memtable::Memtable;
use crate::model::{
    BatchBuilder, Day, Event, Month, PageRows, Region, Seq, SiteId, SiteScope, SiteSettings, TextHasher,
    Tombstone,
};
use crate::query::{Budget, CancelFlag, SiteContext};
use crate::segment::{Segment, SegmentHeader, SegmentWriter, Unthrottled};
use crate::view::{Masks, SegmentSet, View};

/// The site that is asked for.
const SITE: SiteId = SiteId(7);
/// Sites that must not be seen.
const OTHERS: [SiteId; 2] = [SiteId(6), SiteId(8)];

/// An event on a page, and the part of the store that it is in.
#[derive(Clone, Debug)]
struct Happened {
    part: usize,
    page: &'static str,
    event: Event,
}

/// Everything that a store holds.
#[derive(Clone, Debug)]
struct World {
    events: Vec<Happened>,
    /// The first parts are segments, one file a month; the others are memtables.
    segment_parts: usize,
    memtable_parts: usize,
    tombstones: Vec<Tombstone>,
    settings: SiteSettings,
    today: Day,
}

/// Hashes the pages of every world.
const HASHER: TextHasher = TextHasher::new([5; 32]);

/// The batches that a part was made of.
fn part_seqs(part: usize) -> (Seq, Seq) {
    (Seq(part as u64 * 10 + 1), Seq(part as u64 * 10 + 9))
}

/// A clock that is set.
struct SetClock(AtomicU64);

impl Clock for SetClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A world as files and memtables.
struct Stand {
    clock: Arc<SetClock>,
    view: View,
    settings: SiteSettings,
    today: Day,
}

impl Stand {
    fn build(world: &World) -> Stand {
        let disk = SimulatedDisk::new();
        let mut segments = Vec::new();
        for part in 0..world.segment_parts {
            segments.extend(write_part(&disk, part, &world.pages(part), segments.len() as u64));
        }
        let memtable = |part| {
            let memtable = Memtable::new();
            for site in OTHERS.into_iter().chain([SITE]) {
                memtable.apply(site, &world.pages(part), part_seqs(part).0, 0);
            }
            Arc::new(memtable)
        };
        let memtables = (world.segment_parts..).take(world.memtable_parts).map(memtable).collect();
        let mut masks = Masks::none(HASHER);
        for tombstone in &world.tombstones {
            masks.insert(SITE, tombstone);
        }
        let clock = Arc::new(SetClock(AtomicU64::new(1_000_000)));
        let segments = Arc::new(SegmentSet::new(segments));
        let view = View::open(segments, memtables, Arc::new(masks), clock.clone());
        Stand { clock, view, settings: world.settings.clone(), today: world.today }
    }

    fn context(&self) -> SiteContext<'_> {
        SiteContext { scope: SiteScope::granted(SITE), settings: &self.settings, today: self.today }
    }
}

impl World {
    /// A world of these events on the pages of one segment part, with nothing expired, masked or rare.
    fn of(events: Vec<Happened>) -> World {
        let settings = SiteSettings { retention_days: 36_500, min_count: 0, ..SiteSettings::standard() };
        World {
            events,
            segment_parts: 1,
            memtable_parts: 0,
            tombstones: Vec::new(),
            settings,
            today: day("2026-03-01"),
        }
    }

    fn pages(&self, part: usize) -> Vec<PageRows> {
        let mut batch = BatchBuilder::new(SITE);
        for happened in self.events.iter().filter(|happened| happened.part == part) {
            batch.add(happened.page, happened.event).unwrap();
        }
        batch.build(None, None).pages
    }
}

/// Writes a part, one segment a month.
fn write_part(disk: &dyn Disk, part: usize, pages: &[PageRows], first: u64) -> Vec<Arc<Segment>> {
    let days = || pages.iter().flat_map(|page| page.rows.iter().map(|row| row.key.day()));
    let mut months: Vec<Month> = days().map(Day::month).collect();
    months.sort();
    months.dedup();
    let mut segments = Vec::new();
    for (number, month) in (first..).zip(months) {
        let (seq_lo, seq_hi) = part_seqs(part);
        let header = SegmentHeader {
            uuid: [part as u8; 16],
            region: Region::new("eu").unwrap(),
            month,
            seq_lo,
            seq_hi,
            purged_through: Seq(0),
            key_id: [0; 16],
            aead: 0,
        };
        let mut writer = SegmentWriter::create(disk, number, header, &Unthrottled).unwrap();
        for site in [OTHERS[0], SITE, OTHERS[1]] {
            writer.begin_site(site);
            for page in pages {
                let rows: Vec<_> =
                    page.rows.iter().filter(|row| month.days().contains(row.key.day())).copied().collect();
                let hours: Vec<_> =
                    page.hours.iter().filter(|row| month.days().contains(row.hour.day())).copied().collect();
                if !rows.is_empty() {
                    writer.begin_page(&page.page).unwrap();
                    writer.rows(&rows).unwrap();
                    writer.hours(&hours);
                }
            }
            writer.end_site().unwrap();
        }
        let entry = writer.seal().unwrap().expect("a month has rows");
        segments.push(Arc::new(Segment::open(disk, &entry, Access::Map).unwrap()));
    }
    segments
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn budget() -> Budget {
    Budget { rows: u64::MAX, bytes: u64::MAX, cancel: CancelFlag::new() }
}
