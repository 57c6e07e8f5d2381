//! A directory or bucket of the `object_store` crate as a target.

use std::error::Error;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use heatgrid_engine::backup::target::PIECE_BYTES;
use heatgrid_engine::backup::{BackupTarget, Folder, GetError, ObjectName, Put, TargetError};
use heatgrid_engine::disk::{DiskError, FileReader};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    Certificate, ClientOptions, ObjectStore, ObjectStoreExt, PutPayload, PutResult, RetryConfig,
};
use tokio::runtime::{Builder, Runtime};

use super::address::{Address, Encryption, S3Options};
use super::uploads::Uploads;

/// How long a call may take that moves one piece.
const CALL_TIME: Duration = Duration::from_secs(120);
/// How long a call is tried again that failed in between.
const RETRY_TIME: Duration = Duration::from_secs(30);

/// Why a target could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenTargetError {
    /// A directory or file of this machine.
    #[error("{path}: {source}", path = path.display())]
    Path {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file with credentials that has none.
    #[error("{path} has the id of an access key on its first line and the secret on its second", path = .0.display())]
    Credentials(PathBuf),
    /// What is brought could be read on the way.
    #[error(
        "{0} is spoken to without TLS: begin s3_endpoint with https://, or say s3_plain_http if nobody can listen on the way"
    )]
    Exposed(String),
    /// A file with certificates that has none.
    #[error("{path} has no certificates in PEM: {source}", path = path.display())]
    Certificates {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: object_store::Error,
    },
    /// Something that the crate of object stores refuses.
    #[error("{place}: {source}")]
    Store {
        /// Where.
        place: String,
        /// What it said.
        source: object_store::Error,
    },
    /// The machine gave no thread.
    #[error("no thread could be started: {0}")]
    Runtime(io::Error),
}

/// A directory or a bucket.
pub struct ObjectTarget {
    place: String,
    prefix: String,
    expires_days: Option<u32>,
    store: Arc<dyn ObjectStore>,
    /// Of buckets: large objects are brought in parts.
    uploads: Option<Uploads>,
    /// `None` when it is being dropped.
    runtime: Option<Runtime>,
}

impl ObjectTarget {
    /// Opens a target. A directory is made if it is not there; a bucket is not asked yet.
    ///
    /// # Errors
    /// When the directory cannot be made, or the credentials cannot be read.
    pub fn open(address: &Address, s3: &S3Options) -> Result<ObjectTarget, OpenTargetError> {
        let place = address.to_string();
        let refused = |source| OpenTargetError::Store { place: place.clone(), source };
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(OpenTargetError::Runtime)?;
        let (store, uploads, prefix): (Arc<dyn ObjectStore>, _, _) = match address {
            Address::Directory(path) => {
                let failed = |source| OpenTargetError::Path { path: path.clone(), source };
                DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
                let store = LocalFileSystem::new_with_prefix(path).map_err(refused)?.with_fsync(true);
                (Arc::new(store), None, String::new())
            }
            Address::Bucket { bucket, prefix, .. } => {
                if s3.is_exposed() && !s3.plain_http {
                    return Err(OpenTargetError::Exposed(place));
                }
                let store = Arc::new(bucket_store(bucket, s3)?.build().map_err(refused)?);
                let uploads = Uploads::new(Arc::<AmazonS3>::clone(&store), prefix.clone());
                (store, Some(uploads), prefix.clone())
            }
        };
        let (expires_days, runtime) = (address.expires_days(), Some(runtime));
        Ok(ObjectTarget { place, prefix, expires_days, store, uploads, runtime })
    }

    fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.as_ref().expect("only dropping takes it").block_on(work)
    }

    fn path(&self, object: impl std::fmt::Display) -> Path {
        path_below(&self.prefix, object)
    }

    fn failed<T: ToString>(
        &self,
        operation: &'static str,
        object: &T,
    ) -> impl Fn(object_store::Error) -> TargetError + use<T> {
        let (object, place): (Box<str>, Box<str>) = (object.to_string().into(), self.place.as_str().into());
        move |error| TargetError {
            operation,
            object: object.clone(),
            place: place.clone(),
            not_found: matches!(error, object_store::Error::NotFound { .. }),
            source: Box::new(error),
        }
    }

    fn unread(
        &self,
        operation: &'static str,
        object: ObjectName,
        source: Box<dyn Error + Send + Sync>,
    ) -> TargetError {
        let (object, place) = (object.to_string().into(), self.place.as_str().into());
        TargetError { operation, object, place, not_found: false, source }
    }
}

pub(super) fn path_below(prefix: &str, object: impl std::fmt::Display) -> Path {
    match prefix {
        "" => Path::from(object.to_string()),
        prefix => Path::from(format!("{prefix}/{object}")),
    }
}

