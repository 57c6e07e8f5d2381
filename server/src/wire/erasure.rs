//! Erasures and certificates as JSON.

use std::collections::BTreeMap;

use heatgrid_engine::ledger::SignedCertificate;
use heatgrid_engine::model::{Country, Cover, Day, DayRange, Erasure, ErasureState, NamedKind, Reason};
use heatgrid_engine::purge::certificate::{self, Certificate};
use heatgrid_engine::purge::plan::{OVERDUE_DAYS, overdue};
use heatgrid_engine::store::{Preview, Requested};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::time::rfc3339;

/// A request to erase, as it is written. Exactly one of the first four says which pages.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = WrittenErasure)]
pub struct WrittenErasure {
    /// One page: a URL, or `host/path` as answers write it.
    pub page: Option<String>,
    /// Every page that begins with this; ends with `/`.
    pub page_prefix: Option<String>,
    /// Every page that matches; `*` is any run of characters.
    pub page_pattern: Option<String>,
    /// `true`: every page.
    pub all: Option<bool>,
    /// First day, `YYYY-MM-DD`.
    pub from: Option<String>,
    /// Day after the last one, `YYYY-MM-DD`.
    pub to: Option<String>,
    /// Only what is stored under this country.
    pub country: Option<String>,
    /// Also refuse later events of the page or prefix.
    pub block: bool,
    /// `subject_request`, `url_leak`, `contract_end` or `other`.
    pub reason: Option<String>,
    /// Your own reference, at most 32 of A-Z, a-z, 0-9 and `-`.
    pub reference: Option<String>,
}

/// What is wrong with a request to erase. Never repeats a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadErasure {
    /// None or several kinds of pages.
    #[error("name exactly one of page, page_prefix, page_pattern and \"all\": true")]
    Pages,
    /// Not a day.
    #[error("{name} is a day, YYYY-MM-DD")]
    Day {
        /// Of which name.
        name: &'static str,
    },
    /// Not a country.
    #[error("country is two letters, as in ISO 3166-1, or ZZ")]
    Country,
    /// Not a reason.
    #[error("reason is subject_request, url_leak, contract_end or other")]
    Reason,
}

impl WrittenErasure {
    /// The object that is sent: what was not written is null.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("texts are valid JSON")
    }

    /// How pages are named, and the text as it was written.
    ///
    /// # Errors
    /// Unless exactly one is given.
    pub fn named(&self) -> Result<(NamedKind, &str), BadErasure> {
        let all = self.all.unwrap_or(false).then_some("");
        let given = [
            (NamedKind::Page, self.page.as_deref()),
            (NamedKind::Prefix, self.page_prefix.as_deref()),
            (NamedKind::Pattern, self.page_pattern.as_deref()),
            (NamedKind::All, all),
        ];
        let mut given = given.into_iter().filter_map(|(kind, text)| text.map(|text| (kind, text)));
        match (given.next(), given.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(BadErasure::Pages),
        }
    }

    /// What of these pages.
    ///
    /// # Errors
    /// When a day or country cannot be read.
    pub fn cover(&self) -> Result<Cover, BadErasure> {
        let day = |name, text: &Option<String>, otherwise: Day| match text {
            None => Ok(otherwise),
            Some(text) => text.parse().map_err(|_| BadErasure::Day { name }),
        };
        let days = DayRange {
            from: day("from", &self.from, DayRange::ALL.from)?,
            to: day("to", &self.to, DayRange::ALL.to)?,
        };
        let country = self.country.as_deref().map(str::parse::<Country>).transpose();
        Ok(Cover { days, country: country.map_err(|_| BadErasure::Country)? })
    }

    /// Why.
    ///
    /// # Errors
    /// When it is no known reason.
    pub fn reason(&self) -> Result<Reason, BadErasure> {
        self.reason.as_deref().map_or(Ok(Reason::Other), |word| Reason::parse(word).ok_or(BadErasure::Reason))
    }
}

/// What a request would cover.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ErasurePreview)]
pub struct PreviewJson {
    /// Pages with anything that is covered.
    pub matched_pages: u64,
    /// Events that are covered.
    pub matched_events: u64,
    /// Rare countries of some of these days are stored as `ZZ`: what was recoded is not found under its country.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub recoded: bool,
    /// Some files could not be read and were not counted; they are masked and purged all the same.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
    /// What to look at twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<&'static str>,
}

impl PreviewJson {
    /// As it is shown.
    #[must_use]
    pub fn of(preview: &Preview) -> PreviewJson {
        let Preview { matched, recoded, incomplete } = *preview;
        PreviewJson {
            matched_pages: matched.pages,
            matched_events: matched.events,
            recoded,
            incomplete,
            warning: (matched.pages == 0)
                .then_some("nothing that is stored matches: look at how it is written"),
        }
    }
}

