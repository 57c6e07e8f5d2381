//! Jobs of a store in a directory, watched while they run.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use heatgrid_engine::store::JobState;

use super::Target;
use crate::progress;

/// How often a job is looked at.
const LOOK: Duration = Duration::from_millis(100);

impl Target {
    /// Does `work`, and shows meanwhile how far the job is that it runs.
    pub(super) fn watched<T>(&self, what: &'static str, work: impl FnOnce() -> T) -> T {
        let bar = progress::bytes(what);
        if bar.is_hidden() {
            return work();
        }
        let is_over = AtomicBool::new(false);
        let done = thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let jobs = self.store.jobs();
                    if let Some(job) = jobs.iter().find(|job| matches!(job.state, JobState::Running)) {
                        if job.total_bytes > 0 {
                            progress::length(&bar, job.total_bytes);
                        }
                        bar.set_position(job.done_bytes);
                    }
                    bar.tick();
                    thread::sleep(LOOK);
                }
            });
            let done = work();
            is_over.store(true, Ordering::Relaxed);
            done
        });
        bar.finish_and_clear();
        done
    }
}
