//! How long opening takes: a large store, a full log, and very many small sites.

use std::fs;
use std::path::Path;
use std::time::Instant;

use heatgrid_benches::batches::{Batches, Shape, SiteBatch};
use heatgrid_benches::bed::{self, BULK_EVENTS, BULK_IN_FLIGHT, Bed};
use heatgrid_benches::instruments::{Samples, Table, count, describe, millis};
use heatgrid_benches::settings::Settings;
use heatgrid_benches::workload::{SITES, Workload};
use heatgrid_engine::options::Options;

const RUNS: usize = 15;
/// Sites of the store with very many small ones.
const SMALL_SITES: u64 = 100_000;
/// Events of each of them.
const SMALL_EVENTS: u64 = 10;

fn main() {
    let settings = Settings::from_arguments();
    println!("opening\n{}\n", describe());
    let mut table = Table::new(&["store", "median ms", "slowest ms", "runs", "files", "bytes"]);
    if settings.runs("large") {
        large(&settings, &mut table);
    }
    if settings.runs("log") {
        full_log(&settings, &mut table);
    }
    if settings.runs("small sites") {
        small_sites(&settings, &mut table);
    }
    println!("{table}");
}

fn large(settings: &Settings, table: &mut Table) {
    let directory = bed::prepared(&settings.directory, settings.events);
    let samples = (0..RUNS).map(|_| {
        let bed = Bed::open(&directory, SITES);
        let opened_in = bed.opened_in;
        bed.store.close().expect("a store that closes");
        opened_in
    });
    let samples = samples.collect();
    row(table, &format!("{} events", count(settings.events)), &samples, &directory);
}

/// What a crash leaves behind just before a flush: two memtables' worth of log, where one is being flushed.
fn full_log(settings: &Settings, table: &mut Table) {
    let standard = Options::standard(bed::region());
    // Flushes never begin by themselves, so that the log keeps what would have filled two memtables.
    let kept = Options { memtable_bytes: u64::MAX / 4, ..standard.clone() };
    let events = settings.events.min(2 * 7_000_000);
    let template = bed::fresh(&settings.directory, "store.log");
    let mut bed = Bed::open_with(&template, SITES, kept.clone());
    bed.append_all(bed::spooled(&settings.directory, events, Shape::Site, BULK_EVENTS), BULK_IN_FLIGHT);
    let memory = bed.store.status().memtable_bytes;
    let copy = bed::fresh(&settings.directory, "store.log.copy");
    let log_bytes = {
        // The files are copied while the store is open: as after a crash, nothing has been flushed.
        bed::copy_store(&template, &copy);
        directory_size(&copy).1
    };
    drop(bed);
    let mut samples = Samples::new();
    for _ in 0..RUNS.min(5) {
        let again = bed::fresh(&settings.directory, "store.log.again");
        bed::copy_store(&copy, &again);
        let bed = Bed::open_with(&again, SITES, kept.clone());
        assert_eq!(bed.store.status().memtable_events, events, "every event is in the log");
        samples.add(bed.opened_in);
    }
    let name = format!("log of {} events, {} MiB of memtable", count(events), memory >> 20);
    row(table, &name, &samples, &copy);
    assert!(log_bytes > 0);
}

fn small_sites(settings: &Settings, table: &mut Table) {
    let sites = SMALL_SITES.min(settings.events / SMALL_EVENTS) as usize;
    let directory = bed::fresh(&settings.directory, "store.small");
    let mut bed = Bed::open(&directory, sites);
    let pageviews = Batches::new(Workload::new(SMALL_EVENTS * sites as u64 * 2), Shape::Page, SMALL_EVENTS);
    let batches = pageviews.filter(|batch| batch.batch.events == SMALL_EVENTS).take(sites).enumerate();
    let batches: Vec<SiteBatch> =
        batches.map(|(site, batch)| SiteBatch { site, batch: batch.batch }).collect();
    assert_eq!(batches.len(), sites);
    let start = Instant::now();
    bed.append_all(batches.into_iter(), 64);
    println!(
        "{} sites of {SMALL_EVENTS} events appended in {} ms",
        count(sites as u64),
        millis(start.elapsed())
    );
    bed.settle();
    bed.store.close().expect("a store that closes");
    let samples = (0..RUNS).map(|_| Bed::open(&directory, 0).opened_in).collect();
    row(table, &format!("{} sites of {SMALL_EVENTS} events", count(sites as u64)), &samples, &directory);
}

fn row(table: &mut Table, name: &str, samples: &Samples, directory: &Path) {
    let (files, bytes) = directory_size(directory);
    table.row([
        name.to_owned(),
        millis(samples.median()),
        millis(samples.quantile(1.0)),
        samples.len().to_string(),
        count(files),
        count(bytes),
    ]);
}

/// Number and bytes of the files below a directory.
fn directory_size(directory: &Path) -> (u64, u64) {
    let mut sum = (0, 0);
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        let metadata = entry.metadata().expect("an entry that stays");
        let (files, bytes) =
            if metadata.is_dir() { directory_size(&entry.path()) } else { (1, metadata.len()) };
        sum = (sum.0 + files, sum.1 + bytes);
    }
    sum
}
