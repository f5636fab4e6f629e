//! Who this agent is: its key, its certificate and whom it trusts. Made once, at enrolment.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use fleetmend_model::DeviceId;
use fleetmend_protocol::enrol::{EnrolReply, EnrolRequest};
use fleetmend_trust::{EnrolToken, TrustRoot, digest_hex};
use rcgen::{CertificateParams, KeyPair};
use serde::{Deserialize, Serialize};

use crate::core;
use crate::journal::replace;
use crate::link::{Link, fetch_ca};
use crate::platform::Platform;

/// The file `identity.json` in the agent's data folder, readable by its owner only.
#[derive(Serialize, Deserialize)]
pub struct Identity {
    /// The device's id at the server.
    pub device: DeviceId,
    /// Where the server is.
    pub server_url: String,
    /// The server's CA, PEM.
    pub ca: String,
    /// The device's certificate, PEM.
    pub certificate: String,
    /// The device's key, PEM. Never leaves the machine.
    key: String,
    /// Whose orders and releases are accepted.
    pub trust: TrustRoot,
}

fn file(dir: &Path) -> PathBuf {
    dir.join("identity.json")
}

impl Identity {
    /// The identity in `dir`, if the agent is enrolled.
    pub fn load(dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = file(dir);
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).with_context(|| {
                format!("{} is damaged: enrol this machine again", path.display())
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Enrols this machine: checks the server against the token, makes a key, gets a certificate.
    pub fn enrol(dir: &Path, token: &EnrolToken, platform: &dyn Platform) -> anyhow::Result<Self> {
        let ca = fetch_ca(&token.server_url, &token.ca_sha256)?;
        let link = Link::anonymous(&token.server_url, &ca)?;
        let key = KeyPair::generate().context("cannot make a key")?;
        let request = CertificateParams::default()
            .serialize_request(&key)
            .and_then(|request| request.pem())
            .context("cannot make a certificate signing request")?;
        let reply: EnrolReply = link.enrol(&EnrolRequest {
            protocol: fleetmend_protocol::CURRENT,
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            secret: token.secret_hex(),
            signing_request: request,
            host: platform.host(),
        })?;
        let identity = Self {
            device: reply.device,
            server_url: token.server_url.clone(),
            ca: reply.ca,
            certificate: reply.certificate,
            key: key.serialize_pem(),
            trust: reply.trust,
        };
        let path = file(dir);
        replace(&path, &serde_json::to_vec_pretty(&identity)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(identity)
    }

    /// The link to the server, with the device's certificate.
    pub fn link(&self) -> anyhow::Result<Link> {
        Link::with_certificate(&self.server_url, &self.ca, &self.certificate, &self.key)
    }

    /// What the core needs of it.
    pub fn for_core(&self) -> anyhow::Result<core::Identity> {
        Ok(core::Identity {
            certificate_sha256: certificate_sha256(&self.certificate)?,
            trust: self.trust.clone(),
        })
    }
}

/// SHA-256 of a certificate's DER: what orders for its device name.
pub fn certificate_sha256(pem: &str) -> anyhow::Result<String> {
    let certificate = ureq::tls::Certificate::from_pem(pem.as_bytes())
        .context("the device's certificate is damaged: enrol this machine again")?;
    Ok(digest_hex(certificate.der()))
}
