//! Writing the log.

use std::collections::VecDeque;
use std::sync::Arc;

use super::files::{WalFiles, highest_number};
use super::replay::LogEnd;
use super::spare::{Spare, SpareShelf};
use super::{WalError, WalOptions};
use crate::disk::{Disk, DiskError, FileWriter};
use crate::format::wal::{
    Closing, Encoded, FILE_BYTES, FileHeader, HEADER_BYTES, HEADER_COPIES_AT, PreviousFile,
    RECORD_HEADER_BYTES, RECORDS_AT, RecordHeader, RecordType, put_record,
};
use crate::model::Seq;

/// Bytes that wait for one write; a group that is larger takes several.
const WRITE_BYTES: usize = 4 << 20;

/// The log's end, for the one thread that writes it.
pub struct Wal {
    options: WalOptions,
    shelf: Arc<SpareShelf>,
    files: Arc<WalFiles>,
    current: Current,
    /// Files that the records of `reserve` need after the present one.
    reserved: VecDeque<Spare>,
    /// Length of the next spare.
    next_length: u64,
    last_seq: Seq,
    poison: Option<Arc<DiskError>>,
    closed: bool,
}

/// The file being written.
struct Current {
    writer: Box<dyn FileWriter>,
    number: u64,
    salt: u32,
    length: u64,
    /// Offset of the first byte of `buffer`.
    written: u64,
    buffer: Vec<u8>,
    /// Offset of the first record that is not durable yet.
    group: u64,
}

impl Current {
    fn end(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    fn write(&mut self) -> Result<(), DiskError> {
        if !self.buffer.is_empty() {
            self.writer.write_at(self.written, &self.buffer)?;
            self.written += self.buffer.len() as u64;
            self.buffer.clear();
        }
        Ok(())
    }

    fn put_closing(&mut self, closing: &Closing) -> Result<(), DiskError> {
        let bytes = closing.encode(self.salt);
        for at in HEADER_COPIES_AT {
            self.writer.write_at(at + HEADER_BYTES as u64, &bytes)?;
        }
        self.writer.sync()
    }

    fn sync(&mut self) -> Result<(), DiskError> {
        if self.end() > self.group {
            self.write()?;
            self.writer.sync()?;
            self.group = self.written;
        }
        Ok(())
    }
}

fn record_bytes(payload: usize) -> u64 {
    (RECORD_HEADER_BYTES + payload) as u64
}

impl Wal {
    /// Makes durable what was replayed, and begins a new file after it. Files of earlier processes are not gone on with.
    ///
    /// # Errors
    /// What the operating system said.
    pub fn begin(disk: Arc<dyn Disk>, options: WalOptions, end: LogEnd) -> Result<Wal, WalError> {
        assert!(FILE_BYTES.contains(&options.file_bytes) && FILE_BYTES.contains(&options.first_file_bytes));
        if let Some(tail) = &end.tail {
            tail.write_again(&*disk)?;
        }
        for file in end.unused {
            match disk.remove(file) {
                Err(error) if !error.is_not_found() => return Err(error.into()),
                _ => {}
            }
        }
        let shelf = SpareShelf::new(disk.clone(), highest_number(&*disk)?.max(end.highest) + 1);
        let files = Arc::new(WalFiles::new(disk, end.files));
        let spare = shelf.take(0, options.first_file_bytes)?;
        let first_seq = Seq(end.last_seq.0 + 1);
        let length = spare.length;
        let current = begin_file(spare, end.previous, first_seq)?;
        files.began(current.number, length);
        let next_length = (2 * options.first_file_bytes).min(options.file_bytes);
        shelf.want(next_length);
        Ok(Wal {
            options,
            shelf: Arc::new(shelf),
            files,
            current,
            reserved: VecDeque::new(),
            next_length,
            last_seq: end.last_seq,
            poison: None,
            closed: false,
        })
    }

    /// The last batch of the log.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        self.last_seq
    }

    /// Most bytes of a record's payload.
    #[must_use]
    pub fn payload_bytes(&self) -> usize {
        self.options.payload_bytes()
    }

    /// Its files, for trimming.
    #[must_use]
    pub fn files(&self) -> Arc<WalFiles> {
        self.files.clone()
    }

    /// Where its next file lies ready, for the thread that makes it.
    #[must_use]
    pub fn shelf(&self) -> Arc<SpareShelf> {
        self.shelf.clone()
    }

    fn sound(&self) -> Result<(), WalError> {
        self.poison.clone().map_or(Ok(()), |cause| Err(WalError::Poisoned(cause)))
    }

    fn poisoned(&mut self, cause: DiskError) -> WalError {
        let cause = Arc::new(cause);
        self.poison = Some(cause.clone());
        WalError::Poisoned(cause)
    }

    /// Makes sure that records of these payloads have a place, so that only a failing disk stops them half way.
    fn reserve(&mut self, payloads: impl Iterator<Item = usize>) -> Result<(), WalError> {
        self.sound()?;
        let (mut at, mut length) = (self.current.end(), self.current.length);
        let mut used = 0;
        for payload in payloads {
            let bytes = record_bytes(payload);
            while at + bytes > length {
                if used == self.reserved.len() {
                    self.reserve_file(RECORDS_AT + bytes)?;
                }
                (at, length) = (RECORDS_AT, self.reserved[used].length);
                used += 1;
            }
            at += bytes;
        }
        Ok(())
    }

    fn reserve_file(&mut self, least: u64) -> Result<(), WalError> {
        let spare = self.shelf.take(least, self.next_length).inspect_err(|error| {
            if let WalError::Poisoned(cause) = error {
                self.poison = Some(cause.clone());
            }
        })?;
        self.reserved.push_back(spare);
        Ok(())
    }

