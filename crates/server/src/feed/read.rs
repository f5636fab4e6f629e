//! `GET /feed/v2/…`: documents and packages.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse as _, Response};
use fleetmend_chocolatey::gallery::{self, Document, Gallery, Request, Resource};
use http::header::HOST;
use http::{HeaderMap, Uri};

use super::answer::{Refusal, document};
use super::{PATH, access, download, time};
use crate::app::App;
use crate::net::listener::Peer;

const ATOM: &str = "application/atom+xml; charset=utf-8";

/// Answers a read.
pub(super) async fn get(
    State(app): State<Arc<App>>,
    OriginalUri(uri): OriginalUri,
    peer: axum::Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let request = request(&uri);
    // Clients of the first generation ask for the service document, which tells nothing, before they
    // show the key that they push with.
    let is_service = matches!(&request, Ok(it) if it.resource == Resource::Service);
    if !is_service {
        access::reader(&app, &headers)?;
    }
    let request = request?;
    let base = base(&app, &headers, peer.is_tls);
    let xml = |body| document("application/xml", body, &headers);
    match &request.resource {
        Resource::Service => Ok(xml(gallery::service(&base))),
        Resource::Metadata => Ok(xml(gallery::metadata())),
        Resource::Download { id, version } => {
            download::nupkg(&app, id, version.as_deref(), &headers).await
        }
        _ => {
            let now = time(app.now())?;
            let answer = if Gallery::is_quick(&request) {
                app.feed.read(|it| it.answer(&request, &base, &now))
            } else {
                let answer = move |it: &Gallery| it.answer(&request, &base, &now);
                app.feed.read_long(answer).await?
            };
            match answer.map_err(|error| Refusal::Bad(error.to_string()))? {
                Document::Atom(body) => Ok(document(ATOM, body, &headers)),
                Document::Property(body) => Ok(xml(body)),
                Document::Count(count) => Ok(count.to_string().into_response()),
                Document::Missing => Err(missing()),
            }
        }
    }
}

/// The path below the feed's address.
pub(super) fn below(uri: &Uri) -> &str {
    uri.path().strip_prefix(PATH).unwrap_or_default()
}

/// What an address of the feed asks for.
fn request(uri: &Uri) -> Result<Request, Refusal> {
    Request::parse(below(uri), uri.query().unwrap_or_default())
        .map_err(|error| Refusal::Bad(error.to_string()))?
        .ok_or_else(missing)
}

fn missing() -> Refusal {
    Refusal::Missing("the feed has nothing at this address".to_owned())
}

/// The feed's address as this client reaches it: clients follow the addresses in documents as they
/// stand, whichever of the server's names they came by.
fn base(app: &App, headers: &HeaderMap, is_tls: bool) -> String {
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .filter(|host| host.parse::<http::uri::Authority>().is_ok());
    match host {
        Some(host) => {
            let scheme = if is_tls { "https" } else { "http" };
            format!("{scheme}://{host}{PATH}/")
        }
        None => super::url(app),
    }
}
