//! Accepts connections: TLS with an optional client certificate, then HTTP/1.1.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::Service as _;

use super::keys::Keys;
use super::pki;

/// TLS handshakes at one time: they are what costs most when a fleet comes back.
const HANDSHAKES: usize = 256;
/// How long a handshake, or the head of a request, may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a connection may stand without the head of a request.
const IDLE: Duration = Duration::from_secs(60);
/// How long requests may go on after the server was told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Who is at the other end of a connection.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// SHA-256 of its client certificate, lower-case hexadecimal, if it showed one of ours.
    pub certificate_sha256: Option<Arc<str>>,
}

/// TLS as the server speaks it.
pub fn tls_config(keys: &Keys, names: Vec<String>) -> anyhow::Result<Arc<rustls::ServerConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from(keys.ca_der.clone());
    roots.add(ca.clone()).context("the CA's certificate cannot be used")?;
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider))
        .allow_unauthenticated()
        .build()
        .context("client certificates cannot be checked")?;
    let (certificate, key) = pki::server_certificate(&keys.ca, names)?;
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("TLS cannot be set up")?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate, ca], key)
        .context("the server's certificate cannot be used")?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Serves until `stop` becomes true, then lets requests end.
pub async fn serve(
    listener: TcpListener,
    tls: Arc<rustls::ServerConfig>,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let acceptor = TlsAcceptor::from(tls);
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES));
    let connections = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
    loop {
        let (stream, address) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, mostly: the ones in use must end first.
                    tracing::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = told(&mut stop) => break,
        };
        let (acceptor, router, handshakes, stop) =
            (acceptor.clone(), router.clone(), Arc::clone(&handshakes), stop.clone());
        let open = Arc::clone(&connections).acquire_owned().await;
        tokio::spawn(async move {
            let _open = open;
            connection(stream, address, acceptor, router, handshakes, stop).await;
        });
    }
    drop(listener);
    let all_ended = connections.acquire_many(Semaphore::MAX_PERMITS as u32);
    let _ = tokio::time::timeout(GRACE, all_ended).await;
}

async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    acceptor: TlsAcceptor,
    router: Router,
    handshakes: Arc<Semaphore>,
    mut stop: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let Ok(turn) = handshakes.acquire().await else { return };
    let stream = match tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!("{address}: {error}");
            return;
        }
        Err(_) => return,
    };
    drop(turn);
    let certificate_sha256 = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(|chain| chain.first())
        .map(|certificate| Arc::from(fleetmend_trust::digest_hex(certificate).as_str()));
    let peer = Peer { address, certificate_sha256 };
    let service = hyper::service::service_fn(move |mut request: http::Request<_>| {
        request.extensions_mut().insert(peer.clone());
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = told(&mut stop) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("{address}: {error}");
    }
}

/// Ends when the server is told to stop.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