/// An erasure as it is shown. What was named is not shown: nobody but the asker has it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Erasure)]
pub struct ErasureJson {
    /// Names it, and cannot be guessed.
    pub erasure: String,
    /// `requested`, `masked`, `live_purged`, `snapshots_purged`, `backups_purged`, `certified` or `cancelled`.
    pub state: &'static str,
    /// When it was asked for.
    pub requested_at: String,
    /// By when no copy has the data any more.
    pub deadline: String,
    /// `page`, `page_prefix`, `page_pattern`, `all`, or `site` for the site itself.
    pub named: &'static str,
    /// First day, if days were named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Day after the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Country, if one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Whether later events are refused.
    pub block: bool,
    /// Why.
    pub reason: &'static str,
    /// The asker's own reference.
    pub reference: String,
    /// Pages with anything that was covered.
    pub matched_pages: u64,
    /// Events that were covered.
    pub matched_events: u64,
    /// From when on no backup target has an old version of it any more; it is certified after that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub versions_gone_at: Option<String>,
    /// When each state was reached.
    pub reached: BTreeMap<&'static str, String>,
    /// Days of 30, 60, 80 and 90 that have passed since an open request; 0 is on time.
    pub overdue_days: u64,
    /// Pieces that could not be read and were removed whole.
    pub losses: usize,
}

impl ErasureJson {
    /// As it is shown at `now_ms`.
    #[must_use]
    pub fn of(erasure: &Erasure, now_ms: u64) -> ErasureJson {
        let Cover { days, country } = erasure.cover;
        let named_days = days != DayRange::ALL;
        let reached = ErasureState::all()
            .filter_map(|state| erasure.at_ms(state).map(|at_ms| (state.as_str(), rfc3339(at_ms))));
        let passed = if erasure.is_open() { overdue(erasure, now_ms) } else { 0 };
        ErasureJson {
            erasure: erasure.id.to_string(),
            state: erasure.state().as_str(),
            requested_at: rfc3339(erasure.requested_ms()),
            deadline: rfc3339(erasure.deadline_ms()),
            named: if erasure.deletes_site { "site" } else { erasure.named.as_str() },
            from: named_days.then(|| days.from.to_string()),
            to: named_days.then(|| days.to.to_string()),
            country: country.map(|country| country.to_string()),
            block: erasure.block,
            reason: erasure.reason.as_str(),
            reference: erasure.reference.to_string(),
            matched_pages: erasure.matched.pages,
            matched_events: erasure.matched.events,
            versions_gone_at: erasure.versions_gone_ms.map(rfc3339),
            reached: reached.collect(),
            overdue_days: passed.checked_sub(1).map_or(0, |last| OVERDUE_DAYS[last]),
            losses: erasure.losses.len(),
        }
    }
}

/// The answer to a request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ErasureTaken)]
pub struct TakenJson {
    /// The erasure.
    #[serde(flatten)]
    pub erasure: ErasureJson,
    /// Given once and kept nowhere: with it, and what was named, the certificate's commitment can be checked.
    pub salt: String,
    /// Whether rare countries of some of these days are stored as `ZZ`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub recoded: bool,
    /// Some files could not be read and were not counted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
    /// What to look at twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<&'static str>,
}

impl TakenJson {
    /// As it is shown at `now_ms`.
    #[must_use]
    pub fn of(requested: &Requested, now_ms: u64) -> TakenJson {
        let PreviewJson { recoded, incomplete, warning, .. } = PreviewJson::of(&requested.preview);
        TakenJson {
            erasure: ErasureJson::of(&requested.erasure, now_ms),
            salt: certificate::hex(&requested.salt),
            recoded,
            incomplete,
            warning,
        }
    }
}

/// A certificate. `statement` is what is signed; the fields say the same.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Certificate)]
pub struct CertificateJson {
    /// Lines of `key value`, signed as they are.
    pub statement: String,
    /// The statement's lines.
    pub fields: BTreeMap<String, String>,
    /// Ed25519 over the statement, hexadecimal.
    pub signature: String,
    /// The public key, hexadecimal; it is among those of `/.well-known/heatgrid-keys.json`.
    pub key: String,
    /// How people compare keys.
    pub key_fingerprint: String,
}

/// Why a certificate in JSON is none.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadCertificate {
    /// It is not of this form.
    #[error("this is no certificate: {0}")]
    Form(String),
    /// It was altered, or is somebody else's.
    #[error(transparent)]
    Engine(#[from] certificate::CertificateError),
    /// A field says something else than the signed statement.
    #[error("the fields are not those of the signed statement: they were altered")]
    Fields,
}

impl CertificateJson {
    /// As it is shown.
    ///
    /// # Errors
    /// When the statement is not in canonical form.
    pub fn of(signed: &SignedCertificate) -> Result<CertificateJson, certificate::CertificateError> {
        Ok(CertificateJson {
            fields: fields(&Certificate::read(&signed.statement)?),
            statement: signed.statement.to_string(),
            signature: certificate::hex(&signed.signature),
            key: certificate::hex(&signed.key),
            key_fingerprint: certificate::fingerprint(&signed.key),
        })
    }

