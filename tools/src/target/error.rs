//! Why a store did not do what a command wanted.

use std::path::PathBuf;
use std::sync::Arc;

use heatgrid_engine::accounts::AccountsError;
use heatgrid_engine::disk::{DiskError, OpenDiskError};
use heatgrid_engine::error::{AppendError, EraseError, JobError, OpenError};
use heatgrid_engine::manifest::ManifestError;
use heatgrid_engine::model::{InvalidName, Region};
use heatgrid_engine::purge::EvidenceError;
use heatgrid_engine::purge::certificate::CertificateError;
use heatgrid_engine::query::QueryError;
use heatgrid_engine::wal::WalError;
use heatgrid_server::ask::{AskError, NoErasure};
use heatgrid_server::backup::{BadAddress, OpenTargetError};
use heatgrid_server::wire::site::BadSite;

/// Why a store did not do what a command wanted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    /// The directory holds no store.
    #[error("{} holds no store; `heatgrid import` or `heatgrid site create` makes one", .0.display())]
    NoStore(PathBuf),
    /// The manifest went while it was looked for.
    #[error("the manifest is gone; somebody else works on this directory")]
    NoManifest,
    /// The directory cannot be used.
    #[error(transparent)]
    Directory(#[from] OpenDiskError),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] WalError),
    /// The manifest cannot be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A region's name that is none.
    #[error("a region is 1 to 8 letters a-z, such as eu")]
    RegionName,
    /// A site is to be in another region than the store.
    #[error("the store is of region {store}, and the site was to be of {asked}; use a store of {asked}")]
    OtherRegion {
        /// Where the store is.
        store: Region,
        /// Where the site was to be.
        asked: Region,
    },
    /// A snapshot's or backup's name that is none.
    #[error(transparent)]
    CopyName(InvalidName),
    /// A backup target's address that is none.
    #[error(transparent)]
    Address(#[from] BadAddress),
    /// A backup target that cannot be opened.
    #[error(transparent)]
    Copies(#[from] OpenTargetError),
    /// A target that the store was never backed up to.
    #[error(
        "this store was never backed up to {0}; the file `targets` in its directory lists those that it was"
    )]
    UnknownTarget(String),
    /// There is no such snapshot.
    #[error("there is no snapshot {0}; `heatgrid snapshot list` shows those that there are")]
    UnknownSnapshot(String),
    /// There is no such site.
    #[error("there is no site {0}; `heatgrid site list` shows those that there are")]
    UnknownSite(String),
    /// There is such a site already.
    #[error("there is a site {0} already")]
    SiteExists(String),
    /// A site that is there was to be made with other settings.
    #[error("site {0} is there with other settings; leave the options out, or change the site first")]
    OtherSettings(String),
    /// A setting that cannot be.
    #[error(transparent)]
    Site(#[from] BadSite),
    /// The accounts cannot be written.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// A batch was not stored.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// A question has no answer.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// A job did not do what it was to do.
    #[error(transparent)]
    Job(#[from] Arc<JobError>),
    /// There is no such erasure.
    #[error("the site has no erasure {0}; `heatgrid erasure list` shows those that there are")]
    UnknownErasure(String),
    /// An erasure that is not finished.
    #[error("the erasure is not certified yet; `heatgrid purge run` finishes it")]
    NotCertified,
    /// A request to erase that is none.
    #[error(transparent)]
    NoErasure(#[from] NoErasure),
    /// An erasure was not taken, or not called off.
    #[error(transparent)]
    Erase(#[from] EraseError),
    /// There is no list of files behind a certificate, or none that is good.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// A certificate in the ledger is none.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A call failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl TargetError {
    /// Whether the command was asked wrongly.
    pub(crate) fn is_usage(&self) -> bool {
        match self {
            TargetError::Site(_)
            | TargetError::RegionName
            | TargetError::CopyName(_)
            | TargetError::Address(_) => true,
            TargetError::Ask(AskError::Query(error)) => matches!(error, QueryError::Invalid(_)),
            TargetError::NoErasure(NoErasure::Bad(_) | NoErasure::Erase(EraseError::Invalid(_)))
            | TargetError::Erase(EraseError::Invalid(_)) => true,
            TargetError::Ask(AskError::Bad(_) | AskError::Form(_)) => true,
            _ => false,
        }
    }
}
