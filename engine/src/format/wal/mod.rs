//! Log files: a header in two copies, then records one after another, then the zeros that were there from the start.

mod file;
mod payload;
mod record;
mod rows;

pub use file::{
    CLOSING_BYTES, Closing, FILE_BYTES, FileHeader, HEADER_BYTES, HEADER_COPIES_AT, PreviousFile, RECORDS_AT,
};
pub use payload::{BatchMeta, CarriedIds, CarriedKey, Commit, Encoded, Part, RecordedKey, StoredBatch};
pub use payload::{CARRIED_IDS_FRAME, CARRIED_KEY_FRAME};
pub use payload::{decode_batch, decode_carried_ids, decode_carried_keys, decode_commit, decode_part};
pub use payload::{encode_batch, encode_carried_ids, encode_carried_key};
pub use record::{RECORD_HEADER_BYTES, RecordHeader, RecordType, put_record};

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
