use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::disk::simulated::{Call, Failure, Fault, SimulatedDisk, When};
use crate::disk::{Disk, RealDisk};
use crate::format::names::{Directory, FileName};
use crate::model::{Day, Role, Token, TokenId, Zone};

const NOW: u64 = 1_767_225_600;

fn name(text: &str) -> SiteName {
    SiteName::new(text).unwrap()
}

fn new(text: &str) -> NewSite {
    NewSite { name: name(text), region: Region::new("eu").unwrap(), settings: SiteSettings::standard() }
}

fn token(text: &str, role: Role, sites: &[SiteId], hash: u8) -> NewToken {
    let (expires_at, allow_from) = (None, vec![]);
    NewToken { name: name(text), role, sites: sites.to_vec(), hash: [hash; 32], expires_at, allow_from }
}

fn open(disk: &SimulatedDisk) -> Accounts {
    Accounts::open(Arc::new(disk.clone())).unwrap()
}

fn create(accounts: &Accounts, text: &str) -> Arc<Site> {
    accounts.create_sites(vec![new(text)], NOW).unwrap().remove(0)
}

/// Everything that can be asked: sites by id and tokens by id.
type Everything = (BTreeMap<SiteId, Site>, Vec<Token>);

fn everything(accounts: &Accounts) -> Everything {
    let sites: BTreeMap<SiteId, Site> = accounts.sites().map(|site| (site.id, Site::clone(&site))).collect();
    let open: Vec<&Site> = sites.values().filter(|site| !site.closed).collect();
    assert_eq!(accounts.list(None, usize::MAX).len(), open.len());
    for site in open {
        assert_eq!(accounts.by_name(site.name.as_str()).as_deref(), Some(site));
        assert_eq!(accounts.by_key(&site.key, NOW).as_deref(), Some(site));
    }
    let tokens: Vec<Token> = accounts.tokens().iter().map(|token| Token::clone(token)).collect();
    for token in &tokens {
        assert_eq!(accounts.token_by_hash(&token.hash).as_deref(), Some(token));
    }
    (sites, tokens)
}

/// What of everything does not depend on random ids and keys.
fn shape(everything: &Everything) -> (BTreeSet<(SiteName, bool, bool, u32)>, BTreeSet<(SiteName, usize)>) {
    let site =
        |site: &Site| (site.name.clone(), site.closed, site.old_key.is_some(), site.settings.retention_days);
    let token = |token: &Token| (token.name.clone(), token.sites.len());
    (everything.0.values().map(site).collect(), everything.1.iter().map(token).collect())
}

#[test]
fn a_site_is_found_by_id_name_and_key_after_reopening() {
    let disk = SimulatedDisk::new();
    let accounts = open(&disk);
    let shop = create(&accounts, "shop");
    assert_eq!((shop.created_at, shop.closed, &shop.old_key), (NOW, false, &None));
    assert!(shop.key.starts_with("eu_") && shop.key.len() == 35, "{}", shop.key);
    assert_ne!(create(&accounts, "blog").id, shop.id);
    for accounts in [&accounts, &open(&disk)] {
        assert_eq!(accounts.get(shop.id).as_ref(), Some(&shop));
        assert_eq!(accounts.by_name("shop").as_ref(), Some(&shop));
        assert_eq!(accounts.by_key(&shop.key, NOW).as_ref(), Some(&shop));
        assert_eq!((accounts.by_name("sho"), accounts.by_key("eu_", NOW)), (None, None));
    }
}

#[test]
fn sites_are_listed_by_name_from_any_one_on() {
    let accounts = open(&SimulatedDisk::new());
    let names = ["a", "a-b", "b", "z9"];
    accounts.create_sites(names.iter().rev().map(|name| new(name)).collect(), NOW).unwrap();
    let list = |after: Option<&str>, limit| -> Vec<String> {
        let after = after.map(name);
        accounts.list(after.as_ref(), limit).iter().map(|site| site.name.to_string()).collect()
    };
    assert_eq!(list(None, 9), names);
    assert_eq!(list(Some("a"), 2), ["a-b", "b"]);
    assert_eq!(list(Some("aa"), 9), ["b", "z9"]);
    assert_eq!(list(Some("z9"), 9), Vec::<String>::new());
}

