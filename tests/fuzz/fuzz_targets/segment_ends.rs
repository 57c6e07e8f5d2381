//! `segments/*.seg`: superheader, footer and file index, which are read before anything between them.
#![no_main]

use heatgrid_engine::format::segment::{Footer, IndexEntry, SegmentHeader, find_site};
use heatgrid_engine::model::SiteId;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(header) = SegmentHeader::decode(bytes) {
        assert_eq!(SegmentHeader::decode(&header.encode()), Ok(header));
    }
    if let Ok((footer, _)) = Footer::decode(bytes) {
        let _ = footer.index_bytes();
    }
    let _ = IndexEntry::decode(bytes, 4_096);
    let _ = find_site(bytes, SiteId(0x0102_0304_0506_0708), 4_096);
});
