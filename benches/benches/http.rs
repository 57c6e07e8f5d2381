//! Ingest over HTTP, held against a bare hyper server that reads the same body and answers 204, and a flood of it. Client
//! and server share the machine, so that only the ratios mean something.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use heatgrid_benches::bed;
use heatgrid_benches::http::{Beacons, Load, OPERATOR, Sent, Serving, bare_server, lines};
use heatgrid_benches::instruments::{
    MemoryWatch, Samples, Table, ThreadTimes, bytes, count, describe, millis, rate,
};
use heatgrid_benches::settings::Settings;
use heatgrid_benches::workload::SITES;
use heatgrid_engine::clock::SystemClock;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

/// Requests of a burst: 20 events each, which together fit the memtable.
const BURST_REQUESTS: u64 = 20_000;
/// Rounds; in a burst bare and real take turns, so that what else the machine does meets both.
const ROUNDS: usize = 9;
/// Events of a request.
const EVENTS: u64 = 20;
/// Different requests.
const TEMPLATES: usize = 5_000;
const CONNECTIONS: usize = 64;
/// Of a busier server. One sync is shared by more, and while it waits for the disk there is more to do.
const MANY_CONNECTIONS: usize = 256;
/// Ten for each request that the server works on at a time.
const FLOODING: usize = 5_120;
/// Lines of a bulk request.
const LINES: usize = 500_000;
/// Of the bare server as of the real one, whose log and jobs have their own beside them.
const SERVER_THREADS: usize = 2;

fn main() {
    let settings = Settings::from_arguments();
    // `--events` bounds everything: a run of 50 M takes the full minute, --quick some seconds.
    let sustained = Duration::from_secs((settings.events / 800_000).clamp(3, 60));
    let directory = bed::fresh(&settings.directory, "store.http");
    println!("ingest over HTTP\n{}\n", describe());
    let client = runtime("client", 1);
    let bare = runtime("bare", SERVER_THREADS);
    let bare_address = bare.block_on(listen_bare());
    let real = Real::start(&directory);
    let keys = client.block_on(real.sites());
    let beacons = Arc::new(Beacons::new(TEMPLATES, EVENTS, &keys));

    let mut table = Table::new(&["20 events a request, durable when answered", "requests/s", "of bare"]);
    let mut number = 0;
    if settings.runs("burst") {
        for connections in [CONNECTIONS, MANY_CONNECTIONS] {
            let load = Load { connections, requests: BURST_REQUESTS, time: Duration::from_secs(60) };
            let (mut bares, mut reals, mut ratios) = (Samples::new(), Samples::new(), Vec::new());
            for _ in 0..ROUNDS {
                let bare = burst(&client, load, "bare", bare_address, &beacons);
                number += BURST_REQUESTS;
                let sent = burst(&client, load, "real", real.0.address, &Arc::new(beacons.from(number)));
                client.block_on(real.settle());
                ratios.push(sent.a_second() / bare.a_second());
                bares.add(each(&bare));
                reals.add(each(&sent));
            }
            row(&mut table, &format!("bare hyper, burst, {connections}"), bares.median(), 1.0);
            // Each round has its own ratio: neighbours in time meet the same machine.
            ratios.sort_by(f64::total_cmp);
            let name = format!("/v1/collect, burst, {connections}");
            row(&mut table, &name, reals.median(), ratios[ROUNDS / 2]);
            println!();
        }
    }
    if settings.runs("sustained") {
        let short = Load { connections: CONNECTIONS, requests: u64::MAX, time: sustained / 4 };
        let bare = client.block_on(short.send(bare_address, &beacons));
        let ahead = Arc::new(beacons.from(number + BURST_REQUESTS));
        let sent = client.block_on(Load { time: sustained, ..short }.send(real.0.address, &ahead));
        row(&mut table, "bare hyper, sustained", each(&bare), 1.0);
        let name = format!("/v1/collect, {} s, {} refused", sustained.as_secs(), count(sent.refused));
        row(&mut table, &name, each(&sent), sent.a_second() / bare.a_second());
    }
    if settings.runs("bulk") {
        let body = Bytes::from(lines(LINES.min(settings.events as usize), now_ms()));
        let events = body.iter().filter(|byte| **byte == b'\n').count() as u64;
        let mut times = Samples::new();
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let (before, begun) = (ThreadTimes::now(), Instant::now());
            client.block_on(real.load(body.clone(), events));
            times.add(start.elapsed());
            println!("CPU of an event by thread: {}", cost(&before, begun.elapsed(), events));
        }
        println!("\nbulk, requests of {} lines: {} (median)\n", count(events), rate(events, times.median()));
    }
    println!("{table}");
    if settings.runs("overload") {
        let flood = Load { connections: FLOODING, requests: u64::MAX, time: sustained / 4 };
        let ahead = Arc::new(beacons.from(1 << 40));
        let before = client.block_on(real.accepted());
        let memory = MemoryWatch::start();
        let sent = client.block_on(flood.send(real.0.address, &ahead));
        let (peak, accepted) = (memory.finish(), client.block_on(real.accepted()) - before);
        println!("{} connections that ask again at once, whatever they are told", count(FLOODING as u64));
        let mut table =
            Table::new(&["accepted/s", "median ms", "p99 ms", "slowest ms", "refused/s", "broken"]);
        table.row([
            count(sent.a_second() as u64),
            millis(sent.done.median()),
            millis(sent.done.quantile(0.99)),
            millis(sent.done.quantile(1.0)),
            count((sent.refused as f64 / sent.time.as_secs_f64()) as u64),
            count(sent.broken),
        ]);
        println!("{table}");
        println!("memory of both: {} at most", bytes(peak));
        // What was broken off may have been taken.
        let sure = sent.done.len() as u64 * EVENTS;
        assert!((sure..=sure + sent.broken * EVENTS).contains(&accepted), "{accepted} of {sure} are counted");
    }
    drop(real);
}