#[test]
fn a_name_is_one_open_sites_and_free_when_it_is_closed() {
    let disk = SimulatedDisk::new();
    let accounts = open(&disk);
    let first = create(&accounts, "shop");
    let taken = accounts.create_sites(vec![new("other"), new("shop")], NOW).unwrap_err();
    assert!(matches!(taken, AccountsError::NameTaken(ref taken) if *taken == name("shop")), "{taken}");
    assert!(accounts.create_sites(vec![new("twice"), new("twice")], NOW).is_err());
    assert_eq!(accounts.sites().len(), 1, "all or none");

    assert!(accounts.close(first.id).unwrap().closed);
    assert!(matches!(accounts.close(first.id), Err(AccountsError::NoSuchSite(_))));
    assert_eq!((accounts.by_name("shop"), accounts.by_key(&first.key, NOW)), (None, None));
    let second = create(&accounts, "shop");
    accounts.remove(first.id).unwrap();
    for accounts in [&accounts, &open(&disk)] {
        assert_eq!(accounts.by_name("shop").as_ref(), Some(&second), "not taken along by the first one");
        assert_eq!(accounts.get(first.id), None);
    }
}

#[test]
fn a_rotated_key_is_good_for_a_while() {
    let disk = SimulatedDisk::new();
    let accounts = open(&disk);
    let shop = create(&accounts, "shop");
    let rotated = accounts.rotate_key(shop.id, NOW + 10).unwrap();
    assert_ne!(rotated.key, shop.key);
    for accounts in [&accounts, &open(&disk)] {
        assert_eq!(accounts.by_key(&rotated.key, NOW + 99).as_ref(), Some(&rotated));
        assert_eq!(accounts.by_key(&shop.key, NOW + 9).as_ref(), Some(&rotated));
        assert_eq!(accounts.by_key(&shop.key, NOW + 10), None);
    }
    let again = accounts.rotate_key(shop.id, NOW + 20).unwrap();
    assert_eq!(accounts.by_key(&shop.key, NOW), None, "one old key is remembered");
    accounts.close(shop.id).unwrap();
    for key in [&rotated.key, &again.key] {
        assert_eq!(accounts.by_key(key, NOW), None);
    }
}

#[test]
fn settings_change_but_the_zone_of_data_does_not() {
    let disk = SimulatedDisk::new();
    let accounts = open(&disk);
    let shop = create(&accounts, "shop");
    let berlin = Zone::named("Europe/Berlin").unwrap();
    let settings = SiteSettings { timezone: berlin, retention_days: 9, ..SiteSettings::standard() };
    assert!(matches!(accounts.update(shop.id, settings.clone(), true), Err(AccountsError::ZoneHasData)));
    let updated = accounts.update(shop.id, settings.clone(), false).unwrap();
    assert_eq!((&updated.settings, &updated.key), (&settings, &shop.key));
    assert!(accounts.update(shop.id, settings.clone(), true).is_ok(), "the same zone");
    assert_eq!(open(&disk).get(shop.id), Some(updated));
    assert!(matches!(accounts.update(SiteId(0), settings, false), Err(AccountsError::NoSuchSite(SiteId(0)))));
}

#[test]
fn settings_out_of_range_are_refused_and_named() {
    let accounts = open(&SimulatedDisk::new());
    let shop = create(&accounts, "shop");
    let check = |change: &dyn Fn(&mut SiteSettings), expected: InvalidSetting| {
        let mut settings = SiteSettings::standard();
        change(&mut settings);
        let updated = accounts.update(shop.id, settings.clone(), false);
        assert!(matches!(updated, Err(AccountsError::Setting(got)) if got == expected), "{updated:?}");
        let made = accounts.create_sites(vec![NewSite { settings, ..new("b") }], NOW);
        assert!(matches!(made, Err(AccountsError::Setting(_))), "{made:?}");
    };
    let days = |name, from, got| InvalidSetting::Days { name, from, got };
    check(&|settings| settings.retention_days = 0, days("retention_days", 1, 0));
    check(&|settings| settings.retention_days = 36_501, days("retention_days", 1, 36_501));
    check(&|settings| settings.hourly_days = 36_501, days("hourly_days", 0, 36_501));
    check(
        &|settings| settings.hosts = vec!["a".into(); 1_001],
        InvalidSetting::Entries { name: "hosts", got: 1_001 },
    );
    for bad in [String::new(), "a\nb".into(), "x".repeat(1_025)] {
        let entry = InvalidSetting::Entry { name: "query_params", index: 1 };
        check(&|s| s.query_params = crate::model::QueryParams::Only(vec!["a".into(), bad.clone()]), entry);
    }
    let mut most = SiteSettings { retention_days: 36_500, hourly_days: 0, ..SiteSettings::standard() };
    most.exclude_pages = vec!["é".repeat(512); 1_000];
    assert!(accounts.update(shop.id, most, false).is_ok());
}

