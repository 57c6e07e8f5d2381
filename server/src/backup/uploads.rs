//! Uploads in parts, whose ids are written down at the target before the first part: what a crash leaves is ended by
//! the next backup, and does not stay there for ever, paid for and unseen.

use std::sync::Arc;

use bytes::Bytes;
use heatgrid_engine::backup::target::PIECE_BYTES;
use heatgrid_engine::backup::{ObjectName, TargetError};
use object_store::aws::AmazonS3;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, PutResult};

use super::object::{next, path_below};

/// Where the ids are.
const FOLDER: &str = "uploads";

/// The uploads of a bucket.
pub(super) struct Uploads {
    store: Arc<AmazonS3>,
    prefix: String,
}

impl Uploads {
    pub(super) fn new(store: Arc<AmazonS3>, prefix: String) -> Uploads {
        Uploads { store, prefix }
    }

    /// Brings an object in parts.
    pub(super) async fn put(
        &self,
        object: ObjectName,
        length: u64,
        read: &mut dyn FnMut(u64, usize) -> Result<Bytes, TargetError>,
        failed: &impl Fn(object_store::Error) -> TargetError,
    ) -> Result<PutResult, TargetError> {
        let path = path_below(&self.prefix, object);
        let id = self.store.create_multipart(&path).await.map_err(failed)?;
        let written = self.written(object);
        let line = PutPayload::from(format!("{id}\n{path}\n"));
        self.store.put(&written, line).await.map_err(failed)?;
        let put = self.parts(&path, &id, length, read, failed).await;
        if put.is_err() {
            // If this fails too, the next backup ends it.
            drop(self.store.abort_multipart(&path, &id).await);
        }
        let put = put?;
        self.store.delete(&written).await.map_err(failed)?;
        Ok(put)
    }

    async fn parts(
        &self,
        path: &Path,
        id: &String,
        length: u64,
        read: &mut dyn FnMut(u64, usize) -> Result<Bytes, TargetError>,
        failed: &impl Fn(object_store::Error) -> TargetError,
    ) -> Result<PutResult, TargetError> {
        let (mut offset, mut parts) = (0, Vec::new());
        while offset < length {
            let piece =
                read(offset, PIECE_BYTES.min(usize::try_from(length - offset).unwrap_or(PIECE_BYTES)))?;
            offset += piece.len() as u64;
            let part = self.store.put_part(path, id, parts.len(), piece.into()).await.map_err(failed)?;
            parts.push(part);
        }
        self.store.complete_multipart(path, id, parts).await.map_err(failed)
    }

    /// Ends every upload that is written down. Says how many.
    pub(super) async fn end_all(
        &self,
        failed: &impl Fn(object_store::Error) -> TargetError,
    ) -> Result<u64, TargetError> {
        let mut list = self.store.list(Some(&path_below(&self.prefix, FOLDER)));
        let mut ended = 0;
        while let Some(meta) = next(&mut list).await {
            let written = meta.map_err(failed)?.location;
            let content = self.store.get(&written).await.map_err(failed)?.bytes().await.map_err(failed)?;
            let text = String::from_utf8_lossy(&content);
            let mut lines = text.lines();
            if let (Some(id), Some(path)) = (lines.next(), lines.next()) {
                match self.store.abort_multipart(&Path::from(path), &id.to_owned()).await {
                    // It was finished, or ended, before this was deleted.
                    Err(object_store::Error::NotFound { .. }) | Ok(()) => {}
                    Err(error) => return Err(failed(error)),
                }
            }
            self.store.delete(&written).await.map_err(failed)?;
            ended += 1;
        }
        Ok(ended)
    }

    fn written(&self, object: ObjectName) -> Path {
        let name = object.to_string().replace('/', "-");
        path_below(&self.prefix, format!("{FOLDER}/{name}"))
    }
}
