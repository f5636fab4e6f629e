//! A lean agent connection: TLS with the device's certificate and hand-made HTTP/1.1, so that on
//! two cores the server is measured and not the load.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use fleetmend_protocol::enrol::{EnrolReply, EnrolRequest};
use fleetmend_protocol::paths;
use fleetmend_trust::EnrolToken;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::apps;

/// An enrolled device.
#[derive(Clone)]
pub struct Device {
    config: Arc<ClientConfig>,
    address: String,
    host: String,
    /// What the server answered at enrolment.
    pub reply: Arc<EnrolReply>,
}

impl Device {
    /// Enrols the ordinary way.
    pub async fn enrol(token: &str, ca_pem: &str, name: &str) -> anyhow::Result<Self> {
        let token = EnrolToken::from_text(token)?;
        let address = token
            .server_url
            .strip_prefix("https://")
            .context("not an https address")?
            .to_owned();
        let host = address
            .rsplit_once(':')
            .map_or(address.as_str(), |it| it.0)
            .to_owned();
        let key = KeyPair::generate()?;
        let request = EnrolRequest {
            protocol: fleetmend_protocol::CURRENT,
            agent_version: "lab".to_owned(),
            secret: token.secret_hex(),
            signing_request: CertificateParams::default()
                .serialize_request(&key)?
                .pem()?,
            host: apps::host(name),
        };
        let anonymous = client_config(ca_pem, None)?;
        let mut connection = Connection::open(&anonymous, &address, &host).await?;
        let body = connection
            .post(paths::ENROL, &serde_json::to_vec(&request)?)
            .await?
            .to_vec();
        let reply: EnrolReply = serde_json::from_slice(&body)?;
        let identity = (reply.certificate.as_str(), &key);
        let config = client_config(ca_pem, Some(identity))?;
        Ok(Self {
            config,
            address,
            host,
            reply: Arc::new(reply),
        })
    }

    /// Opens a connection with the device's certificate.
    pub async fn connect(&self) -> anyhow::Result<Connection> {
        Connection::open(&self.config, &self.address, &self.host).await
    }
}

/// Enrols a device for each token, which sends an inventory that names all titles: packages are fetched
/// only when some device may have them.
pub async fn enrol_with_all_titles(
    tokens: &[String],
    ca_pem: &str,
) -> anyhow::Result<Vec<Connection>> {
    let mut connections = Vec::new();
    for (number, token) in tokens.iter().enumerate() {
        let device = Device::enrol(token, ca_pem, &format!("lab-{number}")).await?;
        let inventory = serde_json::to_vec(&apps::all_titles(number))?;
        let mut connection = device.connect().await?;
        connection.post(paths::INVENTORY, &inventory).await?;
        connections.push(connection);
    }
    Ok(connections)
}

/// Fetches the CA that the token names, as an agent does.
pub async fn fetch_ca(token: &str) -> anyhow::Result<String> {
    let token = EnrolToken::from_text(token)?;
    tokio::task::spawn_blocking(move || {
        fleetmend_agent::fetch_ca(&token.server_url, &token.ca_sha256)
    })
    .await?
}

/// A connection without a certificate, and the server's name and port.
pub async fn connect(token: &str) -> anyhow::Result<(TlsStream<TcpStream>, String)> {
    let ca_pem = fetch_ca(token).await?;
    let url = EnrolToken::from_text(token)?.server_url;
    let address = url
        .strip_prefix("https://")
        .context("not an https address")?;
    let host = address.rsplit_once(':').map_or(address, |it| it.0);
    let config = client_config(&ca_pem, None)?;
    let stream = Connection::open(&config, address, host).await?.stream;
    Ok((stream, address.to_owned()))
}

fn client_config(
    ca_pem: &str,
    identity: Option<(&str, &KeyPair)>,
) -> anyhow::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes())?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => builder.with_client_auth_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes())?],
            PrivateKeyDer::try_from(key.serialize_der())
                .map_err(|error| anyhow::anyhow!("{error}"))?,
        )?,
    };
    Ok(Arc::new(config))
}

/// One keep-alive connection.
pub struct Connection {
    stream: TlsStream<TcpStream>,
    buffer: Vec<u8>,
    /// Where the body of the last answer is in the buffer.
    body: std::ops::Range<usize>,
}

impl Connection {
    async fn open(config: &Arc<ClientConfig>, address: &str, host: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(host.to_owned())?;
        let stream = TlsConnector::from(Arc::clone(config))
            .connect(name, stream)
            .await?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(4096),
            body: 0..0,
        })
    }

    /// Posts JSON; gives the body of a 200.
    pub async fn post(&mut self, path: &str, body: &[u8]) -> anyhow::Result<&[u8]> {
        let request = request(path, body);
        self.send(&request).await
    }

    /// Sends a request made by [`request`] or [`get`].
    pub async fn send(&mut self, request: &[u8]) -> anyhow::Result<&[u8]> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        self.receive().await
    }

    /// Sends without waiting for the answer.
    pub async fn send_only(&mut self, request: &[u8]) -> anyhow::Result<()> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        Ok(())
    }

    /// The next answer.
    pub async fn receive(&mut self) -> anyhow::Result<&[u8]> {
        self.buffer.drain(..self.body.end.min(self.buffer.len()));
        self.body = 0..0;
        loop {
            if let Some(head_end) = find(&self.buffer, b"\r\n\r\n") {
                let head = std::str::from_utf8(&self.buffer[..head_end])?;
                let status = head.get(9..12).unwrap_or_default().to_owned();
                let length: usize = head
                    .split("\r\n")
                    .find_map(|line| {
                        let (name, value) = line.split_once(':')?;
                        name.eq_ignore_ascii_case("content-length")
                            .then(|| value.trim().parse())
                    })
                    .context("the answer has no length")??;
                let end = head_end + 4 + length;
                while self.buffer.len() < end {
                    self.read_more().await?;
                }
                self.body = head_end + 4..end;
                let body = &self.buffer[self.body.clone()];
                if status != "200" {
                    bail!(
                        "the server answered {status}: {}",
                        String::from_utf8_lossy(body)
                    );
                }
                return Ok(body);
            }
            self.read_more().await?;
        }
    }

    async fn read_more(&mut self) -> anyhow::Result<()> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }
}

/// A POST request's bytes.
pub fn request(path: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "POST {path} HTTP/1.1\r\nhost: lab\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A POST request's bytes with a value as JSON.
pub fn request_json(path: &str, body: &impl Serialize) -> anyhow::Result<Vec<u8>> {
    Ok(request(path, &serde_json::to_vec(body)?))
}

/// A GET request's bytes.
pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: lab\r\n\r\n").into_bytes()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
