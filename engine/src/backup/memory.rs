//! A target in memory, for tests: it fails when it is told to.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::target::{BackupTarget, GetError, Put, TargetError, pieces};
use super::{Folder, ObjectName};
use crate::disk::{DiskError, FileReader};

/// A target in memory. Clones are the same target.
#[derive(Clone, Default)]
pub struct MemoryTarget(Arc<Mutex<State>>);

#[derive(Clone, Default)]
struct State {
    objects: BTreeMap<ObjectName, Vec<u8>>,
    calls: u64,
    /// From this call on, all fail.
    fails_at: Option<u64>,
    /// Only that call fails.
    fails_once: bool,
    /// Objects that were given out whole.
    fetched: Vec<ObjectName>,
    /// Whether what is deleted or replaced stays.
    is_versioned: bool,
    /// For how long the target is said to keep it.
    expires_days: Option<u32>,
    /// What was deleted or replaced.
    old: Vec<Vec<u8>>,
}

impl MemoryTarget {
    /// Has the `call`th call from now on fail, the first being 1, and all that follow it.
    pub fn fail_at(&self, call: u64) {
        let mut state = self.0.lock();
        state.fails_at = Some(state.calls + call);
        state.fails_once = false;
    }

    /// Has the `call`th call from now on fail, and no other.
    pub fn fail_once_at(&self, call: u64) {
        self.fail_at(call);
        self.0.lock().fails_once = true;
    }

    /// Has it keep what is deleted or replaced from now on, and say that of what is put.
    pub fn keep_versions(&self) {
        self.0.lock().is_versioned = true;
    }

    /// Says for how many days it keeps that.
    pub fn say_expires_days(&self, days: u32) {
        self.0.lock().expires_days = Some(days);
    }

    /// What was deleted or replaced since it keeps that.
    #[must_use]
    pub fn old_versions(&self) -> Vec<Vec<u8>> {
        self.0.lock().old.clone()
    }

    /// Objects that were given out whole so far.
    #[must_use]
    pub fn fetched(&self) -> Vec<ObjectName> {
        self.0.lock().fetched.clone()
    }

    /// Has calls work again.
    pub fn heal(&self) {
        self.0.lock().fails_at = None;
    }

    /// Another target with the same objects, which works.
    #[must_use]
    pub fn fork(&self) -> MemoryTarget {
        let state = State { fails_at: None, ..self.0.lock().clone() };
        MemoryTarget(Arc::new(Mutex::new(state)))
    }

    /// The bytes of an object; `None` if there is no such object.
    #[must_use]
    pub fn contents(&self, object: ObjectName) -> Option<Vec<u8>> {
        self.0.lock().objects.get(&object).cloned()
    }

    /// Calls so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.0.lock().calls
    }

    /// Every object.
    #[must_use]
    pub fn objects(&self) -> Vec<ObjectName> {
        self.0.lock().objects.keys().copied().collect()
    }

    /// Flips a bit of an object.
    ///
    /// # Panics
    /// When there is no such object.
    pub fn flip(&self, object: ObjectName, byte: usize) {
        self.0.lock().objects.get_mut(&object).expect("the object is there")[byte] ^= 1;
    }

    fn call(&self, operation: &'static str, object: &impl ToString) -> Result<(), TargetError> {
        let mut state = self.0.lock();
        state.calls += 1;
        let calls = state.calls;
        match state.fails_at.is_some_and(|at| calls == at || calls > at && !state.fails_once) {
            true => Err(failed(operation, object, false)),
            false => Ok(()),
        }
    }
}

impl State {
    fn keep(&mut self, old: Option<Vec<u8>>) {
        if self.is_versioned {
            self.old.extend(old);
        }
    }
}

fn failed(operation: &'static str, object: &impl ToString, not_found: bool) -> TargetError {
    let (object, place) = (object.to_string().into(), "memory".into());
    TargetError { operation, object, place, not_found, source: "as the test wants it".into() }
}

impl BackupTarget for MemoryTarget {
    fn place(&self) -> &str {
        "memory"
    }

    fn expires_days(&self) -> Option<u32> {
        self.0.lock().expires_days
    }

    fn put(&self, object: ObjectName, content: &dyn FileReader) -> Result<Put, TargetError> {
        self.call("put", &object)?;
        let mut bytes = Vec::new();
        let read = pieces::<DiskError>(content, &mut |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        });
        read.map_err(|error| TargetError { source: Box::new(error), ..failed("put", &object, false) })?;
        let mut state = self.0.lock();
        let replaced = state.objects.insert(object, bytes);
        state.keep(replaced);
        Ok(Put { versioned: state.is_versioned })
    }

    fn get(
        &self,
        object: ObjectName,
        take: &mut dyn FnMut(&[u8]) -> Result<(), DiskError>,
    ) -> Result<(), GetError> {
        self.call("get", &object)?;
        let bytes = self.0.lock().objects.get(&object).cloned();
        let bytes = bytes.ok_or_else(|| failed("get", &object, true))?;
        self.0.lock().fetched.push(object);
        Ok(take(&bytes)?)
    }

    fn get_range(&self, object: ObjectName, offset: u64, length: usize) -> Result<Vec<u8>, TargetError> {
        self.call("get", &object)?;
        let state = self.0.lock();
        let bytes = state.objects.get(&object).ok_or_else(|| failed("get", &object, true))?;
        let range = usize::try_from(offset).ok().and_then(|from| bytes.get(from..from.checked_add(length)?));
        Ok(range.ok_or_else(|| failed("get", &object, false))?.to_vec())
    }

    fn length(&self, object: ObjectName) -> Result<Option<u64>, TargetError> {
        self.call("head", &object)?;
        Ok(self.0.lock().objects.get(&object).map(|bytes| bytes.len() as u64))
    }

    fn list(&self, folder: Folder) -> Result<Vec<ObjectName>, TargetError> {
        self.call("list", &folder.name())?;
        let of_folder = |object: &&ObjectName| match folder {
            Folder::Backups => matches!(object, ObjectName::Backup(_)),
            Folder::Segments => matches!(object, ObjectName::Segment(_)),
        };
        Ok(self.0.lock().objects.keys().filter(of_folder).copied().collect())
    }

    fn delete(&self, object: ObjectName) -> Result<(), TargetError> {
        self.call("delete", &object)?;
        let mut state = self.0.lock();
        let removed = state.objects.remove(&object);
        state.keep(removed);
        Ok(())
    }

    fn end_unfinished(&self) -> Result<u64, TargetError> {
        self.call("end", &"uploads")?;
        Ok(0)
    }
}
