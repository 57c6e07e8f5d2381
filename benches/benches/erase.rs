//! Erasures and purges of the large store with ten snapshots: how long until a mask is durable, until bytes are gone from
//! every file, and what it costs those who ask meanwhile.
//!
//! A purge is held against copying the files that it rewrites, each synced, in the same run: less than that no purge can
//! cost that rewrites whole files.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use heatgrid_benches::batches::{Batches, Shape};
use heatgrid_benches::bed::{self, BULK_EVENTS, BULK_IN_FLIGHT, Bed};
use heatgrid_benches::instruments::{
    Samples, Table, count, describe, fdatasync, millis, process_time, thread_time,
};
use heatgrid_benches::settings::Settings;
use heatgrid_benches::workload::{PAGES, SITES, Workload};
use heatgrid_engine::format::names::FileName;
use heatgrid_engine::model::{
    CellSize, CopyName, CountrySet, Cover, Day, DayRange, ErasureRequest, ErasureState, Kind, LayerSelection,
    NamedPages, Reason, SiteScope,
};
use heatgrid_engine::options::{Background, Options};
use heatgrid_engine::query::{Align, Budget, CancelFlag, GridQuestion, Pages, Selection};
use heatgrid_engine::store::Store;

const SNAPSHOTS: usize = 10;
/// Events that come in between two snapshots.
const BETWEEN: u64 = 20_000;
/// Times that each purge is done, each on a fresh copy of the store.
const RUNS: usize = 3;
/// Rows of the page and of the site that are to go.
const PAGE_ROWS: u64 = 550_000;
const SITE_ROWS: u64 = 2_900_000;
/// Sites, and pages of each, of the purge of many.
const MANY: (usize, usize) = (100, 10);
/// Open erasures that must slow nobody down.
const OPEN: usize = 10_000;
/// Questions that a median or a quantile is taken of.
const QUESTIONS: usize = 2_000;

fn main() {
    let settings = Settings::from_arguments();
    let template = bed::prepared(&settings.directory, settings.events);
    let bench = Bench { settings, template, workload: Workload::new(1) };
    println!("erasing of {} events, {SNAPSHOTS} snapshots\n{}", count(bench.settings.events), describe());
    println!("fdatasync of 4 KiB: {} ms\n", millis(fdatasync(&bench.settings.directory).median()));
    if bench.settings.runs("mask") {
        bench.masks();
    }
    let mut purges = Table::new(&[
        "purge",
        "rows",
        "files",
        "MB",
        "copying ms",
        "purge ms",
        "slowest",
        "times",
        "copying CPU",
        "purge CPU",
    ]);
    if bench.settings.runs("page") {
        let (name, rows, page) = bench.page_of(PAGE_ROWS);
        bench.purges(&mut purges, &name, Some(rows), |bed| bench.erase_page(bed, page));
    }
    if bench.settings.runs("site") {
        let (site, rows) = bench.site_of(SITE_ROWS);
        bench.purges(&mut purges, &format!("site {site}"), Some(rows), |bed| {
            bed.store.delete_site(bed.sites[site]).expect("a site that is there");
        });
    }
    if bench.settings.runs("many") {
        let (sites, pages) = MANY;
        bench.purges(
            &mut purges,
            &format!("{pages} pages each of {sites} sites, of all sizes"),
            None,
            |bed| {
                many().for_each(|page| bench.erase_page(bed, page));
            },
        );
        bench.purges(
            &mut purges,
            &format!("the {pages} smallest each of the {sites} smallest"),
            None,
            |bed| {
                smallest().for_each(|page| bench.erase_page(bed, page));
            },
        );
    }
    println!("{purges}");
    if bench.settings.runs("meanwhile") {
        bench.meanwhile();
    }
    if bench.settings.runs("open") {
        bench.open_erasures();
    }
}

struct Bench {
    settings: Settings,
    template: PathBuf,
    workload: Workload,
}

impl Bench {
    /// The store on a copy, with snapshots that share its large segments and have small ones of their own.
    fn bed(&self, options: Options) -> (Bed, PathBuf) {
        let directory = bed::fresh(&self.settings.directory, "store.erase");
        bed::copy_store(&self.template, &directory);
        let mut bed = Bed::open_with(&directory, SITES, options);
        let mut batches = Batches::new(Workload::new(BETWEEN * SNAPSHOTS as u64), Shape::Site, BULK_EVENTS);
        for number in 0..SNAPSHOTS {
            bed.append_all(batches.by_ref().take((BETWEEN / BULK_EVENTS) as usize), BULK_IN_FLIGHT);
            let name = CopyName::new(&format!("snapshot-{number}")).expect("a name");
            bed.store.create_snapshot(name).expect("a snapshot");
        }
        (bed, directory)
    }

