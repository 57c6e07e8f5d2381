use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::thread;

use proptest::prelude::*;

use super::*;
use crate::model::{
    Country, Cover, Day, DayRange, HourOfSite, HourRow, Kind, MaskRule, MaskRules, PageSelection, Row,
    RowKey, RuleIndex, TextHasher, Tombstone,
};

fn row(cell: u64, day: u64, country: u64, count: u32) -> Row {
    Row { key: RowKey::from_bits(cell << 26 | day << 10 | country).unwrap(), count }
}

fn page(text: &str, rows: Vec<Row>) -> PageRows {
    let hour = |row: &Row| HourRow {
        kind: Kind::View,
        hour: HourOfSite::new(row.key.day(), (row.key.cell().y() % 24) as u8),
        count: row.count.into(),
    };
    let hours = rows.iter().map(hour).collect();
    PageRows { page: text.into(), rows, hours }
}

/// Everything a memtable says of its sites, in order.
type Content = BTreeMap<(u64, String, u64), u64>;

fn content(memtable: &Memtable) -> Content {
    let mut content = Content::new();
    for site in memtable.sites() {
        memtable.read_site(site, |rows| {
            for (text, page) in rows.into_iter().flat_map(SiteRows::pages) {
                for row in page.rows() {
                    *content.entry((site.0, text.into(), row.key.bits())).or_default() +=
                        u64::from(row.count);
                }
            }
        });
    }
    content
}

fn days(memtable: &Memtable, site: SiteId) -> BTreeMap<(Day, Country), u64> {
    memtable.read_site(site, |rows| {
        rows.into_iter()
            .flat_map(SiteRows::country_days)
            .map(|(day, of, events)| ((day, of), events))
            .collect()
    })
}

prop_compose! {
    fn batches()(batches in prop::collection::vec(
        (0_u64..3, 0_usize..4, prop::collection::vec((0_u64..50, 0_u64..3, 0_u64..4, 1_u32..4), 1..30)), 1..30,
    )) -> Vec<(SiteId, PageRows)> {
        batches.into_iter().map(|(site, text, mut rows)| {
            rows.sort_unstable();
            rows.dedup_by_key(|row| (row.0, row.1, row.2));
            let rows = rows.into_iter().map(|(cell, day, country, n)| row(cell, day, country, n)).collect();
            (SiteId(site), page(["a/", "a/b", "b/", "c/"][text], rows))
        }).collect()
    }
}

fn mask(site: SiteId, pages: PageSelection, cover: Cover) -> SiteMask {
    let mut index = RuleIndex::new(site, TextHasher::new([7; 32]));
    index.insert(&Tombstone { through: Seq(1), rule: MaskRule { pages, cover } });
    SiteMask::of_rules(MaskRules::open_from(&Arc::new(index), Seq(1)))
}

