use std::collections::BTreeSet;
use std::io::ErrorKind;

use super::*;
use crate::disk::FileWriter;

const A: FileName = FileName::Manifest;
const B: FileName = FileName::ManifestNew;
const W: FileName = FileName::Wal(1);

fn write(disk: &SimulatedDisk, file: FileName, bytes: &[u8]) -> Box<dyn FileWriter> {
    let mut writer = disk.create(file).unwrap();
    writer.write_at(0, bytes).unwrap();
    writer
}

/// A disk with a file that is wholly durable.
fn with(file: FileName, bytes: &[u8]) -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    disk.put(file, bytes.to_vec());
    disk
}

/// Every state, as (name, contents) of each file; checks that no two are the same.
fn states(disk: &SimulatedDisk) -> BTreeSet<Vec<(FileName, Vec<u8>)>> {
    let survivors = disk.survivors();
    assert!(survivors.is_complete());
    let all = (0..survivors.count()).map(|index| dump(&survivors.nth(index)));
    let all: Vec<_> = all.collect();
    let distinct: BTreeSet<_> = all.iter().cloned().collect();
    assert_eq!(distinct.len(), all.len(), "a state is counted once");
    assert!(distinct.contains(&dump(&survivors.everything())));
    assert_eq!(dump(&survivors.everything()), dump(disk));
    distinct
}

fn dump(disk: &SimulatedDisk) -> Vec<(FileName, Vec<u8>)> {
    disk.files().into_iter().map(|(file, _)| (file, disk.contents(file).unwrap().to_vec())).collect()
}

/// The contents that one file may have, an absent file left out.
fn contents(disk: &SimulatedDisk, file: FileName) -> BTreeSet<Vec<u8>> {
    states(disk).into_iter().flatten().filter(|(name, _)| *name == file).map(|(_, bytes)| bytes).collect()
}

#[test]
fn what_was_synced_survives_and_nothing_else_must() {
    let disk = SimulatedDisk::new();
    let mut writer = write(&disk, W, b"old");
    writer.sync().unwrap();
    assert_eq!(states(&disk), BTreeSet::from([vec![], vec![(W, b"old".to_vec())]]), "the name may be lost");
    disk.sync_directory(Directory::Root).unwrap();
    assert_eq!(disk.survivors().count(), 2, "another directory's names");
    disk.sync_directory(Directory::Wal).unwrap();
    assert_eq!(states(&disk), BTreeSet::from([vec![(W, b"old".to_vec())]]));
    writer.write_at(1, b"ew!").unwrap();
    let expected = ["old", "oew", "old\0", "oew!"].map(|text| text.as_bytes().to_vec());
    assert_eq!(contents(&disk, W), BTreeSet::from(expected));
}

#[test]
fn sectors_of_a_write_survive_one_by_one() {
    let disk = with(W, &[0; 2_048]);
    let mut writer = disk.append(W).unwrap();
    writer.write_at(500, &[1; 1_036]).unwrap();
    // The sectors at 0, 512 and 1,024, each old or new.
    assert_eq!(contents(&disk, W).len(), 8);
    // The first one a second time: it has three versions now.
    writer.write_at(508, &[2; 4]).unwrap();
    assert_eq!(contents(&disk, W).len(), 12);
    // Writing what is there already changes nothing.
    writer.write_at(1_536, &[0; 512]).unwrap();
    assert_eq!(contents(&disk, W).len(), 12);
    writer.sync().unwrap();
    assert_eq!(contents(&disk, W).len(), 1);
}

#[test]
fn a_growing_file_may_have_any_length_and_zeros_for_what_was_not_written() {
    let disk = with(W, b"");
    let mut writer = disk.append(W).unwrap();
    writer.write_at(0, &[1; 700]).unwrap();
    let found = contents(&disk, W);
    let mut half = vec![0; 700];
    half[512..].fill(1);
    for expected in [vec![], vec![0; 512], vec![1; 512], vec![0; 700], half, vec![1; 700]] {
        assert!(found.contains(&expected), "{} bytes", expected.len());
    }
    assert_eq!(found.len(), 1 + 2 + 4);
}

#[test]
fn a_rename_is_old_or_new_never_neither() {
    let disk = with(A, b"old");
    write(&disk, B, b"new").sync().unwrap();
    disk.rename(B, A).unwrap();
    let named = |disk: &[(FileName, Vec<u8>)], file| {
        disk.iter().find(|(name, _)| *name == file).map(|(_, b)| b.clone())
    };
    let states = states(&disk);
    assert_eq!(contents(&disk, A), BTreeSet::from([b"old".to_vec(), b"new".to_vec()]));
    assert!(states.iter().all(|state| named(state, A).is_some()));
    assert_eq!(states.len(), 3, "old alone, old and manifest.new, new alone: {states:?}");
    disk.sync_directory(Directory::Root).unwrap();
    assert_eq!(contents(&disk, A), BTreeSet::from([b"new".to_vec()]));
}

