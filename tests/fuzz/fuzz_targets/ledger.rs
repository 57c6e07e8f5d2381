//! `ledger`, keys and named pages: every edit that is read is read again from what would be written for it.
#![no_main]

use heatgrid_engine::format::frames::Next;
use heatgrid_engine::format::ledger::{
    LEDGER_HEADER_BYTES, LedgerEdit, decode_edits, decode_header, decode_key, decode_named, encode_named,
    next_frame,
};
use libfuzzer_sys::fuzz_target;

fn read(edits: &[u8], each: &mut dyn FnMut(LedgerEdit)) -> bool {
    decode_edits(edits, 0, each).is_ok()
}

fuzz_target!(|file: &[u8]| {
    let _ = decode_key(file);
    if let Ok((id, pages)) = decode_named(file) {
        assert_eq!(decode_named(&encode_named(id, &pages)), Ok((id, pages)));
    }
    let Ok(salt) = decode_header(file) else { return };
    let (mut offset, mut number) = (LEDGER_HEADER_BYTES, 1);
    while let Ok(Next::Frame { edits, end, .. }) = next_frame(file, offset, salt, number) {
        read(edits, &mut |edit| {
            let (mut bytes, mut again) = (Vec::new(), None);
            edit.encode(&mut bytes);
            assert!(read(&bytes, &mut |edit| again = Some(edit)));
            assert_eq!(again, Some(edit));
        });
        (offset, number) = (end, number + 1);
    }
});
