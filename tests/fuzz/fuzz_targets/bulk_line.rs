//! A line of a bulk request.
#![no_main]

use heatgrid_server::wire::event;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    let _ = event::read(line);
});
