//! Fetches from the outside world: with a cap on bytes and on time, and nothing taken on trust.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::time::Duration;

use fleetmend_model::recipe::Checksum;
use fleetmend_store::blobs::Blobs;
use futures_util::StreamExt as _;
use reqwest::{Client, Response, Url};
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512};

/// How long a feed may take for one document.
const DOCUMENT_LIMIT: Duration = Duration::from_secs(60);
/// How long a source may be silent in the middle of an answer.
const SILENCE: Duration = Duration::from_secs(60);
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
    #[error("{url} answered {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
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
    #[error("'{url}' is not an http or https address")]
    Address {
        /// What was asked for.
        url: String,
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
}

/// A file that is in the store now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Length in bytes.
    pub length: u64,
}

/// The client for everything outside.
pub fn client() -> anyhow::Result<Client> {
    let error = match builder().build() {
        Ok(client) => return Ok(client),
        Err(error) => error,
    };
    // A minimal Debian has no certificates of public authorities. Folders and devices need none.
    let client = builder().tls_certs_only([]).build()?;
    tracing::warn!(
        "sources at https:// addresses cannot be read: this machine has no usable CA certificates \
         ({error}): install its package ca-certificates, then start the server again"
    );
    Ok(client)
}

fn builder() -> reqwest::ClientBuilder {
    Client::builder()
        .user_agent(concat!("Fleetmend/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(15))
        .read_timeout(SILENCE)
        .redirect(reqwest::redirect::Policy::custom(redirect))
}

/// Follows a few redirects, and none that leaves TLS: without a checksum only TLS says where the
/// bytes come from.
fn redirect(attempt: reqwest::redirect::Attempt<'_>) -> reqwest::redirect::Action {
    let was_https = attempt.previous().iter().any(|url| url.scheme() == "https");
    if attempt.previous().len() > REDIRECTS {
        attempt.error("it redirects too often")
    } else if was_https && attempt.url().scheme() != "https" {
        attempt.error("it redirects from https to an address without TLS")
    } else {
        attempt.follow()
    }
}

/// A document's bytes.
pub async fn document(client: &Client, url: &str, cap: u64) -> Result<Vec<u8>, FetchError> {
    let fetch = async {
        let mut body = get(client, url).await?.bytes_stream();
        let mut bytes = Vec::new();
        while let Some(part) = body.next().await {
            let part = part.map_err(|error| unreachable(url, &error))?;
            if (bytes.len() + part.len()) as u64 > cap {
                return Err(FetchError::TooLarge {
                    url: shown(url),
                    cap,
                });
            }
            bytes.extend_from_slice(&part);
        }
        Ok(bytes)
    };
    tokio::time::timeout(DOCUMENT_LIMIT, fetch)
        .await
        .unwrap_or_else(|_| {
            let cause = format!("no whole answer in {} s", DOCUMENT_LIMIT.as_secs());
            Err(FetchError::Unreachable {
                url: shown(url),
                cause,
            })
        })
}

/// Stores a file under its digest, if it is the one that the package names.
pub async fn file(
    client: &Client,
    url: &str,
    cap: u64,
    checksum: Option<&Checksum>,
    blobs: &Blobs,
) -> Result<Fetched, FetchError> {
    let disk = |error| FetchError::Disk {
        url: shown(url),
        error,
    };
    let mut sums = Sums::new(url, checksum)?;
    let mut body = get(client, url).await?.bytes_stream();
    let mut file = blobs.incoming().map_err(disk)?;
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
        sums.update(&part);
        file.write_all(&part).map_err(disk)?;
    }
    if let (Some(checksum), Some(found)) = (checksum, sums.named()) {
        check(url, checksum, &found)?;
    }
    let sha256 = sums.sha256();
    file.as_file_mut().seek(SeekFrom::Start(0)).map_err(disk)?;
    blobs.keep(file, &sha256).map_err(disk)?;
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

fn check(url: &str, wanted: &Checksum, found: &str) -> Result<(), FetchError> {
    if wanted.hex.eq_ignore_ascii_case(found) {
        return Ok(());
    }
    Err(FetchError::Mismatch {
        url: shown(url),
        algorithm: wanted.algorithm.clone(),
        found: found.to_owned(),
        wanted: wanted.hex.to_lowercase(),
    })
}

/// The digests of a file on its way: SHA-256, and the one that the package names.
struct Sums {
    sha256: Context,
    named: Option<Context>,
}

impl Sums {
    fn new(url: &str, checksum: Option<&Checksum>) -> Result<Self, FetchError> {
        let named = match checksum.map(|it| it.algorithm.as_str()) {
            None => None,
            Some("sha256") => Some(Context::new(&SHA256)),
            Some("sha512") => Some(Context::new(&SHA512)),
            Some("sha1") => Some(Context::new(&SHA1_FOR_LEGACY_USE_ONLY)),
            Some(algorithm) => {
                return Err(FetchError::Algorithm {
                    url: shown(url),
                    algorithm: algorithm.to_owned(),
                });
            }
        };
        Ok(Self {
            sha256: Context::new(&SHA256),
            named,
        })
    }

    fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(named) = &mut self.named {
            named.update(bytes);
        }
    }

    fn named(&self) -> Option<String> {
        self.named
            .clone()
            .map(|context| hex(context.finish().as_ref()))
    }

    fn sha256(self) -> String {
        hex(self.sha256.finish().as_ref())
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

async fn get(client: &Client, url: &str) -> Result<Response, FetchError> {
    let address = Url::parse(url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| FetchError::Address { url: shown(url) })?;
    let answer = client
        .get(address)
        .send()
        .await
        .map_err(|error| unreachable(url, &error))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    Err(FetchError::Status {
        url: shown(url),
        status: status.as_u16(),
    })
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
