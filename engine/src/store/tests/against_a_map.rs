//! Random scripts: whatever the store does behind its callers' backs, the counts are those of a plain map.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<Append>),
    Flush,
    Due,
    Compact,
    Expire,
    Wait { hours: u64 },
    Snapshot,
    Restore(prop::sample::Index),
    DeleteSnapshot(prop::sample::Index),
    Close,
    Drop,
}

#[derive(Clone, Debug)]
struct Append {
    page: u8,
    days_ago: u32,
    x: u32,
    country: u8,
    count: u32,
}

const COUNTRIES: [&str; 3] = ["DE", "FR", "ZZ"];
const RETENTION_DAYS: u32 = 75;

fn step() -> impl Strategy<Value = Step> {
    let append = (0..3_u8, 0..90_u32, 0..6_u32, 0..3_u8, 1..9_u32)
        .prop_map(|(page, days_ago, x, country, count)| Append { page, days_ago, x, country, count });
    prop_oneof![
        6 => prop::collection::vec(append, 1..30).prop_map(Step::Append),
        3 => Just(Step::Flush),
        2 => Just(Step::Due),
        1 => Just(Step::Compact),
        1 => Just(Step::Expire),
        2 => (1..40_u64).prop_map(|hours| Step::Wait { hours }),
        2 => Just(Step::Snapshot),
        2 => any::<prop::sample::Index>().prop_map(Step::Restore),
        1 => any::<prop::sample::Index>().prop_map(Step::DeleteSnapshot),
        1 => Just(Step::Close),
        1 => Just(Step::Drop),
    ]
}

/// page, day, column, country -> events
type Model = BTreeMap<(u8, Day, u32, u8), u64>;

fn page_text(page: u8) -> String {
    format!("a.example/{page}")
}

fn check(store: &Store, model: &Model, now_ms: u64) {
    let today = Day::from_number((now_ms / DAY_MS) as u16);
    let kept_from = today.minus(RETENTION_DAYS - 1);
    for page in 0..3 {
        for (days, country) in [
            (DayRange { from: today.minus(200), to: today.plus(1) }, None),
            (DayRange { from: today.minus(200), to: today.plus(1) }, Some(0)),
            (DayRange { from: today.minus(33), to: today.minus(4) }, None),
            (DayRange { from: today.minus(70), to: today.minus(20) }, Some(1)),
        ] {
            let mut expected = BTreeMap::new();
            for ((of_page, day, x, of_country), count) in model {
                let asked =
                    *of_page == page && days.contains(*day) && country.is_none_or(|c| c == *of_country);
                if asked && *day >= kept_from {
                    *expected.entry(*x).or_default() += count;
                }
            }
            let named = country.map(|country| [COUNTRIES[usize::from(country)]]);
            let got = columns(store, &page_text(page), days, named.as_ref().map(|named| &named[..])).unwrap();
            assert_eq!(got, expected, "page {page}, {days:?}, {country:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_script_counts_as_a_map_does(steps in prop::collection::vec(step(), 1..40)) {
        let mut bench = Bench::new();
        bench.settings.retention_days = RETENTION_DAYS;
        let mut store = bench.open();
        let mut model = Model::new();
        let mut kept: BTreeMap<CopyName, Model> = BTreeMap::new();
        for (nth, step) in steps.into_iter().enumerate() {
            let today = Day::from_number((bench.clock.now_ms() / DAY_MS) as u16);
            match step {
                Step::Append(events) => {
                    let mut builder = BatchBuilder::new(site(&store));
                    for Append { page, days_ago, x, country, count } in events {
                        let day = today.minus(days_ago);
                        let event = event(day, x, COUNTRIES[usize::from(country)], count);
                        builder.add(&page_text(page), event).unwrap();
                        *model.entry((page, day, x, country)).or_default() += u64::from(count);
                    }
                    store.append(builder.build(None, None)).unwrap().wait().unwrap();
                }
                Step::Flush => store.flush().unwrap(),
                Step::Due => store.run_due_jobs().unwrap(),
                Step::Compact => store.compact().unwrap(),
                Step::Expire => store.expire().unwrap(),
                Step::Wait { hours } => {
                    bench.clock.advance(hours * HOUR_MS);
                    store.accept_clock().unwrap();
                }
                Step::Snapshot => {
                    let name = CopyName::new(&format!("s{nth}")).unwrap();
                    store.create_snapshot(name).unwrap();
                    kept.insert(name, model.clone());
                }
                Step::Restore(index) => {
                    let there = store.snapshots();
                    if !there.is_empty() {
                        let name = index.get(&there).name;
                        store.restore_snapshot(name, None).unwrap();
                        let before = store.snapshots().into_iter().find(|snapshot| there.iter().all(|old| old.name != snapshot.name));
                        kept.insert(before.unwrap().name, model);
                        model = kept[&name].clone();
                    }
                }
                Step::DeleteSnapshot(index) => {
                    let there = store.snapshots();
                    if !there.is_empty() {
                        store.delete_snapshot(index.get(&there).name).unwrap();
                    }
                }
                Step::Close => {
                    store.close().unwrap();
                    store = bench.open();
                }
                Step::Drop => {
                    drop(store);
                    store = bench.open();
                }
            }
            check(&store, &model, bench.clock.now_ms());
        }
        prop_assert_eq!(files(&bench.disk), listed(&store));
        let verified = store.core.live.read().segments.iter().all(|segment| segment.verify(&mut |_| {}).is_ok());
        prop_assert!(verified);
    }
}
