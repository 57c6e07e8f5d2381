//! `accounts`: every edit that is read is read again from what would be written for it.
#![no_main]

use heatgrid_engine::format::account_edits::Edit;
use heatgrid_engine::format::accounts::{
    ACCOUNTS_HEADER_BYTES, Next, decode_edits, decode_header, next_frame,
};
use heatgrid_engine::model::Zone;
use libfuzzer_sys::fuzz_target;

fn read(edits: &[u8], each: &mut dyn FnMut(Edit)) -> bool {
    decode_edits(edits, 0, &mut |name| Zone::named(name).ok(), each).is_ok()
}

fuzz_target!(|file: &[u8]| {
    let Ok(salt) = decode_header(file) else { return };
    let (mut offset, mut number) = (ACCOUNTS_HEADER_BYTES, 1);
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
