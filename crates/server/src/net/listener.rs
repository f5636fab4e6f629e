//! Accepts connections: TLS with an optional client certificate, then HTTP/1.1.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse as _;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::server::{Acceptor, WebPkiClientVerifier};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tower::Service as _;

use super::keys::Keys;
use super::paced::Paced;
use super::pki;
use crate::config::Patience;
use crate::error::ApiError;
use crate::registry::Device;

/// TLS handshakes at one time: they are what costs most when a fleet comes back.
const HANDSHAKES: usize = 256;
/// How long the answer to a held request may take to be sent.
const SENDING: Duration = Duration::from_secs(20);
/// How long requests may go on after the server was told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Who is at the other end of a connection.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// SHA-256 of its client certificate, lower-case hexadecimal, if it showed one of ours.
    pub certificate_sha256: Option<Arc<str>>,
    /// Whether the connection is encrypted.
    pub is_tls: bool,
}

/// TLS as the server speaks it.
pub fn tls_config(keys: &Keys, names: Vec<String>) -> anyhow::Result<Arc<rustls::ServerConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from(keys.ca_der.clone());
    roots
        .add(ca.clone())
        .context("the CA's certificate cannot be used")?;
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

/// What all connections have in common.
struct Service {
    tls: Arc<rustls::ServerConfig>,
    router: Router,
    patience: Patience,
    handshakes: Semaphore,
}

/// Serves until `stop` becomes true, then lets requests end.
pub async fn serve(
    listener: TcpListener,
    tls: Arc<rustls::ServerConfig>,
    router: Router,
    patience: Patience,
    stop: watch::Receiver<bool>,
) {
    let service = Arc::new(Service {
        tls,
        router,
        patience,
        handshakes: Semaphore::new(HANDSHAKES),
    });
    accept_all(listener, stop, move |stream, address, stop| {
        let service = Arc::clone(&service);
        async move { connection(stream, address, &service, stop).await }
    })
    .await;
}

/// Gives every connection to `serve`, each on a task of its own, until `stop` becomes true; then
/// lets them end.
pub(super) async fn accept_all<F>(
    listener: TcpListener,
    mut stop: watch::Receiver<bool>,
    serve: impl Fn(TcpStream, SocketAddr, watch::Receiver<bool>) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
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
        let open = Arc::clone(&connections).acquire_owned().await;
        let connection = serve(stream, address, stop.clone());
        tokio::spawn(async move {
            let _open = open;
            connection.await;
        });
    }
    drop(listener);
    let all_ended = connections.acquire_many(Semaphore::MAX_PERMITS as u32);
    let _ = timeout(GRACE, all_ended).await;
}

/// A request that waits for its device. While it does, its connection keeps nothing but TLS: an
/// HTTP connection has buffers of some 16 KB, and most of a fleet waits most of the time.
pub struct Held {
    /// Whose wait ends it.
    pub device: Arc<Device>,
    /// When it ends at the latest.
    pub limit: Duration,
}

/// By which a handler hands its request over to be held. It must not answer afterwards.
#[derive(Clone)]
pub struct Holder(pub mpsc::Sender<Held>);

type Io = TokioIo<TlsStream<TcpStream>>;

async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    service: &Service,
    mut stop: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    // Boxed, so that its size is not the connection's for good.
    let stream = match Box::pin(handshake(stream, service)).await {
        Ok(stream) => stream,
        Err(error) => {
            tracing::debug!("{address}: {error}");
            return;
        }
    };
    let certificate_sha256 = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(|chain| chain.first())
        .map(|certificate| Arc::from(fleetmend_trust::digest_hex(certificate).as_str()));
    let peer = Peer {
        address,
        certificate_sha256,
        is_tls: true,
    };
    let mut io = TokioIo::new(stream);
    while let Some((returned, held)) = serve_requests(io, &peer, service, &mut stop).await {
        io = returned;
        if !hold(&mut io, held, &mut stop).await {
            return;
        }
    }
}

async fn handshake(stream: TcpStream, service: &Service) -> std::io::Result<TlsStream<TcpStream>> {
    let limit = service.patience.handshake;
    let hello = LazyConfigAcceptor::new(Acceptor::default(), stream);
    let hello = timeout(limit, hello).await??;
    // Those who have not said a word yet hold up nobody.
    let _turn = service.handshakes.acquire().await;
    let rest = hello.into_stream(Arc::clone(&service.tls));
    timeout(limit, rest).await?
}

/// Answers requests until the connection ends (`None`) or one is to be held.
async fn serve_requests(
    io: Io,
    peer: &Peer,
    service: &Service,
    stop: &mut watch::Receiver<bool>,
) -> Option<(Io, Held)> {
    let (holder, mut to_hold) = mpsc::channel(1);
    let (peer, router, holder) = (peer.clone(), service.router.clone(), Holder(holder));
    let address = peer.address;
    let Patience { head, body, .. } = service.patience;
    let service = hyper::service::service_fn(move |request: http::Request<_>| {
        let mut request = request.map(|it| Body::new(Paced::new(it, body)));
        request.extensions_mut().insert(peer.clone());
        request.extensions_mut().insert(holder.clone());
        router.clone().call(request)
    });
    let mut connection = Box::pin(async move {
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head)
            .max_buf_size(64 * 1024)
            .serve_connection(io, service);
        let held = tokio::select! {
            ended = &mut connection => {
                if ended.as_ref().is_err_and(hyper::Error::is_timeout) {
                    let parts = connection.into_parts();
                    // Whoever asked for nothing needs no answer.
                    if !parts.read_buf.is_empty() {
                        refuse(parts.io).await;
                    }
                }
                return Err(Some(ended));
            }
            Some(held) = to_hold.recv() => held,
            () = told(stop) => {
                std::pin::Pin::new(&mut connection).graceful_shutdown();
                return Err(Some(connection.await));
            }
        };
        let parts = connection.into_parts();
        // More than the one request that waits: this client is none of ours.
        if parts.read_buf.is_empty() {
            Ok((parts.io, held))
        } else {
            Err(None)
        }
    });
    match connection.as_mut().await {
        Ok(held) => Some(held),
        Err(ended) => {
            if let Some(Err(error)) = ended {
                tracing::debug!("{address}: {error}");
            }
            None
        }
    }
}

/// Tells a client that its request did not come.
async fn refuse(mut io: Io) {
    let (head, body) = ApiError::TooSlow.into_response().into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        return;
    };
    let answer = format!(
        "HTTP/1.1 {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{}",
        head.status,
        body.len(),
        String::from_utf8_lossy(&body)
    );
    let send = async {
        io.inner_mut().write_all(answer.as_bytes()).await?;
        io.inner_mut().shutdown().await
    };
    let _ = timeout(SENDING, send).await;
}

/// Keeps a request until its device is woken, and answers it. `false`: the connection is over.
async fn hold(io: &mut Io, held: Held, stop: &mut watch::Receiver<bool>) -> bool {
    let mut byte = [0; 1];
    let wake = tokio::select! {
        woken = timeout(held.limit, held.device.woken()) => woken.is_ok(),
        // The agent is gone, or speaks out of turn.
        _ = io.inner_mut().read(&mut byte) => return false,
        () = told(stop) => return false,
    };
    drop(held);
    let body = format!(r#"{{"wake":{wake}}}"#);
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let send = async {
        io.inner_mut().write_all(answer.as_bytes()).await?;
        io.inner_mut().flush().await
    };
    matches!(timeout(SENDING, send).await, Ok(Ok(())))
}

/// Ends when the server is told to stop.
pub(super) async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
