//! Fetches from the outside world: with a cap on bytes and on time, and nothing taken on trust.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use fleetmend_model::Millis;
use fleetmend_store::quarantine::WrongFile;
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderName, StatusCode, header};
use reqwest::{Response, Url};

use super::address::{Named, may_fetch, may_follow};
use super::credentials::Login;
use super::guard::{self, Refused};
use super::pace::host;
use super::schedule::{self, Asked};
use super::throughput::{LEAST, Least, Throughput};
use crate::app::App;

/// The longest validator kept, in bytes.
const LONGEST_VALIDATOR: usize = 512;
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
        /// Whether it was there, and took too long.
        is_slow: bool,
    },
    /// An answer that broke off; what came of it is kept for the next try.
    #[error("{url} broke off {}: {cause}", after(*.length, *.total))]
    BrokeOff {
        /// What was asked for.
        url: String,
        /// What was wrong.
        cause: String,
        /// Bytes that are here.
        length: u64,
        /// Bytes of the whole, if that is known.
        total: Option<u64>,
        /// Bytes that this try brought.
        gained: u64,
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
    /// Somebody else is at it, on the same data folder.
    #[error("{url} is being downloaded by another process")]
    Busy {
        /// What was asked for.
        url: String,
    },
    /// More bytes than allowed.
    #[error("{url} is larger than {cap} bytes")]
    TooLarge {
        /// What was asked for.
        url: String,
        /// The cap.
        cap: u64,
    },
    /// More bytes than there is room for in what it is to be put into.
    #[error("{url} is larger than the {room} bytes that are left for it in its package")]
    NoRoom {
        /// What was asked for.
        url: String,
        /// The room.
        room: u64,
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
    /// The bytes are not those that the package names, or that a person accepted instead.
    #[error(
        "{}: the {} is {}, and must be {}", .0.file, .0.algorithm, .0.found, .0.wanted
    )]
    Mismatch(Box<WrongFile>),
    /// The bytes that a site gave are not those, which may be another time.
    #[error("{}", wrong(.file, *.is_text))]
    Wrong {
        /// What came.
        file: Box<WrongFile>,
        /// Whether that is a text, as a page is.
        is_text: bool,
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
    /// A file of a folder is another than it was.
    #[error(
        "{path} is not as it was when the folder was read, or is being copied: it is looked at again \
         when the folder is"
    )]
    FileChanged {
        /// The file.
        path: String,
    },
    /// The package came with an import, which did not have the file.
    #[error(
        "{url} was not in the import of the catalog that was made at {made_at}: export it again with \
         its files where there is internet, and import that"
    )]
    NotImported {
        /// What was asked for.
        url: String,
        /// When the import was made.
        made_at: String,
        /// The import's row.
        import: Option<i64>,
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

fn after(length: u64, total: Option<u64>) -> String {
    match total {
        Some(total) => format!("after {length} of {total} bytes"),
        None => format!("after {length} bytes"),
    }
}

fn wrong(file: &WrongFile, is_text: bool) -> String {
    if is_text {
        let (name, length) = (&file.file, file.length);
        return format!(
            "{name} answered with a text of {length} bytes, such as a page to sign in at, and not with \
             the file that the package names"
        );
    }
    FetchError::Mismatch(Box::new(file.clone())).to_string()
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

/// How long an answer may take, and its body once more: the time in which a host is not asked, because
/// it is not its turn, does not count.
fn limit(asked: Asked) -> Duration {
    match asked {
        Asked::Count => Duration::from_secs(20),
        Asked::Page => Duration::from_mins(1),
        Asked::Nupkg => Duration::from_mins(30),
        Asked::Installer => Duration::from_hours(6),
    }
}

/// A header that tells whether a file is still the same, unless it is too long to be kept.
pub fn validator(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    (value.len() <= LONGEST_VALIDATOR).then(|| value.to_owned())
}

/// What tells whether a document is still as it was.
///
/// Source: RFC 9110, section 8.8.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// The header `ETag`, as it came.
    pub etag: Option<String>,
    /// The header `Last-Modified`, as it came.
    pub last_modified: Option<String>,
}

impl Validators {
    fn of(answer: &Response) -> Self {
        Self {
            etag: validator(answer.headers(), header::ETAG),
            last_modified: validator(answer.headers(), header::LAST_MODIFIED),
        }
    }

    /// The headers to ask with; none where nothing is known.
    fn headers(&self) -> HeaderMap {
        let all = [
            (header::IF_NONE_MATCH, &self.etag),
            (header::IF_MODIFIED_SINCE, &self.last_modified),
        ];
        all.into_iter()
            .filter_map(|(name, value)| Some((name, value.as_ref()?.parse().ok()?)))
            .collect()
    }
}

/// A document, or that it is as it was.
#[derive(Debug)]
pub enum Document {
    /// Nothing has changed.
    Unchanged,
    /// Its bytes, and what tells whether they change.
    Changed(Vec<u8>, Validators),
}

/// A document, unless it is as it was when it came with these validators.
pub async fn document(
    app: &App,
    ask: &Ask<'_>,
    known: &Validators,
) -> Result<Document, FetchError> {
    let headers = known.headers();
    let unchanged = [StatusCode::NOT_MODIFIED];
    let also = if headers.is_empty() {
        &[]
    } else {
        &unchanged[..]
    };
    let address = turn(app, ask, false).await?;
    let answer = open(app, ask, &address, false, &headers, also).await?;
    if answer.status() == StatusCode::NOT_MODIFIED {
        return Ok(Document::Unchanged);
    }
    let validators = Validators::of(&answer);
    let mut bytes = Vec::new();
    let take = |part: &[u8]| {
        bytes.extend_from_slice(part);
        Ok(())
    };
    pour(ask, answer, 0, take).await?;
    Ok(Document::Changed(bytes, validators))
}

/// The address, if it may be asked; ends when it is its turn.
pub async fn turn(app: &App, ask: &Ask<'_>, has_digest: bool) -> Result<Url, FetchError> {
    let address = address(ask, has_digest)?;
    app.pace.wait(app, &address).await?;
    Ok(address)
}

/// Asks, with headers of the caller's own; gives an answer that succeeded, or has a status that the
/// caller knows as well. Its body is still to come.
pub async fn open(
    app: &App,
    ask: &Ask<'_>,
    address: &Url,
    has_digest: bool,
    headers: &HeaderMap,
    also: &[StatusCode],
) -> Result<Response, FetchError> {
    let answer = follow(app, ask, address, has_digest, headers).await?;
    let status = answer.status();
    // Whoever asks the first of several hosts comes to the last one again.
    let hosts = BTreeSet::from([host(address), host(answer.url())]);
    if status.is_success() || also.contains(&status) {
        for host in &hosts {
            app.pace.answered(host);
        }
        return Ok(answer);
    }
    let retry_after = answer
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|it| schedule::retry_after(it.to_str().ok()?, app.now()));
    for host in &hosts {
        app.pace
            .refused(app, host, status, retry_after, ask.asked)
            .await?;
    }
    Err(FetchError::Status {
        url: shown(ask.url),
        status: status.as_u16(),
    })
}

