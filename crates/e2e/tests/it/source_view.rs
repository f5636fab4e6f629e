//! Sources as an administrator sees them.

use anyhow::{Context as _, Result};
use fleetmend_e2e::feed::FeedSite;
use fleetmend_e2e::process::wait_until;
use serde_json::{Value, json};

use crate::agent_client::{Device, host};
use crate::console_client::{Console, PATIENCE};
use crate::server_process::Server;

/// A source that was added.
pub struct SourceView<'a> {
    console: &'a Console,
    /// Its id.
    pub id: i64,
}

impl<'a> SourceView<'a> {
    /// Adds the feed of a site, which is on this machine.
    pub fn add(console: &'a Console, site: &FeedSite) -> Result<Self> {
        let body = json!({ "location": site.url(), "allow_private": true });
        Self::add_with(console, &body)
    }

    /// Adds a source as the API takes it.
    pub fn add_with(console: &'a Console, body: &Value) -> Result<Self> {
        let added = console.post("/api/v1/sources", body)?;
        let id = added["id"].as_i64().context("a source has an id")?;
        Ok(Self { console, id })
    }

    /// The source, and what is wrong in it.
    pub fn get(&self) -> Result<Value> {
        self.console.get(&format!("/api/v1/sources/{}", self.id))
    }

    /// The console's page.
    pub fn page(&self) -> Result<String> {
        self.console.page(&format!("/sources/{}", self.id))
    }

    /// Has it read at once.
    pub fn read_now(&self) -> Result<crate::console_client::Answer> {
        let path = format!("/api/v1/sources/{}/read", self.id);
        self.console.try_post(&path, &json!({}))
    }

    /// Waits until something holds of what [`Self::get`] gives.
    pub fn wait(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Result<Value> {
        let mut last = Value::Null;
        let found = wait_until(what, PATIENCE, || {
            last = self.get()?;
            Ok(holds(&last).then_some(()))
        });
        found.with_context(|| last.to_string())?;
        Ok(last)
    }

    /// Waits until it was read, well or not; gives why not.
    pub fn wait_read(&self) -> Result<Option<String>> {
        let read = self.wait("the source was read", |it| {
            !it["source"]["last_error"].is_null() || !it["source"]["last_read_at"].is_null()
        })?;
        Ok(read["source"]["last_error"].as_str().map(str::to_owned))
    }
}

/// A Windows machine with these applications in version 1.0.
pub fn enrol_with(server: &Server, names: &[&str]) -> Device {
    enrol_with_records(server, names, &[])
}

/// The same, with Chocolatey's own records of packages in version 1.0.
pub fn enrol_with_records(server: &Server, names: &[&str], records: &[&str]) -> Device {
    let device = Device::enrol(server.url(), &server.token().unwrap()).unwrap();
    let mut windows = host("windows-machine");
    windows["os_family"] = json!("windows");
    let software: Vec<Value> = names
        .iter()
        .map(|name| json!({"place": "machine64", "key": name, "name": name, "version": "1.0"}))
        .collect();
    let records: Vec<Value> = records
        .iter()
        .map(|id| json!({"id": id, "version": "1.0"}))
        .collect();
    let inventory = json!({ "host": windows, "software": software, "chocolatey": records });
    let answer = device.post("/agent/v1/inventory", &inventory).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    device
}
