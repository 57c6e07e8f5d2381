//! `heatgrid erasure`: has data removed from every copy, and checks the proof.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, Subcommand};
use heatgrid_server::wire::erasure::{CertificateJson, KeysJson, WrittenErasure};
use heatgrid_server::wire::evidence::EvidenceJson;
use serde_json::{Map, Value, json};

use super::print;
use crate::failure::{DONE, FOUND, Failure};
use crate::output;
use crate::place::Where;

/// What can be done about erasures.
#[derive(Subcommand)]
pub(crate) enum Erasure {
    /// Have data of a site erased: masked at once, gone from every copy in 90 days
    Request(Box<Request>),
    /// The erasures of a site
    List(List),
    /// One erasure: its state, and when it reached each
    Show(One),
    /// Call an erasure off, while nothing has gone yet
    Cancel(One),
    /// The certificate of a finished erasure
    Certificate(One),
    /// The public keys that certificates are signed with, for `verify`
    Keys(Keys),
    /// The operator's list of files behind a certificate: those before the purge and those after it
    Evidence(Evidence),
    /// Check a certificate against published keys; status 3 if it is not genuine
    Verify(Verify),
}

/// A request.
#[derive(Args)]
#[command(group = ArgGroup::new("pages").required(true))]
pub(crate) struct Request {
    #[command(flatten)]
    place: Where,
    /// Name of the site
    #[arg(long)]
    site: String,
    /// This page: a URL, or host/path
    #[arg(long, value_name = "URL", group = "pages")]
    page: Option<String>,
    /// Pages that begin so; it ends with /
    #[arg(long, value_name = "URL/", group = "pages")]
    page_prefix: Option<String>,
    /// Pages: `*` is any run of characters
    #[arg(long, value_name = "PATTERN", group = "pages")]
    page_pattern: Option<String>,
    /// Every page; the site stays open
    #[arg(long, group = "pages")]
    all: bool,
    /// First day
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Option<String>,
    /// Day after the last one
    #[arg(long, value_name = "YYYY-MM-DD")]
    to: Option<String>,
    /// Only what came from this country
    #[arg(long, value_name = "DE")]
    country: Option<String>,
    /// Take no more events of the page or prefix
    #[arg(long)]
    block: bool,
    /// subject_request, url_leak, contract_end or other
    #[arg(long)]
    reason: Option<String>,
    /// A number of your own: letters, digits and -
    #[arg(long)]
    reference: Option<String>,
    /// Only count what it would cover
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// All erasures of a site.
#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    place: Where,
    /// Name of the site
    #[arg(long)]
    site: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One erasure.
#[derive(Args)]
pub(crate) struct One {
    #[command(flatten)]
    place: Where,
    /// Name of the site
    #[arg(long)]
    site: String,
    /// Id of the erasure
    erasure: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The list of files of one erasure. Its site may be gone.
#[derive(Args)]
pub(crate) struct Evidence {
    #[command(flatten)]
    place: Where,
    /// Id of the erasure
    erasure: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The keys.
#[derive(Args)]
pub(crate) struct Keys {
    #[command(flatten)]
    place: Where,
}

/// A certificate to be checked. Nothing is asked of anybody.
#[derive(Args)]
pub(crate) struct Verify {
    /// The certificate, as the server or `erasure certificate --json` gave it
    #[arg(value_name = "CERT")]
    certificate: PathBuf,
    /// The published keys: what the server has at /.well-known/heatgrid-keys.json
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    /// The list of files behind it, as `erasure evidence --json` gave it; it must hash to what the certificate says
    #[arg(long, value_name = "FILE")]
    evidence: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Erasure {
    /// Does it. The status to end with.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        match self {
            Erasure::Request(request) => {
                let place = request.place.existing()?;
                let taken = place.request_erasure(&request.site, &request.written(), request.dry_run)?;
                place.close()?;
                print(&taken, request.json)
            }
            Erasure::List(List { place, site, json }) => {
                let erasures = place.existing()?.erasures(&site)?;
                let columns =
                    ["erasure", "state", "requested_at", "deadline", "matched_pages", "matched_events"];
                output::print(&if json {
                    output::json(&erasures)
                } else {
                    output::table_of_objects(&columns, &erasures).into_bytes()
                })?;
                Ok(DONE)
            }
            Erasure::Show(One { place, site, erasure, json }) => {
                print(&place.existing()?.erasure(&site, &erasure)?, json)
            }
            Erasure::Cancel(One { place, site, erasure, json }) => {
                let place = place.existing()?;
                let cancelled = place.cancel_erasure(&site, &erasure)?;
                place.close()?;
                print(&cancelled, json)
            }
            Erasure::Certificate(One { place, site, erasure, json }) => {
                print(&place.existing()?.certificate(&site, &erasure)?, json)
            }
            Erasure::Evidence(evidence) => evidence.run(),
            Erasure::Keys(Keys { place }) => print(&place.existing()?.certificate_keys()?, true),
            Erasure::Verify(verify) => verify.run(),
        }
    }
}

impl Request {
    /// The request as it is written to a server.
    fn written(&self) -> WrittenErasure {
        WrittenErasure {
            page: self.page.clone(),
            page_prefix: self.page_prefix.clone(),
            page_pattern: self.page_pattern.clone(),
            all: self.all.then_some(true),
            from: self.from.clone(),
            to: self.to.clone(),
            country: self.country.clone(),
            block: self.block,
            reason: self.reason.clone(),
            reference: self.reference.clone(),
        }
    }
}

impl Evidence {
    fn run(self) -> Result<u8, Failure> {
        let evidence = self.place.existing()?.evidence(&self.erasure)?;
        output::print(&if self.json { output::json(&evidence) } else { listed(&evidence).into_bytes() })?;
        Ok(DONE)
    }
}

/// Evidence as a person reads it: every file, however many there are.
fn listed(evidence: &Value) -> String {
    let mut text = String::new();
    for file in evidence["files"].as_array().into_iter().flatten() {
        let stood = match (&file["before"], &file["after"]) {
            (Value::Bool(true), Value::Bool(true)) => "before and after",
            (Value::Bool(true), _) => "before",
            _ => "after",
        };
        let [name, uuid, checksum] = ["file", "uuid", "checksum"].map(|member| output::plain(&file[member]));
        let bytes = output::plain(&file["length_bytes"]);
        text.push_str(&format!("{name}  {uuid}  {checksum}  {bytes:>15} bytes  {stood}\n"));
    }
    for member in ["files_before", "files_after"] {
        text.push_str(&format!("{member:12}  {}\n", output::plain(&evidence[member])));
    }
    text.push_str("the files hash to the root hashes of the certificate\n");
    text
}

impl Verify {
    fn run(&self) -> Result<u8, Failure> {
        let keys: KeysJson = serde_json::from_slice(&read(&self.keys)?).map_err(Failure::Keys)?;
        let evidence = self.evidence.as_deref().map(read).transpose()?;
        let verdict = verdict(&read(&self.certificate)?, &keys, evidence.as_deref());
        print(&verdict, self.json)?;
        Ok(if verdict["genuine"] == true { DONE } else { FOUND })
    }
}

/// Whether a certificate and its evidence, if it was given, are genuine, and what the certificate says.
fn verdict(certificate: &[u8], keys: &KeysJson, evidence: Option<&[u8]>) -> Value {
    let problem = |error: String| json!({"genuine": false, "problem": error});
    let certificate = match CertificateJson::verify(certificate, &keys.bytes()) {
        Ok(certificate) => certificate,
        Err(error) => return problem(error.to_string()),
    };
    if let Some(Err(error)) = evidence.map(|evidence| EvidenceJson::verify(evidence, &certificate)) {
        return problem(error.to_string());
    }
    let mut said = Map::from_iter([("genuine".to_owned(), Value::from(true))]);
    said.extend(certificate.fields.into_iter().map(|(name, value)| (name, value.into())));
    Value::Object(said)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|source| Failure::Input { path: path.to_owned(), source })
}
