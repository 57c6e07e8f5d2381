use std::borrow::Cow;
use std::io::ErrorKind;

use crate::disk::simulated::SimulatedDisk;
use crate::disk::{Access, Disk, DiskError, RealDisk};
use crate::format::names::{Directory, FileName};

fn write(disk: &dyn Disk, file: FileName, bytes: &[u8]) {
    let mut writer = disk.create(file).unwrap();
    writer.write_at(0, bytes).unwrap();
    writer.sync().unwrap();
}

fn read(disk: &dyn Disk, file: FileName) -> Result<Vec<u8>, DiskError> {
    let mut both = [Access::Map, Access::Read].map(|access| {
        let reader = disk.open(file, access)?;
        let length = usize::try_from(reader.length()).unwrap();
        reader.read(0, length).map(Cow::into_owned)
    });
    assert_eq!(both[0].as_ref().ok(), both[1].as_ref().ok());
    std::mem::replace(&mut both[0], Ok(Vec::new()))
}

fn kind<T>(result: Result<T, DiskError>) -> ErrorKind {
    result.err().expect("an error").source.kind()
}

/// Every disk has its own empty directory.
fn each_disk(check: impl Fn(&dyn Disk)) {
    let directory = tempfile::tempdir().unwrap();
    check(&RealDisk::open(&directory.path().join("store")).unwrap());
    check(&SimulatedDisk::new());
}

#[test]
fn what_was_written_is_read_back() {
    each_disk(|disk| {
        let file = FileName::Segment(1);
        let mut writer = disk.create(file).unwrap();
        writer.write_at(3, b"def").unwrap();
        assert_eq!(writer.length(), 6);
        writer.write_at(0, b"ab").unwrap();
        assert_eq!(writer.length(), 6);
        writer.sync().unwrap();
        assert_eq!(read(disk, file).unwrap(), b"ab\0def");
        for access in [Access::Map, Access::Read] {
            let reader = disk.open(file, access).unwrap();
            assert_eq!(reader.length(), 6);
            assert_eq!(&*reader.read(2, 3).unwrap(), b"\0de");
            assert_eq!(&*reader.read(6, 0).unwrap(), b"");
            for (offset, length) in [(6, 1), (0, 7), (u64::MAX, 1), (u64::MAX, 0), (1, usize::MAX)] {
                assert_eq!(kind(reader.read(offset, length)), ErrorKind::UnexpectedEof, "{offset} {length}");
            }
        }
    });
}

#[test]
fn an_empty_file_is_a_file() {
    each_disk(|disk| {
        drop(disk.create(FileName::Segment(9)).unwrap());
        assert_eq!(read(disk, FileName::Segment(9)).unwrap(), b"");
        assert_eq!(disk.list(Directory::Segments).unwrap(), [(FileName::Segment(9), 0)]);
    });
}

#[test]
fn a_file_is_made_once() {
    each_disk(|disk| {
        write(disk, FileName::Wal(1), b"first");
        assert_eq!(kind(disk.create(FileName::Wal(1)).map(drop)), ErrorKind::AlreadyExists);
        assert_eq!(read(disk, FileName::Wal(1)).unwrap(), b"first");
        // A name of another directory is another file.
        write(disk, FileName::QuarantinedWal(1), b"second");
        assert_eq!(read(disk, FileName::Wal(1)).unwrap(), b"first");
    });
}

#[test]
fn appending_goes_on_at_the_end_and_only_where_a_file_is() {
    each_disk(|disk| {
        assert_eq!(kind(disk.append(FileName::Accounts).map(drop)), ErrorKind::NotFound);
        write(disk, FileName::Accounts, b"one ");
        let mut writer = disk.append(FileName::Accounts).unwrap();
        assert_eq!(writer.length(), 4);
        writer.write_at(writer.length(), b"two").unwrap();
        writer.sync().unwrap();
        assert_eq!(read(disk, FileName::Accounts).unwrap(), b"one two");
    });
}

#[test]
fn sealed_files_are_never_appended_to() {
    each_disk(|disk| {
        for file in [FileName::Segment(1), FileName::QuarantinedSegment(1)] {
            write(disk, file, b"sealed");
            assert_eq!(kind(disk.append(file).map(drop)), ErrorKind::PermissionDenied);
        }
    });
}

#[test]
fn renaming_replaces_and_removing_forgets() {
    each_disk(|disk| {
        write(disk, FileName::Manifest, b"old");
        write(disk, FileName::ManifestNew, b"new");
        disk.rename(FileName::ManifestNew, FileName::Manifest).unwrap();
        disk.sync_directory(Directory::Root).unwrap();
        assert_eq!(read(disk, FileName::Manifest).unwrap(), b"new");
        assert_eq!(kind(read(disk, FileName::ManifestNew)), ErrorKind::NotFound);
        assert_eq!(kind(disk.rename(FileName::ManifestNew, FileName::Manifest)), ErrorKind::NotFound);
        assert_eq!(read(disk, FileName::Manifest).unwrap(), b"new");

        write(disk, FileName::Wal(2), b"log");
        disk.rename(FileName::Wal(2), FileName::QuarantinedWal(2)).unwrap();
        for directory in Directory::ALL {
            disk.sync_directory(directory).unwrap();
        }
        assert_eq!(disk.list(Directory::Wal).unwrap(), []);
        assert_eq!(disk.list(Directory::Quarantine).unwrap(), [(FileName::QuarantinedWal(2), 3)]);

        disk.remove(FileName::Manifest).unwrap();
        assert_eq!(kind(disk.remove(FileName::Manifest)), ErrorKind::NotFound);
        assert_eq!(kind(read(disk, FileName::Manifest)), ErrorKind::NotFound);
    });
}

#[test]
fn an_open_file_outlives_its_name() {
    each_disk(|disk| {
        write(disk, FileName::Segment(3), b"kept");
        let readers =
            [Access::Map, Access::Read].map(|access| disk.open(FileName::Segment(3), access).unwrap());
        disk.remove(FileName::Segment(3)).unwrap();
        write(disk, FileName::Segment(3), b"another");
        for reader in readers {
            assert_eq!(&*reader.read(0, 4).unwrap(), b"kept");
        }
    });
}

#[test]
fn a_writer_goes_on_under_the_files_new_name() {
    each_disk(|disk| {
        let mut writer = disk.create(FileName::Wal(4)).unwrap();
        writer.write_at(0, b"a").unwrap();
        disk.rename(FileName::Wal(4), FileName::Wal(5)).unwrap();
        writer.write_at(1, b"b").unwrap();
        writer.sync().unwrap();
        assert_eq!(read(disk, FileName::Wal(5)).unwrap(), b"ab");
    });
}

#[test]
fn a_directory_lists_its_own_files_by_name() {
    each_disk(|disk| {
        for (file, length) in [
            (FileName::Segment(2), 20),
            (FileName::Segment(1), 10),
            (FileName::SegmentNew(3), 5),
            (FileName::Wal(7), 1),
        ] {
            write(disk, file, &vec![7; length]);
        }
        assert_eq!(
            disk.list(Directory::Segments).unwrap(),
            [(FileName::Segment(1), 10), (FileName::Segment(2), 20), (FileName::SegmentNew(3), 5)]
        );
        assert_eq!(disk.list(Directory::Wal).unwrap(), [(FileName::Wal(7), 1)]);
        assert_eq!(disk.list(Directory::Quarantine).unwrap(), []);
        assert!(disk.free_bytes().unwrap() > 0);
    });
}
