//! The command from outside, as a person or a script runs it.

mod online;
mod served;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use heatgrid_engine::disk::RealDisk;
use serde_json::Value;
use tempfile::TempDir;

/// A directory with a store and files in it.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        Place(TempDir::new().unwrap())
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Runs a command line; `--data` stands behind its verb.
    fn run(&self, line: &str) -> Output {
        self.run_with(line, b"")
    }

    fn run_with(&self, line: &str, input: &[u8]) -> Output {
        let nested =
            ["site ", "snapshot ", "backup ", "erasure ", "purge "].iter().any(|verb| line.starts_with(verb));
        let verbs = if nested { 2 } else { 1 };
        let words: Vec<&str> = line.split(' ').collect();
        let mut child = Command::new(env!("CARGO_BIN_EXE_heatgrid"))
            .args(&words[..verbs])
            .arg("--data")
            .arg(self.data())
            .args(&words[verbs..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that ends before it has read everything closes the pipe; what it says then is looked at.
        let _ = stdin.write_all(input);
        drop(stdin);
        child.wait_with_output().unwrap()
    }

    fn done(&self, line: &str) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(0), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.done(&format!("{line} --json"))).unwrap()
    }

    /// Runs what must not work: its status and what it says.
    fn refused(&self, line: &str, status: i32) -> String {
        let output = self.run(line);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{line}: {said}");
        said
    }
}

/// `count` lines of clicks in May 2020, ten on each cell of the first column, with n = 1, 2, 1, 2, ...
fn lines(count: u64) -> String {
    (0..count)
        .map(|i| {
            let (ts, y, n) = (1_589_000_000_000 + i * 86_400, i / 10 * 8, i % 2 + 1);
            format!("{{\"ts\":{ts},\"url\":\"https://a.example/p?q={i}\",\"kind\":\"click\",\"x\":3,\"y\":{y},\"n\":{n}}}\n")
        })
        .collect()
}

const SPAN: &str = "--from 2020-01-01 --to 2021-01-01";
const KEPT: &str = "--retention-days 36500";

#[test]
fn what_was_imported_is_answered_before_and_after_every_job() {
    let place = Place::new();
    let file = place.file("events.ndjson", lines(100).as_bytes());
    let told = place.json(&format!("import --site shop {file} {KEPT}"));
    assert_eq!((&told["accepted"], &told["lines"], &told["batches"]), (&150.into(), &100.into(), &1.into()));
    assert_eq!(told["dropped"], serde_json::json!({}));

    let mut grid = "cell_x,cell_y,count\n".to_owned();
    grid.extend((0..10).map(|y| format!("0,{y},15\n")));
    for job in ["flush", "compact", "verify", "status", "doctor", "inspect"] {
        let asked = place.done(&format!("grid --site shop --page https://a.example/p {SPAN} --format csv"));
        assert_eq!(asked, grid, "before {job}");
        let asked = place.json(&format!("grid --site shop --page a.example/p --cell 64 {SPAN}"));
        assert_eq!(
            (&asked["total"], &asked["cells"]),
            (&150.into(), &serde_json::json!([[0, 0, 120], [0, 1, 30]]))
        );
        let series = place.done(&format!("series --site shop --step month {SPAN}"));
        assert_eq!(series, "time,count\n2020-05,150\n");
        assert_eq!(place.done(&format!("pages --site shop {SPAN}")), "page,count\na.example/p,150\n");
        let summary = place.json(&format!("summary --site shop {SPAN}"));
        assert_eq!((&summary["kinds"]["click"], &summary["countries"]["ZZ"]), (&150.into(), &150.into()));
        assert_eq!(place.json(&format!("scroll --site shop {SPAN}"))["views"], 0);
        place.done(job);
    }
    assert_eq!(place.json("status")["segments"]["events"], 150);
    assert_eq!(place.json("inspect")["segments"][0]["month"], "2020-05");
    assert_eq!(place.json("verify")["problems"], serde_json::json!([]));
}

#[test]
fn accepted_and_dropped_are_what_was_sent() {
    let place = Place::new();
    let mut text = lines(10);
    text.push_str(&lines(10).replace("\"n\":", "\"gpc\":true,\"n\":"));
    text.push_str(&lines(1).replace("1589000000000", "99589000000000"));
    text.push_str(&lines(2).replace("a.example", "b.example"));
    text.push_str(&lines(1).replace("1589000000000", "1"));
    let file = place.file("events.ndjson", text.as_bytes());
    let told = place.json(&format!("import --site shop {file} --retention-days 3650 --hosts a.example"));
    assert_eq!(told["accepted"], 15);
    assert_eq!(told["dropped"], serde_json::json!({"consent": 15, "expired": 1, "future": 1, "host": 3}));
    let said = place.done(&format!("import --site shop {file}"));
    assert_eq!(
        said,
        "shop: 15 events accepted, 15 dropped (consent), 1 dropped (expired), 1 dropped (future), 3 dropped (host)\n"
    );
    assert_eq!(place.done(&format!("pages --site shop {SPAN}")), "page,count\na.example/p,30\n");
}