    /// Checks a certificate as it was shown against published keys.
    ///
    /// # Errors
    /// When anything of it was altered, or it is signed by somebody else.
    pub fn verify(json: &[u8], keys: &[[u8; 32]]) -> Result<Certificate, BadCertificate> {
        let written: CertificateJson =
            serde_json::from_slice(json).map_err(|error| BadCertificate::Form(error.to_string()))?;
        let bytes = |name: &str, text: &str| {
            unhex(text).ok_or_else(|| BadCertificate::Form(format!("{name} is not hexadecimal")))
        };
        let signature = bytes("signature", &written.signature)?;
        let key = bytes("key", &written.key)?;
        let length = || BadCertificate::Form("signature or key is of another length".into());
        let signed = SignedCertificate {
            statement: written.statement.as_str().into(),
            signature: signature.try_into().map_err(|_| length())?,
            key: key.try_into().map_err(|_| length())?,
        };
        let read = certificate::verify(&signed, keys)?;
        let same = fields(&read) == written.fields
            && certificate::fingerprint(&signed.key) == written.key_fingerprint;
        if same { Ok(read) } else { Err(BadCertificate::Fields) }
    }
}

/// Lines of one key are put together, with commas.
fn fields(certificate: &Certificate) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::<String, String>::new();
    for (key, value) in &certificate.fields {
        fields
            .entry(key.clone())
            .and_modify(|before| {
                before.push_str(", ");
                before.push_str(value);
            })
            .or_insert_with(|| value.clone());
    }
    fields
}

/// The bytes of hexadecimal digits.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// Public keys that certificates are signed with.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = CertificateKeys)]
pub struct KeysJson {
    /// Each of them.
    pub keys: Vec<KeyJson>,
}

/// A public key.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = CertificateKey)]
pub struct KeyJson {
    /// `ed25519`.
    pub algorithm: String,
    /// Its 32 bytes, hexadecimal.
    pub key: String,
    /// How people compare keys.
    pub fingerprint: String,
}

impl KeysJson {
    /// As they are published.
    #[must_use]
    pub fn of(keys: &[[u8; 32]]) -> KeysJson {
        let key = |key: &[u8; 32]| KeyJson {
            algorithm: "ed25519".into(),
            key: certificate::hex(key),
            fingerprint: certificate::fingerprint(key),
        };
        KeysJson { keys: keys.iter().map(key).collect() }
    }

    /// The keys of a published file; those of other algorithms are left out.
    #[must_use]
    pub fn bytes(&self) -> Vec<[u8; 32]> {
        let known = self.keys.iter().filter(|key| key.algorithm == "ed25519");
        known.filter_map(|key| unhex(&key.key)?.try_into().ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(json: &str) -> WrittenErasure {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn exactly_one_kind_of_pages_is_named() {
        assert_eq!(written(r#"{"page":"s.example/"}"#).named(), Ok((NamedKind::Page, "s.example/")));
        assert_eq!(written(r#"{"all":true,"from":"2026-01-01"}"#).named(), Ok((NamedKind::All, "")));
        for wrong in
            ["{}", r#"{"all":false}"#, r#"{"page":"a","all":true}"#, r#"{"page":"a","page_prefix":"b/"}"#]
        {
            assert_eq!(written(wrong).named(), Err(BadErasure::Pages), "{wrong}");
        }
        assert!(serde_json::from_str::<WrittenErasure>(r#"{"pages":"a"}"#).is_err());
        assert_eq!(written(r#"{"from":"1.1.2026"}"#).cover(), Err(BadErasure::Day { name: "from" }));
        assert_eq!(written(r#"{"country":"Germany"}"#).cover(), Err(BadErasure::Country));
        assert_eq!(written(r#"{"reason":"why"}"#).reason(), Err(BadErasure::Reason));
    }

    #[test]
    fn a_certificate_with_an_altered_field_is_refused() {
        let secret = [7; 32];
        let keys = [certificate::public_key(&secret)];
        let signed = certificate::Signer::new(&secret)
            .sign("heatgrid erasure certificate 1\nsite 07\nlost a\nlost b\n");
        let shown = serde_json::to_value(CertificateJson::of(&signed).unwrap()).unwrap();
        let check =
            |json: &serde_json::Value| CertificateJson::verify(&serde_json::to_vec(json).unwrap(), &keys);
        assert_eq!(check(&shown).unwrap().field("site"), Some("07"));
        assert_eq!(shown["fields"]["lost"], "a, b");
        for (member, value) in [
            ("statement", "heatgrid erasure certificate 1\nsite 08\n".into()),
            ("fields", serde_json::json!({"site": "08"})),
            ("signature", "00".into()),
            ("key_fingerprint", "00".into()),
        ] {
            let mut altered = shown.clone();
            altered[member] = value;
            assert!(check(&altered).is_err(), "{member}");
        }
        assert!(check(&serde_json::json!({})).is_err());
        let published = KeysJson::of(&keys);
        assert_eq!(published.bytes(), keys);
    }
}
