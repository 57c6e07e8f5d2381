use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::disk::{Disk, OpenDiskError, RealDisk};
use crate::format::names::{Directory, FileName};

#[test]
fn a_second_opening_is_told_who_has_the_store() {
    let directory = tempfile::tempdir().unwrap();
    let first = RealDisk::open(directory.path()).unwrap();
    let error = RealDisk::open(directory.path()).unwrap_err();
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    let OpenDiskError::Held { pid, host, .. } = error else { panic!("{error}") };
    assert_eq!(pid, Some(std::process::id()));
    assert!(!host.is_empty());
    drop(first);
    drop(RealDisk::open(directory.path()).unwrap());
    // An old holder's longer text does not show through.
    fs::write(directory.path().join("LOCK"), "99999999 a-host-with-a-very-long-name\n").unwrap();
    let _held = RealDisk::open(directory.path()).unwrap();
    let error = RealDisk::open(directory.path()).unwrap_err();
    assert!(
        matches!(error, OpenDiskError::Held { pid: Some(pid), .. } if pid == std::process::id()),
        "{error}"
    );
}

#[test]
fn files_are_their_owners_only() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("a/b");
    let disk = RealDisk::open(&root).unwrap();
    drop(disk.create(FileName::Accounts).unwrap());
    drop(disk.create(FileName::Segment(1)).unwrap());
    let mode = |path: &str| fs::metadata(root.join(path)).unwrap().permissions().mode() & 0o777;
    for below in Directory::ALL {
        assert_eq!(mode(below.path()), 0o700, "{below:?}");
    }
    for file in [FileName::Lock, FileName::Accounts, FileName::Segment(1)] {
        assert_eq!(mode(&file.to_string()), 0o600, "{file}");
    }
}

#[test]
fn what_is_not_a_stores_file_is_not_listed() {
    let directory = tempfile::tempdir().unwrap();
    let disk = RealDisk::open(directory.path()).unwrap();
    fs::write(directory.path().join("wal/notes.txt"), "hello").unwrap();
    fs::create_dir(directory.path().join("wal/0000000000000001.wal")).unwrap();
    assert_eq!(disk.list(Directory::Wal).unwrap(), []);
    assert_eq!(disk.list(Directory::Root).unwrap().len(), 1);
}

#[test]
fn errors_name_the_file_and_what_was_asked() {
    let directory = tempfile::tempdir().unwrap();
    let disk = RealDisk::open(directory.path()).unwrap();
    let error = disk.remove(FileName::Segment(1)).unwrap_err();
    assert!(error.is_not_found() && !error.is_full() && !error.is_already_there());
    let text = error.to_string();
    assert!(text.starts_with("remove ") && text.contains("segments/0000000000000001.seg"), "{text}");
}
