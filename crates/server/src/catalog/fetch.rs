//! Fetches from the outside world: with a cap on bytes and on time, and nothing taken on trust.

use std::collections::BTreeSet;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::time::Duration;

use fleetmend_model::Millis;
use fleetmend_model::recipe::Checksum;
use fleetmend_store::blobs::Blobs;
use futures_util::StreamExt as _;
use http::header;
use reqwest::{Response, Url};

use super::address::{Named, may_fetch, may_follow};
use super::credentials::Login;
use super::digest::{Sums, check};
use super::guard::{self, Refused};
use super::pace::host;
use super::schedule::{self, Asked};
use crate::app::App;

/// How many redirects are followed.
const REDIRECTS: usize = 5;

/// Why something could not be fetched. The texts name the address and what was wrong.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No answer, or it broke off.
    #[error("cannot reach {url}: {cause}")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What was wrong.
        cause: String,
    },
    /// An answer that is not what was asked for.
    #[error("{url} answered {status}{}", hint(*.status))]
    Status {
        /// What was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The host asked to be left alone.
    #[error("{host} is not asked for anything: {cause}")]
    Paused {
        /// The host.
        host: String,
        /// Until when.
        until: Millis,
        /// Why.
        cause: String,
    },
    /// More bytes than allowed.
    #[error("{url} is larger than {cap} bytes")]
    TooLarge {
        /// What was asked for.
        url: String,
        /// The cap.
        cap: u64,
    },
    /// Not an address that may be fetched.
    #[error("'{url}' {why}")]
    Address {
        /// What was asked for.
        url: String,
        /// Why not; goes on from the address.
        why: &'static str,
    },
    /// An address where nothing is asked for.
    #[error("{url}: {why}")]
    Guarded {
        /// What was asked for.
        url: String,
        /// Why not.
        why: Refused,
    },
    /// The bytes are not those that the package names.
    #[error("{url}: the {algorithm} is {found}, the package says {wanted}")]
    Mismatch {
        /// What was asked for.
        url: String,
        /// `sha256` and the like.
        algorithm: String,
        /// What the bytes have.
        found: String,
        /// What the package names.
        wanted: String,
    },
    /// The package names a digest of a kind that is not checked.
    #[error(
        "{url}: the package names a checksum of the kind '{algorithm}', which cannot be checked"
    )]
    Algorithm {
        /// What was asked for.
        url: String,
        /// The kind.
        algorithm: String,
    },
    /// The disk.
    #[error("cannot store {url}: {error}")]
    Disk {
        /// What was asked for.
        url: String,
        /// What was wrong.
        error: std::io::Error,
    },
    /// The server itself.
    #[error("{0:#}")]
    Internal(#[from] anyhow::Error),
}

fn hint(status: u16) -> &'static str {
    match status {
        401 => ": it wants a name and a password, or other ones",
        _ => "",
    }
}

/// What is asked for.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// The address.
    pub url: &'a str,
    /// Who named it.
    pub named: Named<'a>,
    /// What it is.
    pub asked: Asked,
    /// What the feed is read with. Goes to nobody else.
    pub login: Option<&'a Login>,
    /// Where the source may lead although it is in one's own network.
    pub private_hosts: &'a [String],
    /// The most bytes taken.
    pub cap: u64,
}

impl Ask<'_> {
    /// The name and password, if the address is the feed's own.
    fn login_for(&self, address: &Url) -> Option<&Login> {
        let Named::Feed(feed) = self.named else {
            return None;
        };
        let feed = Url::parse(feed).ok()?;
        self.login.filter(|_| feed.origin() == address.origin())
    }
}

/// How long an answer may take in all.
fn limit(asked: Asked) -> Duration {
    match asked {
        Asked::Page => Duration::from_mins(1),
        Asked::Nupkg => Duration::from_mins(30),
        Asked::Installer => Duration::from_hours(6),
    }
}

/// A file that is in the store now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Length in bytes.
    pub length: u64,
}

/// A document's bytes.
pub async fn document(app: &App, ask: &Ask<'_>) -> Result<Vec<u8>, FetchError> {
    let mut bytes = Vec::new();
    let take = |part: &[u8]| {
        bytes.extend_from_slice(part);
        Ok(())
    };
    receive(app, ask, false, take).await?;
    Ok(bytes)
}

/// Stores a file under its digest, if it is the one that the package names.
pub async fn file(
    app: &App,
    ask: &Ask<'_>,
    checksum: Option<&Checksum>,
) -> Result<Fetched, FetchError> {
    let url = ask.url;
    let disk = |error| FetchError::Disk {
        url: shown(url),
        error,
    };
    let mut sums = Sums::new(url, checksum)?;
    let mut file = app.blobs.incoming().map_err(disk)?;
    let take = |part: &[u8]| {
        sums.update(part);
        file.write_all(part).map_err(disk)
    };
    let length = receive(app, ask, checksum.is_some(), take).await?;
    if let (Some(checksum), Some(found)) = (checksum, sums.named()) {
        check(url, checksum, &found)?;
    }
    let sha256 = sums.sha256();
    file.as_file_mut().seek(SeekFrom::Start(0)).map_err(disk)?;
    app.blobs.keep(file, &sha256).map_err(disk)?;
    Ok(Fetched { sha256, length })
}

