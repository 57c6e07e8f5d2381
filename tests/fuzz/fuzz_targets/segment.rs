//! `segments/*.seg`: a whole file, each piece read as queries, merges and the scrubber read it.
#![no_main]

use heatgrid_engine::disk::simulated::SimulatedDisk;
use heatgrid_engine::disk::{Access, Disk};
use heatgrid_engine::format::names::FileName;
use heatgrid_engine::model::Work;
use heatgrid_engine::segment::{Extent, Scratch, Segment, SegmentError, Strip};
use libfuzzer_sys::fuzz_target;

fn read_extent(extent: &Extent<'_>, scratch: &mut Scratch) -> Result<(), SegmentError> {
    let countries = extent.country_totals()?.len();
    let _ = extent.rollups(scratch, &mut |_| ());
    for page in extent.all_pages() {
        let _ = extent.page_text(page).map(|text| extent.find_page(text).map(drop));
        let _ = extent.hours(page, scratch);
        for strip in extent.strips(page, scratch)? {
            // One that fails must not keep the others from being read.
            let _ = read_strip(extent, &strip, countries, scratch);
        }
    }
    Ok(())
}

fn read_strip(
    extent: &Extent<'_>,
    strip: &Strip,
    countries: usize,
    scratch: &mut Scratch,
) -> Result<(), SegmentError> {
    let mut work = Work::default();
    let (mut cells, mut rows) = (0, 0);
    let _ = extent.scan_summary(strip, scratch, &mut work, &mut |codes, _| cells += codes.len());
    let some_days = vec![0x5555_5555; countries];
    let _ = extent.scan_kept(strip, &some_days, scratch, &mut work, &mut |_, _| ());
    extent.scan_detail(strip, scratch, &mut work, &mut |detail| rows += detail.codes.len())?;
    assert!(cells as u64 <= strip.cells, "no more cells than the directory says");
    Ok(())
}

fuzz_target!(|bytes: &[u8]| {
    let disk = SimulatedDisk::new();
    let mut file = disk.create(FileName::Segment(1)).expect("an empty disk takes a file");
    file.write_at(0, bytes).expect("and its bytes");
    drop(file);
    let Ok(segment) = Segment::open_found(&disk, 1, Access::Read) else { return };
    let mut scratch = Scratch::new();
    for site in segment.sites().into_iter().flatten().take(8) {
        if let Ok(Some(extent)) = segment.extent(site) {
            let _ = read_extent(&extent, &mut scratch);
        }
    }
    let _ = segment.verify(&mut |_| ());
});
