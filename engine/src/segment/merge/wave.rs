//! Sites that are merged at the same time, and written one after the other while the next are merged.

use parking_lot::Mutex;

use crate::model::Month;
use crate::segment::extent_writer::{ExtentWriter, MadeExtent};
use crate::segment::output::Output;
use crate::segment::{Extent, Lanes, Scratch, SegmentError, SegmentWriter};

use super::MergeStats;
use super::site::{SiteTask, Watch, stop_if_told};

/// Sites that wait to be merged.
pub(super) struct Wave<'a, 'l> {
    month: Month,
    lanes: &'l dyn Lanes,
    tasks: Vec<SiteTask<'a>>,
    bytes: u64,
    benches: Mutex<Vec<Bench>>,
    /// What became of the sites before these, which is not written yet.
    merged: Vec<Merged<'a>>,
}

/// What one lane works with.
struct Bench {
    writer: ExtentWriter<'static>,
    scratches: Vec<Scratch>,
}

/// What became of a site.
enum Merged<'a> {
    /// Every byte of its extent stays as it is.
    Kept(Vec<Extent<'a>>),
    /// Its extent was made anew, if anything of it was left.
    Made(Option<Box<MadeExtent>>, MergeStats),
}

impl<'a, 'l> Wave<'a, 'l> {
    pub(super) fn new(month: Month, lanes: &'l dyn Lanes) -> Wave<'a, 'l> {
        Wave { month, lanes, tasks: Vec::new(), bytes: 0, benches: Mutex::default(), merged: Vec::new() }
    }

    /// Adds a site, which is above those before. Says the bytes of all.
    pub(super) fn add(&mut self, task: SiteTask<'a>) -> u64 {
        self.bytes += task.bytes();
        self.tasks.push(task);
        self.bytes
    }

    /// Merges all sites that wait. Meanwhile those before are written, and begin to be durable: the disk is not left to the
    /// end, when all wait for it.
    pub(super) fn pass(
        &mut self,
        writer: &mut SegmentWriter<'_>,
        stats: &mut MergeStats,
        watch: &mut Watch<'_>,
    ) -> Result<(), SegmentError> {
        let mut before = std::mem::take(&mut self.merged);
        if before.is_empty() {
            self.merged = self.merge()?;
            return Ok(());
        }
        let (mut written, mut merged) = (Ok(()), Ok(Vec::new()));
        let lanes = self.lanes;
        lanes.beside(
            &mut || written = write_all(&mut before, writer).and_then(|()| writer.sync()),
            &mut || merged = self.merge(),
        );
        written?;
        count_all(&before, stats, watch)?;
        self.merged = merged?;
        Ok(())
    }

    /// Merges all sites that wait, and leaves none unwritten.
    pub(super) fn finish(
        &mut self,
        writer: &mut SegmentWriter<'_>,
        stats: &mut MergeStats,
        watch: &mut Watch<'_>,
    ) -> Result<(), SegmentError> {
        if !self.tasks.is_empty() {
            self.pass(writer, stats, watch)?;
        }
        let mut last = std::mem::take(&mut self.merged);
        write_all(&mut last, writer)?;
        count_all(&last, stats, watch)
    }

    fn merge(&mut self) -> Result<Vec<Merged<'a>>, SegmentError> {
        let mut order: Vec<usize> = (0..self.tasks.len()).collect();
        // The largest first, so that none is begun when the others are done.
        order.sort_by_key(|at| std::cmp::Reverse(self.tasks[*at].bytes()));
        let tasks: Vec<_> = self.tasks.drain(..).map(|task| Mutex::new(Some(task))).collect();
        let merged: Vec<_> = tasks.iter().map(|_| Mutex::new(None)).collect();
        self.bytes = 0;
        let Wave { month, benches, .. } = self;
        self.lanes.each(order.len(), &|number| {
            let at = order[number];
            let Some(task) = tasks[at].lock().take() else { return };
            let waiting = benches.lock().pop();
            let mut bench = waiting.unwrap_or_else(|| Bench::new(*month));
            let result = bench.merge(task);
            // What has failed half-way is of no use to another site.
            if result.is_ok() {
                benches.lock().push(bench);
            }
            *merged[at].lock() = Some(result);
        });
        merged
            .into_iter()
            .map(|merged| merged.into_inner().expect("lanes do all that they are told"))
            .collect()
    }
}

fn write_all(merged: &mut [Merged<'_>], writer: &mut SegmentWriter<'_>) -> Result<(), SegmentError> {
    for merged in merged {
        match merged {
            Merged::Kept(extents) => extents.iter().try_for_each(|extent| writer.copy_extent(extent))?,
            Merged::Made(made, _) => made.take().iter().try_for_each(|made| writer.put_extent(made))?,
        }
    }
    Ok(())
}

/// Counts what was written.
fn count_all(
    merged: &[Merged<'_>],
    stats: &mut MergeStats,
    watch: &mut Watch<'_>,
) -> Result<(), SegmentError> {
    for merged in merged {
        match merged {
            Merged::Kept(_) => stats.sites_copied += 1,
            Merged::Made(_, of_site) => *stats += *of_site,
        }
        stop_if_told(watch, stats)?;
    }
    Ok(())
}

impl Bench {
    fn new(month: Month) -> Bench {
        Bench { writer: ExtentWriter::new(month, Output::in_memory()), scratches: Vec::new() }
    }

    fn merge<'a>(&mut self, task: SiteTask<'a>) -> Result<Merged<'a>, SegmentError> {
        if task.is_kept()? {
            return Ok(Merged::Kept(task.into_extents().collect()));
        }
        let mut stats = MergeStats::default();
        let made = task.make(&mut self.writer, &mut self.scratches, &mut stats)?;
        Ok(Merged::Made(made.map(Box::new), stats))
    }
}
