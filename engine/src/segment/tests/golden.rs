//! The segment of version 1 that is kept for ever.

use super::content::{Content, day};
use super::memory::MemoryDisk;
use crate::disk::Access;
use crate::format::names::FileName;
use crate::model::limits::BLOCK_CELLS;
use crate::model::{Cell, Country, HourOfSite, HourRow, Kind, Layer, Row, RowKey, SiteId, Viewport};
use crate::segment::Segment;

const FILE: &[u8] = include_bytes!("../../format/golden/segment-1.bin");

const SHOP: SiteId = SiteId(7);
const NEWS: SiteId = SiteId(0x0102_0304_0506_0708);
/// Has hour totals and no cells.
const QUIET: SiteId = SiteId(u64::MAX);

/// Site, page, kind, viewport code, fixed, x and y of the cell in px, day of the month, country, count.
type Written = (SiteId, &'static str, Kind, u8, bool, (u32, u32), u8, &'static str, u32);

/// Several days and countries of a cell, all devices, fixed and not, a country that is not known, the first and the
/// last cell, the last day, the largest count, conversions by device, bands of rows, and pages that begin alike.
const ROWS: [Written; 20] = [
    (SHOP, "shop.example/", Kind::View, 22, false, (0, 0), 0, "DE", 40),
    (SHOP, "shop.example/", Kind::View, 22, false, (0, 0), 0, "FR", 3),
    (SHOP, "shop.example/", Kind::View, 22, false, (0, 0), 27, "DE", 41),
    (SHOP, "shop.example/", Kind::View, 5, false, (0, 0), 1, "DE", 12),
    (SHOP, "shop.example/", Kind::Click, 22, false, (640, 80), 0, "DE", 1),
    (SHOP, "shop.example/", Kind::Click, 22, false, (640, 80), 13, "ZZ", 2),
    (SHOP, "shop.example/", Kind::Click, 22, false, (640, 88), 13, "FR", 1),
    (SHOP, "shop.example/", Kind::Click, 22, true, (640, 80), 13, "FR", 1),
    (SHOP, "shop.example/", Kind::RageClick, 12, false, (16_383, 262_143), 27, "AD", u32::MAX),
    (SHOP, "shop.example/", Kind::Conversion, 0, false, (0, 0), 5, "ZZ", 11),
    (SHOP, "shop.example/", Kind::ConvertedClick, 16, false, (640, 80), 5, "ZZ", 9),
    (SHOP, "shop.example/p/1", Kind::Touch, 6, false, (200, 900), 2, "US", 4),
    (SHOP, "shop.example/p/1", Kind::Scroll, 6, false, (0, 4_000), 2, "US", 4),
    (SHOP, "shop.example/p/10?size=m", Kind::DeadClick, 41, false, (8, 8), 2, "US", 1),
    (NEWS, "news.example/ü", Kind::Attention, 40, false, (0, 0), 9, "CH", 7),
    (NEWS, "news.example/ü", Kind::Attention, 40, false, (0, 640), 9, "CH", 5),
    (NEWS, "news.example/ü", Kind::AttentionEnd, 40, false, (0, 1_280), 9, "CH", 7),
    (NEWS, "news.example/ü", Kind::AttentionEnd, 40, false, (0, 1_920), 10, "LI", 5),
    (NEWS, "news.example/ü", Kind::Click, 40, false, (16, 16), 9, "CH", 1),
    (NEWS, "news.example/ü", Kind::Click, 40, false, (24, 16), 9, "LI", 1),
];

/// Site, page, kind, day of the month, hour, count.
const HOURS: [(SiteId, &str, Kind, u8, u8, u64); 6] = [
    (SHOP, "shop.example/", Kind::View, 0, 9, 43),
    (SHOP, "shop.example/", Kind::View, 27, 23, 41),
    (SHOP, "shop.example/", Kind::Click, 13, 0, 3),
    (SHOP, "shop.example/p/1", Kind::Touch, 2, 17, 4),
    (NEWS, "news.example/ü", Kind::Click, 9, 8, 1),
    (QUIET, "quiet.example/", Kind::Move, 3, 4, 5_000_000_000),
];

/// What the golden file holds; never changes.
fn golden() -> Content {
    let mut content = Content::default();
    for (site, page, kind, viewport, fixed, (x, y), of_month, country, count) in ROWS {
        let layer = Layer::new(kind, Viewport::from_code(viewport).unwrap(), fixed);
        let (cell, country) = (Cell::at_px(x, y).unwrap(), country.parse::<Country>().unwrap());
        content.add(site, page, Row { key: RowKey::new(layer, cell, day(of_month), country), count });
    }
    // Two blocks, of which the second begins in the middle of a strip.
    let layer = Layer::new(Kind::Move, Viewport::from_code(22).unwrap(), false);
    for code in 0..BLOCK_CELLS as u32 + 100 {
        let key = RowKey::new(layer, Cell::from_code(code * 8).unwrap(), day(4), "DE".parse().unwrap());
        content.add(NEWS, "news.example/", Row { key, count: 1 });
    }
    // More than a row can count: two rows.
    let layer = Layer::new(Kind::Click, Viewport::from_code(22).unwrap(), false);
    let key = RowKey::new(layer, Cell::ORIGIN, day(6), "DE".parse().unwrap());
    for count in [u32::MAX, 10] {
        content.add(SHOP, "shop.example/", Row { key, count });
    }
    for (site, page, kind, of_month, hour, count) in HOURS {
        content.add_hour(site, page, HourRow { kind, hour: HourOfSite::new(day(of_month), hour), count });
    }
    content
}

#[test]
fn the_golden_segment_of_version_1_answers_what_was_written_to_it() {
    let disk = MemoryDisk::default();
    disk.put(FileName::Segment(1), FILE.to_vec());
    let segment = Segment::open_found(&disk, 1, Access::Read).unwrap();
    golden().check(&segment);
    let blocks = |site| segment.extent(site).unwrap().unwrap().header().blocks;
    assert_eq!([SHOP, NEWS, QUIET].map(blocks), [1, 2, 0]);
}

/// The blocks' bytes are also zstd's: should a later one pack the same columns otherwise, this is to be compared with a
/// second file, and the first one stays to be read.
#[test]
fn the_golden_segment_of_version_1_is_written() {
    let disk = MemoryDisk::default();
    golden().write(&disk, 1).unwrap().unwrap();
    let written = disk.bytes(FileName::Segment(1));
    assert!(written == FILE, "{} bytes instead of {}, or others", written.len(), FILE.len());
}