proptest! {
    #[test]
    fn a_memtable_is_a_map_of_sums(batches in batches(), masked in 0_u64..4, from in 0_u16..4) {
        let memtable = Memtable::new();
        let mut expected = Content::new();
        for (index, (site, page)) in batches.iter().enumerate() {
            memtable.apply(*site, std::slice::from_ref(page), Seq(index as u64 + 1), 1_000 + index as u64);
            for row in &page.rows {
                *expected.entry((site.0, page.page.to_string(), row.key.bits())).or_default() += u64::from(row.count);
            }
        }
        prop_assert_eq!(content(&memtable), expected.clone());
        prop_assert_eq!(memtable.seq_lo(), Some(Seq(1)));
        prop_assert_eq!(memtable.seq_hi(), Some(Seq(batches.len() as u64)));
        prop_assert_eq!(memtable.oldest_ms(), Some(1_000));

        let prefix = TextHasher::new([7; 32]).prefix(SiteId(masked), "a/");
        let cover = Cover {
            days: DayRange { from: Day::from_number(from), to: Day::LAST },
            country: Some(Country::from_code(2).unwrap()),
        };
        let mask = mask(SiteId(masked), PageSelection::Prefix(prefix), cover);
        memtable.mask_in_place(SiteId(masked), &mask);
        expected.retain(|(site, text, bits), _| {
            let key = RowKey::from_bits(*bits).unwrap();
            *site != masked || !mask.page(text).covers_row(key.day(), key.country())
        });
        prop_assert_eq!(content(&memtable), expected.clone());
        prop_assert_eq!(memtable.events(), expected.values().sum::<u64>());
        for site in 0..3 {
            let mut sums = BTreeMap::new();
            for ((_, _, bits), events) in expected.iter().filter(|((of, _, _), _)| *of == site) {
                let key = RowKey::from_bits(*bits).unwrap();
                *sums.entry((key.day(), key.country())).or_default() += events;
            }
            prop_assert_eq!(days(&memtable, SiteId(site)), sums);
        }
    }

    #[test]
    fn hour_totals_are_summed_and_sorted(batches in batches()) {
        let memtable = Memtable::new();
        let mut expected = BTreeMap::new();
        for (_, page) in &batches {
            memtable.apply(SiteId(1), &[PageRows { page: "p/".into(), ..page.clone() }], Seq(1), 0);
            for hour in &page.hours {
                *expected.entry((hour.kind, hour.hour)).or_default() += hour.count;
            }
        }
        let expected: Vec<_> =
            expected.into_iter().map(|((kind, hour), count)| HourRow { kind, hour, count }).collect();
        memtable.read_site(SiteId(1), |rows| {
            let page = rows.unwrap().page("p/").unwrap();
            assert_eq!(page.sorted_hours(DayRange::ALL), expected);
            assert_eq!(page.hours().len(), expected.len());
        });
    }
}

#[test]
fn a_reader_sees_each_batch_whole() {
    let memtable = Memtable::new();
    let done = AtomicBool::new(false);
    let batch = [page("a/", vec![row(1, 1, 1, 1)]), page("b/", vec![row(1, 1, 1, 1)])];
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let (a, b) = memtable.read_site(SiteId(1), |rows| {
                    let count = |text| rows?.page(text).map(|page| page.rows().len());
                    (count("a/"), count("b/"))
                });
                assert_eq!(a, b);
            }
        });
        for seq in 1..20_000 {
            memtable.apply(SiteId(1), &batch, Seq(seq), seq);
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(content(&memtable).values().sum::<u64>(), 2 * 19_999);
}

#[test]
fn many_small_sites_fit_the_default_budget() {
    let memtable = Memtable::new();
    for site in 0..100_000 {
        let rows = (0..10).map(|cell| row(cell, 20_000, 3, 1)).collect();
        let hours = vec![HourRow {
            kind: Kind::Click,
            hour: HourOfSite::new(Day::from_number(20_000), 1),
            count: 10,
        }];
        let page = PageRows { page: "some-shop.example/a/page".into(), rows, hours };
        memtable.apply(SiteId(site), &[page], Seq(site + 1), 0);
    }
    assert!(memtable.bytes() < 80 << 20, "{} bytes for 100,000 sites of one page", memtable.bytes());
    let months: Vec<String> = memtable.months().iter().map(ToString::to_string).collect();
    assert_eq!(months, ["2024-10"]);
}

#[test]
fn an_emptied_memtable_gives_its_bytes_back() {
    let memtable = Memtable::new();
    memtable.apply(SiteId(1), &[page("a/", (0..1_000).map(|cell| row(cell, 9, 1, 1)).collect())], Seq(1), 0);
    let full = memtable.bytes();
    let everything = Cover { days: DayRange::ALL, country: None };
    memtable.mask_in_place(SiteId(1), &mask(SiteId(1), PageSelection::All, everything));
    assert!(memtable.bytes() < full / 10 && content(&memtable).is_empty());
    assert!(memtable.read_site(SiteId(1), |rows| rows.is_none()) && !memtable.is_empty());
}
