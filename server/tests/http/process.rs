//! The program in a process of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Asking, OPERATOR};

/// A running program; killed when a test fails.
pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    log: NamedTempFile,
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    /// With a token of its own making.
    pub(crate) async fn start(data: &Path, settings: &[&str]) -> Program {
        Program::run(&mut command(data, settings)).await
    }

    /// Runs a command, and waits until it is ready.
    pub(crate) async fn run(command: &mut Command) -> Program {
        let log = NamedTempFile::new().unwrap();
        let child = command.stderr(log.reopen().unwrap()).spawn().unwrap();
        let mut program = Program { child, address: ([127, 0, 0, 1], 0).into(), log };
        while !program.get("/readyz", "").await.starts_with("HTTP/1.1 200") {
            assert!(program.child.try_wait().unwrap().is_none(), "{}", program.said());
            let said = program.said();
            let port = said.split("127.0.0.1:").nth(1).and_then(|rest| rest.split(['"', '\n', ' ']).next());
            program.address.set_port(port.and_then(|port| port.parse().ok()).unwrap_or_default());
            tokio::task::yield_now().await;
        }
        program
    }

    /// The answer to a GET; nothing when nobody listens.
    pub(crate) async fn get(&self, path: &str, headers: &str) -> String {
        let Ok(mut socket) = TcpStream::connect(self.address).await else { return String::new() };
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n");
        let mut answer = Vec::new();
        let _ = socket.write_all(request.as_bytes()).await;
        let _ = socket.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// A request.
    pub(crate) fn request(&self, method: &str, path: &str) -> Asking {
        Asking::new(self.address, method, path)
    }

    /// A request of the operator of the tests, whose token it was started with.
    pub(crate) fn ask(&self, method: &str, path: &str) -> Asking {
        self.request(method, path).token(OPERATOR)
    }

    /// Makes a site, and gives its 201 back.
    pub(crate) async fn site(&self, name: &str) -> Value {
        let made = self.ask("POST", "/v1/sites").json(&json!({ "site": name })).send().await;
        assert_eq!(made.status, 201, "{made:?}");
        made.json()
    }

    /// What it takes for the time.
    pub(crate) fn now_ms(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        now.as_millis().try_into().unwrap()
    }

    /// The most memory that it has had, in KiB.
    pub(crate) fn peak_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// What it has said on standard error.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap()
    }
}

/// On a port that the system chooses; the log says which.
pub(crate) fn command(data: &Path, settings: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heatgrid-server"));
    command.arg("--data").arg(data).args(["--listen", "127.0.0.1:0", "--disk-reserve-mib", "0"]);
    command.args(settings).env_remove("HEATGRID_OPERATOR_TOKEN").stdout(Stdio::null());
    command
}
