//! A store in a directory, that no server has open.
//!
//! Commands see no engine: sites, questions and answers are those of the wire, so that a server at the other end of
//! a connection can take a directory's place.

mod ask;
mod copies;
mod erasures;
mod error;
mod files;
mod sites;
mod snapshots;
mod status;
mod watched;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use heatgrid_engine::clock::{Clock, SystemClock};
use heatgrid_engine::disk::{Disk, RealDisk};
use heatgrid_engine::format::names::FileName;
use heatgrid_engine::manifest;
use heatgrid_engine::model::Region;
use heatgrid_engine::options::{Background, Options};
use heatgrid_engine::store::Store;
use heatgrid_server::intake::Intake;
use heatgrid_server::privacy::url::PageRules;

pub(crate) use copies::Copies;
pub(crate) use error::TargetError;
pub(crate) use files::Files;

use crate::import::{self, Cause, Cut, Filling, Stopped, Stored};

/// Region of a store that is made without naming one.
const DEFAULT_REGION: &str = "eu";

/// A store in a directory.
pub(crate) struct Target {
    store: Store,
    region: Region,
    clock: SystemClock,
}

impl Target {
    /// The store in `directory`. Nothing is done in the background.
    pub(crate) fn existing(directory: &Path) -> Result<Target, TargetError> {
        must_exist(directory)?;
        Target::open(directory, None, Background::Manual)
    }

    /// The store in `directory`, made if it is not there, to be filled: what is due is done on the side.
    pub(crate) fn existing_or_new(directory: &Path, region: Option<&str>) -> Result<Target, TargetError> {
        Target::open(directory, region, Background::Threads)
    }

    fn open(directory: &Path, region: Option<&str>, background: Background) -> Result<Target, TargetError> {
        let asked = region.map(|text| Region::new(text).map_err(|_| TargetError::RegionName)).transpose()?;
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(directory)?);
        let region = match (manifest::load(&*disk)?, asked) {
            (Some(manifest), _) => manifest.region,
            (None, Some(asked)) => asked,
            (None, None) => Region::new(DEFAULT_REGION).expect("the default is a region"),
        };
        let purge_lanes = thread::available_parallelism().map_or(1, usize::from);
        let options = Options { background, purge_lanes, ..Options::standard(region.clone()) };
        let store = Store::open(disk, Arc::new(SystemClock), options)?;
        Ok(Target { store, region, clock: SystemClock })
    }

    /// Reads a file of events into a site.
    pub(crate) fn import(
        &self,
        site: &str,
        content: &mut dyn Read,
        cut: Cut,
    ) -> Result<Stored, Box<Stopped<TargetError>>> {
        let found = self.find(site);
        let site =
            found.map_err(|error| Stopped { stored: Stored::default(), cause: Cause::Store(error) })?;
        let rules = PageRules::of(&site.settings);
        let store = |batch| {
            self.store.append_wait(batch)?;
            Ok(())
        };
        let intake = Intake::new(&site, &rules, self.clock.now_ms()).blocking(self.store.blocked(site.id));
        import::import(content, &mut Filling { intake, store }, cut)
    }

    /// Stops. What was imported is written into segments first.
    pub(crate) fn close(self) -> Result<(), TargetError> {
        Ok(self.store.close()?)
    }
}

/// A directory without a manifest is left as it is: opening it would make a store of it.
fn must_exist(directory: &Path) -> Result<(), TargetError> {
    let exists = directory.join(FileName::Manifest.to_string()).exists();
    if exists { Ok(()) } else { Err(TargetError::NoStore(directory.to_owned())) }
}
