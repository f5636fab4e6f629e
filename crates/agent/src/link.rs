//! The agent's side of the HTTPS connection: always asks, pins the server's CA, shows its own
//! certificate, and puts a timeout and a cap on everything.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use fleetmend_protocol::checkin::{CheckIn, CheckInReply, InventoryReply, WaitReply};
use fleetmend_protocol::enrol::{EnrolReply, EnrolRequest};
use fleetmend_protocol::reports::{Reports, ReportsReply};
use fleetmend_protocol::{BOOT_HEADER, ErrorBody, paths};
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::Response;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};
use ureq::typestate::WithBody;
use ureq::{Agent, Body, RequestBuilder};

/// The longest answer that is read as a message, in bytes.
const MAX_ANSWER: u64 = 16 * 1024 * 1024;
/// The longest CA certificate, in bytes.
const MAX_CA: u64 = 16 * 1024;
/// How long an ordinary request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(60);
/// How long the server may hold a wait, in seconds.
pub const WAIT_SECONDS: u64 = 120;

/// What came of a request.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// There was no answer.
    #[error("cannot reach the server at {url}: {cause}")]
    Unreachable {
        /// The server.
        url: String,
        /// What was wrong.
        cause: String,
    },
    /// The server, or something on the way to it, answered that it cannot do this now.
    #[error("the server cannot do this now ({status}): {message}")]
    Busy {
        /// The HTTP status.
        status: u16,
        /// The server's sentence.
        message: String,
    },
    /// The server answered with an error that stays when the request is made again.
    #[error("the server refused the request ({status}): {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The server's sentence.
        message: String,
    },
}

impl LinkError {
    /// What an answer that is no success says. Source: RFC 9110, section 15; RFC 6585; RFC 8470.
    fn of_status(status: u16, message: String) -> Self {
        match status {
            408 | 425 | 429 | 500.. => Self::Busy { status, message },
            _ => Self::Refused { status, message },
        }
    }
}

/// The connection to one server.
#[derive(Clone)]
pub struct Link {
    agent: Agent,
    base: String,
}

impl Link {
    /// Before enrolment: the server is known, the device is not.
    pub fn anonymous(base: &str, ca_pem: &str) -> anyhow::Result<Self> {
        let roots = roots(ca_pem)?;
        Ok(Self {
            agent: agent(tls().root_certs(roots).build()),
            base: base.to_owned(),
        })
    }

    /// With the device's certificate.
    pub fn with_certificate(
        base: &str,
        ca_pem: &str,
        certificate_pem: &str,
        key_pem: &str,
    ) -> anyhow::Result<Self> {
        let certificate = Certificate::from_pem(certificate_pem.as_bytes())
            .context("the device's certificate is damaged")?;
        let key =
            PrivateKey::from_pem(key_pem.as_bytes()).context("the device's key is damaged")?;
        let client = ClientCert::new_with_certs(&[certificate], key);
        let config = tls()
            .root_certs(roots(ca_pem)?)
            .client_cert(Some(client))
            .build();
        Ok(Self {
            agent: agent(config),
            base: base.to_owned(),
        })
    }

    /// Trades a token for a certificate.
    pub fn enrol(&self, request: &EnrolRequest) -> Result<EnrolReply, LinkError> {
        self.post(paths::ENROL, request)
    }

    /// Checks in.
    pub fn check_in(&self, request: &CheckIn) -> Result<CheckInReply, LinkError> {
        self.post(paths::CHECKIN, request)
    }

    /// Sends reports.
    pub fn report(&self, reports: &Reports) -> Result<ReportsReply, LinkError> {
        self.post(paths::REPORTS, reports)
    }

    /// Sends an inventory that was made in `boot`, already as JSON: its digest is that of these bytes.
    pub fn inventory(&self, json: &[u8], boot: &str) -> Result<InventoryReply, LinkError> {
        let mut request = self.post_of(paths::INVENTORY);
        if !boot.is_empty() && boot.bytes().all(|byte| byte.is_ascii_graphic()) {
            request = request.header(BOOT_HEADER, boot);
        }
        self.read(request.send(json))
    }

    /// Waits until the server has something, or for [`WAIT_SECONDS`].
    pub fn wait(&self) -> Result<WaitReply, LinkError> {
        let limit = Duration::from_secs(WAIT_SECONDS + 30);
        let answer = self
            .agent
            .get(format!("{}?seconds={WAIT_SECONDS}", self.url(paths::WAIT)))
            .config()
            .timeout_global(Some(limit))
            .build()
            .call();
        self.read(answer)
    }

