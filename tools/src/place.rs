//! Where a command works: on a directory that no server has open, or at a server. The verbs are the same.

use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use heatgrid_server::ask::Route;
use heatgrid_server::wire::erasure::WrittenErasure;
use heatgrid_server::wire::format::Format;
use heatgrid_server::wire::question::Written;
use heatgrid_server::wire::site::WrittenSite;
use serde_json::Value;

use crate::failure::Failure;
use crate::import::{Cut, Stopped, Stored};
use crate::server::Server;
use crate::target::{Copies, Files, Target};

/// The variable that names the server when no option does.
const SERVER_VARIABLE: &str = "HEATGRID_SERVER";
/// The variable with the token when no option has it.
const TOKEN_VARIABLE: &str = "HEATGRID_TOKEN";

/// Where the store is: in a directory, or behind a server.
#[derive(Args, Debug)]
pub(crate) struct Where {
    /// Directory of the store; no server may be running on it
    #[arg(long, value_name = "DIR", conflicts_with_all = ["server", "token"])]
    data: Option<PathBuf>,
    /// Address of the server, such as `https://heatmap.example` (or the variable HEATGRID_SERVER)
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Token (better in the variable HEATGRID_TOKEN: other users of the machine see options)
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
}

/// The directory of a store, for what can be done there only.
#[derive(Args, Debug)]
pub(crate) struct Offline {
    /// Directory of the store; no server may be running on it
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Offline {
    /// The files of the store in this directory.
    pub(crate) fn files(&self) -> Result<Files, Failure> {
        Ok(Files::of(&self.data)?)
    }
}

/// A store to work on.
pub(crate) enum Place {
    /// In a directory.
    Directory(Box<Target>),
    /// Behind a server.
    Server(Server),
}

impl Where {
    /// The store. In a directory none is made, but where `import` or `site create` asks for it.
    pub(crate) fn existing(&self) -> Result<Place, Failure> {
        match &self.data {
            Some(directory) => Ok(Place::Directory(Box::new(Target::existing(directory)?))),
            None => Ok(Place::Server(self.server()?)),
        }
    }

    /// The store, made in its directory if it is not there.
    pub(crate) fn existing_or_new(&self, region: Option<&str>) -> Result<Place, Failure> {
        match &self.data {
            Some(directory) => Ok(Place::Directory(Box::new(Target::existing_or_new(directory, region)?))),
            None => Ok(Place::Server(self.server()?)),
        }
    }

    /// The server, for what only a server does.
    pub(crate) fn server(&self) -> Result<Server, Failure> {
        let or_variable =
            |given: &Option<String>, variable| given.clone().or_else(|| std::env::var(variable).ok());
        let address = or_variable(&self.server, SERVER_VARIABLE).ok_or(Failure::Nowhere)?;
        Ok(Server::new(&address, or_variable(&self.token, TOKEN_VARIABLE))?)
    }
}

impl Place {
    /// The answer to a question, as bytes.
    pub(crate) fn ask(
        &self,
        site: &str,
        route: Route,
        question: &Written,
        form: Format,
    ) -> Result<Vec<u8>, Failure> {
        Ok(match self {
            Place::Directory(target) => target.ask(site, route, question, form)?,
            Place::Server(server) => server.ask(site, route, question, form)?,
        })
    }

    /// Every open site that may be seen, with its settings, by name.
    pub(crate) fn sites(&self) -> Result<Value, Failure> {
        Ok(match self {
            Place::Directory(target) => target.sites(),
            Place::Server(server) => server.sites()?,
        })
    }

    /// One site with its settings.
    pub(crate) fn site(&self, name: &str) -> Result<Value, Failure> {
        Ok(match self {
            Place::Directory(target) => target.site(name)?,
            Place::Server(server) => server.site(name)?,
        })
    }

    /// Makes a site.
    pub(crate) fn create_site(&self, written: &WrittenSite) -> Result<Value, Failure> {
        Ok(match self {
            Place::Directory(target) => target.create_site(written)?,
            Place::Server(server) => server.create_site(&written.to_json())?,
        })
    }

    /// Makes a site unless it is there with the settings that were written.
    pub(crate) fn site_or_new(&self, written: &WrittenSite) -> Result<(), Failure> {
        match self {
            Place::Directory(target) => drop(target.site_or_new(written)?),
            Place::Server(server) => server.site_or_new(&written.to_json())?,
        }
        Ok(())
    }

    /// Reads a file of events into a site.
    pub(crate) fn import(
        &self,
        site: &str,
        content: &mut dyn Read,
        cut: Cut,
    ) -> Result<Stored, Box<Stopped<Failure>>> {
        match self {
            Place::Directory(target) => {
                target.import(site, content, cut).map_err(|stopped| Box::new(stopped.failed()))
            }
            Place::Server(server) => {
                server.import(site, content, cut).map_err(|stopped| Box::new(stopped.failed()))
            }
        }
    }

    /// How the store does.
    pub(crate) fn status(&self) -> Result<Value, Failure> {
        Ok(match self {
            Place::Directory(target) => target.status(),
            Place::Server(server) => server.status()?,
        })
    }

    /// Writes what is in memory and in the log into segments.
    pub(crate) fn flush(&self) -> Result<Value, Failure> {
        Ok(match self {
            Place::Directory(target) => target.flush()?,
            Place::Server(server) => server.job("flush", "flushing")?,
        })
    }

