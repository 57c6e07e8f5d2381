//! Nothing of who it was reaches the disk, the logs, the metrics or an answer.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::country_database::database;
use super::{Counted, ORIGIN, beacon, collect};
use crate::harness::{OPERATOR, START_MS, Server};

const AGENT: &str = "UnmistakableAgent/77.12345";
const ADDRESS: &str = "198.51.100.77";
const COOKIE: &str = "session=c0ffee-cookie-value";
const BATCH: u32 = 0xfeed_beef;
const UUID: &str = "01a2088e-c635-7967-9384-01af6f598576";

/// Everything that is logged by this process.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push((path.display().to_string(), std::fs::read(&path).unwrap())),
        }
    }
}

/// What must be nowhere: as text, and ids and the address as the bytes they are.
fn needles(key: &str) -> Vec<Vec<u8>> {
    let mut needles: Vec<Vec<u8>> = [
        AGENT,
        ADDRESS,
        "c0ffee-cookie",
        UUID,
        "feedbeef",
        "somebody@mail.example",
        "utm_source",
        "distinct-7",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    needles.push(vec![198, 51, 100, 77]);
    needles.push(BATCH.to_be_bytes().to_vec());
    needles.push(vec![0x01, 0xa2, 0x08, 0x8e, 0xc6, 0x35]);
    needles.push(b"the-idempotency-key".to_vec());
    assert!(!key.is_empty());
    needles
}

#[tokio::test]
async fn nothing_of_who_it_was_is_on_the_disk_in_a_log_or_in_an_answer() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // Another test of this process may log meanwhile: it sends none of these needles.
    let _ = tracing::subscriber::set_global_default(subscriber);
    let directory = Arc::new(tempfile::tempdir().unwrap());
    let countries = directory.path().join("countries.mmdb");
    std::fs::write(&countries, database(&[("198.51.100.0/24", "DE")])).unwrap();
    let server = Server::on(directory, START_MS, |config| {
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        config.country_database = Some(countries);
    })
    .await;
    let settings = json!({ "hosts": ["shop.example"], "min_count": 0 });
    let key = server.site("shop", settings).await["key"].as_str().unwrap().to_owned();
    let from_somebody = |asking: crate::harness::Asking| {
        asking.header("user-agent", AGENT).header("x-forwarded-for", ADDRESS).header("cookie", COOKIE)
    };
    let url = "https://shop.example/somebody@mail.example/p?utm_source=x";
    let mut answers = Vec::new();
    let good = beacon(&key, BATCH, url, "[1,9,17,0,0]");
    for body in [
        good.clone(),
        good.clone(),
        good.replace("pages", "pagez"),
        good.replace("shop.example", "b.example"),
    ] {
        answers.push(from_somebody(collect(&server, body)).send().await);
    }
    let heatmap = json!({ "token": key, "event": "$$heatmap", "uuid": UUID, "properties": {
        "distinct_id": "distinct-7", "$raw_user_agent": AGENT, "$ip": ADDRESS, "utm_source": "x",
        "$heatmap_data": { url: [{ "x": 1, "y": 2, "target_fixed": false, "type": "click" }] } } });
    let broken = heatmap.to_string().replace("\"x\":1", "\"x\":\"somebody@mail.example\"");
    for body in [heatmap.to_string(), heatmap.to_string(), broken, "distinct-7".into()] {
        let asking = server.post("/e/").header("origin", ORIGIN).body(body);
        answers.push(from_somebody(asking).send().await);
    }
    let line = json!({ "ts": START_MS, "url": url, "kind": "click", "x": 3, "y": 3, "user": "distinct-7" });
    for body in [
        line.to_string(),
        line.to_string().replace("click", "distinct-7"),
        format!("{line}\n{{\"url\":\"{url}\""),
    ] {
        let asking = server.post("/v1/sites/shop/events").token(OPERATOR).body(body);
        answers.push(from_somebody(asking.header("idempotency-key", "the-idempotency-key")).send().await);
    }
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [204, 204, 400, 403, 200, 200, 400, 400, 200, 400, 400]);
    assert_eq!(Counted::by(&server).await, Counted::of(3, &[("repeated", 2)]));

    let summary = server.get("/v1/sites/shop/summary").token(OPERATOR).send().await.json();
    assert_eq!(
        summary["countries"],
        json!({ "DE": 2, "ZZ": 1 }),
        "of browsers the country is all that is left"
    );

    let metrics = server.get("/metrics").token(OPERATOR).send().await;
    let mut told: Vec<(String, Vec<u8>)> = vec![("metrics".into(), metrics.bytes.to_vec())];
    told.extend(answers.iter().map(|answer| (format!("{:?}", answer.status), answer.bytes.to_vec())));
    let headers = answers.iter().map(|answer| format!("{:?}", answer.headers));
    told.extend(headers.map(|headers| ("headers".to_owned(), headers.into_bytes())));
    // While the log holds it, and once it is in segments.
    files(&server.directory.path().join("data"), &mut told);
    let directory = server.stop().await;
    files(&directory.path().join("data"), &mut told);
    told.push(("log".into(), log.0.lock().unwrap().clone()));
    for needle in needles(&key) {
        for (place, bytes) in &told {
            let found = bytes.windows(needle.len()).any(|window| window == needle);
            assert!(!found, "{:?} in {place}", String::from_utf8_lossy(&needle));
        }
    }
    let stored = told.iter().any(|(_, bytes)| bytes.windows(16).any(|window| window == b"shop.example/*/p"));
    assert!(stored, "the page itself is there");
}