/// Named, so that the CPU of each side is told apart.
fn runtime(name: &str, threads: usize) -> Runtime {
    Builder::new_multi_thread()
        .thread_name(name)
        .worker_threads(threads)
        .enable_all()
        .build()
        .expect("threads")
}

/// Sends one round of a burst, and says what CPU it took.
fn burst(client: &Runtime, load: Load, name: &str, address: SocketAddr, beacons: &Arc<Beacons>) -> Sent {
    let (before, begun) = (ThreadTimes::now(), Instant::now());
    let sent = client.block_on(load.send(address, beacons));
    println!("CPU of a request, {name}: {}", cost(&before, begun.elapsed(), load.requests));
    assert_eq!((sent.refused, sent.broken), (0, 0), "every request of a burst is taken");
    sent
}

fn each(sent: &Sent) -> Duration {
    Duration::from_secs_f64(1.0 / sent.a_second())
}

fn row(table: &mut Table, name: &str, each: Duration, of_bare: f64) {
    let a_second = 1.0 / each.as_secs_f64();
    table.row([name, &count(a_second as u64), &format!("{of_bare:.2}")]);
}

fn cost(before: &ThreadTimes, wall: Duration, things: u64) -> String {
    let per = |time: Duration| format!("{:.2} us", time.as_secs_f64() * 1e6 / things as f64);
    let used = ThreadTimes::now().since(before);
    let mut parts: Vec<String> = used.iter().map(|(name, time)| format!("{name} {}", per(*time))).collect();
    parts.push(format!("wall {}", per(wall)));
    parts.join(", ")
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

async fn listen_bare() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(bare_server(listener));
    address
}

/// The real server, and what is asked of it beside the load.
struct Real(Serving);

impl Real {
    fn start(directory: &Path) -> Real {
        let threads = runtime("server", SERVER_THREADS);
        Real(Serving::start(threads, directory, Arc::new(SystemClock), |config| {
            (config.collect_per_address, config.collect_per_site) = (10_000_000, 10_000_000);
        }))
    }

    /// Makes the sites of the workload, and gives their keys.
    async fn sites(&self) -> Vec<String> {
        while self.call("GET", "/readyz", Bytes::new()).await.0 != 200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut keys = Vec::new();
        for site in 0..SITES {
            let body = format!(r#"{{"site":"s{site}","path_rules":"keep"}}"#);
            let (status, made) = self.call("POST", "/v1/sites", body.into()).await;
            assert_eq!(status, 201, "{made}");
            let key = made.split_once(r#""key":""#).and_then(|(_, rest)| rest.split_once('"'));
            keys.push(key.expect("a site has a key").0.to_owned());
        }
        keys
    }

    async fn load(&self, body: Bytes, events: u64) {
        let (status, receipt) = self.call("POST", "/v1/sites/s0/events", body).await;
        assert_eq!((status, receipt.contains(&events.to_string())), (200, true), "{receipt}");
    }

    /// Waits until nothing is left to be flushed or merged: the next round of either has the machine for itself.
    async fn settle(&self) {
        for job in ["flush", "compact"] {
            let (status, said) = self.call("POST", &format!("/v1/admin/{job}?wait=true"), Bytes::new()).await;
            assert_eq!(status, 200, "{said}");
        }
    }

    /// Events that it says it has accepted.
    async fn accepted(&self) -> u64 {
        let (_, metrics) = self.call("GET", "/metrics", Bytes::new()).await;
        let values = metrics.lines().filter(|line| line.starts_with("heatgrid_events_accepted_total"));
        values.map(|line| line.rsplit(' ').next().and_then(|value| value.parse().ok()).unwrap_or(0)).sum()
    }

    async fn call(&self, method: &str, path: &str, body: Bytes) -> (u16, String) {
        let socket = TcpStream::connect(self.0.address).await.expect("the server listens");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.expect("HTTP");
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "bench.example")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {OPERATOR}"));
        let request = request.body(Full::new(body)).expect("a request");
        let answer = sender.send_request(request).await.expect("an answer");
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.expect("a whole answer").to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }
}
