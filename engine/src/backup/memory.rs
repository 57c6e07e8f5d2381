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
}

impl MemoryTarget {
    /// Has the `call`th call from now on fail, the first being 1, and all that follow it.
    pub fn fail_at(&self, call: u64) {
        let mut state = self.0.lock();
        state.fails_at = Some(state.calls + call);
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
        match state.fails_at.is_some_and(|at| state.calls >= at) {
            true => Err(failed(operation, object, false)),
            false => Ok(()),
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

    fn put(&self, object: ObjectName, content: &dyn FileReader) -> Result<Put, TargetError> {
        self.call("put", &object)?;
        let mut bytes = Vec::new();
        let read = pieces::<DiskError>(content, &mut |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        });
        read.map_err(|error| TargetError { source: Box::new(error), ..failed("put", &object, false) })?;
        self.0.lock().objects.insert(object, bytes);
        Ok(Put { versioned: false })
    }

    fn get(
        &self,
        object: ObjectName,
        take: &mut dyn FnMut(&[u8]) -> Result<(), DiskError>,
    ) -> Result<(), GetError> {
        self.call("get", &object)?;
        let bytes = self.0.lock().objects.get(&object).cloned();
        Ok(take(&bytes.ok_or_else(|| failed("get", &object, true))?)?)
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
        self.0.lock().objects.remove(&object);
        Ok(())
    }

    fn end_unfinished(&self) -> Result<u64, TargetError> {
        self.call("end", &"uploads")?;
        Ok(0)
    }
}