    /// Appends a batch; durable after `sync`. Gives its place in the order of all batches.
    ///
    /// # Errors
    /// `Disk` when there is no room: nothing of it was written. `Poisoned` otherwise.
    pub fn append(&mut self, encoded: &Encoded, time_ms: u64) -> Result<Seq, WalError> {
        let seq = Seq(self.last_seq.0 + 1);
        match encoded {
            Encoded::Whole(payload) => {
                self.reserve([payload.len()].into_iter())?;
                self.put(RecordType::Batch, seq, time_ms, payload)?;
            }
            Encoded::Parts { parts, commit } => {
                self.reserve(parts.iter().chain([commit]).map(Vec::len))?;
                for part in parts {
                    self.put(RecordType::Part, seq, time_ms, part)?;
                }
                self.put(RecordType::Commit, seq, time_ms, commit)?;
            }
        }
        self.last_seq = seq;
        Ok(seq)
    }

    fn put(&mut self, kind: RecordType, seq: Seq, time_ms: u64, payload: &[u8]) -> Result<(), WalError> {
        while self.current.end() + record_bytes(payload.len()) > self.current.length {
            self.next_file()?;
        }
        let current = &mut self.current;
        // Files are at most 1 GiB long, so that offsets fit.
        let header = RecordHeader { kind, group: current.group as u32, seq, time_ms };
        let offset = current.end();
        put_record(&mut current.buffer, current.salt, offset, &header, payload);
        if current.buffer.len() >= WRITE_BYTES {
            current.write().map_err(|cause| self.poisoned(cause))?;
        }
        Ok(())
    }

    /// Makes durable what was appended: one write and one sync, if it fits one file.
    ///
    /// # Errors
    /// `Poisoned`: whether what was appended is there is only known after opening the store again.
    pub fn sync(&mut self) -> Result<(), WalError> {
        self.sound()?;
        self.current.sync().map_err(|cause| self.poisoned(cause))
    }

    /// Makes the present file's end durable, and goes on in the next one.
    fn next_file(&mut self) -> Result<(), WalError> {
        self.sync()?;
        let spare = self.reserved.pop_front().expect("a file was reserved before anything was put");
        let previous = PreviousFile { number: self.current.number, end: self.current.written };
        self.next_length = self.length_after(previous.end);
        let length = spare.length;
        let begun = begin_file(spare, Some(previous), Seq(self.last_seq.0 + 1));
        self.current = begun.map_err(|error| match error {
            WalError::Disk(cause) => {
                self.poison = Some(cause.clone());
                WalError::Poisoned(cause)
            }
            error => error,
        })?;
        self.files.began(self.current.number, length);
        self.shelf.want(self.next_length);
        Ok(())
    }

    /// Files that fill grow, up to the full size; those that are left nearly empty shrink again, so that a quiet
    /// store does not write 64 MiB of zeros each quarter of an hour.
    fn length_after(&self, used: u64) -> u64 {
        let length = self.current.length;
        let next = match used {
            _ if used > length / 2 => 2 * length,
            _ if used < length / 8 => length / 2,
            _ => length,
        };
        next.max(self.options.first_file_bytes).min(self.options.file_bytes)
    }

    /// Begins a new file with the windows, so that files before it can be trimmed once their batches are in
    /// segments.
    ///
    /// # Errors
    /// `Disk` when there is no room for a file; nothing is lost. `Poisoned` otherwise.
    pub fn rotate(
        &mut self,
        time_ms: u64,
        carried: impl Iterator<Item = (RecordType, Vec<u8>)>,
    ) -> Result<(), WalError> {
        self.sound()?;
        if self.reserved.is_empty() {
            self.reserve_file(0)?;
        }
        self.next_file()?;
        self.carry(time_ms, carried)
    }

    /// Writes the windows into the present file, in which there is no batch yet.
    ///
    /// # Errors
    /// As `rotate`.
    pub fn carry(
        &mut self,
        time_ms: u64,
        carried: impl Iterator<Item = (RecordType, Vec<u8>)>,
    ) -> Result<(), WalError> {
        let (last, number) = (self.last_seq, self.current.number);
        for (kind, payload) in carried {
            self.reserve([payload.len()].into_iter())?;
            self.put(kind, last, time_ms, &payload)?;
        }
        self.sync()?;
        self.files.carried(last, number);
        Ok(())
    }

    /// Ends it: says so in the log, and removes a spare that was not used.
    pub fn close(&mut self) {
        if !std::mem::replace(&mut self.closed, true) && self.sync().is_ok() {
            let closing = Closing { end: self.current.written, last_seq: self.last_seq };
            // Without it the log looks as after a crash, from which nothing is missing either.
            let _ = self.current.put_closing(&closing);
        }
        self.shelf.close();
    }
}

/// Writes a file's header, durably, before any record: a file whose header cannot be read has no acknowledged one.
fn begin_file(spare: Spare, previous: Option<PreviousFile>, first_seq: Seq) -> Result<Current, WalError> {
    let salt = getrandom::u32().map_err(|_| WalError::Randomness)?;
    let Spare { number, mut writer, length } = spare;
    let header = FileHeader { number, salt, first_seq, length_bytes: length, previous }.encode();
    let mut block = Vec::with_capacity(RECORDS_AT as usize);
    for at in HEADER_COPIES_AT {
        block.resize(at as usize, 0);
        block.extend_from_slice(&header);
    }
    writer.write_at(0, &block)?;
    writer.sync()?;
    let (written, group) = (RECORDS_AT, RECORDS_AT);
    Ok(Current { writer, number, salt, length, written, buffer: Vec::new(), group })
}
