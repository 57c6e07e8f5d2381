//! The real server, in the bench's process and on threads of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use heatgrid_engine::clock::Clock;
use heatgrid_server::config::{Config, Start};
use heatgrid_server::health::Health;
use heatgrid_server::serve::Server;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The operator's token of every bench.
pub const OPERATOR: &str = "operator-token-of-the-benches";

/// A server that serves until this is dropped.
pub struct Serving {
    /// Where it listens.
    pub address: SocketAddr,
    health: Arc<Health>,
    /// The server's task, and what it runs on.
    running: Option<(JoinHandle<()>, Runtime)>,
}

impl Serving {
    /// Serves the store of a directory, with the settings of a first start but for what `change` changes.
    ///
    /// # Panics
    /// When the server does not start.
    #[must_use]
    pub fn start(
        runtime: Runtime,
        directory: &Path,
        clock: Arc<dyn Clock>,
        change: impl FnOnce(&mut Config),
    ) -> Serving {
        let Ok(Start::Serve(mut config)) = Start::read(["heatgrid-server".into()], []) else {
            panic!("the defaults are usable")
        };
        config.data = directory.to_owned();
        config.listen = "127.0.0.1:0".parse().expect("an address");
        change(&mut config);
        let (address, health, task) = runtime.block_on(async {
            let server = Server::bind(*config, clock).await.expect("a port");
            let (address, health) = (server.addresses().expect("an address")[0], server.health());
            let task = tokio::spawn(async {
                server.run(Some(OPERATOR.to_owned())).await.expect("a server that runs to its end");
            });
            (address, health, task)
        });
        Serving { address, health, running: Some((task, runtime)) }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.health.drain();
        let Some((task, runtime)) = self.running.take() else { return };
        // It settles what waits before it ends, which it can only while there are threads for it.
        let ended = runtime.block_on(async { timeout(Duration::from_secs(20), task).await });
        runtime.shutdown_timeout(Duration::from_secs(1));
        ended.expect("a server that ends when it is told to").expect("no panic");
    }
}
