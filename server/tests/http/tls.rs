//! TLS, and a certificate that is renewed while the server runs.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use heatgrid_engine::clock::ManualClock;
use heatgrid_server::config::{Start, Tls};
use heatgrid_server::serve::Server;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::{OPERATOR, START_MS};

/// Certificates for `localhost`, good from 2020 to 2120, and their keys. Nothing but these tests trusts them.
const FIRST: [&str; 2] = [include_str!("tls/first.crt"), include_str!("tls/first.key")];
const SECOND: [&str; 2] = [include_str!("tls/second.crt"), include_str!("tls/second.key")];

fn certificate([pem, _]: [&str; 2]) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// As whoever renews a certificate does it: each file is replaced whole, one after the other.
fn install(directory: &Path, identity: [&str; 2]) {
    for (name, text) in ["crt", "key"].into_iter().zip(identity) {
        std::fs::write(directory.join("new"), text).unwrap();
        std::fs::rename(directory.join("new"), directory.join(name)).unwrap();
    }
}

async fn connect(address: SocketAddr) -> TlsStream<TcpStream> {
    let mut trusted = RootCertStore::empty();
    trusted.add(certificate(FIRST)).unwrap();
    trusted.add(certificate(SECOND)).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(trusted).with_no_client_auth();
    let socket = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, socket).await.unwrap()
}

async fn alive(socket: &mut TlsStream<TcpStream>) -> bool {
    socket.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = [0; 512];
    let read = socket.read(&mut answer).await.unwrap();
    answer[..read].starts_with(b"HTTP/1.1 200 OK\r\n")
}

fn shown(socket: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    socket.get_ref().1.peer_certificates().unwrap()[0].clone()
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_to_new_connections_and_old_ones_go_on() {
    let directory = tempfile::tempdir().unwrap();
    install(directory.path(), FIRST);
    let Ok(Start::Serve(mut config)) = Start::read(["heatgrid-server".into()], []) else { unreachable!() };
    config.data = directory.path().join("data");
    config.listen = "127.0.0.1:0".parse().unwrap();
    config.tls = Some(Tls { certificate: directory.path().join("crt"), key: directory.path().join("key") });
    let server = Server::bind(*config, Arc::new(ManualClock::new(START_MS))).await.unwrap();
    let (address, health) = (server.addresses().unwrap()[0], server.health());
    let running = tokio::spawn(server.run(Some(OPERATOR.to_owned())));

    let mut before = connect(address).await;
    assert_eq!(shown(&before), certificate(FIRST));
    assert!(alive(&mut before).await);
    install(directory.path(), SECOND);
    let mut after = connect(address).await;
    while shown(&after) != certificate(SECOND) {
        assert_eq!(shown(&after), certificate(FIRST));
        after = connect(address).await;
    }
    assert!(alive(&mut after).await);
    assert!(alive(&mut before).await, "a connection keeps the certificate that it began with");

    // What is no HTTP over TLS is shown out without an answer.
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");

    drop((before, after));
    health.drain();
    running.await.unwrap().unwrap();
}
