//! A server behind a real socket, for the command to be sent to.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use heatgrid_engine::clock::SystemClock;
use heatgrid_server::config::{Config, Start};
use heatgrid_server::health::Health;
use heatgrid_server::serve::Server;
use serde_json::Value;
use tempfile::TempDir;

/// The operator's token of every test.
const OPERATOR: &str = "operator-token-of-the-tests";

/// A running server, and a directory for it and for what it writes.
pub(crate) struct Served {
    directory: TempDir,
    address: SocketAddr,
    health: Arc<Health>,
    running: Option<JoinHandle<()>>,
}

impl Served {
    /// With a directory as its one backup target.
    pub(crate) fn with_target() -> Served {
        Served::start(|config, directory| {
            let target = directory.join("copies").to_str().expect("a readable path").parse();
            config.backups.targets = vec![target.expect("an address")];
        })
    }

    /// With other settings.
    pub(crate) fn start(change: impl FnOnce(&mut Config, PathBuf)) -> Served {
        let directory = TempDir::new().expect("a directory can be made");
        let Ok(Start::Serve(mut config)) = Start::read(["heatgrid-server".into()], []) else {
            panic!("the defaults are usable")
        };
        config.data = directory.path().join("data");
        config.listen = "127.0.0.1:0".parse().expect("an address");
        // The machine's disk is not the test's.
        config.disk_reserve_bytes = 0;
        change(&mut config, directory.path().to_owned());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("threads can be started");
        let server = runtime.block_on(Server::bind(*config, Arc::new(SystemClock)));
        let server = server.expect("the server binds its listener");
        let (address, health) = (server.addresses().expect("it has an address")[0], server.health());
        let running = thread::spawn(move || {
            let served = runtime.block_on(server.run(Some(OPERATOR.to_owned()))).expect("the server starts");
            drop(runtime);
            served.close().expect("it flushes");
        });
        let served = Served { directory, address, health, running: Some(running) };
        while served.run("status").status.code() != Some(0) {
            assert!(!served.running.as_ref().is_some_and(JoinHandle::is_finished), "the server ended");
        }
        served
    }

    /// Where its store is.
    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Where its backups are.
    pub(crate) fn copies(&self) -> PathBuf {
        self.directory.path().join("copies")
    }

    /// Runs a command line at it, as its operator.
    pub(crate) fn run(&self, line: &str) -> Output {
        self.run_as(OPERATOR, line)
    }

    /// The same with another token.
    pub(crate) fn run_as(&self, token: &str, line: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_heatgrid"));
        command.args(line.split(' ')).env("HEATGRID_SERVER", format!("http://{}", self.address));
        command.env("HEATGRID_TOKEN", token).output().expect("the command can be run")
    }

    /// Runs what must work, and gives what it prints.
    pub(crate) fn done(&self, line: &str) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(0), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// The same as JSON.
    pub(crate) fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.done(&format!("{line} --json"))).expect("JSON")
    }

    /// Runs what must not work: what it says.
    pub(crate) fn refused(&self, line: &str, status: i32) -> String {
        refusal(&self.run(line), line, status)
    }

    /// Stops it, as SIGTERM does.
    pub(crate) fn stop(mut self) -> TempDir {
        self.end();
        std::mem::replace(&mut self.directory, TempDir::new().expect("a directory can be made"))
    }

    fn end(&mut self) {
        self.health.drain();
        if let Some(running) = self.running.take() {
            assert!(running.join().is_ok() || thread::panicking(), "the server ended otherwise than well");
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.end();
    }
}

/// What a command said that had to end with this status.
pub(crate) fn refusal(output: &Output, line: &str, status: i32) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{line}: {said}");
    said
}
