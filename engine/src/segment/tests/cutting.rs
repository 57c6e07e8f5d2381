//! What single pages and rows leave behind when they go from blocks that others share with them.

use std::ops::ControlFlow;
use std::sync::Arc;

use proptest::prelude::*;

use super::content::{Content, day, header};
use super::memory::MemoryDisk;
use crate::disk::Access;
use crate::format::names::FileName;
use crate::model::limits::BLOCK_CELLS;
use crate::model::{
    Cell, Country, CountrySet, Cover, DayRange, HourOfSite, HourRow, Kind, Layer, MaskRule, MaskRules,
    PageSelection, Row, RowKey, RuleIndex, Seq, SiteId, SiteMask, TextHasher, Tombstone, Viewport,
};
use crate::segment::{MergeInput, MergeStats, OneLane, Segment, SegmentWriter, Unthrottled, merge};

const HASHER: TextHasher = TextHasher::new([5; 32]);
const SITE: SiteId = SiteId(7);

fn text(page: usize) -> String {
    format!("p{page:03}.example/")
}

/// Pages with so many cells each, in two layers. Every other page has a country of its own.
fn pages(cells: &[u32]) -> Content {
    let mut content = Content::default();
    for (page, cells) in cells.iter().enumerate() {
        for (kind, viewport, cells) in [(1, 20, *cells), (4, 3, cells / 3)] {
            let (kind, viewport) = (Kind::from_code(kind).unwrap(), Viewport::from_code(viewport).unwrap());
            let layer = Layer::new(kind, viewport, false);
            for n in 0..cells {
                let cell = Cell::from_code(((n % 90) << 15) | (n / 90)).unwrap();
                let own = n == 0 && page % 2 == 1;
                let code = if own { 200 + page as u16 } else { 80 + (n % 3) as u16 };
                for row in 0..1 + n % 7 / 5 {
                    let of_month = (n * 5 + row + page as u32) % 28;
                    let country = Country::from_code(code).unwrap();
                    let key = RowKey::new(layer, cell, day(of_month as u8), country);
                    content.add(SITE, &text(page), Row { key, count: 1 + n % 2 });
                }
            }
        }
        let hour = HourOfSite::new(day(page as u8 % 28), 3);
        content.add_hour(SITE, &text(page), HourRow { kind: Kind::Click, hour, count: 9 });
    }
    content
}

fn rules_of(rules: impl IntoIterator<Item = MaskRule>) -> MaskRules {
    let mut index = RuleIndex::new(SITE, HASHER);
    rules.into_iter().for_each(|rule| index.insert(&Tombstone { through: Seq(1), rule }));
    MaskRules::open_from(&Arc::new(index), Seq(1))
}

fn whole(page: usize) -> MaskRule {
    MaskRule { pages: PageSelection::Pages(vec![HASHER.page(SITE, &text(page))]), cover: Cover::ALL }
}

/// Merges a segment through rules; `None` if nothing is left.
fn purge(
    disk: &MemoryDisk,
    segment: &Segment,
    number: u64,
    rules: &MaskRules,
) -> (Option<Segment>, MergeStats) {
    let mask = |site| (site == SITE).then(|| SiteMask::of_rules(rules.clone()));
    let mut writer = SegmentWriter::create(disk, number, header(number), &Unthrottled).unwrap();
    let input = MergeInput { segment, mask: &mask, skip: &|_| false };
    let stats =
        merge(&[input], &mut writer, &|_| CountrySet::new(), &OneLane, &mut |_| ControlFlow::Continue(()))
            .unwrap();
    let entry = writer.seal().unwrap();
    (entry.map(|entry| Segment::open(disk, &entry, Access::Read).unwrap()), stats)
}

fn without(content: Content, rules: &MaskRules) -> Content {
    content.without(|site| (site == SITE).then(|| SiteMask::of_rules(rules.clone())))
}

/// Mostly whole pages; else some days of one, or a country of one or of all.
fn rule() -> impl Strategy<Value = MaskRule> {
    (0..9_usize, 0..12_u8, 0..28_u8, 0..28_u8, 80..84_u16).prop_map(|(page, kind, a, b, code)| {
        let days = DayRange { from: day(a.min(b)), to: day(a.max(b)) };
        let country = Country::from_code(if code == 83 { 201 } else { code });
        let rule = whole(page);
        match kind {
            0 => MaskRule { cover: Cover { days, ..Cover::ALL }, ..rule },
            1 => MaskRule { cover: Cover { country, ..Cover::ALL }, ..rule },
            2 => MaskRule { cover: Cover { days, country }, pages: PageSelection::All },
            _ => rule,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    #[test]
    fn what_stays_of_large_sites_is_what_the_map_says(
        cells in prop::collection::vec(
            prop_oneof![3 => 1..50_u32, 3 => 50..3_000_u32, 2 => 3_000..9_000_u32, 1 => 9_000..20_000_u32],
            1..9,
        ),
        purges in prop::collection::vec(prop::collection::vec(rule(), 1..4), 1..4),
    ) {
        let disk = MemoryDisk::default();
        let mut content = pages(&cells);
        let mut segment = content.segment(&disk, 1);
        for (number, rules) in (2..).zip(purges) {
            let Some(before) = segment else { break };
            let (rules, rows) = (rules_of(rules), content.rows.len());
            content = without(content, &rules);
            let stats;
            (segment, stats) = purge(&disk, &before, number, &rules);
            match &segment {
                Some(segment) => content.check(segment),
                None => prop_assert_eq!(&content, &Content::default()),
            }
            let masked = if stats.sites_copied == 1 { 0 } else { rows - content.rows.len() };
            prop_assert_eq!(stats.rows_masked, masked as u64);
        }
    }
}

#[test]
fn a_block_from_which_a_page_goes_is_as_if_the_page_had_never_been() {
    let disk = MemoryDisk::default();
    let content = pages(&[2_000, 900, 1_200, 30, 700]);
    let source = content.segment(&disk, 1).unwrap();
    for (number, gone) in [(2, 2), (4, 3), (6, 4)] {
        let rules = rules_of([whole(gone)]);
        let rest = without(content.clone(), &rules);
        let (purged, stats) = purge(&disk, &source, number, &rules);
        rest.check(&purged.unwrap());
        assert_eq!((stats.sites_merged, stats.blocks_copied), (1, 0));
        rest.segment(&disk, number + 1).unwrap();
        // Only the headers' uuids and sequences differ.
        let (cut, fresh) = (disk.bytes(FileName::Segment(number)), disk.bytes(FileName::Segment(number + 1)));
        assert_eq!(cut[128..cut.len() - 192], fresh[128..fresh.len() - 192], "page {gone}");
    }
}

#[test]
fn many_purges_leave_no_rows_of_small_blocks() {
    let disk = MemoryDisk::default();
    let mut content = pages(&[2_400; 24]);
    let mut segment = content.segment(&disk, 1).unwrap();
    // Ascending, then descending, then here and there, so that neighbours of a block go before it and after it.
    let order = (0..8).chain((16..24).rev()).chain((8..15).step_by(2));
    for (number, page) in (2..).zip(order) {
        let rules = rules_of([whole(page)]);
        content = without(content, &rules);
        segment = purge(&disk, &segment, number, &rules).0.unwrap();
        let header = segment.extent(SITE).unwrap().unwrap().header().clone();
        let fewest = header.cells.div_ceil(BLOCK_CELLS as u64);
        assert!(u64::from(header.blocks) <= 2 * fewest, "{} of {}", header.blocks, header.cells);
    }
    content.check(&segment);
}
