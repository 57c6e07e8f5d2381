//! The ledger, the keys and the texts of open requests. `docs/FORMAT.md`, sections "Ledger" to "Named pages".

use super::frame::{Cursor, FormatError, put_counted, put_varint};
use super::frames::{self, FrameFile, Next};
use super::version::{KEY_MAGIC, LEDGER_MAGIC, NAMED_MAGIC};
use super::whole;
use crate::model::limits::{PAGE_BYTES, PATTERN_PAGES, PATTERN_WILDCARDS};
use crate::model::{
    Country, Cover, Day, DayRange, Erasure, ErasureId, ErasureState, Loss, Matched, NamedKind, NamedPages,
    Reason, Seq, SiteId, TextHash,
};

/// Most bytes of the file: ten million requests for a page.
pub const LEDGER_BYTES: u64 = 4 << 30;
/// Bytes of the file's header.
pub const LEDGER_HEADER_BYTES: usize = frames::FILE_HEADER_BYTES;
/// Most bytes of the asker's own reference.
pub const REFERENCE_BYTES: usize = 32;
/// Most bytes of a certificate: a page of text, and one line for each of the pieces that were lost.
pub const CERTIFICATE_BYTES: usize = 1 << 20;
/// Bytes of a key file.
pub const KEY_FILE_BYTES: usize = 52;
/// Most bytes of the file with what was named.
pub const NAMED_FILE_BYTES: usize = 64 + PAGE_BYTES + PATTERN_WILDCARDS;

const LEDGER: FrameFile = FrameFile { magic: LEDGER_MAGIC, what: WHAT };
const WHAT: &str = "ledger";

const KEY: u8 = 1;
const REQUEST: u8 = 2;
const REACH: u8 = 3;
const HASHES: u8 = 4;
const GRACE_OVER: u8 = 5;
const LOSE: u8 = 6;
const CERTIFY: u8 = 7;
const VERSIONS_GONE: u8 = 8;

const BLOCK: u8 = 1;
const DELETES_SITE: u8 = 2;
const OF_COUNTRY: u8 = 4;

/// One entry of the ledger. Nothing is ever taken out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerEdit {
    /// Hashes are made with the key of this fingerprint. The first entry there is.
    Key([u8; 16]),
    /// Something is to be removed. `number` and what comes later (states but the first, losses) is not part of it.
    Request(Box<Erasure>),
    /// An erasure has reached a state, at a Unix ms.
    Reach(ErasureId, ErasureState, u64),
    /// A pattern has matched more pages.
    Hashes(ErasureId, Vec<TextHash>),
    /// The deletion of a site cannot be called off any more, from a Unix ms on.
    GraceOver(ErasureId, u64),
    /// Something could not be read and was removed whole.
    Lose(ErasureId, Loss),
    /// An erasure is certified, at a Unix ms, by this statement and signature.
    Certify(ErasureId, u64, SignedCertificate),
    /// What was purged at backup targets stays there as old versions until a Unix ms.
    VersionsGone(ErasureId, u64),
}

/// A statement that an erasure is finished, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCertificate {
    /// What is stated, as `purge::certificate` writes it.
    pub statement: Box<str>,
    /// Ed25519 over the statement.
    pub signature: [u8; 64],
    /// The public key.
    pub key: [u8; 32],
}

impl LedgerEdit {
    /// Appends its bytes.
    pub fn encode(&self, target: &mut Vec<u8>) {
        let begin = |target: &mut Vec<u8>, kind: u8, id: &ErasureId| {
            target.push(kind);
            target.extend_from_slice(&id.0);
        };
        match self {
            LedgerEdit::Key(fingerprint) => {
                target.push(KEY);
                target.extend_from_slice(fingerprint);
            }
            LedgerEdit::Request(erasure) => {
                begin(target, REQUEST, &erasure.id);
                put_request(target, erasure);
            }
            LedgerEdit::Reach(id, state, at_ms) => {
                begin(target, REACH, id);
                target.push(state.code());
                put_varint(target, *at_ms);
            }
            LedgerEdit::Hashes(id, hashes) => {
                begin(target, HASHES, id);
                put_hashes(target, hashes);
            }
            LedgerEdit::GraceOver(id, at_ms) => {
                begin(target, GRACE_OVER, id);
                put_varint(target, *at_ms);
            }
            LedgerEdit::Lose(id, loss) => {
                begin(target, LOSE, id);
                put_varint(target, loss.segment);
                target.push(u8::from(loss.whole));
                put_varint(target, loss.events);
            }
            LedgerEdit::Certify(id, at_ms, certificate) => {
                begin(target, CERTIFY, id);
                put_varint(target, *at_ms);
                put_counted(target, certificate.statement.as_bytes());
                target.extend_from_slice(&certificate.signature);
                target.extend_from_slice(&certificate.key);
            }
            LedgerEdit::VersionsGone(id, at_ms) => {
                begin(target, VERSIONS_GONE, id);
                put_varint(target, *at_ms);
            }
        }
    }

