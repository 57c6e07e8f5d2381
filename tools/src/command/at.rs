//! Where backups are, and how their service is spoken to, as options.

use std::path::PathBuf;

use clap::Args;
use heatgrid_server::backup::{Encryption, S3Options};

use crate::failure::Failure;
use crate::target::Copies;

/// Where the backups of one target are.
#[derive(Args, Clone)]
pub(crate) struct At {
    /// Where backups are: a directory, or s3://bucket/prefix, with ?expires_days=N if it keeps old versions
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    #[command(flatten)]
    s3: S3,
}

/// Every target that a purge is to reach.
#[derive(Args, Clone)]
pub(crate) struct AtAll {
    /// A target that the store is backed up to, as for `backup`; again for each. A server knows its own
    #[arg(long = "target", value_name = "TARGET", conflicts_with_all = ["server", "token"])]
    targets: Vec<String>,
    #[command(flatten)]
    s3: S3,
}

/// How S3 services are spoken to.
#[derive(Args, Clone)]
struct S3 {
    /// Address of the S3 service, if it is not Amazon's
    #[arg(long, value_name = "URL")]
    s3_endpoint: Option<String>,
    /// Region that requests to the S3 service are signed for
    #[arg(long, value_name = "REGION", default_value = "us-east-1")]
    s3_region: String,
    /// File with the id of an access key on its first line and its secret on the second
    #[arg(long, value_name = "FILE")]
    s3_credentials: Option<PathBuf>,
    /// Certificates (PEM) that the S3 service is trusted by beside the machine's
    #[arg(long, value_name = "FILE")]
    s3_ca_file: Option<PathBuf>,
    /// Speak to an S3 service on another machine without TLS
    #[arg(long)]
    s3_plain_http: bool,
    /// How the S3 service is asked to encrypt what it keeps: AES256, aws:kms, aws:kms=KEY, or none
    #[arg(long, value_name = "HOW", default_value = "AES256")]
    s3_encryption: Encryption,
}

impl At {
    /// Whether a target is named.
    pub(crate) fn is_named(&self) -> bool {
        self.target.is_some()
    }

    /// The target that is named.
    pub(crate) fn open(&self) -> Result<Copies, Failure> {
        let target = self.target.as_deref().ok_or(Failure::NoTarget)?;
        Ok(Copies::open(target, &self.s3.options())?)
    }
}

impl AtAll {
    /// Every target that is named.
    pub(crate) fn open(&self) -> Result<Vec<Copies>, Failure> {
        let s3 = self.s3.options();
        self.targets.iter().map(|target| Ok(Copies::open(target, &s3)?)).collect()
    }
}

impl S3 {
    fn options(&self) -> S3Options {
        S3Options {
            endpoint: self.s3_endpoint.clone(),
            region: self.s3_region.clone(),
            credentials: self.s3_credentials.clone(),
            ca_file: self.s3_ca_file.clone(),
            plain_http: self.s3_plain_http,
            encryption: self.s3_encryption.clone(),
        }
    }
}
