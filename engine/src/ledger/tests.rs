use super::*;
use crate::disk::simulated::{Failure, Fault, SimulatedDisk, When};
use crate::model::{Cover, ErasureState, Matched, NamedKind, NamedPages, Reason};

fn erasure(byte: u8, through: u64) -> Erasure {
    let mut times = [None; ErasureState::COUNT];
    times[ErasureState::Requested as usize] = Some(1_000);
    Erasure {
        id: ErasureId([byte; 16]),
        number: 0,
        site: SiteId(7),
        through: Seq(through),
        named: NamedKind::Page,
        hashes: Vec::new(),
        cover: Cover::ALL,
        block: false,
        deletes_site: false,
        reason: Reason::Other,
        reference: "".into(),
        matched: Matched::default(),
        commitment: [byte; 32],
        times,
        grace_over_ms: None,
        versions_gone_ms: None,
        losses: Vec::new(),
    }
}

fn page(byte: u8) -> NamedPages {
    NamedPages::Page(format!("s.example/{byte}").into())
}

fn open(disk: &SimulatedDisk) -> Result<Ledger, LedgerError> {
    Ledger::load(Arc::new(disk.clone()))
}

fn ask(ledger: &Ledger, byte: u8) -> Result<Arc<Erasure>, LedgerError> {
    ledger.write_named(ErasureId([byte; 16]), &page(byte))?;
    ledger.request(erasure(byte, u64::from(byte)), 1_500)
}

#[test]
fn what_was_asked_is_there_after_reopening() {
    let disk = SimulatedDisk::new();
    let ledger = open(&disk).unwrap();
    let first = ask(&ledger, 1).unwrap();
    let second = ask(&ledger, 2).unwrap();
    ledger.record(vec![LedgerEdit::Reach(first.id, ErasureState::LivePurged, 2_000)]).unwrap();
    for ledger in [&ledger, &open(&disk).unwrap()] {
        assert_eq!((ledger.position(), ledger.last_through()), (3, Seq(2)));
        let found = ledger.get(first.id).unwrap();
        assert_eq!(
            (found.number, found.state(), found.at_ms(ErasureState::LivePurged)),
            (1, ErasureState::LivePurged, Some(2_000))
        );
        assert_eq!(ledger.named(&second).unwrap(), Some(page(2)));
        assert_eq!(ledger.of_site(SiteId(7)).len(), 2);
        assert_eq!(ledger.hasher(), open(&disk).unwrap().hasher());
    }
}

#[test]
fn the_text_of_what_is_done_is_gone_after_the_next_start() {
    let disk = SimulatedDisk::new();
    let ledger = open(&disk).unwrap();
    let (first, second) = (ask(&ledger, 1).unwrap(), ask(&ledger, 2).unwrap());
    ledger.record(vec![LedgerEdit::Reach(first.id, ErasureState::Cancelled, 5)]).unwrap();
    let ledger = open(&disk).unwrap();
    assert_eq!((ledger.named(&first).unwrap(), ledger.named(&second).unwrap()), (None, Some(page(2))));
}

#[test]
fn the_ledger_never_holds_text() {
    let disk = SimulatedDisk::new();
    let ledger = open(&disk).unwrap();
    let pages = NamedPages::Page("s.example/somebodys-name".into());
    ledger.write_named(ErasureId([1; 16]), &pages).unwrap();
    ledger.request(erasure(1, 1), 1_500).unwrap();
    let file = disk.contents(FileName::Ledger).unwrap();
    assert!(!file.windows(9).any(|part| part == b"somebodys"));
}

#[test]
fn without_its_key_a_ledger_is_not_opened() {
    let disk = SimulatedDisk::new();
    ask(&open(&disk).unwrap(), 1).unwrap();
    let key = disk.contents(FileName::LedgerKey).unwrap();
    disk.remove(FileName::LedgerKey).unwrap();
    assert!(matches!(open(&disk), Err(LedgerError::NoKey)));
    keys::make(&disk, FileName::LedgerKey).unwrap();
    assert!(matches!(open(&disk), Err(LedgerError::WrongKey)));
    disk.remove(FileName::LedgerKey).unwrap();
    put_file(&disk, FileName::KeyNew, FileName::LedgerKey, Directory::Root, &key).unwrap();
    assert_eq!(open(&disk).unwrap().all().len(), 1);
}

#[test]
fn a_crash_at_any_call_loses_nothing_that_was_answered() {
    let start = SimulatedDisk::new();
    ask(&open(&start).unwrap(), 1).unwrap();
    let start = start.survivors().nth(0);
    for call in 1.. {
        let disk = start.fork();
        disk.crash_at(call);
        let answered = open(&disk).and_then(|ledger| {
            ask(&ledger, 2)?;
            let answered = ledger.all().len();
            ledger
                .record(vec![LedgerEdit::Reach(ErasureId([2; 16]), ErasureState::LivePurged, 9)])
                .map(|()| answered + 1)
        });
        let survivors = disk.survivors();
        for nth in 0..survivors.count() {
            let ledger =
                open(&survivors.nth(nth)).unwrap_or_else(|error| panic!("call {call}, {nth}: {error}"));
            assert!(ledger.get(ErasureId([1; 16])).is_some(), "call {call}, {nth}");
            if answered.is_ok() {
                assert_eq!(ledger.get(ErasureId([2; 16])).unwrap().state(), ErasureState::LivePurged);
            }
            for erasure in ledger.all() {
                assert!(ledger.named(&erasure).unwrap().is_some(), "call {call}, {nth}: text before entry");
            }
            // And it goes on from there.
            ask(&ledger, 3).unwrap();
        }
        if answered.is_ok() {
            assert!(call > 4);
            break;
        }
    }
}

#[test]
fn after_a_failing_call_the_next_entry_is_taken_and_nothing_answered_is_lost() {
    for failure in [Failure::InputOutput, Failure::Full, Failure::Short] {
        for nth in 1..12 {
            let disk = SimulatedDisk::new();
            let ledger = open(&disk).unwrap();
            ask(&ledger, 1).unwrap();
            disk.inject(Fault { call: None, when: When::Once(nth), failure });
            let second = ask(&ledger, 2);
            disk.heal();
            let third = ask(&ledger, 3).unwrap();
            let reopened = open(&disk).unwrap();
            assert!(reopened.get(ErasureId([1; 16])).is_some());
            assert_eq!(
                reopened.get(third.id).map(|found| found.number),
                Some(third.number),
                "{failure:?} {nth}"
            );
            assert_eq!(reopened.get(ErasureId([2; 16])).is_some(), second.is_ok(), "{failure:?} {nth}");
            assert_eq!(reopened.named(&third).unwrap(), Some(page(3)));
        }
    }
}