#[test]
fn a_rename_before_the_sync_may_put_anything_in_the_place_of_the_old_file() {
    let disk = with(A, b"old");
    write(&disk, B, b"new");
    disk.rename(B, A).unwrap();
    disk.sync_directory(Directory::Root).unwrap();
    let expected = ["", "\0\0\0", "new"].map(|text| text.as_bytes().to_vec());
    assert_eq!(contents(&disk, A), BTreeSet::from(expected));
}

#[test]
fn a_move_between_directories_is_done_when_both_are_synced() {
    let from = FileName::Wal(7);
    let to = FileName::QuarantinedWal(7);
    let names = |disk: &SimulatedDisk| -> BTreeSet<Vec<FileName>> {
        states(disk).into_iter().map(|state| state.into_iter().map(|(name, _)| name).collect()).collect()
    };
    let moved = || {
        let disk = with(from, b"rot");
        disk.rename(from, to).unwrap();
        disk
    };
    let disk = moved();
    assert_eq!(names(&disk), BTreeSet::from([vec![from], vec![to]]));
    disk.sync_directory(Directory::Wal).unwrap();
    assert_eq!(names(&disk), BTreeSet::from([vec![from], vec![to]]));
    disk.sync_directory(Directory::Quarantine).unwrap();
    assert_eq!(names(&disk), BTreeSet::from([vec![to]]));
    let disk = moved();
    disk.sync_directory(Directory::Quarantine).unwrap();
    assert_eq!(names(&disk), BTreeSet::from([vec![to], vec![from, to]]));
    disk.sync_directory(Directory::Wal).unwrap();
    assert_eq!(names(&disk), BTreeSet::from([vec![to]]));
}

#[test]
fn a_removed_file_may_come_back() {
    let disk = with(W, b"personal");
    disk.remove(W).unwrap();
    assert_eq!(disk.contents(W), None);
    assert_eq!(states(&disk).len(), 2);
    disk.sync_directory(Directory::Wal).unwrap();
    assert_eq!(states(&disk), BTreeSet::from([vec![]]));
}

#[test]
fn power_goes_in_the_chosen_call_and_stays_off() {
    for call in 1..=4 {
        let disk = SimulatedDisk::new();
        disk.crash_at(call);
        let mut results = vec![];
        let writer = disk.create(W);
        results.push(writer.as_ref().map(drop).map_err(PowerLost::is_why));
        if let Ok(mut writer) = writer {
            results.push(writer.write_at(0, b"x").map_err(|error| PowerLost::is_why(&error)));
            results.push(writer.sync().map_err(|error| PowerLost::is_why(&error)));
        }
        results.push(disk.sync_directory(Directory::Wal).map_err(|error| PowerLost::is_why(&error)));
        let failed = results.iter().filter(|result| **result == Err(true)).count();
        assert_eq!(failed, if call == 1 { 2 } else { 5 - call as usize }, "call {call}: {results:?}");
        assert_eq!(disk.calls().mutating(), call, "a call without power is none");
        // What the call was doing may be there.
        assert_eq!(disk.survivors().count(), [0, 2, 4, 4, 2][call as usize], "call {call}");
        assert!(disk.list(Directory::Wal).is_ok());
    }
}

#[test]
fn planned_calls_fail_and_others_do_not() {
    let fault = |call, when, failure| Fault { call, when, failure };
    let disk = SimulatedDisk::new();
    disk.inject(fault(Some(Call::Write), When::Once(2), Failure::Full));
    let mut writer = write(&disk, W, b"one");
    let error = writer.write_at(3, b"two").unwrap_err();
    assert!(error.is_full(), "{error}");
    assert_eq!(writer.length(), 3);
    writer.write_at(3, b"two").unwrap();
    assert_eq!(disk.contents(W).unwrap()[..], *b"onetwo");

    disk.inject(fault(Some(Call::Write), When::Once(4), Failure::Short));
    assert_eq!(writer.write_at(6, b"four").unwrap_err().source.kind(), ErrorKind::WriteZero);
    assert_eq!(disk.contents(W).unwrap()[..], *b"onetwofo");

    disk.inject(fault(None, When::From(0), Failure::InputOutput));
    let reader = disk.open(W, Access::Read);
    assert_eq!(reader.map(drop).unwrap_err().source.raw_os_error(), Some(5));
    assert!(disk.list(Directory::Wal).is_err() && disk.remove(W).is_err() && disk.free_bytes().is_ok());
    disk.heal();
    let reader = disk.open(W, Access::Map).unwrap();
    disk.inject(fault(Some(Call::Read), When::From(1), Failure::Short));
    assert_eq!(reader.read(0, 3).unwrap_err().source.kind(), ErrorKind::UnexpectedEof);
    disk.heal();
    assert_eq!(&*reader.read(0, 3).unwrap(), b"one");
    assert_eq!((disk.calls().of(Call::Write), disk.calls().of(Call::Read)), (4, 2));
}

