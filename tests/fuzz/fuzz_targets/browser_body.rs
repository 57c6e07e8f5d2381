//! Bodies of browsers: the tracker's own beacon, and PostHog's three shapes.
#![no_main]

use heatgrid_server::wire::{collect, posthog};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let _ = collect::read(body);
    let _ = posthog::read(body);
});
