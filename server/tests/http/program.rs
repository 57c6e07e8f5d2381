//! The program as it is run: what it makes at its first start, whom it tells what, and how it ends.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::json;
use tokio::net::TcpStream;

use crate::harness::OPERATOR;
use crate::process::{Program, command};

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

/// The source of a library that makes syncs fail when a file is there, loaded before the program.
const FAILING_SYNC: &str = include_str!("failing_sync.c");

#[tokio::test]
async fn a_failing_sync_is_told_without_a_path_or_page_and_ends_the_program_with_70() {
    let directory = tempfile::tempdir().unwrap();
    let (source, library) = (directory.path().join("sync.c"), directory.path().join("sync.so"));
    std::fs::write(&source, FAILING_SYNC).unwrap();
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
    assert!(compiled.unwrap().success(), "what links Rust programs compiles this");
    let (data, marker) = (directory.path().join("data"), directory.path().join("syncs-fail"));
    let mut failing = command(&data, &[]);
    failing.env("HEATGRID_OPERATOR_TOKEN", OPERATOR);
    failing.env("LD_PRELOAD", &library).env("SYNCS_FAIL_WHEN_THERE_IS", &marker);
    let mut program = Program::run(&mut failing).await;
    program.site("shop").await;
    let line = format!(
        r#"{{"ts":{},"url":"https://shop.example/secret-page","kind":"click","x":1,"y":1}}"#,
        program.now_ms()
    );
    // A writer: an operator is refused as soon as the audit cannot be synced.
    let writer = json!({ "name": "writer", "role": "writer" });
    let writer = program.ask("POST", "/v1/sites/shop/tokens").json(&writer).send().await.json();
    let writer = writer["token"].as_str().unwrap().to_owned();
    let add = || program.request("POST", "/v1/sites/shop/events").token(&writer).body(line.clone()).send();
    assert_eq!(add().await.status, 200);
    std::fs::write(&marker, "").unwrap();
    let unaudited = program.ask("GET", "/v1/sites/shop").send().await;
    unaudited.problem("internal", 500);
    assert!(unaudited.json()["detail"].as_str().unwrap().contains("audit"), "{unaudited:?}");
    let refused = add().await;
    refused.problem("stopped", 503);
    assert_eq!(refused.header("retry-after"), Some("30"));
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("sync: ") && detail.contains("start the server again"), "{detail}");
    for told in [&*directory.path().to_string_lossy(), "secret-page", "shop", "wal"] {
        assert!(!detail.contains(told), "{told:?} is in {detail}");
    }
    assert_eq!(program.wait().code(), Some(70), "{}", program.said());
    let said = program.said();
    assert!(said.contains(&*data.to_string_lossy()), "the log has the path: {said}");
    assert!(!said.contains("secret-page"), "{said}");

    // Its supervisor starts it again, and what was answered is there.
    let mut again = command(&data, &[]);
    let program = Program::run(again.env("HEATGRID_OPERATOR_TOKEN", OPERATOR)).await;
    let question = "/v1/sites/shop/grid?page=shop.example/secret-page";
    let total = program.ask("GET", question).send().await.json()["total"].as_u64();
    assert!([Some(1), Some(2)].contains(&total), "of the refused event nobody knows: {total:?}");
}
