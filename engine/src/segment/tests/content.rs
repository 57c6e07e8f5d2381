//! What a segment holds, as a plain map: written with the writer, read back through every door of the reader.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::memory::MemoryDisk;
use crate::disk::Access;
use crate::model::{
    Cell, Country, CountrySet, Day, HourOfSite, HourRow, Kind, Layer, Month, Region, Row, RowKey, Seq,
    SiteId, SiteMask, Viewport, Work,
};
use crate::segment::{
    Scratch, Segment, SegmentEntry, SegmentError, SegmentHeader, SegmentWriter, Unthrottled,
};

/// February 2026.
pub(super) fn month() -> Month {
    Month::from_number(56 * 12 + 1).unwrap()
}

pub(super) fn header(number: u64) -> SegmentHeader {
    SegmentHeader {
        uuid: u128::from(number).to_le_bytes(),
        region: Region::new("eu").unwrap(),
        month: month(),
        seq_lo: Seq(1),
        seq_hi: Seq(number),
        purged_through: Seq(0),
        key_id: [0; 16],
        aead: 0,
    }
}

/// Counts by site, page and key; hour totals by site, page, kind and hour.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Content {
    pub(super) rows: BTreeMap<(SiteId, String, RowKey), u64>,
    pub(super) hours: BTreeMap<(SiteId, String, Kind, HourOfSite), u64>,
}

impl Content {
    pub(super) fn add(&mut self, site: SiteId, page: &str, row: Row) {
        *self.rows.entry((site, page.into(), row.key)).or_default() += u64::from(row.count);
    }

    pub(super) fn add_hour(&mut self, site: SiteId, page: &str, hour: HourRow) {
        *self.hours.entry((site, page.into(), hour.kind, hour.hour)).or_default() += hour.count;
    }

    pub(super) fn merged(contents: impl IntoIterator<Item = Content>) -> Content {
        let mut all = Content::default();
        for content in contents {
            content.rows.into_iter().for_each(|(key, count)| *all.rows.entry(key).or_default() += count);
            content.hours.into_iter().for_each(|(key, count)| *all.hours.entry(key).or_default() += count);
        }
        all
    }

    pub(super) fn without(mut self, mask: impl Fn(SiteId) -> Option<SiteMask>) -> Content {
        self.rows.retain(|(site, page, key), _| {
            mask(*site).is_none_or(|mask| !mask.page(page).covers_row(key.day(), key.country()))
        });
        self.hours.retain(|(site, page, _, hour), _| {
            mask(*site).is_none_or(|mask| !mask.page(page).covers_hours(hour.day()))
        });
        self
    }

    pub(super) fn recoded(self, countries: impl Fn(SiteId) -> CountrySet) -> Content {
        let mut recoded = Content { rows: BTreeMap::new(), hours: self.hours };
        for ((site, page, key), count) in self.rows {
            let country = if countries(site).contains(key.country()) { Country::ZZ } else { key.country() };
            let key = RowKey::new(key.layer(), key.cell(), key.day(), country);
            *recoded.rows.entry((site, page, key)).or_default() += count;
        }
        recoded
    }

    fn sites(&self) -> BTreeSet<SiteId> {
        self.rows.keys().map(|key| key.0).chain(self.hours.keys().map(|key| key.0)).collect()
    }

    fn pages(&self, site: SiteId) -> BTreeSet<&str> {
        let rows = self.rows.keys().filter(|key| key.0 == site).map(|key| &*key.1);
        rows.chain(self.hours.keys().filter(|key| key.0 == site).map(|key| &*key.1)).collect()
    }

    /// Writes it, in calls of a few rows each.
    pub(super) fn write(&self, disk: &MemoryDisk, number: u64) -> Result<Option<SegmentEntry>, SegmentError> {
        let mut writer = SegmentWriter::create(disk, number, header(number), &Unthrottled)?;
        for site in self.sites() {
            writer.begin_site(site);
            for page in self.pages(site) {
                writer.begin_page(page)?;
                let of_page = |key: &&(SiteId, String, RowKey)| key.0 == site && key.1 == page;
                let mut rows = Vec::new();
                for key in self.rows.keys().filter(of_page) {
                    let mut left = self.rows[key];
                    while left > 0 {
                        let count = u32::try_from(left).unwrap_or(u32::MAX);
                        rows.push(Row { key: key.2, count });
                        left -= u64::from(count);
                    }
                }
                for rows in rows.chunks(3) {
                    writer.rows(rows)?;
                }
                let hours = self.hours.iter().filter(|(key, _)| key.0 == site && key.1 == page);
                let hours: Vec<_> =
                    hours.map(|(key, count)| HourRow { kind: key.2, hour: key.3, count: *count }).collect();
                writer.hours(&hours);
            }
            writer.end_site()?;
        }
        writer.seal()
    }

    /// Writes it and opens what was written; `None` if there was nothing to write.
    pub(super) fn segment(&self, disk: &MemoryDisk, number: u64) -> Option<Segment> {
        let entry = self.write(disk, number).unwrap()?;
        Some(Segment::open(disk, &entry, Access::Read).unwrap())
    }

    /// Everything that a segment answers, or the first error. Panics when two doors contradict each other.
    pub(super) fn read(segment: &Segment) -> Result<Content, SegmentError> {
        let mut content = Content::default();
        let mut scratch = Scratch::new();
        for site in segment.sites()? {
            content.read_site(segment, site, &mut scratch)?;
        }
        Ok(content)
    }

