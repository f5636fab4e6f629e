//! A package of an application that a device has in an older version, as far as its deployment.

use std::path::Path;

use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_model::DeployJobId;
use fleetmend_model::device::OsFamily;
use fleetmend_plan::Reason;
use fleetmend_server::Given;
use fleetmend_store::deploy_jobs::{self, DeployJob};
use serde_json::{Value as Json, json};

use crate::agent::{Agent, inventory};
use crate::clocked::{Clocked, until};
use crate::site::Person;
use crate::taught::software;

/// An installer where nobody listens.
pub const NOBODY: &str = "http://127.0.0.1:9/setup.exe";
/// The digest of no installer.
pub const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const ID: &str = "some-tool";
const NAME: &str = "Some tool";

/// Has a device report an application in version 1.0.
pub async fn has_software(agent: &mut Agent, name: &str) {
    let mut found = inventory("host");
    found.host.os_family = OsFamily::Windows;
    found.software.push(software(name, "1.0"));
    agent.send_inventory(&found).await;
}

/// The package, from a folder, approved.
pub struct Offer<'a> {
    site: &'a Clocked,
    /// Who approved it.
    pub person: Person,
    /// The patch's id.
    pub patch: i64,
}

impl<'a> Offer<'a> {
    /// Version 2.0, with an installer at an address of this machine.
    pub async fn new(site: &'a Clocked, folder: &Path, url: &str, sha256: &str) -> Self {
        Self::from(site, folder, url, sha256, &["127.0.0.1".to_owned()]).await
    }

    /// The same, with the private hosts that the source has.
    pub async fn from(
        site: &'a Clocked,
        folder: &Path,
        url: &str,
        sha256: &str,
        private_hosts: &[String],
    ) -> Self {
        let mut agent = Agent::enrol(&site.site, "host").await;
        has_software(&mut agent, NAME).await;
        offer(folder, "2.0", url, sha256);
        let given = Given {
            private_hosts,
            ..Given::at(folder.to_str().unwrap())
        };
        let handle = site.site.running().handle();
        handle.add_source(&given).await.unwrap();
        let person = site.administrator().await;
        let patch = missing(site, &person, "2.0").await;
        approve(site, &person, patch).await;
        Self {
            site,
            person,
            patch,
        }
    }

    /// An offer that was made before the server was started again.
    pub fn known(site: &'a Clocked, person: Person, patch: i64) -> Self {
        Self {
            site,
            person,
            patch,
        }
    }

    /// Asks for its deployment; gives what is answered.
    pub async fn deploy(&self) -> Json {
        let deploy = json!({ "patch": self.patch });
        let path = "/api/v1/deployments";
        self.person
            .call(&self.site.site, path, &deploy)
            .await
            .json()
    }

    /// The last job.
    pub async fn job(&self) -> DeployJob {
        let path = format!("/api/v1/deploy-jobs?patch={}", self.patch);
        let listed = self.person.get(&self.site.site, &path).await.json();
        let id = DeployJobId(listed["items"][0]["id"].as_i64().unwrap());
        deploy_jobs::get(self.site.db(), id).await.unwrap().unwrap()
    }

    /// The last job, when something holds of it.
    pub async fn job_when(&self, what: &str, holds: impl Fn(&DeployJob) -> bool) -> DeployJob {
        until(what, async || {
            let job = self.job().await;
            holds(&job).then_some(job)
        })
        .await
    }
}

/// Puts a version of the package into a folder.
pub fn offer(folder: &Path, version: &str, url: &str, sha256: &str) {
    Nupkg::new(ID, version)
        .title(NAME)
        .downloading_exe(url, sha256, &format!("{NAME}*"))
        .build_into(folder)
        .unwrap();
}

/// The patch to a version, as soon as it is missing and its package was looked at.
pub async fn missing(site: &Clocked, person: &Person, version: &str) -> i64 {
    let not_analysed = Reason::NotAnalysed.to_string();
    until("the patch is missing", async || {
        let missing = person.get(&site.site, "/api/v1/missing").await.json();
        let items = missing["items"].as_array().unwrap().iter();
        let mut of_version = items.filter(|it| it["patch"]["version"] == version);
        let row = of_version.next()?;
        let is_looked_at = row["not_deployable"] != not_analysed.as_str();
        row["patch"]["id"].as_i64().filter(|_| is_looked_at)
    })
    .await
}

/// Approves a patch.
pub async fn approve(site: &Clocked, person: &Person, patch: i64) {
    let approve = json!({
        "patches": [{"patch": patch, "system_type": "normal"}],
        "decision": "approved",
    });
    let answer = person.call(&site.site, "/api/v1/approvals", &approve).await;
    assert!(answer.status < 300, "{}", answer.text);
}
