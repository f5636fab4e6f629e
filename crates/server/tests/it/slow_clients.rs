//! Clients that send nothing, or too slowly, are not waited for; what takes long at the server is.

use std::sync::Arc;
use std::time::Duration;

use fleetmend_server::Patience;
use futures_util::StreamExt as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::Value as Json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::agent::Agent;
use crate::site::{NAME, PASSWORD, Site};

/// Short enough for a test, and long enough for what a loaded machine sends at once.
const SHORT: Duration = Duration::from_millis(500);
/// Far from what any of these tests may take.
const LONG: Duration = Duration::from_mins(2);

async fn site(change: impl FnOnce(&mut Patience)) -> Site {
    let mut patience = Patience {
        handshake: LONG,
        head: LONG,
        body: LONG,
    };
    change(&mut patience);
    Site::start_with(|config| config.patience = patience).await
}

async fn tcp(site: &Site) -> TcpStream {
    let address = site.running().url().trim_start_matches("https://");
    TcpStream::connect(address).await.unwrap()
}

async fn tls(site: &Site) -> TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(site.running().ca_pem().as_bytes()).unwrap();
    roots.add(ca).unwrap();
    let config = rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, tcp(site).await).await.unwrap()
}

/// What the server says until it closes the connection, which it must do soon.
async fn rest(mut stream: impl tokio::io::AsyncRead + Unpin) -> String {
    let mut bytes = Vec::new();
    tokio::time::timeout(LONG / 2, stream.read_to_end(&mut bytes))
        .await
        .expect("the connection is closed")
        .unwrap_or_default();
    String::from_utf8(bytes).unwrap()
}

fn is_too_slow(answer: &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 408 "), "{head}");
    let error: Json = serde_json::from_str(body).unwrap();
    assert_eq!(error["error"]["code"], "too_slow");
    let message = error["error"]["message"].as_str().unwrap();
    assert!(message.contains("too slowly"), "{message}");
}

#[tokio::test]
async fn a_handshake_that_does_not_begin_or_go_on_ends() {
    let site = site(|it| it.handshake = SHORT).await;
    assert_eq!(rest(tcp(&site).await).await, "");
    let mut stream = tcp(&site).await;
    // The first bytes of a handshake record.
    stream.write_all(&[22, 3, 1, 2, 0]).await.unwrap();
    assert_eq!(rest(stream).await, "");
}

#[tokio::test]
async fn those_who_say_nothing_keep_nobody_from_a_handshake() {
    let site = site(|_| {}).await;
    let mut silent = Vec::new();
    // More than there are handshakes at one time.
    for _ in 0..300 {
        silent.push(tcp(&site).await);
    }
    let answer = site.send(reqwest::Method::GET, "/agent/v1/ca", &[], None);
    let answer = tokio::time::timeout(LONG / 2, answer).await.unwrap();
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection_and_one_that_began_is_answered() {
    let site = site(|it| it.head = SHORT).await;
    assert_eq!(rest(tls(&site).await).await, "");
    let mut stream = tls(&site).await;
    stream
        .write_all(b"GET /agent/v1/ca HTTP/1.1\r\nhost: x\r\nx-")
        .await
        .unwrap();
    is_too_slow(&rest(stream).await);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_answered_wherever_it_was_for() {
    let site = site(|it| it.body = SHORT).await;
    let secret = site.setup_secret().await.unwrap();
    let answer = site.set_up(&secret, NAME, PASSWORD, PASSWORD).await;
    assert_eq!(answer.status, 303);
    for (path, kind, begin) in [
        ("/agent/v1/enrol", "application/json", "{\"protocol\": 1"),
        ("/api/v1/session", "application/json", "{"),
        ("/login", "application/x-www-form-urlencoded", "name=a"),
    ] {
        let mut stream = tls(&site).await;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\n\
             content-length: 1000\r\n\r\n{begin}"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = rest(stream).await;
        if path == "/login" {
            assert!(answer.starts_with("HTTP/1.1 408 "), "{path}: {answer}");
            assert!(answer.contains("too slowly"), "{path}: {answer}");
        } else {
            is_too_slow(&answer);
        }
    }
}

#[tokio::test]
async fn agents_that_wait_and_pages_that_watch_are_not_cut_off() {
    let site = site(|it| {
        *it = Patience {
            handshake: LONG,
            head: SHORT,
            body: SHORT,
        }
    })
    .await;
    let secret = site.setup_secret().await.unwrap();
    let answer = site.set_up(&secret, NAME, PASSWORD, PASSWORD).await;
    let person = site.person(answer.cookie.unwrap()).await;
    let agent = Agent::enrol(&site, "host").await;
    agent.check_in(&[]).await;
    agent.check_in(&[]).await;
    let mut events = site.open("/live", &person).await.bytes_stream();
    assert!(events.next().await.unwrap().is_ok());
    // As long as several limits.
    assert!(!agent.wait(2).await);
    site.running().app().touch();
    let event = tokio::time::timeout(LONG / 2, events.next()).await;
    assert!(event.unwrap().unwrap().is_ok());
}
