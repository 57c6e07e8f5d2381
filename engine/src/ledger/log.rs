//! The file: only ever appended to, and synced before anything is answered.

use super::LedgerError;
use super::index::Index;
use crate::disk::{Access, Disk, FileWriter};
use crate::format::frame::FormatError;
use crate::format::frames::{Next, encode_frame};
use crate::format::ledger::{
    LEDGER_BYTES, LEDGER_HEADER_BYTES, LedgerEdit, decode_edits, decode_header, encode_header, next_frame,
};
use crate::format::names::{Directory, FileName};

const FILE: FileName = FileName::Ledger;

pub(super) struct Log {
    /// The file as it may be appended to; `None` when its end is not known to be whole.
    writer: Option<Box<dyn FileWriter>>,
    salt: u32,
    /// Frames in the file.
    pub(super) frames: u64,
}

impl Log {
    /// Reads the file, if there is one. A torn end, which nobody was told of, is cut off.
    pub(super) fn open(disk: &dyn Disk) -> Result<(Log, Index), LedgerError> {
        let mut index = Index::default();
        let mut log = Log { writer: None, salt: 0, frames: 0 };
        let reader = match disk.open(FILE, Access::Read) {
            Err(error) if error.is_not_found() => return Ok((log, index)),
            opened => opened?,
        };
        if reader.length() > LEDGER_BYTES {
            return Err(too_large(reader.length()));
        }
        let file = reader.read(0, reader.length() as usize)?;
        let unreadable = |offset: usize| {
            move |source| LedgerError::Unreadable { file: FILE, offset: offset as u64, source }
        };
        log.salt = decode_header(&file).map_err(unreadable(0))?;
        let (mut offset, mut last) = (LEDGER_HEADER_BYTES, LEDGER_HEADER_BYTES);
        let torn = loop {
            match next_frame(&file, offset, log.salt, log.frames + 1).map_err(unreadable(offset))? {
                Next::Frame { edits, edits_offset, end } => {
                    decode_edits(edits, edits_offset, &mut |edit| index.apply(edit))
                        .map_err(unreadable(offset))?;
                    log.frames += 1;
                    (last, offset) = (offset, end);
                }
                Next::End => break false,
                Next::Torn => break true,
            }
        };
        match torn {
            true => log.begin(disk, &file[..offset])?,
            false => {
                // After a sync that failed, the end may be shown and be on no disk: before anybody sees it, it is
                // written once more.
                let mut writer = disk.append(FILE)?;
                writer.write_at(last as u64, &file[last..])?;
                writer.sync()?;
                log.writer = Some(writer);
            }
        }
        Ok((log, index))
    }

    /// Makes `edits` durable, all or none of them.
    pub(super) fn append(&mut self, disk: &dyn Disk, edits: &[LedgerEdit]) -> Result<(), LedgerError> {
        if self.writer.is_none() {
            match self.frames {
                0 => {
                    let mut salt = [0; 4];
                    getrandom::fill(&mut salt).map_err(LedgerError::Random)?;
                    self.salt = u32::from_le_bytes(salt);
                    self.begin(disk, &encode_header(self.salt))?;
                }
                // After an error nothing is known of the end: what was answered is written anew.
                _ => {
                    let known = self.known(disk)?;
                    self.begin(disk, &known)?;
                }
            }
        }
        // No writer until the frame is synced.
        let Some(mut writer) = self.writer.take() else { return Err(too_large(0)) };
        let mut encoded = Vec::new();
        edits.iter().for_each(|edit| edit.encode(&mut encoded));
        let frame = encode_frame(self.salt, self.frames + 1, &encoded);
        let length = writer.length().saturating_add(frame.len() as u64);
        if length > LEDGER_BYTES {
            self.writer = Some(writer);
            return Err(too_large(length));
        }
        writer.write_at(writer.length(), &frame)?;
        writer.sync()?;
        self.writer = Some(writer);
        self.frames += 1;
        Ok(())
    }

    /// The file up to the last frame that was answered.
    fn known(&self, disk: &dyn Disk) -> Result<Vec<u8>, LedgerError> {
        let reader = disk.open(FILE, Access::Read)?;
        let mut file = reader.read(0, reader.length() as usize)?.into_owned();
        let mut offset = LEDGER_HEADER_BYTES;
        for number in 1..=self.frames {
            let unreadable = |source| LedgerError::Unreadable { file: FILE, offset: offset as u64, source };
            match next_frame(&file, offset, self.salt, number).map_err(unreadable)? {
                Next::Frame { end, .. } => offset = end,
                Next::End | Next::Torn => {
                    let needed = LEDGER_HEADER_BYTES;
                    return Err(unreadable(FormatError::Truncated { what: "ledger", offset, needed }));
                }
            }
        }
        file.truncate(offset);
        Ok(file)
    }

    /// Puts a file of these whole frames in the place of the one that is there.
    fn begin(&mut self, disk: &dyn Disk, bytes: &[u8]) -> Result<(), LedgerError> {
        let new = FileName::LedgerNew;
        self.writer = Some(super::put_file(disk, new, FILE, Directory::Root, bytes)?);
        Ok(())
    }
}

fn too_large(got: u64) -> LedgerError {
    LedgerError::TooLarge { file: FILE, expected: LEDGER_BYTES, got }
}
