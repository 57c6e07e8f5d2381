//! How many bytes an event takes, everything in the directory counted, and which part of a file they are in.

use std::fs;
use std::path::Path;

use heatgrid_benches::bed;
use heatgrid_benches::instruments::{Table, count, describe};
use heatgrid_benches::settings::Settings;
use heatgrid_engine::disk::{Access, RealDisk};
use heatgrid_engine::inspect::{self, SegmentInspection};
use heatgrid_engine::manifest;
use heatgrid_engine::segment::Segment;

fn main() {
    let settings = Settings::from_arguments();
    let directory = bed::prepared(&settings.directory, settings.events);
    println!("size of {} events\n{}\n", count(settings.events), describe());

    let disk = RealDisk::open(&directory).expect("a store that nobody has open");
    let live = manifest::load(&disk).expect("a manifest that can be read").expect("a store");
    let inspected = live.segments.iter().map(|entry| {
        let segment = Segment::open(&disk, entry, Access::Map).expect("a segment that can be read");
        inspect::segment(&segment).expect("a segment that can be read")
    });
    let mut segments: Vec<SegmentInspection> = inspected.collect();
    segments.sort_by_key(|segment| segment.entry.header.month);
    by_month(&segments);
    by_section(&segments, settings.events);

    let files = files(&directory);
    let segment_bytes: u64 = segments.iter().map(|segment| segment.entry.length_bytes).sum();
    let all: u64 = files.iter().map(|(_, bytes)| bytes).sum();
    let mut table = Table::new(&["files", "bytes", "B/event"]);
    let each = |bytes: u64| format!("{:.3}", bytes as f64 / settings.events as f64);
    table.row([format!("{} segments", segments.len()), count(segment_bytes), each(segment_bytes)]);
    table.row([
        format!("{} others", files.len() - segments.len()),
        count(all - segment_bytes),
        each(all - segment_bytes),
    ]);
    table.row(["in all".into(), count(all), each(all)]);
    println!("{table}");
}

fn by_month(segments: &[SegmentInspection]) {
    let mut table = Table::new(&["month", "events", "rows", "cells", "blocks", "bytes", "B/event"]);
    for segment in segments {
        let entry = &segment.entry;
        table.row([
            entry.header.month.to_string(),
            count(entry.events),
            count(entry.rows),
            count(entry.cells),
            count(segment.blocks),
            count(entry.length_bytes),
            format!("{:.3}", entry.length_bytes as f64 / entry.events as f64),
        ]);
    }
    println!("{table}");
}

fn by_section(segments: &[SegmentInspection], events: u64) {
    let mut table = Table::new(&["part of the segments", "bytes", "B/event"]);
    let of = |part: fn(&SegmentInspection) -> u64| -> u64 { segments.iter().map(part).sum() };
    for (name, bytes) in [
        ("blocks", of(|segment| segment.bytes.blocks)),
        ("hour totals", of(|segment| segment.bytes.hours)),
        ("strip directory", of(|segment| segment.bytes.strips)),
        ("roll-ups", of(|segment| segment.bytes.rollups)),
        ("page texts", of(|segment| segment.bytes.pages)),
        ("block index", of(|segment| segment.bytes.block_index)),
        ("headers, index, padding", of(|segment| segment.bytes.rest)),
    ] {
        table.row([name.into(), count(bytes), format!("{:.3}", bytes as f64 / events as f64)]);
    }
    println!("{table}");
}

/// Every file below a directory, with its length in bytes.
fn files(directory: &Path) -> Vec<(String, u64)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        let metadata = entry.metadata().expect("an entry that stays");
        if metadata.is_dir() {
            files.extend(self::files(&entry.path()));
        } else {
            files.push((entry.path().display().to_string(), metadata.len()));
        }
    }
    files
}
