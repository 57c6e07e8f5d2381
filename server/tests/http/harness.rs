//! A server of a test's own, on a port of its own, and a client that speaks to it through a real socket.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use heatgrid_engine::clock::{Clock, ManualClock};
use heatgrid_server::config::{Config, Start};
use heatgrid_server::health::Health;
use heatgrid_server::serve::{Served, Server as Serving};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;

/// The operator's token of every test.
pub(crate) const OPERATOR: &str = "operator-token-of-the-tests";
/// Where a test's clock begins: 2026-01-15T12:00:00Z.
pub(crate) const START_MS: u64 = 1_768_478_400_000;

/// A running server.
pub(crate) struct Server {
    /// What it takes for the time.
    pub(crate) clock: Arc<ManualClock>,
    /// What it is told to stop by.
    pub(crate) health: Arc<Health>,
    /// `listen`, then `admin_listen`.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Its directory, when the test has not brought one.
    pub(crate) directory: Arc<tempfile::TempDir>,
    running: JoinHandle<Served>,
}

impl Server {
    /// With the settings of a first start.
    pub(crate) async fn start() -> Server {
        Server::with(|_| {}).await
    }

    /// With other settings.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Server {
        let directory = Arc::new(tempfile::tempdir().expect("a directory can be made"));
        Server::on(directory, START_MS, change).await
    }

    /// On a directory that may have served before.
    pub(crate) async fn on(
        directory: Arc<tempfile::TempDir>,
        now_ms: u64,
        change: impl FnOnce(&mut Config),
    ) -> Server {
        let Ok(Start::Serve(mut config)) = Start::read(["heatgrid-server".into()], []) else {
            panic!("the defaults are usable")
        };
        config.data = directory.path().join("data");
        config.listen = "127.0.0.1:0".parse().expect("an address");
        // The machine's disk is not the test's.
        config.disk_reserve_bytes = 0;
        change(&mut config);
        let clock = Arc::new(ManualClock::new(now_ms));
        let serving = Serving::bind(*config, Arc::clone(&clock) as Arc<dyn Clock>).await;
        let serving = serving.expect("the server binds its listeners");
        let addresses = serving.addresses().expect("a listener has an address");
        let health = serving.health();
        let running =
            tokio::spawn(
                async move { serving.run(Some(OPERATOR.to_owned())).await.expect("the server starts") },
            );
        let server = Server { clock, health, addresses, directory, running };
        while server.get("/readyz").send().await.status != 200 {
            assert!(!server.running.is_finished(), "the server ended");
            tokio::task::yield_now().await;
        }
        server
    }

    /// Stops it in order, as SIGTERM does.
    pub(crate) async fn stop(self) -> Arc<tempfile::TempDir> {
        self.health.drain();
        let served = self.running.await.expect("the server ends");
        tokio::task::spawn_blocking(move || served.close()).await.expect("it closes").expect("it flushes");
        self.directory
    }

    /// Makes a site, and gives its 201 back.
    pub(crate) async fn site(&self, name: &str, mut settings: Value) -> Value {
        settings["site"] = name.into();
        let made = self.post("/v1/sites").token(OPERATOR).json(&settings).send().await;
        assert_eq!(made.status, 201, "{made:?}");
        made.json()
    }

    /// Makes a token of a role for a site, named like the role.
    pub(crate) async fn token(&self, site: &str, role: &str) -> String {
        let asked = self.post(&format!("/v1/sites/{site}/tokens")).token(OPERATOR);
        let made = asked.json(&serde_json::json!({ "name": role, "role": role })).send().await;
        assert_eq!(made.status, 201, "{made:?}");
        made.json()["token"].as_str().expect("a token").to_owned()
    }

    /// A request to `listen`.
    pub(crate) fn request(&self, method: &str, path: &str) -> Asking {
        Asking::new(self.addresses[0], method, path)
    }

    /// A request to `admin_listen`.
    pub(crate) fn private(&self, method: &str, path: &str) -> Asking {
        Asking::new(self.addresses[1], method, path)
    }

    /// A GET.
    pub(crate) fn get(&self, path: &str) -> Asking {
        self.request("GET", path)
    }

    /// A POST.
    pub(crate) fn post(&self, path: &str) -> Asking {
        self.request("POST", path)
    }
}

/// A request that is put together.
pub(crate) struct Asking {
    address: SocketAddr,
    from: IpAddr,
    builder: hyper::http::request::Builder,
    body: Bytes,
}

impl Asking {
    /// Of a server at an address.
    pub(crate) fn new(address: SocketAddr, method: &str, path: &str) -> Asking {
        let builder = hyper::Request::builder().method(method).uri(path).header("host", address.to_string());
        Asking { address, from: Ipv4Addr::LOCALHOST.into(), builder, body: Bytes::new() }
    }

    /// From another address of this machine: all of 127.0.0.0/8 are.
    pub(crate) fn from(mut self, address: &str) -> Asking {
        self.from = address.parse().expect("an address");
        self
    }

    /// With a bearer token.
    pub(crate) fn token(self, token: &str) -> Asking {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// With a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Asking {
        self.builder = self.builder.header(name, value);
        self
    }

    /// With a body.
    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Asking {
        self.body = body.into();
        self
    }

    /// With a JSON body.
    pub(crate) fn json(self, body: &Value) -> Asking {
        self.header("content-type", "application/json").body(body.to_string())
    }

    /// Sends it on a connection of its own, and reads the whole answer.
    pub(crate) async fn send(self) -> Answer {
        self.try_send().await.expect("an answer")
    }

    /// As `send`; an error when the connection breaks before there is an answer.
    pub(crate) async fn try_send(self) -> Result<Answer, hyper::Error> {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((self.from, 0).into()).expect("an address of this machine");
        let socket = socket.connect(self.address).await.expect("the server listens");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.expect("HTTP");
        let connection = tokio::spawn(connection);
        let request = self.builder.body(Full::new(self.body)).expect("a request");
        let response = sender.send_request(request).await?;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a whole answer").to_bytes();
        connection.abort();
        let is_ours = parts.headers.contains_key("x-request-id") || parts.status == 503;
        assert!(is_ours, "every answer has an id: {parts:?}");
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, bytes })
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: u16,
    /// Its headers.
    pub(crate) headers: hyper::HeaderMap,
    /// Its body.
    pub(crate) bytes: Bytes,
}

impl Answer {
    /// A header, if it is there.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("visible ASCII"))
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts that it is this problem, whole.
    #[track_caller]
    pub(crate) fn problem(&self, anchor: &str, status: u16) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["type"], format!("/docs/HTTP.md#{anchor}"), "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        for member in ["title", "detail"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
        }
    }
}