#[test]
fn tokens_are_found_by_hash_and_named_once_for_a_site() {
    let disk = SimulatedDisk::new();
    let accounts = open(&disk);
    let (a, b) = (create(&accounts, "a").id, create(&accounts, "b").id);
    let both = accounts.put_token(token("ci", Role::Writer, &[b, a, b], 1), NOW).unwrap();
    assert_eq!(both.sites.len(), 2);
    let refused = |new, why: &str| {
        let error = accounts.put_token(new, NOW).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    };
    refused(token("ci", Role::Reader, &[a], 2), "ci is taken");
    refused(token("new", Role::Reader, &[a], 1), "such a token already");
    refused(token("new", Role::Reader, &[], 2), "1 to 1000 sites");
    refused(token("new", Role::Operator, &[a], 2), "1 to 1000 sites");
    refused(token("new", Role::Owner, &[SiteId(0)], 2), "no open site");
    let operator = accounts.put_token(token("ci", Role::Operator, &[], 3), NOW).unwrap();
    refused(token("ci", Role::Operator, &[], 4), "ci is taken");

    accounts.use_tokens(&[(both.id, Day::from_number(9)), (TokenId(0), Day::from_number(9))]).unwrap();
    let writes = disk.calls().of(Call::Write);
    accounts.use_tokens(&[(both.id, Day::from_number(9))]).unwrap();
    assert_eq!(disk.calls().of(Call::Write), writes, "known already");
    for accounts in [&accounts, &open(&disk)] {
        assert_eq!(accounts.token_by_hash(&[1; 32]).unwrap().last_used, Some(Day::from_number(9)));
        assert_eq!(accounts.token_by_hash(&[3; 32]).as_ref(), Some(&operator));
        assert_eq!((accounts.tokens().len(), accounts.tokens_of(a).len()), (2, 1));
    }
    accounts.remove_token(both.id).unwrap();
    assert!(matches!(accounts.remove_token(both.id), Err(AccountsError::NoSuchToken(_))));
    for accounts in [&accounts, &open(&disk)] {
        assert_eq!(accounts.token_by_hash(&[1; 32]), None);
        assert_eq!(accounts.tokens(), [Arc::clone(&operator)]);
    }
    accounts.put_token(token("ci", Role::Reader, &[a], 1), NOW).unwrap();
}

#[test]
fn a_token_of_several_sites_can_lose_one_of_them() {
    let disk = SimulatedDisk::new();
    let accounts = open(&disk);
    let (a, b) = (create(&accounts, "a").id, create(&accounts, "b").id);
    let both = accounts.put_token(token("both", Role::Reader, &[a, b], 1), NOW).unwrap();
    accounts.remove_token_of(both.id, a).unwrap();
    assert!(matches!(accounts.remove_token_of(both.id, a), Err(AccountsError::NoSuchToken(_))));
    for accounts in [&accounts, &open(&disk)] {
        assert_eq!(accounts.token_by_hash(&[1; 32]).unwrap().sites, [b]);
    }
    accounts.remove_token_of(both.id, b).unwrap();
    assert!(accounts.tokens().is_empty());
}

#[test]
fn what_is_removed_leaves_the_disk() {
    let disk = SimulatedDisk::new();
    let accounts = open(&disk);
    let secret = create(&accounts, "a-name-to-be-forgotten");
    let other = create(&accounts, "other");
    let alone =
        accounts.put_token(token("token-to-be-forgotten", Role::Reader, &[secret.id], 1), NOW).unwrap();
    accounts.put_token(token("stays", Role::Reader, &[secret.id, other.id], 2), NOW).unwrap();
    accounts.close(secret.id).unwrap();
    accounts.remove(secret.id).unwrap();
    assert!(matches!(accounts.remove(secret.id), Err(AccountsError::NoSuchSite(_))));
    assert_eq!(accounts.tokens_of(secret.id), []);
    assert_eq!(accounts.tokens_of(other.id).len(), 1);
    let survivors = disk.survivors();
    assert_eq!((survivors.count(), disk.list(Directory::Root).unwrap().len()), (1, 1));
    let bytes = disk.contents(FileName::Accounts).unwrap();
    for text in ["forgotten".as_bytes(), secret.key.as_bytes(), &alone.hash, &secret.id.0.to_le_bytes()] {
        assert!(!bytes.windows(text.len()).any(|window| window == text), "{text:x?}");
    }
    assert_eq!(everything(&open(&disk)), everything(&accounts));
}