    /// A file's bytes from `offset` on.
    pub fn file(&self, sha256: &str, offset: u64) -> Result<impl Read + use<>, LinkError> {
        let answer = self
            .agent
            .get(format!("{}/{sha256}", self.url(paths::FILES)))
            .header("range", format!("bytes={offset}-"))
            .config()
            .timeout_global(None)
            .timeout_recv_response(Some(REQUEST_LIMIT))
            .timeout_per_read(Some(REQUEST_LIMIT))
            .build()
            .call();
        let answer = self.check(answer)?;
        if offset > 0 && answer.status() != 206 {
            return Err(LinkError::Refused {
                status: answer.status().as_u16(),
                message: "the server does not go on where the download stopped".to_owned(),
            });
        }
        Ok(answer
            .into_body()
            .into_with_config()
            .limit(u64::MAX)
            .reader())
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn post<Q: Serialize, A: DeserializeOwned>(
        &self,
        path: &str,
        body: &Q,
    ) -> Result<A, LinkError> {
        let json = serde_json::to_vec(body).map_err(|error| LinkError::Refused {
            status: 0,
            message: format!("the request cannot be written as JSON: {error}"),
        })?;
        self.read(self.post_of(path).send(&json[..]))
    }

    fn post_of(&self, path: &str) -> RequestBuilder<WithBody> {
        let request = self.agent.post(self.url(path));
        request.header("content-type", "application/json")
    }

    fn read<A: DeserializeOwned>(
        &self,
        answer: Result<Response<Body>, ureq::Error>,
    ) -> Result<A, LinkError> {
        let answer = self.check(answer)?;
        let status = answer.status().as_u16();
        let bytes = self.bytes(answer)?;
        serde_json::from_slice(&bytes).map_err(|error| LinkError::Refused {
            status,
            message: format!("the answer is not what this agent understands: {error}"),
        })
    }

    fn check(
        &self,
        answer: Result<Response<Body>, ureq::Error>,
    ) -> Result<Response<Body>, LinkError> {
        let answer = answer.map_err(|error| self.unreachable(&error))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let bytes = self.bytes(answer)?;
        let message = serde_json::from_slice::<ErrorBody>(&bytes)
            .map_or_else(|_| "no reason given".to_owned(), |body| body.error.message);
        Err(LinkError::of_status(status.as_u16(), message))
    }

    fn bytes(&self, answer: Response<Body>) -> Result<Vec<u8>, LinkError> {
        answer
            .into_body()
            .into_with_config()
            .limit(MAX_ANSWER)
            .read_to_vec()
            .map_err(|error| self.unreachable(&error))
    }

    fn unreachable(&self, error: &ureq::Error) -> LinkError {
        LinkError::Unreachable {
            url: self.base.clone(),
            cause: error.to_string(),
        }
    }
}

/// The server's CA certificate as PEM, if it is the one that the token names. The connection
/// itself proves nothing here; the digest does.
pub fn fetch_ca(base: &str, sha256: &[u8; 32]) -> anyhow::Result<String> {
    let unverified = agent(tls().disable_verification(true).build());
    let answer = unverified
        .get(format!("{base}{}", paths::CA))
        .call()
        .with_context(|| format!("cannot reach the server at {base}"))?;
    let der = answer
        .into_body()
        .into_with_config()
        .limit(MAX_CA)
        .read_to_vec()
        .with_context(|| format!("cannot read the certificate of the server at {base}"))?;
    if ring::digest::digest(&ring::digest::SHA256, &der).as_ref() != sha256 {
        bail!(
            "the server at {base} is not the one that the enrolment token was made for: \
             its certificate is another. Make a new token on the right server"
        );
    }
    Ok(pem(&der))
}

fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap_or_default())
        .collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
}

fn roots(ca_pem: &str) -> anyhow::Result<RootCerts> {
    let ca = Certificate::from_pem(ca_pem.as_bytes()).context("the server's CA is damaged")?;
    Ok(RootCerts::from(vec![ca]))
}

fn tls() -> ureq::tls::TlsConfigBuilder {
    TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
}

fn agent(tls: TlsConfig) -> Agent {
    Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .https_only(true)
        .timeout_connect(Some(Duration::from_secs(15)))
        .timeout_global(Some(REQUEST_LIMIT))
        .user_agent(concat!("fleetmend-agent/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_may_be_another_one_later_is_no_refusal() {
        for (status, is_refusal) in [
            (301, true),
            (400, true),
            (401, true),
            (403, true),
            (404, true),
            (408, false),
            (409, true),
            (413, true),
            (425, false),
            (429, false),
            (500, false),
            (502, false),
            (503, false),
            (504, false),
        ] {
            let error = LinkError::of_status(status, "why".to_owned());
            let found = matches!(error, LinkError::Refused { .. });
            assert_eq!(found, is_refusal, "{error}");
        }
    }
}