#[test]
fn an_export_has_every_counter_once() {
    let place = Place::new();
    let file = place.file("events.ndjson", lines(100).as_bytes());
    place.done(&format!("import --site shop {file} {KEPT}"));
    let csv = place.done("export --site shop --from 2020-05-09 --to 2020-05-10");
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("day,kind,device,fixed,page,cell_x,cell_y,count"));
    let first = lines.next().unwrap();
    assert!(first.starts_with("2020-05-09,click,unknown,false,\"a.example/p\",0,0,"), "{first}");
    let count = |line: &str| line.rsplit(',').next().unwrap().parse::<u64>().unwrap();
    assert_eq!(csv.lines().skip(1).map(count).sum::<u64>(), 150);
    let ndjson = place.done("export --site shop --from 2020-05-09 --to 2020-05-10 --format ndjson");
    let sum =
        ndjson.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["count"].as_u64().unwrap());
    assert_eq!(sum.sum::<u64>(), 150);
    assert!(place.refused("export --site shop --from today --to 2020-05-10", 2).contains("YYYY-MM-DD"));
}

#[test]
fn erased_data_is_gone_and_its_certificate_can_be_checked() {
    let place = Place::new();
    let file = place.file("events.ndjson", lines(100).as_bytes());
    place.done(&format!("import --site shop {file} {KEPT}"));
    let counted = place.json("erasure request --site shop --page https://a.example/p --dry-run");
    assert_eq!((&counted["matched_pages"], &counted["matched_events"]), (&1.into(), &150.into()));
    let taken = place.json("erasure request --site shop --page https://a.example/p --reason url_leak");
    assert_eq!(taken["state"], "masked");
    assert_eq!(place.done(&format!("pages --site shop {SPAN}")), "page,count\n");
    let id = taken["erasure"].as_str().unwrap();
    let said = place.refused(&format!("erasure certificate --site shop {id}"), 1);
    assert!(said.contains("not certified yet"), "{said}");

    assert_eq!(place.json("purge plan")["erasures"], 1);
    place.done("purge run");
    assert_eq!(place.json(&format!("erasure show --site shop {id}"))["state"], "certified");
    assert_eq!(place.json("erasure list --site shop")[0]["erasure"], id);
    let said = place.refused(&format!("erasure cancel --site shop {id}"), 1);
    assert!(said.contains("certified"), "{said}");

    let certificate = place.done(&format!("erasure certificate --site shop {id} --json"));
    let keys = place.file("keys.json", place.done("erasure keys").as_bytes());
    let verify = |certificate: &str| {
        let file = place.file("certificate.json", certificate.as_bytes());
        let mut command = Command::new(env!("CARGO_BIN_EXE_heatgrid"));
        command.args(["erasure", "verify", &file, "--keys", &keys, "--json"]).output().unwrap()
    };
    let genuine = verify(&certificate);
    assert_eq!(genuine.status.code(), Some(0), "{}", String::from_utf8_lossy(&genuine.stderr));
    let altered = verify(&certificate.replace("150", "151"));
    assert_eq!(altered.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&altered.stdout).contains("\"genuine\":false"));
}