/// Stores bytes that are at hand (a file inside a package) under their digest.
pub fn keep(
    name: &str,
    bytes: &[u8],
    checksum: Option<&Checksum>,
    blobs: &Blobs,
) -> Result<Fetched, FetchError> {
    let disk = |error| FetchError::Disk {
        url: name.to_owned(),
        error,
    };
    let mut sums = Sums::new(name, checksum)?;
    sums.update(bytes);
    if let (Some(checksum), Some(found)) = (checksum, sums.named()) {
        check(name, checksum, &found)?;
    }
    let mut file = blobs.incoming().map_err(disk)?;
    file.write_all(bytes).map_err(disk)?;
    let sha256 = sums.sha256();
    blobs.keep(file, &sha256).map_err(disk)?;
    Ok(Fetched {
        sha256,
        length: bytes.len() as u64,
    })
}

/// Receives an answer part by part, under the caps; gives its length.
async fn receive(
    app: &App,
    ask: &Ask<'_>,
    has_digest: bool,
    mut take: impl FnMut(&[u8]) -> Result<(), FetchError>,
) -> Result<u64, FetchError> {
    let url = ask.url;
    let (cap, limit) = (ask.cap, limit(ask.asked));
    let address = address(ask, has_digest)?;
    app.pace.wait(app, &address).await?;
    let receive = async {
        let mut body = get(app, ask, address, has_digest).await?.bytes_stream();
        let mut length = 0;
        while let Some(part) = body.next().await {
            let part = part.map_err(|error| unreachable(url, &error))?;
            length += part.len() as u64;
            if length > cap {
                return Err(FetchError::TooLarge {
                    url: shown(url),
                    cap,
                });
            }
            take(&part)?;
        }
        Ok(length)
    };
    tokio::time::timeout(limit, receive)
        .await
        .unwrap_or_else(|_| {
            Err(FetchError::Unreachable {
                url: shown(url),
                cause: format!("no whole answer in {} s", limit.as_secs()),
            })
        })
}

fn address(ask: &Ask<'_>, has_digest: bool) -> Result<Url, FetchError> {
    let refused = |why| FetchError::Address {
        url: shown(ask.url),
        why,
    };
    let address = Url::parse(ask.url).map_err(|_| refused("is not an address"))?;
    may_fetch(&address, ask.named, has_digest).map_err(refused)?;
    Ok(address)
}

async fn get(
    app: &App,
    ask: &Ask<'_>,
    address: Url,
    has_digest: bool,
) -> Result<Response, FetchError> {
    let url = ask.url;
    let answer = follow(app, ask, &address, has_digest).await?;
    let status = answer.status();
    if !status.is_success() {
        let retry_after = answer
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|it| schedule::retry_after(it.to_str().ok()?, app.now()));
        // Whoever asks the first of several hosts comes to the last one again.
        let hosts = BTreeSet::from([host(&address), host(answer.url())]);
        for host in &hosts {
            app.pace
                .refused(app, host, status, retry_after, ask.asked)
                .await?;
        }
        return Err(FetchError::Status {
            url: shown(url),
            status: status.as_u16(),
        });
    }
    app.pace.answered(&host(answer.url()));
    Ok(answer)
}

/// Asks, and follows a few redirects, each judged like the first address.
async fn follow(
    app: &App,
    ask: &Ask<'_>,
    first: &Url,
    has_digest: bool,
) -> Result<Response, FetchError> {
    let mut address = first.clone();
    for _ in 0..=REDIRECTS {
        let guarded = |why| FetchError::Guarded {
            url: shown(ask.url),
            why,
        };
        let client = app.outside.client(&address, ask.private_hosts).await;
        let mut request = client.map_err(guarded)?.get(address.clone());
        if let Some(login) = ask.login_for(&address) {
            request = request.basic_auth(&login.name, Some(&login.password));
        }
        let answer = request.send().await.map_err(|error| {
            guard::refusal(&error)
                .cloned()
                .map_or_else(|| unreachable(ask.url, &error), guarded)
        })?;
        let Some(next) = redirect(&answer) else {
            return Ok(answer);
        };
        may_follow(&address, &next, ask.named, has_digest).map_err(|why| FetchError::Address {
            url: shown(next.as_str()),
            why,
        })?;
        address = next;
    }
    Err(FetchError::Unreachable {
        url: shown(ask.url),
        cause: "it redirects too often".to_owned(),
    })
}

/// Where an answer sends its reader.
fn redirect(answer: &Response) -> Option<Url> {
    let status = answer.status().as_u16();
    let location = answer.headers().get(header::LOCATION)?;
    let next = answer.url().join(location.to_str().ok()?).ok()?;
    matches!(status, 301 | 302 | 303 | 307 | 308).then_some(next)
}

fn unreachable(url: &str, error: &reqwest::Error) -> FetchError {
    // reqwest's own text repeats the address; the cause beneath says what was wrong.
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    FetchError::Unreachable {
        url: shown(url),
        cause: cause.to_string(),
    }
}

/// An address without the name and password it may carry.
pub fn shown(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut url) if !url.username().is_empty() || url.password().is_some() => {
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.to_string()
        }
        _ => url.to_owned(),
    }
}
