//! Backups at a target, and a store in a directory that goes there or comes from there.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use heatgrid_engine::backup::{BackupError, BackupTarget, KeepOptions, restore, run};
use heatgrid_engine::clock::SystemClock;
use heatgrid_engine::disk::{Disk, RealDisk};
use heatgrid_engine::error::JobError;
use heatgrid_engine::options::{Background, Options};
use heatgrid_engine::store::Store;
use heatgrid_server::backup::{Address, ObjectTarget, S3Options};
use heatgrid_server::wire::backup::{BackupJson, PrunedJson, ReportJson, VerificationJson};
use serde_json::{Value, json};

use super::snapshots::copy_name;
use super::{Target, TargetError};

/// Told how many bytes are done, and how many there are.
type Watch<'a> = dyn FnMut(u64, u64) + 'a;

/// The backups of a target.
pub(crate) struct Copies(Arc<ObjectTarget>);

impl Copies {
    /// The target of an address.
    pub(crate) fn open(address: &str, s3: &S3Options) -> Result<Copies, TargetError> {
        let address: Address = address.parse()?;
        Ok(Copies(Arc::new(ObjectTarget::open(&address, s3)?)))
    }

    /// It, as the engine knows targets.
    pub(crate) fn into_target(self) -> Arc<dyn BackupTarget> {
        self.0
    }

    /// Every backup, the newest first.
    pub(crate) fn list(&self) -> Result<Value, TargetError> {
        let lists = run::lists(&*self.0).map_err(JobError::from).map_err(Arc::new)?;
        let keep = KeepOptions::standard();
        Ok(lists.iter().map(|list| shown(&BackupJson::of(self.0.place(), list, &keep))).collect())
    }

    /// Reads all of a backup.
    pub(crate) fn verify(&self, name: &str, watch: &mut Watch<'_>) -> Result<Value, TargetError> {
        let found = run::verify(&*self.0, copy_name(name)?, &mut |moved| {
            watch(moved.done_bytes, moved.total_bytes);
            ControlFlow::Continue(())
        });
        Ok(shown(&VerificationJson::of(self.0.place(), &found.map_err(JobError::from).map_err(Arc::new)?)))
    }

    /// Restores a backup into a directory that holds no store. `ledger_key` is the content of that file.
    pub(crate) fn restore(
        &self,
        name: &str,
        directory: &Path,
        ledger_key: Option<Vec<u8>>,
        watch: &mut Watch<'_>,
    ) -> Result<Value, TargetError> {
        let name = copy_name(name)?;
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(directory)?);
        let begun = restore::begin(&*self.0, &*disk, name).map_err(JobError::from).map_err(Arc::new)?;
        let (mark, list) = begun;
        if let Some(key) = ledger_key {
            restore::put_ledger_key(&*disk, &key).map_err(JobError::from).map_err(Arc::new)?;
        }
        let options = Options { background: Background::Manual, ..Options::standard(mark.region) };
        let store = Store::open_to_restore(disk, Arc::new(SystemClock), options, mark.store)?;
        store.restore_backup(&*self.0, name, &mut |moved| {
            watch(moved.done_bytes, moved.total_bytes);
            ControlFlow::Continue(())
        })?;
        let events: u64 = list.segments.iter().map(|segment| segment.entry.events).sum();
        Ok(
            json!({"restored": name.as_str(), "data": directory, "segments": list.segments.len(), "events": events}),
        )
    }
}

impl Target {
    /// Brings everything to a target.
    pub(crate) fn back_up(&self, copies: &Copies, name: &str) -> Result<Value, TargetError> {
        let name = copy_name(name)?;
        let job = self.store.new_backup();
        let report = self.watched("backing up", || self.store.back_up(job, &*copies.0, name))?;
        Ok(shown(&ReportJson::of(copies.0.place(), name.as_str(), &report)))
    }

    /// Deletes a backup.
    pub(crate) fn delete_backup(&self, copies: &Copies, name: &str) -> Result<(), TargetError> {
        let name = copy_name(name)?;
        match self.store.delete_backup(&*copies.0, name).map_err(Arc::new)? {
            true => Ok(()),
            false => Err(Arc::new(JobError::from(BackupError::NoSuchBackup(name))).into()),
        }
    }

    /// Deletes backups that are too old or too many.
    pub(crate) fn prune_backups(
        &self,
        copies: &Copies,
        most_days: u32,
        keep: usize,
    ) -> Result<Value, TargetError> {
        let pruned = self.store.prune_backups(&*copies.0, &KeepOptions { most_days, keep });
        Ok(shown(&PrunedJson::of(copies.0.place(), &pruned.map_err(Arc::new)?)))
    }

    /// Forgets a target that is no more.
    pub(crate) fn forget_target(&self, place: &str) -> Result<(), TargetError> {
        let address: Address = place.parse()?;
        match self.store.forget_target(&address.to_string()).map_err(Arc::new)? {
            true => Ok(()),
            false => Err(TargetError::UnknownTarget(address.to_string())),
        }
    }
}

fn shown(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("what is shown is valid JSON")
}
