//! The five questions of the comparison with other databases, warm, one at a time.
//!
//! Q1 grid of one of the 50 busiest pages: moves of 90 days, everything. Q2 the same of 7 days, one device and 5
//! countries. Q3 clicks by day of a page. Q4 top 20 pages of a site by clicks in 30 days. Q5 is Q1 on a page of the
//! middle of the ranking.

use std::time::Instant;

use heatgrid_benches::bed::{self, Bed};
use heatgrid_benches::instruments::{Samples, Table, count, describe, millis, thread_time};
use heatgrid_benches::settings::Settings;
use heatgrid_benches::workload::{PAGES, SITES, Workload};
use heatgrid_engine::model::{
    CellSize, CountrySet, Day, DayRange, Device, Kind, LayerSelection, SiteScope, ViewportSet, Work,
};
use heatgrid_engine::query::{
    Align, Budget, CancelFlag, GridQuestion, Pages, Selection, SeriesQuestion, Step, TopPagesQuestion,
};

/// Times that each question is asked of each page, after one time that does not count.
const ROUNDS: usize = 40;
/// Pages (or sites) that each question is asked of.
const PLACES: usize = 50;

fn main() {
    let settings = Settings::from_arguments();
    let directory = bed::prepared(&settings.directory, settings.events);
    let asker = Asker { bed: Bed::open(&directory, SITES), workload: Workload::new(1) };
    println!("questions to {} events, warm, one at a time\n{}\n", count(settings.events), describe());

    let ranked = Workload::pages_by_traffic();
    let middle = (SITES * PAGES - PLACES) / 2;
    let (busiest, middling) = (&ranked[..PLACES], &ranked[middle..middle + PLACES]);
    let sites: Vec<(usize, usize)> = (0..PLACES).map(|site| (site, 0)).collect();

    let mut table = Table::new(&[
        "question",
        "median ms",
        "p99 ms",
        "max ms",
        "CPU median ms",
        "CPU p99 ms",
        "runs",
        "blocks",
        "rows",
        "cells of the answer",
    ]);
    type Ask = fn(&Asker, (usize, usize), usize) -> (Work, usize);
    let questions: [(&str, &[(usize, usize)], Ask); 5] = [
        ("Q1", busiest, |asker, page, _| asker.grid(page, asker.everything(page))),
        ("Q2", busiest, |asker, page, round| asker.grid(page, asker.narrow(page, round))),
        ("Q3", busiest, |asker, page, _| asker.clicks_by_day(page)),
        ("Q4", &sites, |asker, (site, _), round| asker.top_pages(site, round)),
        ("Q5", middling, |asker, page, _| asker.grid(page, asker.everything(page))),
    ];
    for (name, places, ask) in questions {
        if !settings.runs(name) {
            continue;
        }
        let (mut samples, mut times, mut works) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            for place in places {
                let (start, cpu) = (Instant::now(), thread_time());
                let read = ask(&asker, *place, round);
                let (took, used) = (start.elapsed(), thread_time() - cpu);
                // The first round touches every page for the first time.
                if round > 0 {
                    samples.push(took);
                    times.push(used);
                    works.push(read);
                }
            }
        }
        let samples: Samples = samples.into_iter().collect();
        let times: Samples = times.into_iter().collect();
        let median = |mut of: Vec<u64>| {
            of.sort_unstable();
            count(of[of.len() / 2])
        };
        table.row([
            name.into(),
            millis(samples.median()),
            millis(samples.quantile(0.99)),
            millis(samples.quantile(1.0)),
            millis(times.median()),
            millis(times.quantile(0.99)),
            count(samples.len() as u64),
            median(works.iter().map(|(work, _)| work.blocks).collect()),
            median(works.iter().map(|(work, _)| work.rows).collect()),
            median(works.iter().map(|(_, cells)| *cells as u64).collect()),
        ]);
    }
    println!("{table}");
    println!("CPU: of the thread that asks, without the time that others had the processor.");
    println!("blocks, rows and cells are medians of what the answers say that they have read.");
}

struct Asker {
    bed: Bed,
    workload: Workload,
}

impl Asker {
    fn scope(&self, site: usize) -> SiteScope {
        SiteScope::granted(self.bed.sites[site])
    }

    fn budget() -> Budget {
        Budget { rows: u64::MAX, bytes: u64::MAX, cancel: CancelFlag::new() }
    }

    fn everything(&self, (site, page): (usize, usize)) -> Selection {
        Selection {
            pages: Pages::Page(self.workload.page_text(site, page).into()),
            layers: LayerSelection::of_kinds(Kind::Move),
            countries: None,
            days: days(0, 90),
        }
    }

    /// Another week and other countries each round; desktops, where moves are.
    fn narrow(&self, page: (usize, usize), round: usize) -> Selection {
        let mut selection = self.everything(page);
        selection.layers.viewports = ViewportSet::of_devices([Device::Desktop]);
        let countries = ["US", "DE", "GB", "FR", "IN", "BR", "JP", "ES", "IT", "CA", "NL", "PL"];
        let five =
            (0..5).map(|at| countries[(round + at * 2) % countries.len()].parse().expect("two letters"));
        selection.countries = Some(five.collect::<CountrySet>());
        selection.days = days((round * 7) % 83, 7);
        selection
    }

    fn grid(&self, (site, _): (usize, usize), selection: Selection) -> (Work, usize) {
        let question = GridQuestion { selection, cell: CellSize::STORED, align: Align::None };
        let answer = self.bed.store.grid(self.scope(site), &question, &Asker::budget()).expect("an answer");
        (answer.work, answer.value.len())
    }

    fn clicks_by_day(&self, page: (usize, usize)) -> (Work, usize) {
        let mut selection = self.everything(page);
        selection.layers = LayerSelection::of_kinds(Kind::Click);
        let question = SeriesQuestion { selection, step: Step::Day };
        let answer =
            self.bed.store.series(self.scope(page.0), &question, &Asker::budget()).expect("an answer");
        (answer.work, answer.value.len())
    }

    fn top_pages(&self, site: usize, round: usize) -> (Work, usize) {
        let selection = Selection {
            pages: Pages::Site,
            layers: LayerSelection::of_kinds(Kind::Click),
            countries: None,
            days: days(round % 60, 30),
        };
        let question = TopPagesQuestion { selection, limit: 20, after: None };
        let answer =
            self.bed.store.top_pages(self.scope(site), &question, &Asker::budget()).expect("an answer");
        (answer.work, answer.value.len())
    }
}

/// `length` days from `from` days after the workload's first.
fn days(from: usize, length: usize) -> DayRange {
    let first = Day::from_civil(2026, 1, 1).expect("a day of the calendar").plus(from as u32);
    DayRange { from: first, to: first.plus(length as u32) }
}