#[test]
fn the_files_behind_a_certificate_are_told_and_an_altered_list_is_refused() {
    let place = Place::new();
    let file = place.file("events.ndjson", lines(100).as_bytes());
    place.done(&format!("import --site shop {file} {KEPT}"));
    let taken = place.json("erasure request --site shop --page https://a.example/p");
    let id = taken["erasure"].as_str().unwrap();
    let said = place.refused(&format!("erasure evidence {id}"), 1);
    assert!(said.contains("no certificate of this erasure"), "{said}");
    place.done("purge run");

    let certificate = place.done(&format!("erasure certificate --site shop {id} --json"));
    let fields = &serde_json::from_str::<Value>(&certificate).unwrap()["fields"];
    let told = place.json(&format!("erasure evidence {id}"));
    assert_eq!(
        (&told["files_before"], &told["files_after"]),
        (&fields["files_before"], &fields["files_after"])
    );
    assert_eq!((&told["files"][0]["before"], &told["files"][0]["after"]), (&true.into(), &false.into()));
    let said = place.done(&format!("erasure evidence {id}"));
    assert!(said.starts_with(told["files"][0]["file"].as_str().unwrap()), "{said}");

    let certificate = place.file("certificate.json", certificate.as_bytes());
    let keys = place.file("keys.json", place.done("erasure keys").as_bytes());
    let verified = |evidence: &Value| {
        let evidence = place.file("evidence.json", evidence.to_string().as_bytes());
        let mut command = Command::new(env!("CARGO_BIN_EXE_heatgrid"));
        command.args(["erasure", "verify", &certificate, "--keys", &keys, "--evidence", &evidence]);
        command.output().unwrap().status.code()
    };
    assert_eq!(verified(&told), Some(0));
    let mut altered = told.clone();
    altered["files"][0]["length_bytes"] = 7.into();
    assert_eq!(verified(&altered), Some(3));

    let list = fs::read_dir(place.data().join("evidence")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&list).unwrap();
    bytes[40] ^= 1;
    fs::write(&list, &bytes).unwrap();
    let said = place.refused(&format!("erasure evidence {id}"), 1);
    assert!(said.contains("the list of files of a purge, cannot be read"), "{said}");
    let found = place.run("verify");
    assert_eq!(found.status.code(), Some(3), "{found:?}");
    fs::remove_file(&list).unwrap();
    assert!(place.refused(&format!("erasure evidence {id}"), 1).contains("it is kept for 1461 days"));
}

#[test]
fn a_command_says_where_it_wants_to_be_sent() {
    let place = Place::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_heatgrid"));
    let output = command.args(["site", "list"]).env_remove("HEATGRID_SERVER").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--data DIR"));
    let said = place.refused("site list --server http://127.0.0.1:1", 2);
    assert!(said.contains("cannot be used with"), "{said}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_heatgrid"));
    // Nothing listens on port 1.
    let output = command.args("site list --server http://127.0.0.1:1 --token t".split(' ')).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("heatgrid: http://127.0.0.1:1: "));
}

#[test]
fn a_bad_line_is_named_and_nothing_of_its_batch_is_stored() {
    let place = Place::new();
    let text = lines(5) + "{\"ts\":1}\n" + &lines(5);
    let file = place.file("events.ndjson", text.as_bytes());
    let said = place.refused(&format!("import --site shop {file} {KEPT}"), 1);
    assert!(said.contains("line 6: `url` is missing\nnothing of the file is stored"), "{said}");
    assert_eq!(place.done(&format!("pages --site shop {SPAN}")), "page,count\n");

    let said = place.refused(&format!("import --site shop {file} --batch-lines 2"), 1);
    assert!(
        said.contains("lines 1 to 4 are stored (6 events accepted); go on with --skip-lines 4"),
        "{said}"
    );
    let fixed = place.file("fixed.ndjson", text.replace("{\"ts\":1}", "").as_bytes());
    place.done(&format!("import --site shop {fixed} --batch-lines 2 --skip-lines 4"));
    assert_eq!(place.done(&format!("pages --site shop {SPAN}")), "page,count\na.example/p,14\n");
}

