//! The second reading of the log: sound batches to the memtable, ids and keys to the windows.

use std::collections::HashSet;
use std::sync::Arc;

use super::WalError;
use super::order::Place;
use super::reader::{Record, RecordReader};
use super::report::{Rot, WalReport};
use super::scan::Stretch;
use crate::disk::FileReader;
use crate::format::frame::FormatError;
use crate::format::names::FileName;
use crate::format::wal::{
    RecordType, decode_batch, decode_carried_ids, decode_carried_keys, decode_commit, decode_part,
};
use crate::model::{PageRows, Seq, SiteId};
use crate::window::Windows;

/// Rows of a batch, or some of them: those of one batch come one after another.
#[derive(Debug)]
pub struct ReplayedRows {
    /// Their batch.
    pub seq: Seq,
    /// When it was accepted, in Unix ms.
    pub time_ms: u64,
    /// Whose.
    pub site: SiteId,
    /// What.
    pub pages: Vec<PageRows>,
}

/// A file whose sound stretches are known.
pub(super) struct Source {
    pub(super) number: u64,
    pub(super) file: Arc<dyn FileReader>,
    pub(super) salt: u32,
    pub(super) first_seq: Seq,
    pub(super) sound: Vec<Stretch>,
}

/// Gives what was read to whom it is for.
pub(super) struct Delivery<'a> {
    floor: Seq,
    /// Batches up to this one have been given.
    last: Seq,
    /// The batch in parts that is being given, and whether it is whole.
    parts: Option<(Seq, bool)>,
    whole: HashSet<Place>,
    windows: &'a mut Windows,
    rows: &'a mut dyn FnMut(ReplayedRows),
}

impl<'a> Delivery<'a> {
    pub(super) fn new(
        floor: Seq,
        whole: HashSet<Place>,
        windows: &'a mut Windows,
        rows: &'a mut dyn FnMut(ReplayedRows),
    ) -> Delivery<'a> {
        Delivery { floor, last: Seq(0), parts: None, whole, windows, rows }
    }

    pub(super) fn read(&mut self, source: &Source, report: &mut WalReport) -> Result<(), WalError> {
        self.last = self.last.max(Seq(source.first_seq.0.saturating_sub(1)));
        for stretch in &source.sound {
            let mut reader = RecordReader::new(source.file.clone(), source.salt, stretch.to);
            let mut offset = stretch.from;
            while let Some(record) = reader.record(offset)? {
                let end = record.end;
                if self.give((source.number, offset), &record, report).is_err() {
                    // The checksum is right: a program wrote this that did not mean what this one does.
                    let seq = record.header.seq;
                    let lost = Some((seq, seq)).filter(|_| seq > self.floor);
                    report.add(Rot { file: FileName::Wal(source.number), offset, end, lost });
                }
                offset = end;
            }
        }
        Ok(())
    }

    fn give(&mut self, place: Place, record: &Record<'_>, report: &mut WalReport) -> Result<(), FormatError> {
        let (seq, time_ms, payload) = (record.header.seq, record.header.time_ms, record.payload);
        match record.header.kind {
            RecordType::CarriedIds => self.windows.restore_ids(&decode_carried_ids(payload)?),
            RecordType::CarriedKeys => {
                for key in decode_carried_keys(payload)? {
                    self.windows.restore_key(key);
                }
            }
            _ if seq <= self.last => {}
            RecordType::Batch => {
                self.last = seq;
                let batch = decode_batch(payload)?;
                self.windows.remember(batch.site, batch.meta, time_ms);
                report.batches += u64::from(seq > self.floor);
                self.give_rows(seq, time_ms, batch.site, batch.pages);
            }
            RecordType::Part => {
                let part = decode_part(payload)?;
                if part.index == 0 {
                    self.parts = Some((seq, self.whole.contains(&place)));
                }
                if self.parts == Some((seq, true)) {
                    self.give_rows(seq, time_ms, part.site, part.pages);
                }
            }
            RecordType::Commit => {
                self.last = seq;
                let commit = decode_commit(payload)?;
                if self.parts.take() == Some((seq, true)) {
                    self.windows.remember(commit.site, commit.meta, time_ms);
                    report.batches += u64::from(seq > self.floor);
                }
            }
        }
        Ok(())
    }

    fn give_rows(&mut self, seq: Seq, time_ms: u64, site: SiteId, pages: Vec<PageRows>) {
        if seq > self.floor {
            (self.rows)(ReplayedRows { seq, time_ms, site, pages });
        }
    }
}
