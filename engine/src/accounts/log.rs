//! The file: appended to and synced before anything is answered, rewritten when it is mostly garbage.

use std::collections::HashSet;

use super::AccountsError;
use super::index::{Index, Zones};
use crate::disk::{Access, Disk, FileWriter};
use crate::format::account_edits::{Edit, put_site, put_token};
use crate::format::accounts::{
    ACCOUNTS_BYTES, ACCOUNTS_HEADER_BYTES, FRAME_BYTES, Next, decode_edits, decode_header, encode_frame,
    encode_header, next_frame,
};
use crate::format::names::{Directory, FileName};
use crate::model::{SiteId, TokenId};

/// A rewritten file has frames of about this many bytes: they need not be whole calls.
const REWRITTEN_FRAME_BYTES: usize = 1 << 20;
/// A file of fewer edits than this is not worth rewriting.
const GARBAGE_EDITS: usize = 1_024;

const FILE: FileName = FileName::Accounts;

pub(super) struct Log {
    /// The file as it may be appended to; `None` when there is no file, or its tail is not known or not whole. It is
    /// then written anew before anything is added.
    writer: Option<Box<dyn FileWriter>>,
    salt: u32,
    /// Number of the next frame.
    number: u64,
    /// Edits in the file.
    edits: usize,
}

/// How the file ends.
pub(super) enum End {
    NoFile,
    /// With a whole frame, or the header alone: where what was written last begins, and its bytes.
    Whole {
        offset: u64,
        last: Box<[u8]>,
    },
    /// With a frame that nobody was told of.
    Torn,
}

impl Log {
    /// Reads the file, if there is one, into an index, so that more can be added. A torn tail, which nobody was told
    /// of, is cut off.
    ///
    /// What was written last is written once more, the same bytes to the same place, and synced: after a failed sync
    /// the operating system shows a frame that is on no disk, and what follows it there would make it look rotten.
    pub(super) fn open(disk: &dyn Disk, zones: &mut Zones) -> Result<(Log, Index), AccountsError> {
        let (mut log, index, end) = Log::read(disk, zones)?;
        match end {
            End::NoFile => {}
            End::Whole { offset, last } => {
                let mut writer = disk.append(FILE)?;
                writer.write_at(offset, &last)?;
                writer.sync()?;
                log.writer = Some(writer);
            }
            End::Torn => match log.rewrite(disk, &index, &[]) {
                // What is there can be read without room for a new file; the next edit tries again.
                Err(AccountsError::Disk(error)) if error.is_full() => {}
                rewritten => rewritten?,
            },
        }
        Ok((log, index))
    }

    /// Reads the file and changes nothing.
    pub(super) fn read(disk: &dyn Disk, zones: &mut Zones) -> Result<(Log, Index, End), AccountsError> {
        let mut index = Index::default();
        let mut log = Log { writer: None, salt: 0, number: 1, edits: 0 };
        let reader = match disk.open(FILE, Access::Read) {
            Err(error) if error.is_not_found() => return Ok((log, index, End::NoFile)),
            opened => opened?,
        };
        if reader.length() > ACCOUNTS_BYTES {
            return Err(too_large(ACCOUNTS_BYTES, reader.length()));
        }
        let file = reader.read(0, reader.length() as usize)?;
        let unreadable = |offset: usize| {
            move |source| AccountsError::Unreadable { file: FILE, offset: offset as u64, source }
        };
        log.salt = decode_header(&file).map_err(unreadable(0))?;
        let (mut last, mut offset) = (0, ACCOUNTS_HEADER_BYTES);
        let end = loop {
            match next_frame(&file, offset, log.salt, log.number).map_err(unreadable(offset))? {
                Next::Frame { edits, edits_offset, end } => {
                    let mut zone = |name: &str| zones.find(name);
                    let mut apply = |edit| {
                        log.edits += 1;
                        index.apply(edit);
                    };
                    decode_edits(edits, edits_offset, &mut zone, &mut apply).map_err(unreadable(offset))?;
                    log.number += 1;
                    (last, offset) = (offset, end);
                }
                Next::End => {
                    let last_bytes = file.get(last..).unwrap_or_default().into();
                    break End::Whole { offset: last as u64, last: last_bytes };
                }
                Next::Torn => break End::Torn,
            }
        };
        Ok((log, index, end))
    }

