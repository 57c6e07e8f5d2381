//! `wal/*.wal`: the file's header, and records one after another.
#![no_main]

use heatgrid_engine::format::wal::{Closing, FileHeader, RECORD_HEADER_BYTES, RecordHeader, RecordType};
use heatgrid_engine::format::wal::{
    decode_batch, decode_carried_ids, decode_carried_keys, decode_commit, decode_part,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = (FileHeader::decode(bytes), Closing::decode(bytes, 7));
    // Without the header before them: there is more to find in records.
    let mut rest = bytes;
    while let Ok((header, length, _)) = RecordHeader::decode(rest) {
        let Some(record) = rest.get(..RECORD_HEADER_BYTES + length) else { break };
        let _ = RecordHeader::check(7, 4_096, record);
        let payload = &record[RECORD_HEADER_BYTES..];
        match header.kind {
            RecordType::Batch => drop(decode_batch(payload)),
            RecordType::Part => drop(decode_part(payload)),
            RecordType::Commit => drop(decode_commit(payload)),
            RecordType::CarriedIds => drop(decode_carried_ids(payload)),
            RecordType::CarriedKeys => drop(decode_carried_keys(payload)),
        }
        rest = &rest[record.len()..];
    }
});
