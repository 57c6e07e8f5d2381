//! The store's threads: one commits, one makes log files ready, one flushes, one merges and expires.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crate::commit::Committer;
use crate::error::OpenError;

use super::core::Core;

/// Longest that a thread sleeps: how late a memtable's age may be noticed.
const NAP: Duration = Duration::from_secs(5);
/// How long after a failed flush or merge it is tried again, at most. The first time after a `NAP`.
const PATIENCE_NAPS: u32 = 12;

/// The threads; dropped, they stop and are joined.
pub(super) struct Threads {
    core: Arc<Core>,
    stop: Arc<AtomicBool>,
    running: Vec<JoinHandle<()>>,
}

impl Threads {
    pub(super) fn none(core: Arc<Core>) -> Threads {
        Threads { core, stop: Arc::default(), running: Vec::new() }
    }

    pub(super) fn start(core: &Arc<Core>, committer: Committer) -> Result<Threads, OpenError> {
        let mut threads = Threads::none(Arc::clone(core));
        let shelf = core.log.shelf();
        threads.spawn("heatgrid-commit", move || committer.run())?;
        threads.spawn("heatgrid-spare", move || shelf.run())?;
        threads.spawn_loop("heatgrid-flush", flush_loop)?;
        threads.spawn_loop("heatgrid-merge", work_loop)?;
        Ok(threads)
    }

    /// Whether nobody does the work but callers.
    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    fn spawn_loop(&mut self, name: &str, run: fn(&Core, &AtomicBool)) -> Result<(), OpenError> {
        let (core, stop) = (Arc::clone(&self.core), Arc::clone(&self.stop));
        self.spawn(name, move || run(&core, &stop))
    }

    fn spawn(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
        let thread = Builder::new().name(name.into()).spawn(run).map_err(OpenError::Thread)?;
        self.running.push(thread);
        Ok(())
    }

    /// Stops flushing and merging by itself; what callers ask for is still done, and batches are still taken.
    pub(super) fn stop_jobs(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.core.jobs.stop_all();
        self.core.signals.flush.raise();
        self.core.signals.work.raise();
        let loops = self.running.split_off(self.running.len().min(2));
        loops.into_iter().for_each(|thread| drop(thread.join()));
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.stop_jobs();
        self.core.log.close();
        // A thread that panicked has said so; closing goes on.
        self.running.drain(..).for_each(|thread| drop(thread.join()));
    }
}

/// How long to wait after some failures in a row.
fn nap(failures: u32) -> Duration {
    NAP * 2_u32.saturating_pow(failures.saturating_sub(1)).min(PATIENCE_NAPS)
}

fn flush_loop(core: &Core, stop: &AtomicBool) {
    let mut failures = 0;
    loop {
        let seen = core.signals.flush.count();
        if stop.load(Ordering::SeqCst) {
            return;
        }
        // What failed is tried again later and not at every signal: on a full disk each try costs a good deal.
        let result = match core.flush_is_due() && !core.compaction_is_behind() {
            true => core.flush(),
            false => core.retry_flush(),
        };
        failures = if result.is_ok() { 0 } else { failures + 1 };
        core.signals.flush.wait(seen, nap(failures));
    }
}

fn work_loop(core: &Core, stop: &AtomicBool) {
    let mut failures = 0;
    loop {
        let seen = core.signals.work.count();
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let result = core.work();
        failures = if result.is_ok() { 0 } else { failures + 1 };
        if !matches!(result, Ok(true)) {
            core.signals.work.wait(seen, nap(failures));
        }
    }
}