    /// Makes `edits` durable, all or none of them. `index` is as it was before them.
    pub(super) fn append(
        &mut self,
        disk: &dyn Disk,
        index: &Index,
        edits: &[Edit],
    ) -> Result<(), AccountsError> {
        let mostly_garbage = self.edits > GARBAGE_EDITS + 2 * index.entries();
        // No writer until the frame is synced: after an error nothing is known of the tail.
        let Some(mut writer) = self.writer.take_if(|_| !mostly_garbage) else {
            return self.rewrite(disk, index, edits);
        };
        let mut encoded = Vec::new();
        edits.iter().for_each(|edit| edit.encode(&mut encoded));
        let frame = encode_frame(self.salt, self.number, &encoded);
        if let Err(error) = within_frame(&encoded).and_then(|()| within_file(writer.length(), &frame)) {
            self.writer = Some(writer);
            return Err(error);
        }
        writer.write_at(writer.length(), &frame)?;
        writer.sync()?;
        self.writer = Some(writer);
        self.number += 1;
        self.edits += edits.len();
        Ok(())
    }

    /// Puts a new file in the old one's place: `index` as it is after `edits`, and nothing of what was there before.
    pub(super) fn rewrite(
        &mut self,
        disk: &dyn Disk,
        index: &Index,
        edits: &[Edit],
    ) -> Result<(), AccountsError> {
        self.writer = None;
        let mut salt = [0; 4];
        getrandom::fill(&mut salt).map_err(AccountsError::Random)?;
        let salt = u32::from_le_bytes(salt);
        let new = FileName::AccountsNew;
        let writer = match disk.create(new) {
            Err(error) if error.is_already_there() => {
                // Left by a crash or an error; never read.
                disk.remove(new)?;
                disk.create(new)?
            }
            created => created?,
        };
        let mut file = NewFile { writer, salt, number: 1, edits: 0, buffer: Vec::new() };
        file.writer.write_at(0, &encode_header(salt))?;
        file.put_all(index, edits)?;
        file.writer.sync()?;
        disk.rename(new, FILE)?;
        disk.sync_directory(Directory::Root)?;
        *self = Log { writer: Some(file.writer), salt, number: file.number, edits: file.edits };
        Ok(())
    }
}

/// A file that is being filled with frames.
struct NewFile {
    writer: Box<dyn FileWriter>,
    salt: u32,
    number: u64,
    edits: usize,
    buffer: Vec<u8>,
}

impl NewFile {
    fn put_all(&mut self, index: &Index, edits: &[Edit]) -> Result<(), AccountsError> {
        let mut edited_sites: HashSet<SiteId> = HashSet::new();
        let mut edited_tokens: HashSet<TokenId> = HashSet::new();
        for edit in edits {
            match edit {
                Edit::PutSite(site) => drop(edited_sites.insert(site.id)),
                Edit::RemoveSite(site) => drop(edited_sites.insert(*site)),
                Edit::PutToken(token) => drop(edited_tokens.insert(token.id)),
                Edit::RemoveToken(token) => drop(edited_tokens.insert(*token)),
                // It stands after the token, which it does not replace.
                Edit::UseToken(..) => {}
            }
        }
        for site in index.sites().filter(|site| !edited_sites.contains(&site.id)) {
            put_site(&mut self.buffer, site);
            self.count_edit()?;
        }
        for token in index.tokens().filter(|token| !edited_tokens.contains(&token.id)) {
            put_token(&mut self.buffer, token);
            self.count_edit()?;
        }
        for edit in edits.iter().filter(|edit| !matches!(edit, Edit::RemoveSite(_) | Edit::RemoveToken(_))) {
            edit.encode(&mut self.buffer);
            self.count_edit()?;
        }
        self.end_frame()
    }

    fn count_edit(&mut self) -> Result<(), AccountsError> {
        self.edits += 1;
        if self.buffer.len() < REWRITTEN_FRAME_BYTES { Ok(()) } else { self.end_frame() }
    }

    fn end_frame(&mut self) -> Result<(), AccountsError> {
        if !self.buffer.is_empty() {
            let frame = encode_frame(self.salt, self.number, &self.buffer);
            within_file(self.writer.length(), &frame)?;
            self.writer.write_at(self.writer.length(), &frame)?;
            self.number += 1;
            self.buffer.clear();
        }
        Ok(())
    }
}

fn within_frame(edits: &[u8]) -> Result<(), AccountsError> {
    // One byte ends the payload.
    if edits.len() < FRAME_BYTES { Ok(()) } else { Err(too_large(FRAME_BYTES as u64, edits.len() as u64)) }
}

/// A file longer than it may be could not be read again.
fn within_file(length: u64, frame: &[u8]) -> Result<(), AccountsError> {
    let got = length.saturating_add(frame.len() as u64);
    if got <= ACCOUNTS_BYTES { Ok(()) } else { Err(too_large(ACCOUNTS_BYTES, got)) }
}

fn too_large(expected: u64, got: u64) -> AccountsError {
    AccountsError::TooLarge { file: FILE, expected, got }
}
