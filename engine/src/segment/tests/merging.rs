//! A merge is what the map says: sums, masks per input, recoded countries.

use std::ops::ControlFlow;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::content::{Content, content, country, day, header, page, site};
use super::memory::MemoryDisk;
use crate::disk::Access;
use crate::disk::simulated::{Call, Failure, Fault, SimulatedDisk, When};
use crate::format::names::FileName;
use crate::model::{
    Cell, Country, CountrySet, Cover, DayRange, HourOfSite, HourRow, Kind, Layer, MaskRule, MaskRules,
    PageSelection, Row, RowKey, RuleIndex, Seq, SiteId, SiteMask, TextHasher, Tombstone, Viewport,
};
use crate::segment::{
    Lanes, MergeInput, MergeStats, OneLane, Segment, SegmentEntry, SegmentError, SegmentWriter, Unthrottled,
    merge,
};

/// Hashes the pages of every mask.
const HASHER: TextHasher = TextHasher::new([5; 32]);

/// A site, and what is left out of it.
fn site_mask() -> impl Strategy<Value = (SiteId, SiteMask)> {
    let rule = (page(), 0..3_u8, 0..30_u8, 0..30_u8, prop::option::of(country()));
    let from = || prop_oneof![3 => Just(0_u8), 1 => 0..30_u8];
    (site(), from(), from(), prop::collection::vec(rule, 0..3)).prop_map(|(site, days, hours, rules)| {
        let rules = rules.into_iter().map(|(page, kind, a, b, country)| {
            let pages = match (kind, page.find('/')) {
                (0, _) => PageSelection::All,
                (1, Some(slash)) => PageSelection::Prefix(HASHER.prefix(site, &page[..=slash])),
                _ => PageSelection::Pages(vec![HASHER.page(site, &page)]),
            };
            MaskRule {
                pages,
                cover: Cover { days: DayRange { from: day(a.min(b)), to: day(a.max(b)) }, country },
            }
        });
        let rules = rules_of(site, rules);
        (site, SiteMask { days_from: day(days), hours_from: day(hours), rules })
    })
}

fn rules_of(site: SiteId, rules: impl IntoIterator<Item = MaskRule>) -> MaskRules {
    let mut index = RuleIndex::new(site, HASHER);
    rules.into_iter().for_each(|rule| index.insert(&Tombstone { through: Seq(1), rule }));
    MaskRules::open_from(&Arc::new(index), Seq(1))
}

type Masks = Vec<(SiteId, SiteMask)>;

fn mask_of(masks: &Masks) -> impl Fn(SiteId) -> Option<SiteMask> + '_ {
    |site| masks.iter().find(|(of, _)| *of == site).map(|(_, mask)| mask.clone())
}

/// As many threads as there are pieces.
struct Threads;

impl Lanes for Threads {
    fn count(&self) -> usize {
        usize::MAX
    }

    fn each(&self, pieces: usize, work: &(dyn Fn(usize) + Sync)) {
        std::thread::scope(|scope| {
            for piece in 0..pieces {
                scope.spawn(move || work(piece));
            }
        });
    }

    fn beside(&self, other: &mut (dyn FnMut() + Send), work: &mut dyn FnMut()) {
        std::thread::scope(|scope| {
            scope.spawn(other);
            work();
        });
    }
}

fn run(
    disk: &MemoryDisk,
    inputs: &[(Segment, Masks)],
    skip: &dyn Fn(SiteId) -> bool,
    recode: &dyn Fn(SiteId) -> CountrySet,
) -> Result<(Option<SegmentEntry>, MergeStats), SegmentError> {
    run_in(&OneLane, 100, disk, inputs, skip, recode)
}

fn run_in(
    lanes: &dyn Lanes,
    number: u64,
    disk: &MemoryDisk,
    inputs: &[(Segment, Masks)],
    skip: &dyn Fn(SiteId) -> bool,
    recode: &dyn Fn(SiteId) -> CountrySet,
) -> Result<(Option<SegmentEntry>, MergeStats), SegmentError> {
    let masks: Vec<_> = inputs.iter().map(|(_, masks)| mask_of(masks)).collect();
    let inputs: Vec<_> =
        inputs.iter().zip(&masks).map(|((segment, _), mask)| MergeInput { segment, mask, skip }).collect();
    let mut writer = SegmentWriter::create(disk, number, header(100), &Unthrottled)?;
    let stats = merge(&inputs, &mut writer, recode, lanes, &mut |_| ControlFlow::Continue(()))?;
    Ok((writer.seal()?, stats))
}

