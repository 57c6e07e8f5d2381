//! What a backup target holds beside segments: its mark, the lists of backups, names of objects.
#![no_main]

use heatgrid_engine::format::backup::{BackupList, TargetMark};
use heatgrid_engine::format::objects::ObjectName;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(mark) = TargetMark::decode(bytes) {
        assert_eq!(TargetMark::decode(&mark.encode()), Ok(mark));
    }
    if let Ok(list) = BackupList::decode(bytes) {
        assert_eq!(BackupList::decode(&list.encode()), Ok(list));
    }
    if let Some(name) = std::str::from_utf8(bytes).ok().and_then(ObjectName::parse) {
        assert_eq!(ObjectName::parse(&name.to_string()), Some(name));
    }
});
