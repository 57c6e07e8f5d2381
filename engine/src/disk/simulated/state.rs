//! Files and directory entries as the running system sees them, and as they are synced.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use super::directory::{Change, Entries};
use super::fault::Faults;
use super::file::{File, FileId};
use crate::format::names::{Directory, FileName};

#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) faults: Faults,
    /// Room that is left, in bytes, if there is a limit.
    pub(super) free: Option<u64>,
    entries: Entries,
    synced_entries: Entries,
    /// Changes of entries since, in order.
    changes: Vec<Change>,
    files: BTreeMap<FileId, File>,
    next_id: FileId,
}

impl State {
    /// A disk on which everything is synced.
    pub(super) fn synced(entries: Entries, files: BTreeMap<FileId, File>, free: Option<u64>) -> State {
        let next_id = files.last_key_value().map_or(0, |(id, _)| id + 1);
        State { entries: entries.clone(), synced_entries: entries, files, next_id, free, ..State::default() }
    }

    pub(super) fn fork(&self) -> State {
        State { faults: Faults::default(), ..self.clone() }
    }

    pub(super) fn find(&self, file: FileName) -> Option<(FileId, &File)> {
        let id = *self.entries.get(&file)?;
        Some((id, &self.files[&id]))
    }

    fn found(&self, file: FileName) -> io::Result<(FileId, &File)> {
        self.find(file).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn files(&self) -> Vec<(FileName, u64)> {
        self.entries.iter().map(|(file, id)| (*file, self.length(*id))).collect()
    }

    pub(super) fn length(&self, id: FileId) -> u64 {
        self.files[&id].current().len() as u64
    }

    pub(super) fn read(&self, file: FileName) -> io::Result<Arc<Vec<u8>>> {
        self.found(file).map(|(_, file)| Arc::clone(file.current()))
    }

    pub(super) fn create(&mut self, file: FileName) -> io::Result<FileId> {
        if self.entries.contains_key(&file) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let id = self.next_id;
        self.next_id += 1;
        self.files.insert(id, File::being_written());
        self.change(Change::Link { name: file, id });
        Ok(id)
    }

    pub(super) fn append(&mut self, file: FileName) -> io::Result<(FileId, u64)> {
        if file.is_sealed() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let (id, _) = self.found(file)?;
        self.file(id).writers += 1;
        Ok((id, self.length(id)))
    }

    pub(super) fn close(&mut self, id: FileId) {
        self.file(id).writers -= 1;
        self.forget_unreachable();
    }

    pub(super) fn rename(&mut self, source: FileName, target: FileName) -> io::Result<()> {
        let (id, _) = self.found(source)?;
        if source != target {
            self.release(target);
            self.change(Change::Move { source, target, id, source_synced: false });
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, file: FileName) -> io::Result<()> {
        let (id, _) = self.found(file)?;
        self.release(file);
        self.change(Change::Unlink { name: file, id });
        Ok(())
    }

    /// Writes as much of `bytes` as there is room for.
    pub(super) fn write(&mut self, id: FileId, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut writable = bytes;
        if let Some(free) = self.free {
            let room = (self.length(id) + free).saturating_sub(offset);
            writable = &bytes[..bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX))];
        }
        let before = self.length(id);
        self.file(id).write(offset, writable);
        let grown = self.length(id) - before;
        self.free = self.free.map(|free| free.saturating_sub(grown));
        if writable.len() < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    pub(super) fn sync(&mut self, id: FileId) {
        self.file(id).sync();
    }

    /// A sync failed: what it was for is never written any more.
    pub(super) fn abandon(&mut self, id: FileId) {
        self.file(id).abandon();
    }

    pub(super) fn sync_directory(&mut self, directory: Directory) {
        for change in std::mem::take(&mut self.changes) {
            if let Some(left) = change.synced_in(directory, &mut self.synced_entries) {
                self.changes.push(left);
            }
        }
        self.forget_unreachable();
    }

    /// Puts `bytes` in a file's place, or makes it, as if it had been so for ever.
    pub(super) fn put(&mut self, name: FileName, bytes: Vec<u8>) {
        let mut file = File::synced(Arc::new(bytes));
        if let Some((id, old)) = self.find(name) {
            file.writers = old.writers;
            self.files.insert(id, file);
            return;
        }
        let id = self.next_id;
        self.next_id += 1;
        self.files.insert(id, file);
        self.entries.insert(name, id);
        self.synced_entries.insert(name, id);
    }

    /// Every set of entries that a crash may leave, and whether these are all; the one with all changes is the last.
    pub(super) fn surviving_entries(&self) -> (Vec<Entries>, bool) {
        super::directory::surviving(&self.synced_entries, &self.changes)
    }

    #[cfg(test)]
    pub(super) fn kept_files(&self) -> usize {
        self.files.len()
    }

    pub(super) fn file_of(&self, id: FileId) -> &File {
        &self.files[&id]
    }

    fn file(&mut self, id: FileId) -> &mut File {
        self.files.get_mut(&id).expect("a file with a name or a writer is not forgotten")
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.entries);
        self.changes.push(change);
    }

    /// The room of a file that loses its name.
    fn release(&mut self, file: FileName) {
        let bytes = self.find(file).map_or(0, |(id, _)| self.length(id));
        self.free = self.free.map(|free| free + bytes);
    }

    fn forget_unreachable(&mut self) {
        let named: BTreeSet<FileId> = self
            .entries
            .values()
            .chain(self.synced_entries.values())
            .copied()
            .chain(self.changes.iter().map(Change::file))
            .collect();
        self.files.retain(|id, file| file.writers > 0 || named.contains(id));
    }
}