    /// Nothing happens but what the bench does, and as fast as it can.
    fn options() -> Options {
        Options { background_bytes_per_second: u64::MAX, ..Bench::standard() }
    }

    /// As a server has it on this machine, but for what it does by itself.
    fn standard() -> Options {
        let purge_lanes = thread::available_parallelism().map_or(1, usize::from);
        Options { background: Background::Manual, purge_lanes, ..Options::standard(bed::region()) }
    }

    fn request(&self, bed: &Bed, (site, page): (usize, usize)) -> ErasureRequest {
        ErasureRequest {
            site: bed.sites[site],
            pages: NamedPages::Page(self.workload.page_text(site, page).into()),
            cover: Cover::ALL,
            block: false,
            reason: Reason::SubjectRequest,
            reference: "".into(),
        }
    }

    fn erase_page(&self, bed: &Bed, page: (usize, usize)) {
        bed.store.erase(&self.request(bed, page)).expect("a page of a site");
    }

    /// From a request to its answer.
    fn masks(&self) {
        let (bed, _) = self.bed(Bench::options());
        let mut table = Table::new(&["request", "median ms", "p99 ms", "slowest ms", "runs"]);
        let ranked = Workload::pages_by_traffic();
        for (name, pages) in
            [("one of the 50 busiest pages", &ranked[..50]), ("a page of the middle", &ranked[4_975..5_025])]
        {
            let samples = pages.iter().map(|page| timed(|| self.erase_page(&bed, *page)));
            sample_row(&mut table, name, &samples.collect());
        }
        let all = (150..SITES).map(|site| {
            let request = ErasureRequest { pages: NamedPages::All, ..self.request(&bed, (site, 0)) };
            timed(|| drop(bed.store.erase(&request).expect("a site")))
        });
        sample_row(&mut table, "all of a small site", &all.collect());
        println!("{table}");
    }

    /// The page that has the nearest to so many rows in segments.
    fn page_of(&self, rows: u64) -> (String, u64, (usize, usize)) {
        let (bed, _) = self.bed(Bench::options());
        let view = bed.store.view();
        let mut scratch = heatgrid_engine::segment::Scratch::new();
        let mut nearest: Option<(u64, (usize, usize))> = None;
        for (site, page) in Workload::pages_by_traffic().into_iter().take(SITES) {
            let text = self.workload.page_text(site, page);
            let mut of_page = 0;
            for segment in view.segments().iter() {
                let Some(extent) = segment.extent(bed.sites[site]).expect("a good segment") else { continue };
                let Some(page) = extent.find_page(text).expect("a good segment") else { continue };
                let strips = extent.strips(page, &mut scratch).expect("a good segment");
                of_page += strips.iter().map(|strip| strip.rows).sum::<u64>();
            }
            if nearest.is_none_or(|(of, _)| of_page.abs_diff(rows) < of.abs_diff(rows)) {
                nearest = Some((of_page, (site, page)));
            }
        }
        let (of_page, page) = nearest.expect("there are pages");
        (format!("page {} of site {}", page.1, page.0), of_page, page)
    }

    /// The site that has the nearest to so many rows in segments.
    fn site_of(&self, rows: u64) -> (usize, u64) {
        let (bed, _) = self.bed(Bench::options());
        let mut of_sites = vec![0; SITES];
        for segment in bed.store.inspect() {
            for of_site in segment.expect("a good segment").sites {
                if let Some(site) = bed.sites.iter().position(|site| *site == of_site.site) {
                    of_sites[site] += of_site.rows;
                }
            }
        }
        let nearest = of_sites.into_iter().enumerate().min_by_key(|(_, of)| rows.abs_diff(*of));
        nearest.expect("there are sites")
    }

