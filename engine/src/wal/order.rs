//! The order of batches, checked while the log is read for the first time: each follows the one before it.

use std::collections::HashSet;

use super::reader::Record;
use super::report::{Rot, WalReport};
use super::scan::Stretch;
use crate::format::names::FileName;
use crate::format::wal::{RecordType, decode_commit, decode_part};
use crate::model::Seq;

/// Where a record is: number of the file, offset.
pub(super) type Place = (u64, u64);

/// What was seen of all files.
pub(super) struct Seen {
    /// The last batch there is, or was.
    pub(super) last: Seq,
    /// First parts of the batches in parts that are there whole.
    pub(super) whole: HashSet<Place>,
}

/// Follows the order of records through all files.
pub(super) struct Order {
    floor: Seq,
    file: FileName,
    number: u64,
    /// All batches up to this one have been seen, or are known to be lost; 0 before the first file.
    last: Seq,
    /// The batch in parts that has begun and has no commit yet.
    parts: Option<Parts>,
    whole: HashSet<Place>,
    /// Batches that are missing before the record at an offset of the present file.
    gaps: Vec<(u64, Seq, Seq)>,
    is_first_file: bool,
}

struct Parts {
    seq: Seq,
    first: Place,
    seen: u32,
}

impl Order {
    /// Batches up to `floor` need not be there.
    pub(super) fn after(floor: Seq) -> Order {
        Order {
            floor,
            file: FileName::Wal(0),
            number: 0,
            last: floor,
            parts: None,
            whole: HashSet::new(),
            gaps: Vec::new(),
            is_first_file: true,
        }
    }

    /// Batches up to `seq` should have been seen; gives those after the floor that were not.
    fn expect(&mut self, seq: Seq) -> Option<(Seq, Seq)> {
        let missing =
            (self.last.0.max(self.floor.0) < seq.0).then_some((Seq(self.last.0.max(self.floor.0) + 1), seq));
        self.last = self.last.max(seq);
        missing
    }

    /// A file that says which batch comes first in it.
    pub(super) fn begin_file(&mut self, file: FileName, first_seq: Seq, report: &mut WalReport) {
        let before = std::mem::replace(&mut self.file, file);
        if let FileName::Wal(number) = file {
            self.number = number;
        }
        if self.is_first_file {
            self.last = self.floor.min(Seq(first_seq.0.saturating_sub(1)));
            self.is_first_file = false;
        }
        // Mostly the end of the file before is damaged; if not, a file is missing.
        self.expect_at_end_of(before, Seq(first_seq.0.saturating_sub(1)), report);
    }

    /// Batches up to `seq` should have been in `file` or before it; those that were not are laid to the damage that it
    /// ends with.
    fn expect_at_end_of(&mut self, file: FileName, seq: Seq, report: &mut WalReport) {
        if let Some(lost) = self.expect(seq) {
            match report.rot.last_mut() {
                Some(rot) if rot.lost.is_none() && rot.file == file => rot.lost = Some(lost),
                _ => report.add(Rot { file: self.file, offset: 0, end: 0, lost: Some(lost) }),
            }
        }
    }

    /// The next sound record of the file.
    pub(super) fn visit(&mut self, offset: u64, record: &Record<'_>, report: &mut WalReport) {
        let seq = record.header.seq;
        let is_carried = matches!(record.header.kind, RecordType::CarriedIds | RecordType::CarriedKeys);
        let before = if is_carried { seq } else { Seq(seq.0.saturating_sub(1)) };
        if let Some((first, last)) = self.expect(before) {
            self.gaps.push((offset, first, last));
        }
        if is_carried {
            return;
        }
        if self.last > before {
            // A batch that was there before, or one from before the file: it is not read again.
            report.add(Rot { file: self.file, offset, end: record.end, lost: None });
            return;
        }
        match record.header.kind {
            RecordType::Part => self.part(offset, record, report),
            RecordType::Commit => {
                let parts = self.parts.take().filter(|parts| parts.seq == seq);
                let commit = decode_commit(record.payload).ok();
                match parts.zip(commit).filter(|(parts, commit)| parts.seen == commit.parts) {
                    Some((parts, _)) => drop(self.whole.insert(parts.first)),
                    None if seq > self.floor => {
                        report.add(Rot { file: self.file, offset, end: record.end, lost: Some((seq, seq)) });
                    }
                    None => {}
                }
                self.last = seq;
            }
            _ => {
                self.drop_parts(report);
                self.last = seq;
            }
        }
    }

    fn part(&mut self, offset: u64, record: &Record<'_>, report: &mut WalReport) {
        let seq = record.header.seq;
        let index = decode_part(record.payload).ok().map(|part| part.index);
        match (index, &mut self.parts) {
            (Some(0), _) => {
                self.drop_parts(report);
                self.parts = Some(Parts { seq, first: (self.number, offset), seen: 1 });
            }
            (Some(index), Some(parts)) if parts.seq == seq && parts.seen == index => parts.seen += 1,
            // One before it is missing: its commit, if there is one, will say that the batch is lost.
            _ => self.parts = None,
        }
    }

    fn drop_parts(&mut self, report: &mut WalReport) {
        if self.parts.take().is_some() {
            report.unfinished += 1;
        }
    }

    /// Tells the damage of the file, and which batches were lost in it. `last` is the last batch, if the log was closed
    /// with this file.
    pub(super) fn end_file(&mut self, rot: &[Stretch], last: Option<Seq>, report: &mut WalReport) {
        let mut gaps = std::mem::take(&mut self.gaps);
        for stretch in rot {
            let gap = gaps.iter().position(|(offset, _, _)| *offset == stretch.to);
            let lost = gap.map(|index| gaps.swap_remove(index)).map(|(_, first, last)| (first, last));
            report.add(Rot { file: self.file, offset: stretch.from, end: stretch.to, lost });
        }
        for (offset, first, last) in gaps {
            report.add(Rot { file: self.file, offset, end: offset, lost: Some((first, last)) });
        }
        if let Some(last) = last {
            self.expect_at_end_of(self.file, last, report);
        }
    }

    /// All files were read.
    pub(super) fn finish(mut self, report: &mut WalReport) -> Seen {
        self.drop_parts(report);
        Seen { last: self.last.max(self.floor), whole: self.whole }
    }
}
