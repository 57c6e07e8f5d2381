//! Reading the log again after a start: what is in no segment yet, and what the windows remember.

use std::sync::Arc;

use super::WalError;
use super::delivery::{Delivery, ReplayedRows, Source};
use super::files::OldFile;
use super::order::{Order, Seen};
use super::report::{Cut, Rot, WalReport};
use super::scan::{is_unused, read_closing, read_header, scan};
use super::tail::Tail;
use crate::disk::{Access, Disk, FileReader};
use crate::format::names::{Directory, FileName};
use crate::format::wal::{FileHeader, PreviousFile};
use crate::model::Seq;
use crate::window::Windows;

/// A log that was read.
pub struct Replayed {
    /// What was found.
    pub report: WalReport,
    /// Where to go on.
    pub end: LogEnd,
}

impl Replayed {
    /// The last batch of the store.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        self.end.last_seq
    }
}

/// Where a log that was read goes on.
pub struct LogEnd {
    pub(super) last_seq: Seq,
    pub(super) files: Vec<OldFile>,
    /// Files in which there is nothing, and unfinished ones.
    pub(super) unused: Vec<FileName>,
    /// What the last process wrote last.
    pub(super) tail: Option<Tail>,
    pub(super) previous: Option<PreviousFile>,
    pub(super) highest: u64,
}

/// Reads the log: gives the rows of all whole batches after `floor`, in order, and fills the windows. Changes nothing
/// on disk. A batch that is told twice is told once, one that is damaged is left out whole; the report says which.
///
/// # Errors
/// When a file cannot be read at all: nobody can say then whether it holds something.
pub fn replay(
    disk: &dyn Disk,
    floor: Seq,
    windows: &mut Windows,
    rows: &mut dyn FnMut(ReplayedRows),
) -> Result<Replayed, WalError> {
    let mut report = WalReport::default();
    let mut end = LogEnd {
        last_seq: floor,
        files: Vec::new(),
        unused: Vec::new(),
        tail: None,
        previous: None,
        highest: 0,
    };
    let mut opened: Vec<(u64, Arc<dyn FileReader>, Option<FileHeader>)> = Vec::new();
    for (name, _) in disk.list(Directory::Wal)? {
        let FileName::Wal(number) = name else {
            end.unused.push(name);
            continue;
        };
        end.highest = end.highest.max(number);
        let file = disk.open(name, Access::Read)?;
        match read_header(&*file, number)? {
            None if is_unused(&file)? => end.unused.push(name),
            header => opened.push((number, file, header)),
        }
    }
    opened.sort_by_key(|(number, _, _)| *number);

    let ends: Vec<PreviousFile> =
        opened.iter().filter_map(|(_, _, header)| header.as_ref()?.previous).collect();
    let mut order = Order::after(floor);
    let mut sources = Vec::new();
    for (number, file, header) in opened {
        report.files += 1;
        let (name, length_bytes) = (FileName::Wal(number), file.length());
        end.files.push(OldFile { number, length_bytes, rotten: header.is_none() });
        let Some(header) = header else {
            // Without the salt no record can be told from old bytes.
            report.bytes += length_bytes;
            report.add(Rot { file: name, offset: 0, end: length_bytes, lost: None });
            continue;
        };
        let next_says = ends.iter().find(|end| end.number == number).map(|end| end.end);
        let closing = if next_says.is_none() { read_closing(&*file, header.salt)? } else { None };
        let known_end = next_says.or(closing.map(|closing| closing.end));
        order.begin_file(name, header.first_seq, &mut report);
        let scan = scan(&file, &header, known_end, &mut |offset, record| {
            order.visit(offset, record, &mut report);
        })?;
        order.end_file(&scan.rot, closing.map(|closing| closing.last_seq), &mut report);
        if let Some(cut) = scan.cut {
            report.cuts.push(Cut { file: name, offset: cut.from, end: cut.to });
        }
        report.bytes += scan.end;
        end.tail = known_end.is_none().then_some(Tail { file: name, from: scan.last_group, to: scan.end });
        end.previous = Some(PreviousFile { number, end: scan.end });
        sources.push(Source {
            number,
            file,
            salt: header.salt,
            first_seq: header.first_seq,
            sound: scan.sound,
        });
    }
    let Seen { last, whole } = order.finish(&mut report);

    let mut delivery = Delivery::new(floor, whole, windows, rows);
    for source in &sources {
        delivery.read(source, &mut report)?;
    }
    end.last_seq = last;
    report.rot.sort_by_key(|rot| (rot.file, rot.offset));
    for file in &mut end.files {
        file.rotten |= report.rot.iter().any(|rot| rot.file == FileName::Wal(file.number));
    }
    Ok(Replayed { report, end })
}
