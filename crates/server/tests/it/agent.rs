//! A device's connection to the server, as an agent has it, with nothing behind it.

use std::time::Duration;

use fleetmend_model::device::{Host, OsFamily};
use fleetmend_model::inventory::{Boot, Inventory};
use fleetmend_model::status::deploy::Change;
use fleetmend_model::{DeployJobId, DeviceId, Millis, ScanJobId};
use fleetmend_protocol::checkin::{CheckIn, CheckInReply, InventoryReply, WaitReply};
use fleetmend_protocol::enrol::{EnrolReply, EnrolRequest};
use fleetmend_protocol::paths;
use fleetmend_protocol::reports::{Report, Reports, ReportsReply, What};
use fleetmend_trust::EnrolToken;
use rcgen::{CertificateParams, KeyPair};
use reqwest::{Certificate, Client, ClientBuilder, Identity, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::site::Site;

/// An enrolled device.
pub struct Agent {
    pub device: DeviceId,
    client: Client,
    url: String,
    sequence: i64,
    /// The digest of the inventory that it says it found last.
    pub digest: Option<String>,
    /// The scans that it says it has.
    pub scans: Vec<ScanJobId>,
    /// How many states it has had.
    states: u32,
    /// How often its machine was started.
    boots: u32,
}

impl Agent {
    /// Enrols the ordinary way and sends the inventory, so that check-ins are about orders alone.
    pub async fn enrol(site: &Site, name: &str) -> Self {
        let secret = token(site).await;
        let key = KeyPair::generate().unwrap();
        let reply: EnrolReply = read(try_enrol(site, &secret, &key, name).await).await;
        let mut agent = Self::with(site, &key, &reply);
        agent.send_inventory(&inventory(name)).await;
        agent
    }

    /// The device that enrolment made.
    pub fn with(site: &Site, key: &KeyPair, reply: &EnrolReply) -> Self {
        let identity = format!("{}{}", reply.certificate, key.serialize_pem());
        let client = client(site)
            .identity(Identity::from_pem(identity.as_bytes()).unwrap())
            .timeout(Duration::from_mins(1))
            .build()
            .unwrap();
        Self {
            device: reply.device,
            client,
            url: site.running().url().to_owned(),
            sequence: 0,
            digest: None,
            scans: Vec::new(),
            states: 1,
            boots: 1,
        }
    }

    pub async fn send_inventory(&mut self, inventory: &Inventory) {
        let answer = post(&self.client, &self.url, paths::INVENTORY, inventory).await;
        self.digest = Some(read::<InventoryReply>(answer).await.digest);
    }

    /// The same, and says which boot it was made in.
    pub async fn send_inventory_of(&mut self, inventory: &Inventory, boot: &str) {
        let url = format!("{}{}", self.url, paths::INVENTORY);
        let request = self
            .client
            .post(url)
            .header(fleetmend_protocol::BOOT_HEADER, boot);
        let answer = request.json(inventory).send().await.unwrap();
        self.digest = Some(read::<InventoryReply>(answer).await.digest);
    }

    /// The digest of the inventory that it sent last.
    pub fn digest(&self) -> Option<String> {
        self.digest.clone()
    }

    /// Begins with a new state, as an agent does whose own was moved away.
    pub fn lose_state(&mut self) {
        self.states += 1;
        self.sequence = 0;
        self.digest = None;
    }

    fn epoch(&self) -> String {
        format!("state{}", self.states)
    }

    /// Restarts the machine.
    pub fn reboot(&mut self) {
        self.boots += 1;
    }

    /// The boot that its machine is in.
    pub fn boot(&self) -> String {
        format!("boot{}", self.boots)
    }

    /// Checks in with these orders in hand.
    pub async fn check_in(&self, holds: &[DeployJobId]) -> CheckInReply {
        let check_in = CheckIn {
            protocol: fleetmend_protocol::CURRENT,
            agent_version: "test".to_owned(),
            boot: Boot {
                id: self.boot(),
                at: None,
            },
            inventory_digest: self.digest.clone(),
            holds: holds.to_vec(),
            scans: self.scans.clone(),
            epoch: self.epoch(),
            ..CheckIn::default()
        };
        read(post(&self.client, &self.url, paths::CHECKIN, &check_in).await).await
    }

    /// Whether the server has something, at the end of a wait of that many seconds.
    pub async fn wait(&self, seconds: u64) -> bool {
        let url = format!("{}{}?seconds={seconds}", self.url, paths::WAIT);
        let answer = self.client.get(url).send().await.unwrap();
        read::<WaitReply>(answer).await.wake
    }

    /// A request for a wait that nobody has answered yet.
    pub fn waiting(&self) -> tokio::task::JoinHandle<reqwest::Result<Response>> {
        let url = format!("{}{}?seconds=120", self.url, paths::WAIT);
        tokio::spawn(self.client.get(url).send())
    }

    /// Reports a change of a job and checks that it is stored. It names no boot, as the protocol
    /// allows.
    pub async fn report(&mut self, job: DeployJobId, change: Change) {
        let what = What::Deploy {
            job,
            attempt: 0,
            change,
            cause: String::new(),
            output: String::new(),
            boot: None,
        };
        self.say(what).await;
    }

    /// Reports the end of a scan whose inventory was sent.
    pub async fn scanned(&mut self, job: ScanJobId) {
        let digest = self.digest.clone().unwrap();
        self.say(What::ScanCompleted { job, digest }).await;
    }

    /// Reports anything and checks that it is stored.
    pub async fn say(&mut self, what: What) {
        self.sequence += 1;
        let report = Report {
            sequence: self.sequence,
            at: Millis(0),
            what,
        };
        let batch = Reports {
            epoch: self.epoch(),
            reports: vec![report],
        };
        let reply: ReportsReply = read(self.post(paths::REPORTS, &batch).await).await;
        assert_eq!(reply.acknowledged, self.sequence);
    }

    /// Posts any JSON.
    pub async fn post(&self, path: &str, body: &impl Serialize) -> Response {
        post(&self.client, &self.url, path, body).await
    }
}

/// The secret of a new token.
pub async fn token(site: &Site) -> String {
    let token = site.running().handle().enrol_token("", 1).await.unwrap();
    EnrolToken::from_text(&token).unwrap().secret_hex()
}

/// Asks for a certificate for a key, whatever comes of it.
pub async fn try_enrol(site: &Site, secret: &str, key: &KeyPair, name: &str) -> Response {
    let signing_request = CertificateParams::default()
        .serialize_request(key)
        .and_then(|it| it.pem());
    let request = EnrolRequest {
        protocol: fleetmend_protocol::CURRENT,
        agent_version: "test".to_owned(),
        secret: secret.to_owned(),
        signing_request: signing_request.unwrap(),
        host: host(name),
    };
    let client = client(site).build().unwrap();
    post(&client, site.running().url(), paths::ENROL, &request).await
}

fn client(site: &Site) -> ClientBuilder {
    let ca = Certificate::from_pem(site.running().ca_pem().as_bytes()).unwrap();
    Client::builder().tls_certs_only([ca])
}

async fn post(client: &Client, url: &str, path: &str, body: &impl Serialize) -> Response {
    let request = client.post(format!("{url}{path}")).json(body);
    request.send().await.unwrap()
}

/// A right answer.
pub async fn read<T: DeserializeOwned>(answer: Response) -> T {
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{status}: {text}");
    serde_json::from_str(&text).unwrap()
}

fn host(name: &str) -> Host {
    Host {
        hostname: name.to_owned(),
        os_family: OsFamily::Linux,
        os_name: "Debian GNU/Linux 12".to_owned(),
        os_version: "12".to_owned(),
        architecture: "amd64".to_owned(),
    }
}

/// A machine with nothing on it.
pub fn inventory(name: &str) -> Inventory {
    Inventory {
        host: host(name),
        software: Vec::new(),
        chocolatey: Vec::new(),
        updates: None,
        restart_pending: None,
        cannot_deploy: None,
        hives: Vec::new(),
        unread: Vec::new(),
    }
}