    /// Purges after `erase`, each time on a fresh copy, and copies the touched files.
    fn purges(&self, table: &mut Table, name: &str, rows: Option<u64>, erase: impl Fn(&Bed)) {
        let (mut copies, mut purges) = (Samples::new(), Samples::new());
        let (mut files, mut bytes, mut used) = (0, 0, [Duration::ZERO; 2]);
        for _ in 0..RUNS {
            let (bed, directory) = self.bed(Bench::options());
            erase(&bed);
            // The log of the last batches, and what is masked in memory, go with it.
            bed.store.flush().expect("a flush");
            let numbers = touched_by(&bed);
            let touched: Vec<PathBuf> =
                numbers.iter().map(|number| directory.join(FileName::Segment(*number).to_string())).collect();
            files = touched.len();
            bytes = touched.iter().map(|path| fs::metadata(path).expect("it is there").len()).sum::<u64>();
            let start = process_time();
            copies.add(timed(|| copy_synced(&touched, &self.settings.directory)));
            let copied = process_time();
            purges.add(timed(|| bed.store.purge(true).expect("a purge")));
            used = [copied - start, process_time() - copied];
            assert_all_certified(&bed.store, &bed);
            bed.store.close().expect("a store that closes");
        }
        table.row([
            name.into(),
            rows.map_or_else(String::new, count),
            files.to_string(),
            format!("{:.1}", bytes as f64 / 1e6),
            millis(copies.median()),
            millis(purges.median()),
            millis(purges.quantile(1.0)),
            format!("{:.2}", purges.median().as_secs_f64() / copies.median().as_secs_f64()),
            millis(used[0]),
            millis(used[1]),
        ]);
    }

    /// Questions while pages of many sites are purged, at the standard pace of background work.
    fn meanwhile(&self) {
        let (bed, _) = self.bed(Bench::standard());
        let cpu_of = |round| {
            let start = thread_time();
            let took = self.ask(&bed, round, false);
            (took, thread_time() - start)
        };
        let (calm, calm_cpu): (Vec<Duration>, Vec<Duration>) = (0..QUESTIONS).map(cpu_of).unzip();
        let (calm, calm_cpu): (Samples, Samples) =
            (calm.into_iter().collect(), calm_cpu.into_iter().collect());
        many().for_each(|page| self.erase_page(&bed, page));
        let done = AtomicBool::new(false);
        let (meanwhile, meanwhile_cpu, took) = thread::scope(|scope| {
            let purge = scope.spawn(|| {
                let took = timed(|| bed.store.purge(true).expect("a purge"));
                done.store(true, Ordering::Release);
                took
            });
            let (mut samples, mut cpu) = (Samples::new(), Samples::new());
            for round in 0.. {
                if done.load(Ordering::Acquire) {
                    break;
                }
                let (took, used) = cpu_of(round);
                samples.add(took);
                cpu.add(used);
            }
            (samples, cpu, purge.join().expect("a purge"))
        });
        println!("questions for pages of the busiest sites, while a purge takes {} ms", millis(took));
        let mut table = Table::new(&["", "median ms", "p99 ms", "slowest ms", "runs"]);
        sample_row(&mut table, "without a purge", &calm);
        sample_row(&mut table, "during it", &meanwhile);
        println!("{table}");
        println!(
            "p99 is {:.2} times as long by the clock, {:.2} by CPU\n",
            ratio(&meanwhile, &calm, 0.99),
            ratio(&meanwhile_cpu, &calm_cpu, 0.99)
        );
    }

    /// Questions for a page that no erasure names, on a site with many open ones.
    fn open_erasures(&self) {
        let (bed, _) = self.bed(Bench::options());
        let mut table = Table::new(&["question", "open", "median ms", "p99 ms", "slowest ms", "runs"]);
        let ask = |countries| -> Samples {
            // The first finds out what the others need not.
            self.ask_one(&bed, (0, 0), countries);
            (0..QUESTIONS).map(|_| self.ask_one(&bed, (0, 0), countries)).collect()
        };
        let without = [ask(false), ask(true)];
        let mut asking = Samples::new();
        for number in 0..OPEN {
            // Some of pages that there are, most of pages that there are not.
            let mut request = self.request(&bed, (0, 1 + number % (PAGES - 1)));
            if number >= PAGES - 1 {
                request.pages = NamedPages::Page(format!("gone.example/{number}").into());
            }
            asking.add(timed(|| drop(bed.store.erase(&request).expect("a page"))));
        }
        let with = [ask(false), ask(true)];
        for (name, without, with) in
            [("grid", &without[0], &with[0]), ("grid by country", &without[1], &with[1])]
        {
            for (open, samples) in [(0, without), (OPEN, with)] {
                table.row([
                    name.to_owned(),
                    count(open as u64),
                    millis(samples.median()),
                    millis(samples.quantile(0.99)),
                    millis(samples.quantile(1.0)),
                    count(samples.len() as u64),
                ]);
            }
            println!(
                "{name}: {:.2} times as long with {} open",
                ratio(with, without, 0.5),
                count(OPEN as u64)
            );
        }
        println!("{table}");
        println!(
            "each was asked for in {} ms at the median, {} at p99",
            millis(asking.median()),
            millis(asking.quantile(0.99))
        );
    }

