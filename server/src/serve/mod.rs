//! From settings to a server that answers, and back to a closed store.
//!
//! The listeners are opened first and say that the store is being opened; then it is, and its routes take their place.

mod backups;
mod front;
mod token;
mod upkeep;

pub use token::TokenError;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use heatgrid_engine::backup::BackupTarget;
use heatgrid_engine::clock::Clock;
use heatgrid_engine::disk::{OpenDiskError, RealDisk};
use heatgrid_engine::error::{JobError, OpenError};
use heatgrid_engine::options::Options;
use heatgrid_engine::store::Store;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use self::front::Front;
use crate::api::{Listeners, listeners, off_the_runtime};
use crate::app::{App, Foundation};
use crate::audit::Audit;
use crate::backup::{ObjectTarget, OpenTargetError, Schedule};
use crate::config::Config;
use crate::demo::{Demo, DemoError};
use crate::health::{Health, Phase};
use crate::http::{Limits, Listening, TlsError, TlsIdentity, serve};
use crate::privacy::country::{Countries, DatabaseError};

/// How long an address may be somebody else's when the server starts.
const TAKEN: Duration = Duration::from_secs(3);
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(50);
/// Connections that wait to be accepted; the system may allow fewer (`net.core.somaxconn`). One that finds no place is
/// tried again by its client after a second, so that the usual 128 make a burst of visitors wait for nothing.
const BACKLOG: u32 = 4_096;
/// Segments that a purge rewrites at the same time, at most: more threads than this move bytes no faster than a disk.
const PURGE_LANES: usize = 4;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The directory cannot be had.
    #[error(transparent)]
    Disk(#[from] OpenDiskError),
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The audit cannot be opened.
    #[error("cannot open the audit below {path}: {source}", path = path.display())]
    Audit {
        /// The store's directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The operator's token cannot be read or made.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A backup target cannot be used.
    #[error("backup_targets: {0}")]
    Target(#[from] OpenTargetError),
    /// The country database cannot be used.
    #[error(transparent)]
    Countries(#[from] DatabaseError),
    /// There is no demo.
    #[error(transparent)]
    Demo(#[from] DemoError),
}

/// A server whose listeners are open.
pub struct Server {
    config: Arc<Config>,
    clock: Arc<dyn Clock>,
    health: Arc<Health>,
    tls: Option<Arc<TlsIdentity>>,
    doors: Vec<Door>,
    /// Whether the demo's shop is served as well.
    demo: bool,
}

/// A listener, and what stands behind it.
struct Door {
    listener: TcpListener,
    front: Front,
    listening: Arc<Listening>,
}

/// A store that served, to be closed when nothing uses it any more.
pub struct Served {
    /// Why the serving ended.
    pub phase: Phase,
    store: Arc<Store>,
}

impl Server {
    /// Opens the listeners.
    ///
    /// # Errors
    /// When an address is taken, or the certificate cannot be used.
    pub async fn bind(config: Config, clock: Arc<dyn Clock>) -> Result<Server, ServeError> {
        let tls = config.tls.clone().map(TlsIdentity::read).transpose()?.map(Arc::new);
        let mut doors = Vec::new();
        for address in [Some(config.listen), config.admin_listen].into_iter().flatten() {
            let listener = listen(address).await?;
            doors.push(Door { listener, front: Front::default(), listening: Arc::default() });
        }
        Ok(Server { config: Arc::new(config), clock, health: Arc::default(), tls, doors, demo: false })
    }

    /// Serves the demo's shop as well, and says on standard output where it is.
    #[must_use]
    pub fn with_demo(self) -> Server {
        Server { demo: true, ..self }
    }

    /// The addresses of the listeners: `listen`, then `admin_listen`.
    ///
    /// # Errors
    /// What the operating system said.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.doors.iter().map(|door| door.listener.local_addr()).collect()
    }

    /// What the server is told to stop by.
    #[must_use]
    pub fn health(&self) -> Arc<Health> {
        Arc::clone(&self.health)
    }

    /// Opens the store and serves until `health` says that it ends. `operator_token` overrides the one in the directory.
    ///
    /// # Errors
    /// When the server could not be started.
    pub async fn run(self, operator_token: Option<String>) -> Result<Served, ServeError> {
        let authority = self.addresses().ok().and_then(|all| all.first().map(ToString::to_string));
        let Server { config, clock, health, tls, doors, demo } = self;
        let (stop, stopped) = watch::channel(false);
        let acceptor = match &tls {
            None => None,
            Some(identity) => Some(TlsAcceptor::from(identity.server_config()?)),
        };
        let (mut tasks, mut fronts, mut listenings) = (JoinSet::new(), Vec::new(), Vec::new());
        for Door { listener, front, listening } in doors {
            listenings.push(Arc::clone(&listening));
            fronts.push(front.clone());
            let (limits, tls) = (Limits::of(&config), acceptor.clone());
            tasks.spawn(serve(listener, tls, front, limits, listening, stopped.clone()));
        }
        let app = {
            let (config, clock, health) = (Arc::clone(&config), Arc::clone(&clock), Arc::clone(&health));
            off_the_runtime(move || open(config, clock, health, operator_token.as_deref())).await?
        };
        let Listeners { mut public, private } = listeners(&app);
        let demo = match demo {
            true => Some(
                off_the_runtime({
                    let app = app.clone();
                    let authority = authority.unwrap_or_else(|| config.listen.to_string());
                    move || Demo::begin(&app.store, &app.config, &authority, app.clock.now_ms())
                })
                .await?,
            ),
            false => None,
        };
        if let Some(demo) = &demo {
            public = public.merge(demo.routes());
        }
        fronts
            .iter()
            .zip([Some(public), private].into_iter().flatten())
            .for_each(|(front, routes)| front.open(routes));
        health.ready();
        if let Some(demo) = demo {
            println!("{demo}");
        }
        let upkeep = tokio::spawn(upkeep::run(app.clone(), tls, listenings));
        let schedule = Arc::new(Schedule::default());
        let backups = tokio::spawn(backups::run(app.clone(), Arc::clone(&schedule)));
        health.ending().await;
        // Nobody is left to be told when all listeners have ended by themselves.
        let _ = stop.send(true);
        tasks.join_all().await;
        backups.abort();
        schedule.stop(&app.store);
        upkeep.abort();
        upkeep::settle(&app).await;
        Ok(Served { phase: health.phase(), store: Arc::clone(&app.store) })
    }
}

/// Listens on an address, also on one that somebody lets go of within the next seconds: the server that is being
/// replaced, or a connection that was given its port by chance.
async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    let deadline = Instant::now() + TAKEN;
    loop {
        match bind(address) {
            Err(source) if source.kind() == io::ErrorKind::AddrInUse && Instant::now() < deadline => {
                tokio::time::sleep(LOOK).await;
            }
            bound => return bound.map_err(|source| ServeError::Listen { address, source }),
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Connections that were just closed do not keep the address from who starts again.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl Served {
    /// Flushes and closes the store; to be called when the runtime has ended and nothing else holds it.
    ///
    /// # Errors
    /// When the flush failed. Nothing is lost: what is not in segments is in the log.
    pub fn close(self) -> Result<(), Arc<JobError>> {
        match Arc::try_unwrap(self.store) {
            Ok(store) => store.close(),
            // A request that did not end holds it: what it reads stays, and the log is as good as a flush.
            Err(store) => store.flush(),
        }
    }
}

/// Everything that waits for the disk.
fn open(
    config: Arc<Config>,
    clock: Arc<dyn Clock>,
    health: Arc<Health>,
    operator_token: Option<&str>,
) -> Result<App, ServeError> {
    let countries = Countries::new(config.country_header.clone(), config.country_database.clone())?;
    let disk = RealDisk::open(&config.data)?;
    let root = disk.root().to_owned();
    let operator_token = token::operator_token(&root, operator_token)?;
    let audit = Audit::open(&root).map_err(|source| ServeError::Audit { path: root, source })?;
    let store = Store::open(Arc::new(disk), Arc::clone(&clock), options(&config))?;
    upkeep::tell_of_opening(store.report());
    let mut targets: Vec<Arc<dyn BackupTarget>> = Vec::new();
    for address in &config.backups.targets {
        targets.push(Arc::new(ObjectTarget::open(address, &config.backups.s3)?));
    }
    store.set_targets(targets);
    let store = Arc::new(store);
    Ok(App::new(Foundation { store, config, clock, audit, operator_token, countries, health }))
}

fn options(config: &Config) -> Options {
    Options {
        access: config.access,
        memtable_bytes: config.memtable_bytes,
        memtable_age_seconds: config.flush_after.as_secs(),
        wal_file_bytes: config.wal_file_bytes,
        reserve_bytes: config.disk_reserve_bytes,
        snapshots: config.snapshots,
        background_bytes_per_second: config.background_bytes_per_second,
        purge_lanes: thread::available_parallelism().map_or(1, usize::from).min(PURGE_LANES),
        ..Options::standard(config.region.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_is_let_go_of_is_waited_for() {
        let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = first.local_addr().unwrap();
        let second = tokio::spawn(listen(address));
        // It has found the address taken once, at least.
        tokio::task::yield_now().await;
        drop(first);
        assert_eq!(second.await.unwrap().unwrap().local_addr().unwrap(), address);
    }
}
