//! The operator's evidence of a purge as JSON.

use heatgrid_engine::format::names::{Directory, FileName};
use heatgrid_engine::purge::certificate::{Certificate, hex};
use heatgrid_engine::purge::evidence::{Evidence, EvidenceError, EvidencedFile, Roots, Stood};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::erasure::unhex;
use super::time::rfc3339;

/// Which segment files stood before and after the purge that an erasure was certified by.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Evidence)]
pub struct EvidenceJson {
    /// The erasure that was asked for. Others that were certified by the same purge have the same files.
    pub erasure: String,
    /// When it was written.
    pub written_at: String,
    /// Root hash of the files before, as in the certificate.
    pub files_before: String,
    /// And of those after.
    pub files_after: String,
    /// Ascending by name.
    pub files: Vec<EvidencedFileJson>,
}

/// A segment file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EvidencedFile)]
pub struct EvidencedFileJson {
    /// Its name in `segments/`.
    pub file: String,
    /// Its random identity, hexadecimal.
    pub uuid: String,
    /// Its bytes.
    pub length_bytes: u64,
    /// CRC-32 of its footer, hexadecimal.
    pub checksum: String,
    /// Whether it stood before the purge.
    pub before: bool,
    /// Whether it stood after it.
    pub after: bool,
}

/// Why evidence in JSON is none.
#[derive(Debug, thiserror::Error)]
pub enum BadEvidence {
    /// It is not of this form.
    #[error("this is no list of files: {0}")]
    Form(String),
    /// It is not what the certificate is about.
    #[error(transparent)]
    Engine(#[from] EvidenceError),
    /// Its root hashes are not those of its files.
    #[error("the root hashes are not those of the files that are listed: it was altered")]
    Roots,
}

impl EvidenceJson {
    /// As it is shown.
    #[must_use]
    pub fn of(erasure: String, evidence: &Evidence) -> EvidenceJson {
        let Roots { before, after } = Roots::of(&evidence.files);
        EvidenceJson {
            erasure,
            written_at: rfc3339(evidence.written_ms),
            files_before: hex(&before),
            files_after: hex(&after),
            files: evidence.files.iter().map(EvidencedFileJson::of).collect(),
        }
    }

    /// Checks evidence as it was shown against a certificate that is genuine.
    ///
    /// # Errors
    /// When anything of it was altered, or it belongs to another certificate.
    pub fn verify(json: &[u8], certificate: &Certificate) -> Result<(), BadEvidence> {
        let form = |error: serde_json::Error| BadEvidence::Form(error.to_string());
        let written: EvidenceJson = serde_json::from_slice(json).map_err(form)?;
        let files: Option<Vec<EvidencedFile>> = written.files.iter().map(EvidencedFileJson::read).collect();
        let files = files.ok_or_else(|| BadEvidence::Form("a file's name or numbers are none".into()))?;
        let roots = Roots::of(&files);
        roots.check(certificate)?;
        match (&written.files_before, &written.files_after) == (&hex(&roots.before), &hex(&roots.after)) {
            true => Ok(()),
            false => Err(BadEvidence::Roots),
        }
    }
}

impl EvidencedFileJson {
    fn of(file: &EvidencedFile) -> EvidencedFileJson {
        EvidencedFileJson {
            file: FileName::Segment(file.number).base_name(),
            uuid: hex(&file.uuid),
            length_bytes: file.length_bytes,
            checksum: format!("{:08x}", file.footer_crc),
            before: file.stood.is_before(),
            after: file.stood.is_after(),
        }
    }

    fn read(&self) -> Option<EvidencedFile> {
        let FileName::Segment(number) = FileName::parse(Directory::Segments, &self.file)? else {
            return None;
        };
        let stood = match (self.before, self.after) {
            (true, true) => Stood::Throughout,
            (true, false) => Stood::Before,
            (false, true) => Stood::After,
            (false, false) => return None,
        };
        Some(EvidencedFile {
            number,
            uuid: unhex(&self.uuid)?.try_into().ok()?,
            length_bytes: self.length_bytes,
            footer_crc: u32::from_str_radix(&self.checksum, 16).ok()?,
            stood,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn evidence_is_checked_as_it_was_shown() {
        let file = |number: u64, stood| EvidencedFile {
            number,
            uuid: [number as u8; 16],
            length_bytes: 9,
            footer_crc: 0xab,
            stood,
        };
        let files = vec![file(1, Stood::Before), file(2, Stood::Throughout), file(3, Stood::After)];
        let shown = EvidenceJson::of("5f".into(), &Evidence { written_ms: 0, files });
        let (before, after) = (&shown.files_before, &shown.files_after);
        let text = format!("heatgrid erasure certificate 1\nfiles_before {before}\nfiles_after {after}\n");
        let certificate = Certificate::read(&text).unwrap();
        let shown = serde_json::to_value(&shown).unwrap();
        let check = |json: &Value| EvidenceJson::verify(json.to_string().as_bytes(), &certificate);
        check(&shown).unwrap();
        for (pointer, value) in [
            ("/files/0/file", json!("0000000000000004.seg")),
            ("/files/0/file", json!("four")),
            ("/files/0/uuid", json!("00")),
            ("/files/1/after", json!(false)),
            ("/files/1/length_bytes", json!(10)),
            ("/files/2/checksum", json!("000000ac")),
            ("/files/2/after", json!(false)),
            ("/files", json!([])),
            ("/files_after", json!("00")),
        ] {
            let mut altered = shown.clone();
            *altered.pointer_mut(pointer).unwrap() = value;
            assert!(check(&altered).is_err(), "{pointer}");
        }
        assert!(check(&json!({})).is_err());
    }
}