#[test]
fn a_hundred_thousand_sites_are_one_sync_and_one_file() {
    let directory = tempfile::tempdir().unwrap();
    let disk = SimulatedDisk::new();
    let accounts = open(&disk);
    create(&accounts, "first");
    let before = disk.calls();
    let many = (0..100_000).map(|number| new(&format!("site-{number}"))).collect();
    assert_eq!(accounts.create_sites(many, NOW).unwrap().len(), 100_000);
    let calls = disk.calls();
    assert_eq!((calls.of(Call::Sync) - before.of(Call::Sync), calls.mutating() - before.mutating()), (1, 2));

    let real = RealDisk::open(directory.path()).unwrap();
    real.create(FileName::Accounts)
        .unwrap()
        .write_at(0, &disk.contents(FileName::Accounts).unwrap())
        .unwrap();
    let again = Accounts::open(Arc::new(real)).unwrap();
    assert_eq!(again.list(None, usize::MAX).len(), 100_001);
    // One zone for all of them.
    let zones: Vec<_> = ["site-1", "site-99999"].map(|name| again.by_name(name).unwrap()).into();
    assert_eq!(zones[0].settings.timezone, zones[1].settings.timezone);
}

#[test]
fn a_file_that_is_mostly_garbage_is_written_anew() {
    let disk = SimulatedDisk::new();
    let accounts = open(&disk);
    let shop = create(&accounts, "shop");
    let mut longest = 0;
    for days in 1..=3_000 {
        let settings = SiteSettings { retention_days: days, ..SiteSettings::standard() };
        accounts.update(shop.id, settings, true).unwrap();
        longest = longest.max(disk.contents(FileName::Accounts).unwrap().len());
    }
    let one = disk.contents(FileName::Accounts).unwrap().len() / 3_000;
    assert!(longest < 300_000, "{longest}, {one}");
    assert_eq!(open(&disk).get(shop.id).unwrap().settings.retention_days, 3_000);
}

#[test]
fn rot_is_an_error_that_names_file_and_offset() {
    let disk = SimulatedDisk::new();
    let accounts = open(&disk);
    create(&accounts, "a");
    create(&accounts, "b");
    let length = disk.contents(FileName::Accounts).unwrap().len();
    for byte in 0..length {
        let rotten = disk.fork();
        rotten.flip(FileName::Accounts, byte, byte as u32 % 8);
        match Accounts::open(Arc::new(rotten)).unwrap_err() {
            AccountsError::Unreadable { file: FileName::Accounts, offset, .. } => {
                assert!(offset <= byte as u64, "{offset} {byte}");
            }
            other => panic!("{other}"),
        }
    }
}

/// A frame whose sync failed was shown after a restart, the next one was written behind it, and after a power loss the
/// file was refused: there was a frame behind a hole.
#[test]
fn what_a_failed_sync_left_behind_is_durable_before_more_is_added() {
    let disk = SimulatedDisk::new();
    let accounts = open(&disk);
    create(&accounts, "shop");
    let nth = disk.calls().of(Call::Sync) + 1;
    disk.inject(Fault { call: Some(Call::Sync), when: When::Once(nth), failure: Failure::InputOutput });
    assert!(accounts.create_sites(vec![new("blog")], NOW).is_err());
    drop(accounts);
    let again = open(&disk);
    create(&again, "docs");
    let left = open(&disk.survivors().nth(0));
    assert_eq!(everything(&left), everything(&again));
}

/// One step of a script.
#[derive(Clone, Debug)]
enum Step {
    Create(u8),
    Update(u8, u32),
    Rotate(u8),
    Close(u8),
    Remove(u8),
    Token(u8, u8),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_u8..5).prop_map(Step::Create),
        2 => (0_u8..5, 1_u32..40_000).prop_map(|(site, days)| Step::Update(site, days)),
        1 => (0_u8..5).prop_map(Step::Rotate),
        1 => (0_u8..5).prop_map(Step::Close),
        1 => (0_u8..5).prop_map(Step::Remove),
        2 => (0_u8..5, any::<u8>()).prop_map(|(site, hash)| Step::Token(site, hash)),
        1 => Just(Step::Reopen),
    ]
}