    fn read_site(
        &mut self,
        segment: &Segment,
        site: SiteId,
        scratch: &mut Scratch,
    ) -> Result<(), SegmentError> {
        let Some(extent) = segment.extent(site)? else { return Ok(()) };
        let mut by_country = BTreeMap::<Country, u64>::new();
        let mut by_day = BTreeMap::new();
        for page in extent.all_pages() {
            let text = extent.page_text(page)?.to_owned();
            assert_eq!(extent.find_page(&text)?, Some(page));
            for strip in extent.strips(page, scratch)? {
                let (mut totals, mut sums) = (BTreeMap::new(), BTreeMap::new());
                extent.scan_summary(&strip, scratch, &mut Work::default(), &mut |codes, counts| {
                    for (code, count) in codes.iter().zip(counts) {
                        *totals.entry(*code).or_insert(0) += count;
                    }
                })?;
                let mut days = [0; 31];
                extent.scan_detail(&strip, scratch, &mut Work::default(), &mut |rows| {
                    for at in 0..rows.codes.len() {
                        let (day, country, count) = (rows.days[at], rows.countries[at], rows.counts[at]);
                        *sums.entry(rows.codes[at]).or_insert(0) += u64::from(count);
                        days[usize::from(day)] += u64::from(count);
                        *by_country.entry(country).or_default() += u64::from(count);
                        let pair = (strip.layer.kind(), strip.layer.viewport().device());
                        *by_day.entry((pair, country, day)).or_insert(0) += u64::from(count);
                        let cell = Cell::from_code(rows.codes[at]).unwrap();
                        let key = RowKey::new(strip.layer, cell, month().day(day), country);
                        self.add(site, &text, Row { key, count });
                    }
                })?;
                assert_eq!(totals, sums);
                assert_eq!(totals.values().sum::<u64>(), strip.total);
                assert!((0..31).all(|day| strip.day_total(day) == days[usize::from(day)]));
            }
            extent.hours(page, scratch)?.into_iter().for_each(|hour| self.add_hour(site, &text, hour));
        }
        assert_eq!(extent.country_totals()?.iter().copied().collect::<BTreeMap<_, _>>(), by_country);
        let mut rollups = BTreeMap::new();
        extent.rollups(scratch, &mut |sum| {
            rollups.insert(((sum.kind, sum.device), sum.country, sum.day), sum.count);
        })?;
        assert_eq!(rollups, by_day);
        Ok(())
    }

    /// Asserts that a segment holds just this, and that its entry says so.
    pub(super) fn check(&self, segment: &Segment) {
        assert_eq!(Content::read(segment).unwrap(), *self);
        let entry = segment.entry();
        assert_eq!(entry.sites, self.sites().len() as u64);
        assert_eq!(entry.events, self.rows.values().sum::<u64>());
        let cells: BTreeSet<_> =
            self.rows.keys().map(|key| (key.0, &key.1, key.2.layer(), key.2.cell())).collect();
        assert_eq!(entry.cells, cells.len() as u64);
        let days = || self.rows.keys().map(|key| key.2.day()).chain(self.hours.keys().map(|key| key.3.day()));
        assert_eq!((Some(entry.first_day), Some(entry.last_day)), (days().min(), days().max()));
        if let Err(errors) = segment.verify(&mut |_| {}) {
            panic!("{errors:?}");
        }
    }
}

pub(super) fn day(number: u8) -> Day {
    month().day(number)
}

fn layer() -> impl Strategy<Value = Layer> {
    let all = (0..11_u8, 0..42_u8, any::<bool>());
    let few = (4..6_u8, prop_oneof![Just(3_u8), Just(20)], Just(false));
    prop_oneof![1 => all, 3 => few].prop_map(|(kind, viewport, fixed)| {
        Layer::new(Kind::from_code(kind).unwrap(), Viewport::from_code(viewport).unwrap(), fixed)
    })
}

fn cell() -> impl Strategy<Value = Cell> {
    let code = prop_oneof![3 => (0..8_u32, 0..20_u32), 1 => (0..2_048_u32, 0..32_768_u32)];
    code.prop_map(|(x, y)| Cell::from_code(x << 15 | y).unwrap())
}

pub(super) fn country() -> impl Strategy<Value = Country> {
    prop_oneof![6 => 80..86_u16, 1 => 0..676_u16, 1 => Just(675)]
        .prop_map(|code| Country::from_code(code).unwrap())
}

pub(super) fn site() -> impl Strategy<Value = SiteId> {
    prop_oneof![Just(0), Just(7), Just(8), Just(u64::MAX)].prop_map(SiteId)
}

pub(super) fn page() -> impl Strategy<Value = String> {
    "(a|b)\\.example/(|x|x/y|ü|[a-z]{0,3})"
}

/// Contents of up to `rows` rows and a few hours.
pub(super) fn content(rows: usize) -> impl Strategy<Value = Content> {
    let count = prop_oneof![8 => Just(1_u32), 4 => 1..9_u32, 1 => Just(u32::MAX), 1 => any::<u32>()];
    let row = (site(), page(), layer(), cell(), (0..28_u8), country(), count);
    let hour = (site(), page(), 0..9_u8, 0..28 * 24_u32, prop_oneof![1..4_u64, 1..=u64::from(u32::MAX)]);
    (prop::collection::vec(row, 0..rows), prop::collection::vec(hour, 0..rows / 3 + 1)).prop_map(
        |(rows, hours)| {
            let mut content = Content::default();
            for (site, page, layer, cell, of_month, country, count) in rows {
                let key = RowKey::new(layer, cell, day(of_month), country);
                content.add(site, &page, Row { key, count: count.max(1) });
            }
            for (site, page, kind, hour, count) in hours {
                let hour = HourOfSite::from_number(u32::from(day(0).number()) * 24 + hour).unwrap();
                content.add_hour(site, &page, HourRow { kind: Kind::from_code(kind).unwrap(), hour, count });
            }
            content
        },
    )
}