/// Receives an answer's body part by part, under the cap, of which `before` bytes are taken already,
/// as long as it comes fast enough; gives the length of both.
pub async fn pour(
    ask: &Ask<'_>,
    answer: Response,
    before: u64,
    take: impl FnMut(&[u8]) -> Result<(), FetchError>,
) -> Result<u64, FetchError> {
    in_time(ask, pour_at_least(LEAST, ask, answer, before, take)).await
}

async fn pour_at_least(
    least: Least,
    ask: &Ask<'_>,
    answer: Response,
    before: u64,
    mut take: impl FnMut(&[u8]) -> Result<(), FetchError>,
) -> Result<u64, FetchError> {
    let mut length = before;
    let too_large = || FetchError::TooLarge {
        url: shown(ask.url),
        cap: ask.cap,
    };
    if answer
        .content_length()
        .is_some_and(|it| it.saturating_add(length) > ask.cap)
    {
        return Err(too_large());
    }
    let (began, mut throughput) = (Instant::now(), Throughput::new(least));
    let mut body = answer.bytes_stream();
    while let Some(part) = body.next().await {
        let part = part.map_err(|error| unreachable(ask.url, &error))?;
        length += part.len() as u64;
        if length > ask.cap {
            return Err(too_large());
        }
        take(&part)?;
        if !throughput.takes(began.elapsed(), part.len() as u64) {
            let Least { bytes, within } = least;
            return Err(FetchError::Unreachable {
                url: shown(ask.url),
                cause: format!(
                    "it brought fewer than {bytes} bytes in {} s",
                    within.as_secs()
                ),
                is_slow: true,
            });
        }
    }
    Ok(length)
}