#[test]
fn compressed_files_and_standard_input_are_read() {
    let place = Place::new();
    let text = lines(10);
    let zstd = place.file("events", &zstd::encode_all(text.as_bytes(), 3).unwrap());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    let gzip = place.file("more", &gzip.finish().unwrap());
    place.done(&format!("import --site shop {zstd} {KEPT}"));
    place.done(&format!("import --site shop {gzip}"));
    let output = place.run_with("import --site shop -", text.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(place.done(&format!("pages --site shop {SPAN}")), "page,count\na.example/p,45\n");
    let cut = place.file("cut", &fs::read(&zstd).unwrap()[..40]);
    assert!(place.refused(&format!("import --site shop {cut}"), 1).contains("cannot be read on"));
}

#[test]
fn a_site_is_made_once_and_keeps_its_settings() {
    let place = Place::new();
    let made =
        place.json("site create --site shop --timezone Europe/Berlin --query-params q,page --region us");
    assert_eq!((&made["timezone"], &made["region"]), (&"Europe/Berlin".into(), &"us".into()));
    assert_eq!(made["query_params"], serde_json::json!(["q", "page"]));
    assert!(place.refused("site create --site shop", 1).contains("there is a site shop already"));
    place.done("site create --site blog");
    let sites = place.json("site list");
    let names: Vec<_> = sites.as_array().unwrap().iter().map(|site| site["site"].clone()).collect();
    assert_eq!(names, ["blog", "shop"]);
    assert_eq!(place.json("site show --site shop"), made);

    let file = place.file("events.ndjson", lines(1).as_bytes());
    place.done(&format!("import --site shop {file} --timezone Europe/Berlin"));
    let said = place.refused(&format!("import --site shop {file} --timezone UTC"), 1);
    assert!(said.contains("site shop is there with other settings"), "{said}");
    assert!(place.refused("site create --site more --region eu", 1).contains("the store is of region us"));
}

#[test]
fn a_store_goes_back_to_a_snapshot_and_forth_again() {
    let place = Place::new();
    let file = place.file("events.ndjson", lines(4).as_bytes());
    place.done(&format!("import --site shop {file} {KEPT}"));
    let made = place.json("snapshot create five");
    assert_eq!(
        (&made["name"], &made["events"], &made["origin"]),
        (&"five".into(), &6.into(), &"asked".into())
    );
    assert!(place.refused("snapshot create five", 1).contains("there is a snapshot five already"));
    assert!(place.refused("snapshot create Five", 2).contains("a name is"));
    place.done(&format!("import --site shop {file} {KEPT}"));
    place.done("compact");
    let events = |place: &Place| place.json("status")["segments"]["events"].as_u64().unwrap();
    assert_eq!(events(&place), 12);

    assert!(
        place.refused("snapshot restore five --confirm six", 2).contains("--confirm is the name again: five")
    );
    place.done("snapshot restore five --confirm five --site shop");
    assert_eq!(events(&place), 6);
    let listed = place.json("snapshot list");
    let before = listed[0]["name"].as_str().unwrap();
    assert!(before.starts_with("before-restore-20"), "{listed}");
    place.done(&format!("snapshot restore {before} --confirm {before}"));
    assert_eq!(events(&place), 12);
    assert_eq!(place.json("snapshot inspect five")["events"], 6);
    place.done("snapshot delete five");
    assert!(place.refused("snapshot inspect five", 1).contains("there is no snapshot five"));
    assert!(place.done("verify").contains("nothing wrong"));
}

#[test]
fn a_store_is_backed_up_and_comes_back_in_another_directory() {
    let (place, other) = (Place::new(), Place::new());
    let copies = place.0.path().join("copies").to_str().unwrap().to_owned();
    let at = format!("--target {copies}");
    let file = place.file("events.ndjson", lines(4).as_bytes());
    place.done(&format!("import --site shop {file} {KEPT}"));
    let done = place.json(&format!("backup run {at} --name one"));
    assert_eq!((&done["segments"], &done["uploaded_segments"]), (&1.into(), &1.into()));
    place.done(&format!("import --site shop {file} {KEPT}"));
    let done = place.json(&format!("backup run {at} --name two"));
    assert_eq!(done["segments"], 2);
    let done = place.json(&format!("backup run {at} --name two-again"));
    assert_eq!((&done["segments"], &done["uploaded_segments"]), (&2.into(), &0.into()));
    assert!(
        place.refused(&format!("backup run {at} --name two"), 1).contains("there is a backup two already")
    );
    let without_data = |line: &str| {
        let words = line.split(' ').map(str::to_owned);
        Command::new(env!("CARGO_BIN_EXE_heatgrid")).args(words).output().unwrap()
    };
    let listed = without_data(&format!("backup list {at} --json")).stdout;
    let listed: Value = serde_json::from_slice(&listed).unwrap();
    assert_eq!((&listed[0]["events"], &listed[2]["events"]), (&12.into(), &6.into()));
    assert_eq!(without_data(&format!("backup verify {at} two")).status.code(), Some(0));

    let key = place.data().join("ledger.key");
    let restored = other.json(&format!("backup restore {at} one --ledger-key {}", key.display()));
    assert_eq!(restored["events"], 6);
    let asked = other.done(&format!("pages --site shop {SPAN}"));
    assert_eq!(asked, "page,count\na.example/p,6\n");
    assert!(other.done("verify").contains("nothing wrong"));
    assert!(other.refused(&format!("backup restore {at} two"), 1).contains("not empty"));

    // A purge in the directory reaches the target, once it is named.
    let canary = place.file("canary.ndjson", lines(1).replace("/p", "/canary").as_bytes());
    place.done(&format!("import --site shop {canary}"));
    place.json(&format!("backup create {at} --name with-canary"));
    place.json("erasure request --site shop --page a.example/canary");
    assert!(place.refused("purge run", 1).contains("which is not named"));
    let told = place.json("purge plan")["targets"][0]["error"].as_str().unwrap().to_owned();
    assert!(told.contains("which is not named"), "{told}");
    let plan = place.json(&format!("purge plan {at}"));
    // What is here went before the target was missed.
    assert_eq!((&plan["segments"], &plan["targets"][0]["segments"]), (&0.into(), &1.into()));
    place.json(&format!("purge run {at}"));
    assert!(place.refused("backup create --name nowhere", 2).contains("at which target?"));
    assert_eq!(without_data("backup list").status.code(), Some(2));
    let files = fs::read_dir(place.0.path().join("copies/segments")).unwrap();
    let has = |bytes: &[u8]| bytes.windows(7).any(|part| part == b"/canary");
    assert!(!files.map(|file| fs::read(file.unwrap().path()).unwrap()).any(|bytes| has(&bytes)));

    let segments = place.0.path().join("copies/segments");
    // Every one: the oldest may be of the first backup alone, if it was settled before the second.
    for segment in fs::read_dir(segments).unwrap() {
        fs::write(segment.unwrap().path(), b"rot").unwrap();
    }
    assert_eq!(without_data(&format!("backup verify {at} two")).status.code(), Some(3));
    place.json(&format!("backup prune {at} --keep 1"));
    assert!(place.refused("backup forget --target /nowhere", 1).contains("never backed up"));
    place.done(&format!("backup forget {at}"));
}

#[test]
fn what_is_asked_wrongly_ends_with_2() {
    let place = Place::new();
    place.done("site create --site shop");
    for (line, said) in [
        ("grid --site shop", "page is missing"),
        ("grid --site shop --page a.example --kind keydown", "kind is one or more of"),
        ("grid --site shop --page ftp://a.example/", "only http and https"),
        ("series --site shop --format png", "no form png"),
        ("grid --site shop --page a.example --format xml", "format is json, csv"),
        ("series --site shop --from yesterday", "from is a day"),
        ("series --site shop --step hour --country DE", "hours are counted for all"),
        ("site create --site Shop", "site: a name is"),
        ("site create --site more --timezone Mars/Olympus", "timezone is an IANA name"),
        ("site create --site more --retention-days 0", "retention_days is 1 to 36500"),
        ("grid --colour red", "unexpected argument"),
        ("paint", "unrecognized subcommand"),
    ] {
        let refused = place.refused(line, 2);
        assert!(refused.contains(said), "{line}: {refused}");
    }
}

#[test]
fn what_is_not_there_is_not_made_by_looking() {
    let place = Place::new();
    for verb in ["site list", "status", "verify", "inspect", "flush", "compact", "pages --site shop"] {
        assert!(place.refused(verb, 1).contains("holds no store"), "{verb}");
    }
    assert!(!place.data().exists());
    place.done("site create --site shop");
    assert!(place.refused("pages --site blog", 1).contains("there is no site blog"));
    assert!(place.refused("import --site shop /nowhere/x.ndjson", 1).contains("/nowhere/x.ndjson"));
}

#[test]
fn verify_names_a_damaged_segment_and_ends_with_3() {
    let place = Place::new();
    let file = place.file("events.ndjson", lines(1_000).as_bytes());
    place.done(&format!("import --site shop {file} {KEPT}"));
    let segment = place.json("inspect")["segments"][0]["file"].as_str().unwrap().to_owned();
    let path = place.data().join(&segment);
    let whole = fs::read(&path).unwrap();
    let mut damaged = 0;
    // Bytes of every part of the file; the padding between parts is nobody's.
    for at in (0..whole.len()).step_by(whole.len() / 40 + 1) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x20;
        fs::write(&path, &bytes).unwrap();
        let output = place.run("verify --json");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let problems = report["problems"].as_array().unwrap();
        assert_eq!(output.status.code(), Some(if problems.is_empty() { 0 } else { 3 }), "byte {at}");
        if !problems.is_empty() {
            damaged += 1;
            assert!(problems[0].as_str().unwrap().contains(&segment), "byte {at}: {problems:?}");
        }
    }
    assert!(damaged >= 30, "only {damaged} of 40 damages were found");
    fs::write(&path, &whole).unwrap();
    place.done("verify");
}

#[test]
fn a_store_that_is_open_elsewhere_is_left_alone() {
    let place = Place::new();
    place.done("site create --site shop");
    let held = RealDisk::open(&place.data()).unwrap();
    let said = place.refused("site list", 1);
    assert!(said.contains(&std::process::id().to_string()), "{said}");
    drop(held);
    place.done("site list");
}
