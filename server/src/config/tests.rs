use std::ffi::OsString;
use std::io::Write;

use super::*;

fn read(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Start, ConfigError> {
    let arguments = std::iter::once("heatgrid-server").chain(arguments.iter().copied()).map(OsString::from);
    Start::read(
        arguments,
        environment.iter().map(|(name, text)| (OsString::from(name), OsString::from(text))),
    )
}

fn config(arguments: &[&str], environment: &[(&str, &str)]) -> Config {
    match read(arguments, environment) {
        Ok(Start::Serve(config)) => *config,
        other => panic!("{other:?}"),
    }
}

fn message(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    read(arguments, environment).expect_err("must be refused").to_string()
}

fn file(text: &str) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("heatgrid.toml");
    std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
    (directory, path.to_str().unwrap().to_owned())
}

#[test]
fn without_anything_the_defaults_are_usable() {
    let config = config(&[], &[]);
    assert_eq!((config.listen.to_string().as_str(), config.data_given), ("127.0.0.1:8080", false));
    assert_eq!(config.memtable_bytes, 64 << 20);
}

#[test]
fn a_flag_beats_the_environment_which_beats_the_file() {
    let (_directory, path) =
        file("max_requests = 3\nmax_connections = 3\nheader_seconds = 3\nbots = [\"one\", \"TWO\"]\n");
    let config = config(
        &["--config", &path, "--max-requests", "1"],
        &[
            ("HEATGRID_MAX_REQUESTS", "2"),
            ("HEATGRID_MAX_CONNECTIONS", "2"),
            ("PATH", "/bin"),
            ("HEATGRID_TOKEN", "x"),
        ],
    );
    assert_eq!((config.max_requests, config.max_connections, config.header_time.as_secs()), (1, 2, 3));
    assert_eq!(config.bots, ["one", "two"]);
}

#[test]
fn an_error_names_the_key_and_the_line() {
    for (text, parts) in [
        ("listen = \"127.0.0.1:1\"\n\nmax_conections = 5\n", ["line 3", "max_conections", "max_connections"]),
        ("# one\nmax_requests = \"many\"\n", ["line 2", "max_requests", "many"]),
        ("region = \"eu\"\nbots = \"a\"\n", ["line 2", "bots", "array"]),
        ("region = \"eu\"\nlisten = [\n", ["line", "heatgrid.toml", "array"]),
        ("[tls]\ncert = \"x\"\n", ["line 1", "tls", "no setting"]),
    ] {
        let (_directory, path) = file(text);
        let message = message(&["--config", &path], &[]);
        assert!(parts.iter().all(|part| message.contains(part)), "{text:?}: {message}");
    }
    assert!(message(&[], &[("HEATGRID_LISTN", "x")]).contains("HEATGRID_LISTN"));
    assert!(message(&["--region", "EU"], &[]).starts_with("--region: region is 1 to 8 letters"));
    assert!(message(&["--config", "/nowhere/at/all"], &[]).contains("/nowhere/at/all"));
}

#[test]
fn a_public_address_needs_protection_and_the_error_names_the_remedies() {
    let message = message(&["--listen", "0.0.0.0:8080"], &[]);
    assert!(
        ["tls_cert", "trusted_proxies", "--insecure"].iter().all(|remedy| message.contains(remedy)),
        "{message}"
    );
    config(&["--listen", "0.0.0.0:8080", "--insecure"], &[]);
    config(&["--listen", "0.0.0.0:8080", "--trusted-proxies", "10.0.0.0/8"], &[]);
    config(&["--listen", "0.0.0.0:8080", "--tls-cert", "a", "--tls-key", "b"], &[]);
    config(&["--listen", "[::1]:8080"], &[]);
    read(&["--admin-listen", "0.0.0.0:8081"], &[]).expect_err("the admin address is checked too");
    read(&["--tls-cert", "a"], &[]).expect_err("a certificate needs its key");
    read(&["--country-header", "cf-ipcountry"], &[]).expect_err("the header needs proxies");
}

#[test]
fn what_is_printed_is_a_file_that_means_the_same() {
    let Ok(Start::PrintConfig(raw)) = read(&["--print-config", "--region", "eu", "--bots", "a,b"], &[])
    else {
        panic!()
    };
    let text = raw.to_string();
    assert!(SETTINGS.iter().all(|setting| text.contains(setting.meaning)));
    let (_directory, path) = file(&text);
    let (again, first) =
        (config(&["--config", &path], &[]), config(&["--region", "eu", "--bots", "a,b"], &[]));
    assert_eq!(format!("{:?}", Config { data_given: false, ..again }), format!("{first:?}"));
}

#[test]
fn a_target_that_would_keep_old_versions_beyond_the_deadline_is_refused_with_the_arithmetic() {
    let target = |days: u32| format!("s3://bucket/a?expires_days={days}");
    let allowed = config(&["--backup-targets", &target(52)], &[]);
    assert_eq!(allowed.backups.targets[0].expires_days(), Some(52));
    let refused = message(&["--backup-targets", &target(53)], &[]);
    assert!(refused.contains("s3://bucket/a: ") && refused.contains("30 + 7 + 1 + 53 = 91"), "{refused}");
    config(&["--backup-targets", &target(75), "--backup-days", "7"], &[]);
    let refused = message(&["--backup-targets", &target(76), "--backup-days", "1"], &[]);
    assert!(refused.contains("7 + 7 + 1 + 76 = 91"), "{refused}");
}