    /// Reads an edit.
    ///
    /// # Errors
    /// When the bytes end early or say what nobody can have written.
    pub fn decode(cursor: &mut Cursor<'_>) -> Result<LedgerEdit, FormatError> {
        let kind = cursor.u8()?;
        if kind == KEY {
            return cursor.array().map(LedgerEdit::Key);
        }
        let id = ErasureId(cursor.array()?);
        match kind {
            REQUEST => take_request(cursor, id).map(|erasure| LedgerEdit::Request(Box::new(erasure))),
            REACH => {
                let code = cursor.u8()?;
                let state = ErasureState::from_code(code).ok_or_else(|| cursor.invalid(u64::from(code)))?;
                Ok(LedgerEdit::Reach(id, state, cursor.varint()?))
            }
            HASHES => take_hashes(cursor).map(|hashes| LedgerEdit::Hashes(id, hashes)),
            GRACE_OVER => Ok(LedgerEdit::GraceOver(id, cursor.varint()?)),
            LOSE => {
                let segment = cursor.varint()?;
                let whole = match cursor.u8()? {
                    0 => false,
                    1 => true,
                    got => return Err(cursor.invalid(u64::from(got))),
                };
                Ok(LedgerEdit::Lose(id, Loss { segment, whole, events: cursor.varint()? }))
            }
            CERTIFY => {
                let at_ms = cursor.varint()?;
                let statement = cursor.text(CERTIFICATE_BYTES)?.into();
                let (signature, key) = (cursor.array()?, cursor.array()?);
                Ok(LedgerEdit::Certify(id, at_ms, SignedCertificate { statement, signature, key }))
            }
            VERSIONS_GONE => Ok(LedgerEdit::VersionsGone(id, cursor.varint()?)),
            kind => Err(cursor.invalid(u64::from(kind))),
        }
    }
}

fn put_request(target: &mut Vec<u8>, erasure: &Erasure) {
    // Every field is named, so that a new one cannot be forgotten here.
    let Erasure {
        id: _,
        number: _,
        site,
        through,
        named,
        hashes,
        cover,
        block,
        deletes_site,
        reason,
        reference,
        matched,
        commitment,
        times: _,
        grace_over_ms: _,
        versions_gone_ms: _,
        losses: _,
    } = erasure;
    let flag = |is: bool, bit: u8| if is { bit } else { 0 };
    target.push(named.code());
    target.push(
        flag(*block, BLOCK) | flag(*deletes_site, DELETES_SITE) | flag(cover.country.is_some(), OF_COUNTRY),
    );
    target.push(reason.code());
    target.extend_from_slice(&site.0.to_le_bytes());
    put_varint(target, through.0);
    put_varint(target, erasure.requested_ms());
    target.extend_from_slice(&cover.days.from.number().to_le_bytes());
    target.extend_from_slice(&cover.days.to.number().to_le_bytes());
    if let Some(country) = cover.country {
        target.extend_from_slice(&country.code().to_le_bytes());
    }
    put_varint(target, matched.pages);
    put_varint(target, matched.events);
    target.extend_from_slice(commitment);
    put_counted(target, reference.as_bytes());
    put_hashes(target, hashes);
}