proptest! {
    #[test]
    fn a_merge_is_what_the_map_says(
        inputs in prop::collection::vec(
            (content(60), prop::collection::vec(site_mask(), 0..3)),
            1..5,
        ),
        skipped in prop::option::of(site()),
        recoded in (site(), prop::collection::vec(country(), 0..3)),
    ) {
        let disk = MemoryDisk::default();
        let recode = |site| -> CountrySet {
            recoded.1.iter().copied().filter(|_| site == recoded.0).collect()
        };
        let skip = |site| Some(site) == skipped;
        let expected = Content::merged(inputs.iter().map(|(content, masks)| {
            let mut content = content.clone().without(mask_of(masks)).recoded(recode);
            content.rows.retain(|key, _| !skip(key.0));
            content.hours.retain(|key, _| !skip(key.0));
            content
        }));
        let mut segments = Vec::new();
        for (number, (content, masks)) in (1..).zip(inputs) {
            segments.extend(content.segment(&disk, number).map(|segment| (segment, masks)));
        }
        let (entry, stats) = run(&disk, &segments, &skip, &recode).unwrap();
        // With threads the same comes out; what was compressed before may tell in the bytes.
        let (same, same_stats) = run_in(&Threads, 101, &disk, &segments, &skip, &recode).unwrap();
        prop_assert_eq!(stats, same_stats);
        prop_assert_eq!(entry.is_some(), same.is_some());
        match entry {
            Some(_) => entry.iter().chain(&same).for_each(|entry| {
                expected.check(&Segment::open(&disk, entry, Access::Read).unwrap());
            }),
            None => prop_assert_eq!(expected, Content::default()),
        }
    }

    #[test]
    fn merging_in_two_steps_gives_what_one_gives(contents in prop::collection::vec(content(60), 3)) {
        let disk = MemoryDisk::default();
        let expected = Content::merged(contents.clone());
        let mut parts = Vec::new();
        for (number, content) in (1..).zip(&contents) {
            parts.extend(content.segment(&disk, number).map(|segment| (segment, Masks::new())));
        }
        while parts.len() > 1 {
            let pair = parts.split_off(parts.len() - 2);
            let entry = run(&disk, &pair, &|_| false, &|_| CountrySet::new()).unwrap().0.unwrap();
            parts.push((Segment::open(&disk, &entry, Access::Read).unwrap(), Masks::new()));
        }
        parts.iter().for_each(|(segment, _)| expected.check(segment));
    }
}

fn two_sites() -> Content {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    loop {
        let mut content = content(200).new_tree(&mut runner).unwrap().current();
        content.rows.retain(|key, _| key.0 != SiteId(0) && key.0 != SiteId(u64::MAX));
        content.hours.retain(|key, _| key.0 != SiteId(0) && key.0 != SiteId(u64::MAX));
        if content.rows.len() > 40 {
            return content;
        }
    }
}

#[test]
fn a_site_that_stays_as_it_is_is_copied_byte_by_byte() {
    let disk = MemoryDisk::default();
    let content = two_sites();
    let source = content.segment(&disk, 1).unwrap();
    let far = PageSelection::Pages(vec![HASHER.page(SiteId(7), "c.example/")]);
    let far = MaskRule { pages: far, cover: Cover { days: DayRange::ALL, country: None } };
    let masks = vec![(SiteId(7), SiteMask::of_rules(rules_of(SiteId(7), [far])))];
    let recode = |_| -> CountrySet { [Country::from_code(1).unwrap()].into_iter().collect() };
    let unused = content.rows.keys().all(|key| key.2.country().code() != 1);
    let (entry, stats) = run(&disk, &[(source, masks)], &|_| false, &recode).unwrap();
    assert!(unused);
    assert_eq!((stats.sites_copied, stats.sites_merged), (2, 0));
    let merged = Segment::open(&disk, &entry.unwrap(), Access::Read).unwrap();
    content.check(&merged);
    // Only the headers' uuids and sequences differ.
    let (old, new) = (disk.bytes(FileName::Segment(1)), disk.bytes(FileName::Segment(100)));
    assert_eq!(old[128..old.len() - 192], new[128..new.len() - 192]);
}