impl Drop for ObjectTarget {
    fn drop(&mut self) {
        // Not waited for: what drops it may be a task of another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn bucket_store(bucket: &str, s3: &S3Options) -> Result<AmazonS3Builder, OpenTargetError> {
    let retry = RetryConfig { retry_timeout: RETRY_TIME, ..RetryConfig::default() };
    let is_plain = s3.endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
    let mut client = ClientOptions::new().with_timeout(CALL_TIME).with_allow_http(is_plain);
    if let Some(path) = &s3.ca_file {
        let failed = |source| OpenTargetError::Path { path: path.clone(), source };
        let pem = std::fs::read(path).map_err(failed)?;
        let unusable = |source| OpenTargetError::Certificates { path: path.clone(), source };
        for certificate in Certificate::from_pem_bundle(&pem).map_err(unusable)? {
            client = client.with_root_certificate(certificate);
        }
    }
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(&s3.region)
        .with_client_options(client)
        .with_retry(retry);
    if let Some(endpoint) = &s3.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    match &s3.encryption {
        Encryption::None => {}
        Encryption::Service => builder = builder.with_config(key("aws_server_side_encryption"), "AES256"),
        Encryption::Kms(id) => {
            builder = builder.with_config(key("aws_server_side_encryption"), "aws:kms");
            if let Some(id) = id {
                builder = builder.with_config(key("aws_sse_kms_key_id"), id);
            }
        }
    }
    if let Some(path) = &s3.credentials {
        let failed = |source| OpenTargetError::Path { path: path.clone(), source };
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let (Some(id), Some(secret)) = (lines.next(), lines.next()) else {
            return Err(OpenTargetError::Credentials(path.clone()));
        };
        builder = builder.with_access_key_id(id).with_secret_access_key(secret);
    }
    Ok(builder)
}

/// A setting of the crate that it gives by its name only.
fn key(name: &str) -> AmazonS3ConfigKey {
    name.parse().expect("the crate knows its settings")
}

impl BackupTarget for ObjectTarget {
    fn place(&self) -> &str {
        &self.place
    }

    fn expires_days(&self) -> Option<u32> {
        self.expires_days
    }

    fn put(&self, object: ObjectName, content: &dyn FileReader) -> Result<Put, TargetError> {
        let length = content.length();
        let put: PutResult = match &self.uploads {
            Some(uploads) if length > PIECE_BYTES as u64 => {
                let mut read = |offset, length| match content.read(offset, length) {
                    Ok(bytes) => Ok(Bytes::copy_from_slice(&bytes)),
                    Err(error) => Err(self.unread("put", object, error.into())),
                };
                self.wait(uploads.put(object, length, &mut read, &self.failed("put", &object)))?
            }
            _ => {
                let mut pieces = Vec::new();
                heatgrid_engine::backup::target::pieces::<DiskError>(content, &mut |piece| {
                    pieces.push(Bytes::copy_from_slice(piece));
                    Ok(())
                })
                .map_err(|error| self.unread("put", object, error.into()))?;
                let payload: PutPayload = pieces.into_iter().collect();
                self.wait(self.store.put(&self.path(object), payload)).map_err(self.failed("put", &object))?
            }
        };
        Ok(Put { versioned: put.version.is_some() })
    }

    fn get(
        &self,
        object: ObjectName,
        take: &mut dyn FnMut(&[u8]) -> Result<(), DiskError>,
    ) -> Result<(), GetError> {
        let failed = self.failed("get", &object);
        let got = self.wait(self.store.get(&self.path(object))).map_err(&failed)?;
        let mut stream = got.into_stream();
        while let Some(piece) = self.wait(next(&mut stream)) {
            take(&piece.map_err(&failed)?)?;
        }
        Ok(())
    }

    fn get_range(&self, object: ObjectName, offset: u64, length: usize) -> Result<Vec<u8>, TargetError> {
        let range = offset..offset.saturating_add(length as u64);
        let got = self
            .wait(self.store.get_range(&self.path(object), range))
            .map_err(self.failed("get", &object))?;
        match got.len() == length {
            true => Ok(got.into()),
            false => Err(self.unread("get", object, io::Error::from(io::ErrorKind::UnexpectedEof).into())),
        }
    }

    fn length(&self, object: ObjectName) -> Result<Option<u64>, TargetError> {
        match self.wait(self.store.head(&self.path(object))) {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("head", &object)(error)),
        }
    }

    fn list(&self, folder: Folder) -> Result<Vec<ObjectName>, TargetError> {
        let failed = self.failed("list", &folder.name());
        let mut stream = self.store.list(Some(&self.path(folder.name())));
        let mut objects = Vec::new();
        while let Some(meta) = self.wait(next(&mut stream)) {
            let path = meta.map_err(&failed)?.location.to_string();
            let below = match self.prefix.as_str() {
                "" => Some(path.as_str()),
                prefix => path.strip_prefix(prefix).and_then(|path| path.strip_prefix('/')),
            };
            objects.extend(below.and_then(ObjectName::parse));
        }
        Ok(objects)
    }

    fn delete(&self, object: ObjectName) -> Result<(), TargetError> {
        match self.wait(self.store.delete(&self.path(object))) {
            Err(error) if !matches!(error, object_store::Error::NotFound { .. }) => {
                Err(self.failed("delete", &object)(error))
            }
            _ => Ok(()),
        }
    }

    fn end_unfinished(&self) -> Result<u64, TargetError> {
        match &self.uploads {
            Some(uploads) => self.wait(uploads.end_all(&self.failed("end", &"uploads"))),
            None => Ok(0),
        }
    }
}

/// The next item of a stream.
pub(super) async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    std::future::poll_fn(|context| std::pin::Pin::new(&mut *stream).poll_next(context)).await
}
