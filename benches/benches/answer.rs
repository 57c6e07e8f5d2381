//! A popular grid over HTTP: moves of 90 days on the 50 busiest pages, on one connection, in the binary form and as
//! JSON; and asked again by a client that knows the answer. Client and server share the machine.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use heatgrid_benches::bed::{self, AfterTheWorkload};
use heatgrid_benches::http::{OPERATOR, Serving};
use heatgrid_benches::instruments::{Samples, Table, count, describe, millis};
use heatgrid_benches::settings::Settings;
use heatgrid_benches::workload::Workload;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Builder;

/// Times that each question is asked of each page, after one time that does not count.
const ROUNDS: usize = 20;
/// Pages that are asked for.
const PAGES: usize = 50;

fn main() {
    let settings = Settings::from_arguments();
    let directory = bed::prepared(&settings.directory, settings.events);
    println!("grids of {} events over HTTP, warm, one at a time\n{}\n", count(settings.events), describe());
    let threads = Builder::new_multi_thread().enable_all().build().expect("threads");
    let clock = Arc::new(AfterTheWorkload::new());
    let server = Serving::start(threads, &directory, clock, |config| config.region = bed::region());
    let client = Builder::new_current_thread().enable_all().build().expect("a thread");
    let mut connection = client.block_on(Client::connect(server.address));
    client.block_on(connection.wait_until_ready());
    let workload = Workload::new(1);
    let pages = &Workload::pages_by_traffic()[..PAGES];
    client.block_on(connection.become_reader(pages.iter().map(|(site, _)| *site).collect()));

    let mut table = Table::new(&["form", "median ms", "p99 ms", "max ms", "answers", "median bytes"]);
    for form in ["bin", "json", "csv", "png", "known"] {
        if !settings.runs(form) {
            continue;
        }
        let format = if form == "known" { "bin" } else { form };
        let (mut samples, mut sizes) = (Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            for (site, page) in pages {
                let path = format!(
                    "/v1/sites/{}/grid?page={}&kind=move&fixed=any&from=2026-01-01&to=2026-04-01&format={format}",
                    bed::site_name(*site),
                    workload.page_text(*site, *page),
                );
                let tag = match form {
                    "known" => client.block_on(connection.ask(&path, None)).tag,
                    _ => None,
                };
                let start = Instant::now();
                let answer = client.block_on(connection.ask(&path, tag.as_deref()));
                // The first round touches every page for the first time.
                if round > 0 {
                    samples.push(start.elapsed());
                    sizes.push(answer.bytes);
                }
            }
        }
        sizes.sort_unstable();
        let samples: Samples = samples.into_iter().collect();
        table.row([
            form.into(),
            millis(samples.median()),
            millis(samples.quantile(0.99)),
            millis(samples.quantile(1.0)),
            count(samples.len() as u64),
            count(sizes[sizes.len() / 2] as u64),
        ]);
    }
    println!("{table}");
}

/// A connection that is kept, and the token it asks with.
struct Client {
    sender: SendRequest<Full<Bytes>>,
    token: String,
}

/// What a bench needs of an answer.
struct Answer {
    tag: Option<String>,
    bytes: usize,
}

impl Client {
    async fn connect(address: SocketAddr) -> Client {
        let socket = TcpStream::connect(address).await.expect("the server listens");
        socket.set_nodelay(true).expect("a socket");
        let (sender, connection) = handshake(TokioIo::new(socket)).await.expect("HTTP");
        tokio::spawn(connection);
        Client { sender, token: String::new() }
    }

    async fn wait_until_ready(&mut self) {
        loop {
            let request = Request::get("/readyz").header("host", "bench.example").body(Full::default());
            let answer = self.sender.send_request(request.expect("a request")).await.expect("an answer");
            let status = answer.status();
            answer.into_body().collect().await.expect("a whole answer");
            if status == 200 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Takes a reader's token of these sites: what operators ask is audited, which is not what dashboards wait for.
    async fn become_reader(&mut self, sites: BTreeSet<usize>) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let sites: Vec<String> =
            sites.into_iter().map(|site| format!("\"{}\"", bed::site_name(site))).collect();
        let body = format!(r#"{{"name":"b{now}","role":"reader","sites":[{}]}}"#, sites.join(","));
        let request = Request::post("/v1/tokens")
            .header("host", "bench.example")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {OPERATOR}"));
        let request = request.body(Full::from(body)).expect("a request");
        let answer = self.sender.send_request(request).await.expect("an answer");
        let body = answer.into_body().collect().await.expect("a whole answer").to_bytes();
        let made = String::from_utf8_lossy(&body);
        let token = made.split_once(r#""token":""#).and_then(|(_, rest)| rest.split_once('"'));
        self.token = token.unwrap_or_else(|| panic!("a token: {made}")).0.to_owned();
    }

    async fn ask(&mut self, path: &str, tag: Option<&str>) -> Answer {
        let mut request = Request::get(path)
            .header("host", "bench.example")
            .header("authorization", format!("Bearer {}", self.token));
        if let Some(tag) = tag {
            request = request.header("if-none-match", tag);
        }
        let answer = self.sender.send_request(request.body(Full::default()).expect("a request")).await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), if tag.is_some() { 304 } else { 200 }, "{path}");
        let tag = answer.headers().get("etag").map(|tag| tag.to_str().expect("ASCII").to_owned());
        let bytes = answer.into_body().collect().await.expect("a whole answer").to_bytes().len();
        Answer { tag, bytes }
    }
}
