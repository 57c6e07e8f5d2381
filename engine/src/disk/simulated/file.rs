//! A file's bytes: as synced, as seen, and as a crash may leave them.

use std::sync::Arc;

use super::outcomes::Outcomes;

/// Tells files apart that have had the same name.
pub(super) type FileId = u64;

#[derive(Clone, Debug)]
struct Write {
    offset: usize,
    bytes: Box<[u8]>,
    /// A sync of it has failed: no later one writes it.
    abandoned: bool,
}

#[derive(Clone, Debug)]
pub(super) struct File {
    /// How many `FileWriter`s of it there are.
    pub(super) writers: usize,
    synced: Arc<Vec<u8>>,
    current: Arc<Vec<u8>>,
    /// Since the last sync, in order.
    writes: Vec<Write>,
    /// Whether a sync left abandoned writes out, so that what is seen is not what is synced.
    dropped: bool,
}

fn put(bytes: &mut Vec<u8>, offset: usize, with: &[u8]) {
    let end = offset + with.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset..end].copy_from_slice(with);
}

impl File {
    pub(super) fn being_written() -> File {
        File { writers: 1, ..File::synced(Arc::default()) }
    }

    pub(super) fn synced(bytes: Arc<Vec<u8>>) -> File {
        File { writers: 0, synced: Arc::clone(&bytes), current: bytes, writes: Vec::new(), dropped: false }
    }

    /// Bytes as the running system sees them.
    pub(super) fn current(&self) -> &Arc<Vec<u8>> {
        &self.current
    }

    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let offset = usize::try_from(offset).expect("simulated files fit into memory");
        put(Arc::make_mut(&mut self.current), offset, bytes);
        self.writes.push(Write { offset, bytes: bytes.into(), abandoned: false });
    }

    pub(super) fn sync(&mut self) {
        self.dropped |= self.writes.iter().any(|write| write.abandoned);
        if self.dropped {
            let synced = Arc::make_mut(&mut self.synced);
            for write in self.writes.iter().filter(|write| !write.abandoned) {
                put(synced, write.offset, &write.bytes);
            }
        } else {
            self.synced = Arc::clone(&self.current);
        }
        self.writes.clear();
    }

    pub(super) fn abandon(&mut self) {
        self.writes.iter_mut().for_each(|write| write.abandoned = true);
    }

    /// What a crash may leave of it.
    pub(super) fn outcomes(&self) -> Outcomes {
        let writes = self.writes.iter().map(|write| (write.offset, &*write.bytes));
        Outcomes::of(&self.synced, &self.current, writes)
    }
}
