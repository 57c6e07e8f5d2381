//! Compressed bodies: nothing panics, and no more comes out than was agreed.
#![no_main]

use heatgrid_server::wire::encoding::{Decoded, Encoding, Undecodable};
use libfuzzer_sys::fuzz_target;

const LIMIT_BYTES: u64 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    for encoding in [Encoding::Identity, Encoding::Gzip, Encoding::Zstd] {
        let mut given = 0;
        if let Ok(mut decoded) = Decoded::new(bytes, encoding, LIMIT_BYTES) {
            let _ = decoded.each(|piece| {
                given += piece.len() as u64;
                Ok::<(), Undecodable>(())
            });
        }
        assert!(given <= LIMIT_BYTES, "{given} bytes of {encoding:?}");
    }
});