#[test]
fn a_stopped_merge_leaves_no_file() {
    let disk = MemoryDisk::default();
    let source = two_sites().segment(&disk, 1).unwrap();
    let mut writer = SegmentWriter::create(&disk, 100, header(100), &Unthrottled).unwrap();
    let input = MergeInput { segment: &source, mask: &|_| None, skip: &|_| false };
    let mut calls = 0;
    let stopped = merge(&[input], &mut writer, &|_| CountrySet::new(), &OneLane, &mut |_| {
        calls += 1;
        if calls == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(stopped, Err(SegmentError::Stopped)));
    drop(writer);
    assert_eq!(disk.files(), [FileName::Segment(1)]);
}

/// What is finished is synced while the sites after it are merged. If that fails, so does the merge, whichever sync it
/// was: none of it may be taken for durable.
#[test]
fn a_sync_that_fails_beside_the_merge_of_the_next_sites_fails_the_merge_and_leaves_no_file() {
    let sources = MemoryDisk::default();
    let parts: Vec<Content> = (0..2).map(|part| sites(40, part)).collect();
    let segments: Vec<Segment> =
        (1..).zip(&parts).map(|(number, part)| part.segment(&sources, number).unwrap()).collect();
    let merged_on = |disk: &SimulatedDisk| {
        let input = |segment| MergeInput { segment, mask: &|_| None, skip: &|_| false };
        let inputs: Vec<_> = segments.iter().map(input).collect();
        let mut writer = SegmentWriter::create(disk, 100, header(100), &Unthrottled)?;
        merge(&inputs, &mut writer, &|_| CountrySet::new(), &Threads, &mut |_| ControlFlow::Continue(()))?;
        writer.seal()
    };
    let calm = SimulatedDisk::new();
    let entry = merged_on(&calm).unwrap().unwrap();
    Content::merged(parts.iter().cloned()).check(&Segment::open(&calm, &entry, Access::Read).unwrap());
    let syncs = calm.calls().of(Call::Sync);
    assert!(syncs > 3, "several are synced before the last");
    for sync in 1..=syncs {
        let disk = SimulatedDisk::new();
        let (call, when) = (Some(Call::Sync), When::Once(sync));
        disk.inject(Fault { call, when, failure: Failure::InputOutput });
        assert!(matches!(merged_on(&disk), Err(SegmentError::Disk(_))), "sync {sync} of {syncs}");
        assert_eq!(disk.files(), [], "sync {sync} of {syncs}");
    }
}

/// Sites of a page each, large enough that they do not all wait to be merged at the same time.
fn sites(count: u64, part: u8) -> Content {
    let mut content = Content::default();
    for site in 1..=count {
        for n in 0..60_u32 {
            let cell = Cell::from_code((n * 7 % 50) << 15 | (n * 31 % 900)).unwrap();
            let layer = Layer::new(Kind::Click, Viewport::from_code(20).unwrap(), false);
            let country = Country::from_code(1 + (n % 40) as u16).unwrap();
            let key = RowKey::new(layer, cell, day(part * 10 + (n % 9) as u8), country);
            content.add(SiteId(site), "a.example/", Row { key, count: 1 + n % 5 });
        }
    }
    content
}

/// Cells of a large page of `large`: more than a block and less than two.
const LARGE: u32 = 20_000;
const LARGE_SITE: SiteId = SiteId(7);

/// Pages of a site that stand in several blocks each, with small ones in between; the last has a country of its own.
fn large() -> Content {
    let mut content = Content::default();
    let layers = [(1, 20, LARGE), (4, 3, LARGE / 2), (4, 20, 60)];
    for (page, scale) in [("a", 1), ("b", 400), ("c", 1), ("d", 4_000), ("e", 2), ("f", 4_000)] {
        for (kind, viewport, cells) in layers {
            let (kind, viewport) = (Kind::from_code(kind).unwrap(), Viewport::from_code(viewport).unwrap());
            let layer = Layer::new(kind, viewport, false);
            for n in 0..(cells / scale).max(3) {
                let cell = Cell::from_code(((n % 100) << 15) | (n / 100)).unwrap();
                let of_month = if page == "e" { n % 5 } else { 5 + n % 23 };
                let code = if page == "f" && n == 0 { 99 } else { 80 + (n % 3) as u16 };
                let key = RowKey::new(layer, cell, day(of_month as u8), Country::from_code(code).unwrap());
                content.add(LARGE_SITE, &format!("{page}.example/"), Row { key, count: 1 + n % 2 });
            }
        }
        let hour = HourOfSite::new(day(6), 3);
        content.add_hour(
            LARGE_SITE,
            &format!("{page}.example/"),
            HourRow { kind: Kind::Click, hour, count: 9 },
        );
    }
    content
}

#[test]
fn blocks_that_nothing_is_left_out_of_are_copied_byte_by_byte() {
    let (disk, content) = (MemoryDisk::default(), large());
    let source = || Segment::open(&disk, &content.write(&disk, 1).unwrap().unwrap(), Access::Read).unwrap();
    let source = source();
    let blocks = u64::from(source.extent(LARGE_SITE).unwrap().unwrap().header().blocks);
    let pages = |texts: &[&str]| {
        PageSelection::Pages(
            texts.iter().map(|page| HASHER.page(LARGE_SITE, &format!("{page}.example/"))).collect(),
        )
    };
    let all = Cover { days: DayRange::ALL, country: None };
    let country = |code| Cover { country: Country::from_code(code), ..all };
    let first_days = Cover { days: DayRange { from: day(0), to: day(5) }, country: None };
    // What goes, and whether any block is copied: none if each has something to go, or a country goes from the list.
    let cases = [
        (pages(&["b"]), all, true),
        (pages(&["a"]), all, true),
        (pages(&["b", "d"]), all, true),
        (pages(&["c"]), country(81), true),
        (PageSelection::All, first_days, true),
        (pages(&["f"]), all, false),
        (pages(&["f"]), country(99), false),
        (PageSelection::All, country(80), false),
    ];
    for (number, (pages, cover, some_copied)) in (200..).step_by(2).zip(cases) {
        let mut purged = (content.clone(), None);
        // Twice: what a purge has written is purged again.
        for (number, first) in [(number, true), (number + 1, false)] {
            let rule = match first {
                true => MaskRule { pages: pages.clone(), cover },
                false => MaskRule {
                    pages: PageSelection::Pages(vec![HASHER.page(LARGE_SITE, "d.example/")]),
                    cover: all,
                },
            };
            let masks = vec![(LARGE_SITE, SiteMask::of_rules(rules_of(LARGE_SITE, [rule])))];
            let rows = purged.0.rows.len();
            let expected = purged.0.without(mask_of(&masks));
            let input = purged.1.as_ref().unwrap_or(&source);
            let mask = mask_of(&masks);
            let mut writer = SegmentWriter::create(&disk, number, header(number), &Unthrottled).unwrap();
            let input = MergeInput { segment: input, mask: &mask, skip: &|_| false };
            let stats = merge(&[input], &mut writer, &|_| CountrySet::new(), &OneLane, &mut |_| {
                ControlFlow::Continue(())
            })
            .unwrap();
            let entry = writer.seal().unwrap().unwrap();
            let segment = Segment::open(&disk, &entry, Access::Read).unwrap();
            expected.check(&segment);
            assert_eq!(stats.rows_masked, (rows - expected.rows.len()) as u64);
            if first {
                assert_eq!(stats.blocks_copied > 0, some_copied, "{pages:?} {cover:?}");
                assert!(stats.blocks_copied < blocks && stats.sites_merged == 1);
            }
            purged = (expected, Some(segment));
        }
    }
}

#[test]
fn what_is_left_out_as_a_whole_is_not_read() {
    let (disk, content) = (MemoryDisk::default(), large());
    let source = content.segment(&disk, 1).unwrap();
    let all = Cover { days: DayRange::ALL, country: None };
    let stats_of =
        |number, pages| {
            let masks = vec![(
                LARGE_SITE,
                SiteMask::of_rules(rules_of(LARGE_SITE, [MaskRule { pages, cover: all }])),
            )];
            let mask = mask_of(&masks);
            let mut writer = SegmentWriter::create(&disk, number, header(number), &Unthrottled).unwrap();
            let input = MergeInput { segment: &source, mask: &mask, skip: &|_| false };
            let stats = merge(&[input], &mut writer, &|_| CountrySet::new(), &OneLane, &mut |_| {
                ControlFlow::Continue(())
            });
            (stats.unwrap(), writer.seal().unwrap())
        };
    let (stats, entry) = stats_of(100, PageSelection::All);
    assert_eq!((stats.rows_read, stats.rows_masked), (0, content.rows.len() as u64));
    assert!(entry.is_none() && stats.sites_merged == 0);
    // Of a page the strips: those of the others are read only where they share a block with it.
    let page = PageSelection::Pages(vec![HASHER.page(LARGE_SITE, "a.example/")]);
    let (stats, _) = stats_of(101, page);
    let of_page = content.rows.keys().filter(|key| key.1 == "a.example/").count() as u64;
    assert_eq!(stats.rows_masked, of_page);
    assert!(stats.rows_read < content.rows.len() as u64 - of_page, "{stats:?}");
}
