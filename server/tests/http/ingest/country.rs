//! Where countries come from: the operator's database by the visitor's address, or a trusted proxy's header.

use serde_json::{Value, json};

use super::country_database::database;
use super::{beacon, collect};
use crate::harness::{Asking, OPERATOR, Server};
use crate::process::{Program, command};

/// A proxy that is trusted, and a neighbour that is not.
const PROXY: &str = "127.0.0.2";
const STRANGER: &str = "127.0.0.3";

/// The networks of the tests' database.
const NETWORKS: [(&str, &str); 4] =
    [("198.51.100.0/24", "DE"), ("203.0.113.0/25", "FR"), ("2001:db8::/32", "JP"), ("127.0.0.3/32", "SE")];

/// A server that trusts one proxy, with the tests' database, and a site there that shows every country.
async fn server_with(header: Option<&str>) -> (Server, String) {
    let directory = std::sync::Arc::new(tempfile::tempdir().unwrap());
    let path = directory.path().join("countries.mmdb");
    std::fs::write(&path, database(&NETWORKS)).unwrap();
    let header = header.map(str::to_owned);
    let server = Server::on(directory, crate::harness::START_MS, move |config| {
        config.trusted_proxies = vec![format!("{PROXY}/32").parse().unwrap()];
        config.country_database = Some(path);
        config.country_header = header;
    })
    .await;
    let key = server.site("shop", json!({ "min_count": 0 })).await["key"].as_str().unwrap().to_owned();
    (server, key)
}

/// Sends a click through the tracker's door, with headers of whoever passes it on.
async fn click(server: &Server, key: &str, id: u32, change: impl FnOnce(Asking) -> Asking) {
    let body = beacon(key, id, "https://shop.example/p", "[1,9,17,0,0]");
    let answer = change(collect(server, body)).send().await;
    assert_eq!(answer.status, 204, "{answer:?}");
}

async fn countries(server: &Server) -> Value {
    let summary = server.get("/v1/sites/shop/summary").token(OPERATOR).send().await.json();
    summary["countries"].clone()
}

#[tokio::test]
async fn the_country_is_that_of_the_address_which_a_trusted_proxy_names() {
    let (server, key) = server_with(None).await;
    for (id, address) in [
        "198.51.100.77",
        "198.51.100.78:4711",
        "6.6.6.6, 203.0.113.9",
        "[2001:db8::7]:443",
        // The other half of the network is nobody's.
        "203.0.113.200",
        "nonsense",
    ]
    .into_iter()
    .enumerate()
    {
        click(&server, &key, id as u32, |asking| asking.from(PROXY).header("x-forwarded-for", address)).await;
    }
    assert_eq!(countries(&server).await, json!({ "DE": 2, "FR": 1, "JP": 1, "ZZ": 2 }));
    let heatmap = json!({ "token": key, "event": "$$heatmap", "properties": { "$heatmap_data":
        { "https://shop.example/p": [{ "x": 1, "y": 2, "target_fixed": false, "type": "click" }] } } });
    let asking = server.post("/e/").from(PROXY).header("origin", super::ORIGIN).body(heatmap.to_string());
    assert_eq!(asking.header("x-forwarded-for", "203.0.113.1").send().await.status, 200);
    assert_eq!(countries(&server).await["FR"], 2, "at PostHog's door as well");
}

#[tokio::test]
async fn whoever_is_no_trusted_proxy_is_not_believed() {
    let (server, key) = server_with(Some("cf-ipcountry")).await;
    click(&server, &key, 1, |asking| {
        asking.from(STRANGER).header("x-forwarded-for", "198.51.100.77").header("cf-ipcountry", "US")
    })
    .await;
    assert_eq!(countries(&server).await, json!({ "SE": 1 }), "by its own address");
}

#[tokio::test]
async fn a_trusted_proxys_header_comes_before_the_database() {
    let (server, key) = server_with(Some("cf-ipcountry")).await;
    // XX is nowhere, and T1 is Tor: the address is asked then.
    for (id, told) in ["US", "us", "XX", "T1", "United States", ""].into_iter().enumerate() {
        click(&server, &key, id as u32, |asking| {
            asking.from(PROXY).header("x-forwarded-for", "198.51.100.77").header("cf-ipcountry", told)
        })
        .await;
    }
    assert_eq!(countries(&server).await, json!({ "DE": 4, "US": 2 }));
}

#[tokio::test]
async fn a_database_that_is_none_is_a_start_up_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("countries.mmdb");
    let setting = ["--country-database", path.to_str().unwrap()];
    let data = directory.path().join("data");
    for content in [None, Some(b"no database".as_slice())] {
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let refused = command(&data, &setting).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains("cannot read the country database") && said.contains(setting[1]), "{said}");
    }
    std::fs::write(&path, database(&NETWORKS)).unwrap();
    Program::start(&data, &setting).await;
}