fn take_request(cursor: &mut Cursor<'_>, id: ErasureId) -> Result<Erasure, FormatError> {
    let named = cursor.u8()?;
    let named = NamedKind::from_code(named).ok_or_else(|| cursor.invalid(u64::from(named)))?;
    let flags = cursor.u8()?;
    if flags & !(BLOCK | DELETES_SITE | OF_COUNTRY) != 0 {
        return Err(cursor.invalid(u64::from(flags)));
    }
    let reason = cursor.u8()?;
    let reason = Reason::from_code(reason).ok_or_else(|| cursor.invalid(u64::from(reason)))?;
    let site = SiteId(cursor.u64()?);
    let through = Seq(cursor.varint()?);
    let mut times = [None; ErasureState::COUNT];
    if let Some(first) = times.first_mut() {
        *first = Some(cursor.varint()?);
    }
    let days = DayRange { from: Day::from_number(cursor.u16()?), to: Day::from_number(cursor.u16()?) };
    let country = match flags & OF_COUNTRY {
        0 => None,
        _ => {
            let code = cursor.u16()?;
            Some(Country::from_code(code).ok_or_else(|| cursor.invalid(u64::from(code)))?)
        }
    };
    let matched = Matched { pages: cursor.varint()?, events: cursor.varint()? };
    let commitment = cursor.array()?;
    let reference = cursor.text(REFERENCE_BYTES)?.into();
    let hashes = take_hashes(cursor)?;
    Ok(Erasure {
        id,
        number: 0,
        site,
        through,
        named,
        hashes,
        cover: Cover { days, country },
        block: flags & BLOCK != 0,
        deletes_site: flags & DELETES_SITE != 0,
        reason,
        reference,
        matched,
        commitment,
        times,
        grace_over_ms: None,
        versions_gone_ms: None,
        losses: Vec::new(),
    })
}

fn put_hashes(target: &mut Vec<u8>, hashes: &[TextHash]) {
    put_varint(target, hashes.len() as u64);
    hashes.iter().for_each(|hash| target.extend_from_slice(&hash.0));
}

fn take_hashes(cursor: &mut Cursor<'_>) -> Result<Vec<TextHash>, FormatError> {
    let count = cursor.count(PATTERN_PAGES, TextHash::BYTES)?;
    (0..count).map(|_| cursor.array().map(TextHash)).collect()
}

/// The header of a new ledger. `salt` is random and enters every checksum.
#[must_use]
pub fn encode_header(salt: u32) -> Vec<u8> {
    frames::encode_header(&LEDGER, salt)
}

/// Reads the header, and says the salt.
///
/// # Errors
/// When it is damaged, or of a version that is not known.
pub fn decode_header(file: &[u8]) -> Result<u32, FormatError> {
    frames::decode_header(&LEDGER, file)
}

/// Looks at the `number`th frame, which is at `offset` of `file`.
///
/// # Errors
/// When there is one but it is damaged.
pub fn next_frame(file: &[u8], offset: usize, salt: u32, number: u64) -> Result<Next<'_>, FormatError> {
    frames::next_frame(&LEDGER, file, offset, salt, number)
}

/// Reads the edits of a frame that is at `offset` of the file.
///
/// # Errors
/// When they say what nobody can have written.
pub fn decode_edits(
    edits: &[u8],
    offset: usize,
    each: &mut dyn FnMut(LedgerEdit),
) -> Result<(), FormatError> {
    let mut cursor = Cursor::at(WHAT, offset, edits);
    while !cursor.rest().is_empty() {
        each(LedgerEdit::decode(&mut cursor)?);
    }
    Ok(())
}

/// A file with a key: magic, version, reserved, 32 random bytes, checksum.
#[must_use]
pub fn encode_key(key: &[u8; 32]) -> Vec<u8> {
    let mut bytes = whole::begin(KEY_MAGIC);
    bytes.extend_from_slice(key);
    whole::end(bytes)
}

/// Reads a file with a key.
///
/// # Errors
/// When it is damaged, or of a version that is not known.
pub fn decode_key(file: &[u8]) -> Result<[u8; 32], FormatError> {
    let mut cursor = whole::open("key", KEY_MAGIC, file)?;
    let key = cursor.array()?;
    cursor.finish()?;
    Ok(key)
}

/// What was named by a request, for as long as it is open: magic, version, reserved, id, kind, text, checksum.
#[must_use]
pub fn encode_named(id: ErasureId, pages: &NamedPages) -> Vec<u8> {
    let mut bytes = whole::begin(NAMED_MAGIC);
    bytes.extend_from_slice(&id.0);
    bytes.push(pages.kind().code());
    put_counted(&mut bytes, pages.text().as_bytes());
    whole::end(bytes)
}

/// Reads what was named by a request.
///
/// # Errors
/// When it is damaged, or of a version that is not known.
pub fn decode_named(file: &[u8]) -> Result<(ErasureId, NamedPages), FormatError> {
    let mut cursor = whole::open("named pages", NAMED_MAGIC, file)?;
    let id = ErasureId(cursor.array()?);
    let code = cursor.u8()?;
    let kind = NamedKind::from_code(code).ok_or_else(|| cursor.invalid(u64::from(code)))?;
    let text = cursor.text(PAGE_BYTES.saturating_add(PATTERN_WILDCARDS))?;
    cursor.finish()?;
    Ok((id, NamedPages::of(kind, text)))
}

#[cfg(test)]
mod tests;