/// Does a step; whether the disk failed in it.
fn run(accounts: &mut Accounts, disk: &SimulatedDisk, step: &Step) -> bool {
    let site = |number: &u8| accounts.by_name(&format!("s{number}")).map_or(SiteId(0), |site| site.id);
    let done = match step {
        Step::Create(number) => accounts.create_sites(vec![new(&format!("s{number}"))], NOW).map(drop),
        Step::Update(number, days) => {
            let settings = SiteSettings { retention_days: *days, ..SiteSettings::standard() };
            accounts.update(site(number), settings, true).map(drop)
        }
        Step::Rotate(number) => accounts.rotate_key(site(number), NOW + 5).map(drop),
        Step::Close(number) => accounts.close(site(number)).map(drop),
        Step::Remove(number) => accounts.remove(site(number)),
        Step::Token(number, hash) => accounts
            .put_token(token(&format!("t{hash}"), Role::Reader, &[site(number)], *hash), NOW)
            .map(drop),
        Step::Reopen => match Accounts::open(Arc::new(disk.clone())) {
            Ok(opened) => {
                *accounts = opened;
                Ok(())
            }
            Err(error) => Err(error),
        },
    };
    matches!(done, Err(AccountsError::Disk(_)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn reopening_changes_nothing(steps in proptest::collection::vec(step(), 1..30)) {
        let disk = SimulatedDisk::new();
        let mut accounts = open(&disk);
        for step in &steps {
            run(&mut accounts, &disk, step);
            prop_assert_eq!(everything(&open(&disk.fork())), everything(&accounts));
        }
    }

    #[test]
    fn a_crash_at_any_call_loses_nothing_that_was_answered(
        steps in proptest::collection::vec(step(), 1..6),
        last in step(),
    ) {
        let start = SimulatedDisk::new();
        let mut accounts = open(&start);
        for step in &steps {
            run(&mut accounts, &start, step);
        }
        let before = everything(&accounts);
        let done = start.fork();
        run(&mut open(&done), &done, &last);
        let shapes = [shape(&before), shape(&everything(&open(&done)))];
        for call in 1.. {
            let disk = start.fork();
            let mut accounts = open(&disk);
            let opening = disk.calls().mutating();
            disk.crash_at(opening + call);
            let failed = run(&mut accounts, &disk, &last);
            let after = everything(&accounts);
            prop_assert!(!failed || after == before, "what failed is not seen");
            for (index, survivor) in disk.survivors().up_to(200, call).enumerate() {
                let reopened = open(&survivor);
                let found = everything(&reopened);
                // What failed may be there after all, whole or not at all.
                prop_assert!(shapes.contains(&shape(&found)), "call {call}, state {index}: {found:?}");
                prop_assert!(failed || found == after, "call {call}, state {index}: an answer was lost");
                // A tail that was cut is cut for good, and what comes next stays.
                let made = create(&reopened, "made-after-the-crash");
                prop_assert_eq!(open(&survivor).get(made.id), Some(made));
            }
            if !failed {
                break;
            }
        }
    }

    #[test]
    fn failing_calls_lose_nothing_that_was_answered(
        steps in proptest::collection::vec(step(), 1..8),
        nth in 1_u64..40,
        forever: bool,
        failure in prop::sample::select(vec![Failure::InputOutput, Failure::Full, Failure::Short]),
    ) {
        let disk = SimulatedDisk::new();
        let mut accounts = open(&disk);
        let when = if forever { When::From(nth) } else { When::Once(nth) };
        disk.inject(Fault { call: None, when, failure });
        let mut unknown = false;
        for step in &steps {
            let before = everything(&accounts);
            let failed = run(&mut accounts, &disk, step);
            unknown = failed || (unknown && everything(&accounts) == before);
            prop_assert!(!failed || everything(&accounts) == before);
            if !unknown {
                let found = everything(&open(&disk.fork()));
                prop_assert_eq!(&found, &everything(&accounts));
                for survivor in disk.survivors().up_to(8, nth) {
                    prop_assert_eq!(everything(&open(&survivor)), found.clone());
                }
            }
        }
        disk.heal();
        let made = create(&accounts, "made-after-the-faults");
        prop_assert_eq!(everything(&open(&disk)), everything(&accounts));
        prop_assert_eq!(open(&disk.survivors().nth(0)).get(made.id), Some(made));
    }
}
