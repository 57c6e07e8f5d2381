//! Durable appends: how many events a second, what they cost, and how much memory they take.
//!
//! Batches are made before the clock starts: those of a burst in memory, those of the long run in a file that is read
//! at about 10 ns an event by the one thread that appends, whose time is listed too.

use std::path::Path;
use std::time::{Duration, Instant};

use heatgrid_benches::batches::{Shape, SiteBatch};
use heatgrid_benches::bed::{self, BULK_EVENTS, BULK_IN_FLIGHT, Bed};
use heatgrid_benches::instruments::{
    MemoryWatch, Samples, Table, ThreadTimes, anonymous_bytes, bytes, count, describe, fdatasync, millis,
    rate,
};
use heatgrid_benches::settings::Settings;
use heatgrid_benches::workload::SITES;

/// Runs of a burst.
const RUNS: usize = 7;

fn main() {
    let settings = Settings::from_arguments();
    let directory = &settings.directory;
    std::fs::create_dir_all(directory).expect("a directory for stores");
    let syncs = fdatasync(directory);
    println!("durable appends\n{}", describe());
    println!(
        "fdatasync of 4 KiB into zeroed space: median {} ms, p99 {} ms\n",
        millis(syncs.median()),
        millis(syncs.quantile(0.99))
    );
    if settings.runs("burst") {
        bursts(directory, settings.events);
    }
    if settings.runs("sustained") {
        sustained(directory, settings.events);
    }
}

fn bursts(directory: &Path, most: u64) {
    let mut table =
        Table::new(&["burst", "events", "median", "slowest", "fastest", "runs", "ns/event by thread"]);
    for (name, shape, size, in_flight, events) in [
        ("20 events, 64 in flight", Shape::Page, 20, 64, 2_000_000.min(most)),
        ("10,000 events, 16 in flight", Shape::Site, BULK_EVENTS, BULK_IN_FLIGHT, 5_000_000.min(most)),
    ] {
        let mut samples = Samples::new();
        let mut costs = String::new();
        for _ in 0..RUNS {
            let batches: Vec<SiteBatch> = bed::spooled(directory, events, shape, size).collect();
            let path = bed::fresh(directory, "store.burst");
            let mut bed = Bed::open(&path, SITES);
            let before = ThreadTimes::now();
            let start = Instant::now();
            let appended = bed.append_all(batches.into_iter(), in_flight);
            samples.add(start.elapsed());
            assert_eq!(appended, events);
            let used = ThreadTimes::now().since(&before);
            costs = used
                .iter()
                .map(|(name, time)| format!("{name} {}", per_event(*time, events)))
                .collect::<Vec<_>>()
                .join(", ");
            drop(bed);
        }
        let rate = |share| rate(events, samples.quantile(share));
        let runs = samples.len().to_string();
        table.row([name.into(), count(events), rate(0.5), rate(1.0), rate(0.0), runs, costs]);
    }
    println!("{table}");
}

fn sustained(directory: &Path, events: u64) {
    drop(bed::spooled(directory, events, Shape::Site, BULK_EVENTS));
    let path = bed::fresh(directory, "store.sustained");
    let mut bed = Bed::open(&path, SITES);
    let batches = bed::spooled(directory, events, Shape::Site, BULK_EVENTS);
    let resting = anonymous_bytes();
    let memory = MemoryWatch::start();
    let before = ThreadTimes::now();
    let start = Instant::now();
    assert_eq!(bed.append_all(batches, BULK_IN_FLIGHT), events);
    let appended = start.elapsed();
    bed.settle();
    let settled = start.elapsed();
    let used = ThreadTimes::now().since(&before);
    let peak = memory.finish();
    let status = bed.store.status();

    let mut table = Table::new(&["sustained, batches of 10,000", "figure"]);
    table.row(["events", &count(events)]);
    table.row(["rate until the last append is durable", &rate(events, appended)]);
    table.row(["rate until all is flushed and no merge is due", &rate(events, settled)]);
    table.row(["of that, after the last append", &format!("{:.1} s", (settled - appended).as_secs_f64())]);
    table.row(["bytes flushed", &count(status.flush.bytes)]);
    table.row(["bytes merged", &count(status.compaction.written_bytes)]);
    let amplification = status.compaction.write_amplification.unwrap_or_default();
    table.row(["write amplification (flushed + merged) / flushed", &format!("{amplification:.2}")]);
    table.row(["memory beside mapped files, before", &bytes(resting)]);
    table.row(["memory beside mapped files, peak", &bytes(peak)]);
    for (name, time) in used {
        table.row([format!("CPU ns an event, {name}"), per_event(time, events)]);
    }
    println!("{table}");

    let start = Instant::now();
    let before = ThreadTimes::now();
    bed.store.compact().expect("a full compaction");
    let cost: Duration = ThreadTimes::now().since(&before).iter().map(|(_, time)| *time).sum();
    println!(
        "then compacted to one segment a month in {:.1} s, {} CPU ns an event",
        start.elapsed().as_secs_f64(),
        per_event(cost, events)
    );
}

fn per_event(time: Duration, events: u64) -> String {
    format!("{:.0}", time.as_nanos() as f64 / events as f64)
}
