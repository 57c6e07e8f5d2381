//! What is written is read back.

use proptest::prelude::*;

use super::content::{Content, content, day, header, page, site};
use super::memory::MemoryDisk;
use crate::disk::Access;
use crate::format::names::FileName;
use crate::model::limits::{BLOCK_CELLS, BLOCK_ROWS};
use crate::model::{Cell, Country, Kind, Layer, Row, RowKey, SiteId, Viewport, Work};
use crate::segment::{Scratch, Segment, SegmentError, SegmentWriter, Unthrottled};

proptest! {
    #[test]
    fn a_segment_holds_what_was_written(content in content(200)) {
        match content.segment(&MemoryDisk::default(), 1) {
            Some(segment) => content.check(&segment),
            None => prop_assert_eq!(content, Content::default()),
        }
    }

    #[test]
    fn pages_are_found_by_text_and_by_prefix(content in content(60), site in site(), text in page()) {
        let Some(segment) = content.segment(&MemoryDisk::default(), 1) else { return Ok(()) };
        let Some(extent) = segment.extent(site).unwrap() else { return Ok(()) };
        let texts: Vec<String> =
            extent.all_pages().map(|page| extent.page_text(page).unwrap().to_owned()).collect();
        prop_assert_eq!(extent.find_page(&text).unwrap().is_some(), texts.contains(&text));
        let found: Vec<_> = extent.pages_from(&text).unwrap().map(|page| texts[page.0 as usize].clone()).collect();
        let expected: Vec<_> = texts.into_iter().filter(|other| other.starts_with(&text)).collect();
        prop_assert_eq!(found, expected);
    }
}

fn key(code: u32, of_month: u8, country: u16) -> RowKey {
    let layer = Layer::new(Kind::Move, Viewport::of_px(1_440), false);
    RowKey::new(layer, Cell::from_code(code).unwrap(), day(of_month), Country::from_code(country).unwrap())
}

#[test]
fn a_strip_goes_on_in_the_next_block() {
    let mut content = Content::default();
    for code in 0..3 * BLOCK_CELLS as u32 + 10 {
        for of_month in 0..1 + (code % 2) as u8 {
            let row = Row { key: key(code * 7, of_month, 80), count: 1 + code % 3 };
            content.add(SiteId(5), "a.example/", row);
        }
    }
    for code in 0..100 {
        content.add(SiteId(5), "b.example/", Row { key: key(code * 9_000, 0, 81), count: 1 });
    }
    let segment = content.segment(&MemoryDisk::default(), 1).unwrap();
    assert_eq!(segment.extent(SiteId(5)).unwrap().unwrap().header().blocks, 4);
    content.check(&segment);
}

#[test]
fn a_block_ends_before_it_has_too_many_rows() {
    let mut content = Content::default();
    for code in 0..2_u32 + (BLOCK_ROWS / (28 * 600)) as u32 {
        for of_month in 0..28 {
            for country in 0..600 {
                content.add(SiteId(5), "a.example/", Row { key: key(code, of_month, country), count: 1 });
            }
        }
    }
    let segment = content.segment(&MemoryDisk::default(), 1).unwrap();
    assert_eq!(segment.extent(SiteId(5)).unwrap().unwrap().header().blocks, 2);
    content.check(&segment);
}

#[test]
fn a_cell_with_more_rows_than_a_block_stands_in_two() {
    let disk = MemoryDisk::default();
    let mut writer = SegmentWriter::create(&disk, 1, header(1), &Unthrottled).unwrap();
    writer.begin_site(SiteId(1));
    writer.begin_page("a.example/").unwrap();
    let rows = vec![Row { key: key(77, 3, 80), count: u32::MAX }; BLOCK_ROWS + 10];
    writer.rows(&rows).unwrap();
    writer.end_site().unwrap();
    let entry = writer.seal().unwrap().unwrap();
    let segment = Segment::open(&disk, &entry, Access::Read).unwrap();
    let content = Content::read(&segment).unwrap();
    let expected = rows.len() as u64 * u64::from(u32::MAX);
    assert_eq!(content.rows.into_values().collect::<Vec<_>>(), [expected]);
    assert!(segment.verify(&mut |_| {}).is_ok());
}

#[test]
fn rows_of_one_cell_may_come_in_any_order() {
    let disk = MemoryDisk::default();
    let mut writer = SegmentWriter::create(&disk, 1, header(1), &Unthrottled).unwrap();
    let mut expected = Content::default();
    writer.begin_site(SiteId(1));
    writer.begin_page("a.example/").unwrap();
    for (of_month, country) in [(3, 80), (0, 81), (3, 80), (0, 4), (27, 80), (0, 81)] {
        let row = Row { key: key(77, of_month, country), count: 2 };
        expected.add(SiteId(1), "a.example/", row);
        writer.rows(&[row]).unwrap();
    }
    writer.end_site().unwrap();
    let entry = writer.seal().unwrap().unwrap();
    assert_eq!(entry.rows, 4);
    expected.check(&Segment::open(&disk, &entry, Access::Read).unwrap());
}

#[test]
fn a_summary_is_read_without_details_and_a_block_once_for_its_neighbours() {
    let mut content = Content::default();
    for code in 0..50 {
        for page in ["a.example/", "b.example/"] {
            content.add(SiteId(5), page, Row { key: key(code, 0, 80), count: 3 });
        }
    }
    let segment = content.segment(&MemoryDisk::default(), 1).unwrap();
    let extent = segment.extent(SiteId(5)).unwrap().unwrap();
    let (mut scratch, mut work) = (Scratch::new(), Work::default());
    for page in extent.all_pages() {
        for strip in extent.strips(page, &mut scratch).unwrap() {
            extent.scan_summary(&strip, &mut scratch, &mut work, &mut |_, _| {}).unwrap();
        }
    }
    assert_eq!((work.blocks, work.rows), (1, 100));
    let page = extent.find_page("b.example/").unwrap().unwrap();
    let strip = extent.strips(page, &mut scratch).unwrap().remove(0);
    extent.scan_detail(&strip, &mut scratch, &mut work, &mut |_| {}).unwrap();
    assert_eq!((work.blocks, work.rows), (2, 150));
}

#[test]
fn a_writer_that_is_dropped_leaves_no_file() {
    let disk = MemoryDisk::default();
    let writer = SegmentWriter::create(&disk, 4, header(4), &Unthrottled).unwrap();
    assert_eq!(disk.files(), [FileName::SegmentNew(4)]);
    drop(writer);
    assert_eq!(disk.files(), []);
    let nothing = SegmentWriter::create(&disk, 4, header(4), &Unthrottled).unwrap().seal().unwrap();
    assert_eq!((nothing, disk.files()), (None, vec![]));
}

#[test]
fn another_file_than_the_listed_one_is_refused() {
    let disk = MemoryDisk::default();
    let mut content = Content::default();
    content.add(SiteId(5), "a.example/", Row { key: key(1, 0, 80), count: 3 });
    let entry = content.write(&disk, 1).unwrap().unwrap();
    content.write(&disk, 2).unwrap();
    disk.put(FileName::Segment(1), disk.bytes(FileName::Segment(2)));
    let refused = Segment::open(&disk, &entry, Access::Read);
    assert!(matches!(refused, Err(SegmentError::NotListed { segment: 1, .. })), "{refused:?}");
    let found = Segment::open_found(&disk, 1, Access::Read).unwrap();
    assert_eq!(found.entry().header, header(2));
}