    /// Merges what can be merged.
    pub(crate) fn compact(&self) -> Result<Value, Failure> {
        Ok(match self {
            Place::Directory(target) => target.compact()?,
            Place::Server(server) => server.job("compact", "compacting")?,
        })
    }

    /// Keeps what is there under a name.
    pub(crate) fn create_snapshot(&self, name: &str) -> Result<Value, Failure> {
        Ok(match self {
            Place::Directory(target) => target.create_snapshot(name)?,
            Place::Server(server) => server.create_snapshot(name)?,
        })
    }

    /// Every snapshot.
    pub(crate) fn snapshots(&self) -> Result<Value, Failure> {
        Ok(match self {
            Place::Directory(target) => target.snapshots(),
            Place::Server(server) => server.list(&["v1", "admin", "snapshots"])?,
        })
    }

    /// One snapshot.
    pub(crate) fn snapshot(&self, name: &str) -> Result<Value, Failure> {
        Ok(match self {
            Place::Directory(target) => target.snapshot(name)?,
            Place::Server(server) => server.get(&["v1", "admin", "snapshots", name])?,
        })
    }

    /// Deletes a snapshot.
    pub(crate) fn delete_snapshot(&self, name: &str) -> Result<(), Failure> {
        match self {
            Place::Directory(target) => Ok(target.delete_snapshot(name)?),
            Place::Server(server) => Ok(server.delete_snapshot(name)?),
        }
    }

    /// Puts a snapshot, or one site of it, in the place of what is live.
    pub(crate) fn restore_snapshot(&self, name: &str, site: Option<&str>) -> Result<Value, Failure> {
        Ok(match self {
            Place::Directory(target) => target.restore_snapshot(name, site)?,
            Place::Server(server) => server.restore_snapshot(name, site)?,
        })
    }

    /// Has data of a site erased, or only counts what it would be.
    pub(crate) fn request_erasure(
        &self,
        site: &str,
        written: &WrittenErasure,
        dry_run: bool,
    ) -> Result<Value, Failure> {
        Ok(match self {
            Place::Directory(target) => target.request_erasure(site, written, dry_run)?,
            Place::Server(server) => server.request_erasure(site, &written.to_json(), dry_run)?,
        })
    }

    /// The erasures of a site, the oldest first.
    pub(crate) fn erasures(&self, site: &str) -> Result<Value, Failure> {
        Ok(match self {
            Place::Directory(target) => target.erasures(site)?,
            Place::Server(server) => server.erasures(site)?,
        })
    }

    /// One erasure of a site.
    pub(crate) fn erasure(&self, site: &str, id: &str) -> Result<Value, Failure> {
        Ok(match self {
            Place::Directory(target) => target.erasure(site, id)?,
            Place::Server(server) => server.erasure(site, id)?,
        })
    }

    /// Calls an erasure off.
    pub(crate) fn cancel_erasure(&self, site: &str, id: &str) -> Result<Value, Failure> {
        Ok(match self {
            Place::Directory(target) => target.cancel_erasure(site, id)?,
            Place::Server(server) => server.cancel_erasure(site, id)?,
        })
    }

    /// The certificate of a finished erasure.
    pub(crate) fn certificate(&self, site: &str, id: &str) -> Result<Value, Failure> {
        Ok(match self {
            Place::Directory(target) => target.certificate(site, id)?,
            Place::Server(server) => server.certificate(site, id)?,
        })
    }

    /// The list of files behind a certificate.
    pub(crate) fn evidence(&self, id: &str) -> Result<Value, Failure> {
        Ok(match self {
            Place::Directory(target) => target.evidence(id)?,
            Place::Server(server) => server.evidence(id)?,
        })
    }

    /// The public keys that certificates are signed with.
    pub(crate) fn certificate_keys(&self) -> Result<Value, Failure> {
        Ok(match self {
            Place::Directory(target) => target.certificate_keys()?,
            Place::Server(server) => server.certificate_keys()?,
        })
    }

    /// What a purge would do, here and at these targets, or those that a server has.
    pub(crate) fn purge_plan(&self, targets: Vec<Copies>, now: bool) -> Result<Value, Failure> {
        Ok(match self {
            Place::Directory(target) => target.purge_plan(targets, now)?,
            Place::Server(_) if !targets.is_empty() => return Err(Failure::TargetOfServer),
            Place::Server(server) => server.purge_plan(now)?,
        })
    }

    /// Removes from every file what erasures mask, and from backups: at these targets, or those that a server has.
    pub(crate) fn purge(&self, targets: Vec<Copies>, now: bool) -> Result<Value, Failure> {
        Ok(match self {
            Place::Directory(target) => target.purge(targets, now)?,
            // It was found in the environment, which no option contradicts.
            Place::Server(_) if !targets.is_empty() => return Err(Failure::TargetOfServer),
            Place::Server(server) => server.purge(now)?,
        })
    }

    /// Stops. What was written into a directory is in segments then.
    pub(crate) fn close(self) -> Result<(), Failure> {
        match self {
            Place::Directory(target) => Ok(target.close()?),
            Place::Server(_) => Ok(()),
        }
    }
}
