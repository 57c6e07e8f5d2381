//! The program as it is run: what it makes at its first start, whom it tells what, and how it ends.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A running program; killed when a test fails.
struct Program {
    child: Child,
    address: SocketAddr,
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
    async fn start(data: &Path, settings: &[&str]) -> Program {
        let log = NamedTempFile::new().unwrap();
        let child = command(data, settings).stderr(log.reopen().unwrap()).spawn().unwrap();
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
    async fn get(&self, path: &str, headers: &str) -> String {
        let Ok(mut socket) = TcpStream::connect(self.address).await else { return String::new() };
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n");
        let mut answer = Vec::new();
        let _ = socket.write_all(request.as_bytes()).await;
        let _ = socket.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// What it has said on standard error.
    fn said(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap()
    }
}

/// On a port that the system chooses; the log says which.
fn command(data: &Path, settings: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heatgrid-server"));
    command.arg("--data").arg(data).args(["--listen", "127.0.0.1:0", "--disk-reserve-mib", "0"]);
    command.args(settings).env_remove("HEATGRID_OPERATOR_TOKEN").stdout(Stdio::null());
    command
}

#[tokio::test]
async fn the_first_start_makes_a_token_that_only_its_owner_reads_and_says_where_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let mut program = Program::start(directory.path(), &[]).await;
    let path = directory.path().join("operator.token");
    let token = std::fs::read_to_string(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let listed = program.get("/v1/sites", &format!("Authorization: Bearer {}\r\n", token.trim())).await;
    assert!(listed.starts_with("HTTP/1.1 200"), "{listed}");
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is for others too", entry.path().display());
    }
    program.signal("TERM");
    assert_eq!(program.wait().code(), Some(0));
    let said = program.said();
    assert!(said.contains("operator.token") && !said.contains(token.trim()), "{said}");
}

#[tokio::test]
async fn a_second_program_on_a_directory_is_told_who_has_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = Program::start(directory.path(), &[]).await;
    let second = command(directory.path(), &[]).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("process {}", first.child.id())), "{said}");
    first.signal("INT");
    assert_eq!(first.wait().code(), Some(0));
}

#[tokio::test]
async fn ten_thousand_silent_connections_do_not_stop_others() {
    heatgrid_server::process::open_as_many_files_as_may_be();
    let directory = tempfile::tempdir().unwrap();
    let program = Program::start(directory.path(), &["--header-seconds", "600"]).await;
    let mut silent = Vec::new();
    for _ in 0..10_000 {
        silent.push(TcpStream::connect(program.address).await.expect("files for 10,000 sockets"));
    }
    assert!(program.get("/readyz", "").await.starts_with("HTTP/1.1 200"));
    assert!(program.get("/v1/sites", "").await.starts_with("HTTP/1.1 401"));
    assert_eq!(silent.len(), 10_000);
}

#[tokio::test]
async fn log_lines_and_errors_hold_nothing_of_a_request() {
    let directory = tempfile::tempdir().unwrap();
    let settings = ["--log-level", "debug", "--log-format", "json"];
    let mut program = Program::start(directory.path(), &settings).await;
    let headers = "User-Agent: canary-agent\r\nCookie: a=canary-cookie\r\nAuthorization: Bearer canary-token-of-length\r\nReferer: https://canary-referer/\r\n";
    for path in ["/v1/sites/canary-site/grid?page=canary-page", "/canary-path?canary-query", "/v1/sites"] {
        let answer = program.get(path, headers).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    program.signal("TERM");
    assert_eq!(program.wait().code(), Some(0));
    let said = program.said();
    assert!(said.contains(r#""route":"/v1/sites/{site}/grid""#), "{said}");
    assert!(!said.contains("canary"), "{said}");
}
