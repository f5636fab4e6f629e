//! A device that says what a test wants it to say, over the agent API.

use anyhow::{Context as _, Result, ensure};
use fleetmend_trust::EnrolToken;
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts};

use crate::console_client::{Answer, ca, client, read, tls};

/// An enrolled device.
pub struct Device {
    agent: Agent,
    url: String,
    /// Its id at the server.
    pub id: i64,
}

/// An enrolment request's body, and the key that it is about.
pub fn enrol_request(secret: &str) -> Result<(Value, KeyPair)> {
    let key = KeyPair::generate()?;
    let signing_request = CertificateParams::default()
        .serialize_request(&key)?
        .pem()?;
    let body = json!({
        "protocol": 1,
        "agent_version": "0.0.0",
        "secret": secret,
        "signing_request": signing_request,
        "host": host("made-by-a-test"),
    });
    Ok((body, key))
}

/// A machine's description of itself.
pub fn host(name: &str) -> Value {
    json!({
        "hostname": name,
        "os_family": "linux",
        "os_name": "Debian GNU/Linux",
        "os_version": "12",
        "architecture": "x86_64",
    })
}

/// The secret of a token's text, as it travels.
pub fn secret_of(token: &str) -> Result<String> {
    Ok(EnrolToken::from_text(token)?.secret_hex())
}

/// Sends an enrolment request, whatever comes of it.
pub fn try_enrol(url: &str, body: &Value) -> Result<Answer> {
    let agent = client(tls().root_certs(RootCerts::from(vec![ca(url)?])).build());
    read(
        agent
            .post(format!("{url}/agent/v1/enrol"))
            .send(body.to_string())?,
    )
}

impl Device {
    /// Enrols one.
    pub fn enrol(url: &str, token: &str) -> Result<Self> {
        let (body, key) = enrol_request(&secret_of(token)?)?;
        let answer = try_enrol(url, &body)?;
        ensure!(answer.status == 200, "enrolment: {answer:?}");
        let certificate = answer.body["certificate"]
            .as_str()
            .context("a certificate")?;
        let certificate = Certificate::from_pem(certificate.as_bytes())?;
        let key = PrivateKey::from_pem(key.serialize_pem().as_bytes())?;
        let config = tls()
            .root_certs(RootCerts::from(vec![ca(url)?]))
            .client_cert(Some(ClientCert::new_with_certs(&[certificate], key)));
        Ok(Self {
            agent: client(config.build()),
            url: url.to_owned(),
            id: answer.body["device"].as_i64().context("an id")?,
        })
    }

    /// Sends a message, whatever comes of it.
    pub fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.post_text(path, &body.to_string())
    }

    /// Sends any text.
    pub fn post_text(&self, path: &str, body: &str) -> Result<Answer> {
        read(self.agent.post(format!("{}{path}", self.url)).send(body)?)
    }

    /// Asks for something.
    pub fn get(&self, path: &str) -> Result<Answer> {
        read(self.agent.get(format!("{}{path}", self.url)).call()?)
    }

    /// Asks for a file: the status and the bytes.
    pub fn get_bytes(&self, path: &str) -> Result<(u16, Vec<u8>)> {
        let mut answer = self.agent.get(format!("{}{path}", self.url)).call()?;
        Ok((answer.status().as_u16(), answer.body_mut().read_to_vec()?))
    }

    /// Checks in.
    pub fn check_in(&self) -> Result<Answer> {
        self.post("/agent/v1/checkin", &check_in())
    }
}

/// A check-in that the server takes.
pub fn check_in() -> Value {
    json!({"protocol": 1, "agent_version": "0.0.0", "boot": {"id": "boot-1"}})
}