/// Ends what takes longer than its kind may.
async fn in_time<T>(
    ask: &Ask<'_>,
    receive: impl Future<Output = Result<T, FetchError>>,
) -> Result<T, FetchError> {
    let limit = limit(ask.asked);
    tokio::time::timeout(limit, receive)
        .await
        .unwrap_or_else(|_| {
            Err(FetchError::Unreachable {
                url: shown(ask.url),
                cause: format!("no whole answer in {} s", limit.as_secs()),
                is_slow: true,
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

/// Asks, and follows a few redirects, each judged like the first address.
async fn follow(
    app: &App,
    ask: &Ask<'_>,
    first: &Url,
    has_digest: bool,
    headers: &HeaderMap,
) -> Result<Response, FetchError> {
    let mut address = first.clone();
    for _ in 0..=REDIRECTS {
        let guarded = |why| FetchError::Guarded {
            url: shown(ask.url),
            why,
        };
        let client = app.outside.client(&address, ask.private_hosts).await;
        let mut request = client.map_err(guarded)?.get(address.clone());
        request = request.headers(headers.clone());
        if let Some(login) = ask.login_for(&address) {
            request = request.basic_auth(&login.name, Some(&login.password));
        }
        let sent = async {
            request.send().await.map_err(|error| {
                guard::refusal(&error)
                    .cloned()
                    .map_or_else(|| unreachable(ask.url, &error), guarded)
            })
        };
        let answer = in_time(ask, sent).await?;
        let Some(next) = redirect(&answer) else {
            return Ok(answer);
        };
        may_follow(&address, &next, ask.named, has_digest).map_err(|why| FetchError::Address {
            url: shown(next.as_str()),
            why,
        })?;
        drop(answer);
        // Each host that is asked counts against its own allowance.
        app.pace.wait(app, &next).await?;
        address = next;
    }
    Err(FetchError::Unreachable {
        url: shown(ask.url),
        cause: "it redirects too often".to_owned(),
        is_slow: false,
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
        is_slow: error.is_timeout() && !error.is_connect(),
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

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    const ASK: Ask<'_> = Ask {
        url: "https://site.example/setup.exe",
        named: Named::Script,
        asked: Asked::Installer,
        login: None,
        private_hosts: &[],
        cap: u64::MAX,
    };

    #[tokio::test]
    async fn an_answer_that_comes_a_byte_at_a_time_ends_and_what_came_is_kept() {
        let drips = stream::unfold(
            tokio::time::interval(Duration::from_millis(1)),
            |mut it| async {
                it.tick().await;
                Some((Ok::<_, std::io::Error>(vec![0_u8]), it))
            },
        );
        let answer = http::Response::new(reqwest::Body::wrap_stream(drips));
        let least = Least {
            bytes: u64::MAX,
            within: Duration::from_millis(20),
        };
        let mut taken = 0;
        let take = |part: &[u8]| {
            taken += part.len();
            Ok(())
        };
        let ended = pour_at_least(least, &ASK, answer.into(), 0, take).await;
        let error = ended.expect_err("it never ends by itself").to_string();
        assert!(error.contains("brought fewer than"), "{error}");
        assert!(taken > 0);
    }
}
