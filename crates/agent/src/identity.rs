//! Who this agent is: its key, its certificate and whom it trusts. Made once, at enrolment.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use fleetmend_model::DeviceId;
use fleetmend_protocol::enrol::{EnrolReply, EnrolRequest};
use fleetmend_trust::{EnrolToken, TrustRoot, digest_hex};
use rcgen::CertificateParams;
use serde::{Deserialize, Serialize};

use crate::core;
use crate::enrolment;
use crate::journal::{replace, state_file};
use crate::link::{Link, fetch_ca};
use crate::platform::Platform;

/// The file `identity.json` in the agent's data folder, readable by its owner only.
#[derive(Clone, Serialize, Deserialize)]
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
    /// Whether `server_url` is another than the file's.
    #[serde(skip)]
    moved: bool,
}

/// An identity with another address for its server, to be kept once the server answered there.
pub(crate) struct Moved {
    dir: PathBuf,
    identity: Identity,
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
                format!(
                    "{} is damaged: enrol this machine again, by 'enrol --again'",
                    path.display()
                )
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Enrols this machine: checks the server against the token, makes a key, gets a certificate.
    /// Nothing but the key is stored in `dir` yet: who has to ask again shows the same one.
    pub fn enrol(dir: &Path, token: &EnrolToken, platform: &dyn Platform) -> anyhow::Result<Self> {
        let ca = fetch_ca(&token.server_url, &token.ca_sha256)?;
        let link = Link::anonymous(&token.server_url, &ca)?;
        let key = enrolment::key(dir, token)?;
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
        Ok(Self {
            device: reply.device,
            server_url: token.server_url.clone(),
            ca: reply.ca,
            certificate: reply.certificate,
            key: key.serialize_pem(),
            trust: reply.trust,
            moved: false,
        })
    }

    /// Stores it in the agent's data folder.
    pub fn save(&self, dir: &Path) -> anyhow::Result<()> {
        let path = file(dir);
        replace(&path, &serde_json::to_vec_pretty(self)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
        enrolment::done(dir);
        Ok(())
    }

    /// The same device of the same server, which is at another address now. The server must still
    /// show a certificate of the same authority.
    pub fn at(mut self, server_url: &str) -> anyhow::Result<Self> {
        let url = server_url.trim_end_matches('/');
        ensure!(
            url.starts_with("https://"),
            "'{server_url}' is not the address of a server: it must start with https://"
        );
        self.moved = self.server_url != url;
        url.clone_into(&mut self.server_url);
        Ok(self)
    }

    /// What is to be kept once the server answered at its other address, if it has one.
    pub(crate) fn moved(&self, dir: &Path) -> Option<Moved> {
        self.moved.then(|| Moved {
            dir: dir.to_owned(),
            identity: self.clone(),
        })
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

impl Moved {
    /// Keeps the address, at which the server answered.
    pub(crate) fn keep(&self) {
        match self.identity.save(&self.dir) {
            Ok(()) => tracing::info!("the server is at {} now", self.identity.server_url),
            // It is told again at the next start.
            Err(error) => tracing::warn!("{error:#}"),
        }
    }
}

/// Sets an agent's identity aside, with the state that belongs to it: counters of orders and open
/// jobs are of no use to another. Gives the folder that both are in now.
pub fn set_aside(dir: &Path) -> anyhow::Result<PathBuf> {
    let aside = (1..u32::MAX)
        .map(|number| dir.join(format!("identity.old-{number}")))
        .find(|it| !it.exists())
        .context("there is no free name")?;
    std::fs::create_dir(&aside).with_context(|| format!("cannot make {}", aside.display()))?;
    // The state first: an identity must not meet the state of another after a crash in between.
    for path in [state_file(dir), file(dir)] {
        let name = path.file_name().context("a file has a name")?;
        match std::fs::rename(&path, aside.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot move {}", path.display()));
            }
            _ => {}
        }
    }
    Ok(aside)
}

/// SHA-256 of a certificate's DER: what orders for its device name.
pub fn certificate_sha256(pem: &str) -> anyhow::Result<String> {
    let certificate = ureq::tls::Certificate::from_pem(pem.as_bytes())
        .context("the device's certificate is damaged: enrol this machine again")?;
    Ok(digest_hex(certificate.der()))
}
