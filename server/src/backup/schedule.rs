//! Backups that are made by themselves: one target after the other, pruned afterwards, and the ledger with each of its
//! entries.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use heatgrid_engine::backup::{BackupTarget, run};
use heatgrid_engine::clock::Clock;
use heatgrid_engine::error::JobError;
use heatgrid_engine::model::CopyName;
use heatgrid_engine::store::{JobKind, Store};
use parking_lot::Mutex;

use crate::config::BackupConfig;

/// What the schedule calls its backups, before the time.
const SCHEDULED: &str = "scheduled";

/// When what was brought to which target.
#[derive(Default)]
pub struct Schedule {
    targets: Mutex<HashMap<String, Known>>,
    stopping: AtomicBool,
}

/// What is known of a target.
#[derive(Clone, Copy, Default)]
struct Known {
    /// Unix ms of its newest backup, once it was looked at.
    newest_ms: Option<u64>,
    /// Entries of the ledger that it has, as far as this process knows.
    ledger_position: Option<u64>,
}

impl Schedule {
    /// Looks at every target once, and brings what is due. What fails is tried again at the next look.
    pub fn look(&self, store: &Store, config: &BackupConfig, clock: &dyn Clock) {
        for target in store.targets() {
            if self.stopping.load(Ordering::SeqCst) {
                return;
            }
            if let Err(error) = self.tend(store, &*target, config, clock.now_ms()) {
                tracing::error!(target = target.place(), %error, "a backup target");
            }
        }
    }

    /// Tells a backup that is at work to stop, and begins no other one.
    pub fn stop(&self, store: &Store) {
        self.stopping.store(true, Ordering::SeqCst);
        for job in store.jobs() {
            if job.kind == JobKind::Backup && !job.state.is_over() {
                store.stop(job.id);
            }
        }
    }

    fn tend(
        &self,
        store: &Store,
        target: &dyn BackupTarget,
        config: &BackupConfig,
        now_ms: u64,
    ) -> Result<(), Arc<JobError>> {
        let mut known = self.targets.lock().get(target.place()).copied().unwrap_or_default();
        let position = store.ledger_position();
        if known.ledger_position != Some(position) {
            store.copy_ledger(target)?;
            known.ledger_position = Some(position);
        }
        if let Some(every) = config.every {
            if known.newest_ms.is_none() {
                let lists = run::lists(target).map_err(JobError::from)?;
                known.newest_ms = Some(lists.first().map_or(0, |list| list.created_ms));
            }
            let every_ms = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
            if known.newest_ms.is_some_and(|newest_ms| now_ms >= newest_ms.saturating_add(every_ms)) {
                let name = CopyName::of_time(SCHEDULED, now_ms);
                let report = store.back_up(store.new_backup(), target, name)?;
                tracing::info!(target = target.place(), bytes = report.uploaded_bytes, "backed up");
                known.newest_ms = Some(now_ms);
                known.ledger_position = Some(position);
                store.prune_backups(target, &config.keep)?;
            }
        }
        self.targets.lock().insert(target.place().to_owned(), known);
        Ok(())
    }
}
