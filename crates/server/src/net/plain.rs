//! HTTP/1.1 without TLS, where an administrator asks for it: for the feed alone, whose clients
//! cannot always be given the server's certificate authority.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::Service as _;

use super::listener::{Peer, accept_all, told};
use super::paced::Paced;
use crate::config::Patience;

/// Serves until `stop` becomes true, then lets requests end.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    patience: Patience,
    stop: watch::Receiver<bool>,
) {
    let router = Arc::new(router);
    accept_all(listener, stop, move |stream, address, stop| {
        connection(stream, address, Arc::clone(&router), patience, stop)
    })
    .await;
}

async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    router: Arc<Router>,
    patience: Patience,
    mut stop: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let peer = Peer {
        address,
        certificate_sha256: None,
        is_tls: false,
    };
    let service = hyper::service::service_fn(move |request: http::Request<_>| {
        let mut request = request.map(|it| Body::new(Paced::new(it, patience.body)));
        request.extensions_mut().insert(peer.clone());
        Router::clone(&router).call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = told(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("{address}: {error}");
    }
}