#[test]
fn after_a_failed_sync_a_later_one_saves_only_what_came_later() {
    let disk = with(W, &[0; 1_024]);
    let mut writer = disk.append(W).unwrap();
    disk.inject(Fault { call: Some(Call::Sync), when: When::Once(1), failure: Failure::InputOutput });
    writer.write_at(0, b"lost").unwrap();
    assert!(writer.sync().is_err());
    assert_eq!(contents(&disk, W).len(), 2, "it may or may not be there");
    writer.write_at(512, b"kept").unwrap();
    writer.sync().unwrap();
    assert_eq!(disk.contents(W).unwrap()[..4], *b"lost", "the page cache does not know");
    let left = disk.survivors().nth(0).contents(W).unwrap();
    assert_eq!((&left[..4], &left[512..516]), (&[0; 4][..], &b"kept"[..]));
    writer.write_at(700, b"more").unwrap();
    writer.sync().unwrap();
    let left = disk.survivors().nth(0).contents(W).unwrap();
    assert_eq!((disk.survivors().count(), &left[..4], &left[700..704]), (1, &[0; 4][..], &b"more"[..]));
}

#[test]
fn a_full_disk_takes_what_fits_and_gives_back_what_is_removed() {
    let disk = SimulatedDisk::new();
    disk.set_free_bytes(5);
    let mut writer = write(&disk, W, b"abc");
    assert_eq!(disk.free_bytes().unwrap(), 2);
    writer.write_at(0, b"xyz").unwrap();
    assert!(writer.write_at(3, b"defg").unwrap_err().is_full());
    assert_eq!((writer.length(), disk.free_bytes().unwrap()), (5, 0));
    assert_eq!(disk.contents(W).unwrap()[..], *b"xyzde");
    drop(writer);
    disk.remove(W).unwrap();
    assert_eq!(disk.free_bytes().unwrap(), 5);
}

#[test]
fn damage_is_seen_by_the_next_reader() {
    let disk = with(W, b"abcdefgh");
    let before = disk.open(W, Access::Read).unwrap();
    disk.flip(W, 0, 5);
    disk.swap(W, 1..3, 5..7);
    disk.replace(W, 3, b"X");
    disk.truncate(W, 7);
    assert_eq!(&*before.read(0, 8).unwrap(), b"abcdefgh");
    assert_eq!(disk.contents(W).unwrap()[..], *b"AfgXebc");
    assert_eq!(disk.survivors().count(), 1);
}

#[test]
fn a_fork_goes_its_own_way() {
    let disk = with(W, b"same");
    let fork = disk.fork();
    disk.append(W).unwrap().write_at(0, b"diff").unwrap();
    assert_eq!(fork.contents(W).unwrap()[..], *b"same");
    assert_eq!((fork.calls(), disk.survivors().count(), fork.survivors().count()), (Calls::default(), 2, 1));
}

#[test]
fn many_states_are_sampled_without_repeats_and_by_seed() {
    let disk = SimulatedDisk::new();
    for number in 0..12 {
        write(&disk, FileName::Wal(number), &[7; 3_000]);
    }
    let survivors = disk.survivors();
    assert!(!survivors.is_complete() && survivors.count() > 1 << 40);
    let sample = |seed| survivors.up_to(200, seed).map(|disk| dump(&disk)).collect::<Vec<_>>();
    let first = sample(1);
    assert_eq!((first.len(), first.iter().collect::<BTreeSet<_>>().len()), (200, 200));
    assert_eq!((first[0].len(), &first[1]), (0, &dump(&disk)));
    assert_eq!(first, sample(1));
    assert_ne!(first, sample(2));
    // Few states are all there, each once.
    let disk = with(W, &[0; 2_048]);
    disk.append(W).unwrap().write_at(0, &[1; 2_048]).unwrap();
    let all: BTreeSet<_> = disk.survivors().up_to(16, 9).map(|disk| dump(&disk)).collect();
    assert_eq!((all.len(), disk.survivors().up_to(15, 9).count() <= 15), (16, true));
}

#[test]
fn forgotten_files_take_no_memory() {
    let disk = SimulatedDisk::new();
    for number in 0..100 {
        let writer = write(&disk, FileName::Wal(number), b"x");
        disk.remove(FileName::Wal(number)).unwrap();
        disk.sync_directory(Directory::Wal).unwrap();
        drop(writer);
    }
    assert_eq!(disk.0.lock().kept_files(), 0);
}