    /// One question for one of the busiest pages that stay.
    fn ask(&self, bed: &Bed, round: usize, countries: bool) -> Duration {
        self.ask_one(bed, (round % 20, round / 20 % 5), countries)
    }

    fn ask_one(&self, bed: &Bed, (site, page): (usize, usize), countries: bool) -> Duration {
        let first = Day::from_civil(2026, 1, 1).expect("a day of the calendar");
        let of_five = || ["US", "DE", "GB", "FR", "IN"].map(|text| text.parse().expect("a country"));
        let selection = Selection {
            pages: Pages::Page(self.workload.page_text(site, page).into()),
            layers: LayerSelection::of_kinds(Kind::Click),
            countries: countries.then(|| of_five().into_iter().collect::<CountrySet>()),
            days: DayRange { from: first, to: first.plus(90) },
        };
        let question = GridQuestion { selection, cell: CellSize::STORED, align: Align::None };
        let budget = Budget { rows: u64::MAX, bytes: u64::MAX, cancel: CancelFlag::new() };
        let scope = SiteScope::granted(bed.sites[site]);
        timed(|| drop(bed.store.grid(scope, &question, &budget).expect("an answer")))
    }
}

/// Pages of every second site and of all parts of its ranking: some of them large, most of them small.
fn many() -> impl Iterator<Item = (usize, usize)> {
    let (sites, pages) = MANY;
    (0..sites).flat_map(move |site| (0..pages).map(move |page| (site * SITES / sites, page * PAGES / pages)))
}

/// The smallest pages of the smallest sites: there are most of these.
fn smallest() -> impl Iterator<Item = (usize, usize)> {
    let (sites, pages) = MANY;
    (SITES - sites..SITES).flat_map(move |site| (PAGES - pages..PAGES).map(move |page| (site, page)))
}

/// Numbers of the live segments of which anything is to go.
fn touched_by(bed: &Bed) -> Vec<u64> {
    let plan = bed.store.purge_plan(true).expect("nothing is backed up");
    let mut numbers: Vec<u64> = plan.rewrites.iter().map(|rewrite| rewrite.entry.number).collect();
    numbers.sort_unstable();
    numbers
}

fn timed(act: impl FnOnce()) -> Duration {
    let start = Instant::now();
    act();
    start.elapsed()
}

fn ratio(of: &Samples, to: &Samples, share: f64) -> f64 {
    of.quantile(share).as_secs_f64() / to.quantile(share).as_secs_f64()
}

fn sample_row(table: &mut Table, name: &str, samples: &Samples) {
    table.row([
        name.to_owned(),
        millis(samples.median()),
        millis(samples.quantile(0.99)),
        millis(samples.quantile(1.0)),
        count(samples.len() as u64),
    ]);
}

/// Copies files one after the other, each synced under its new name, as a purge must.
fn copy_synced(files: &[PathBuf], directory: &Path) {
    let target = directory.join("copied");
    fs::create_dir_all(&target).expect("a directory");
    for (number, file) in files.iter().enumerate() {
        let copy = target.join(number.to_string());
        fs::copy(file, &copy).expect("room for a copy");
        File::open(&copy).and_then(|file| file.sync_all()).expect("a disk that syncs");
        File::open(&target).and_then(|directory| directory.sync_all()).expect("a disk that syncs");
    }
    fs::remove_dir_all(&target).expect("our own directory");
}

fn assert_all_certified(store: &Store, bed: &Bed) {
    for erasure in bed.sites.iter().flat_map(|site| store.erasures(*site)) {
        assert_eq!(erasure.state(), ErasureState::Certified, "erasure {}", erasure.number);
    }
}
