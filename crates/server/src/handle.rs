//! What the administrator's commands do, without the network.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use fleetmend_model::{PackageId, PatchId};
use fleetmend_store::devices::{self, DeviceFilter};
use fleetmend_store::{MAX_PAGE, Page, downloads, feed_packages, feed_refusals, quarantine};

use crate::agents::enrol;
use crate::api::time;
use crate::app::App;
use crate::console::counted;
use crate::deployments::reset;
use crate::error::ApiError;
use crate::net::pki;
use crate::people::command_line;
use crate::storage::Storage;
use crate::{catalog, feed, people};

/// How long the token of `up` for its own agent can be used.
const LOCAL_TOKEN: Duration = Duration::from_secs(600);

/// A server's data, open.
#[derive(Clone)]
pub struct Handle {
    pub(crate) app: Arc<App>,
    url: Option<String>,
}

/// What a server knows of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentStanding {
    /// It may work.
    Enrolled,
    /// Somebody took its device out of management.
    Removed,
    /// It is not one of this server's.
    Unknown,
}

impl Handle {
    pub(crate) fn new(app: Arc<App>, url: Option<String>) -> Self {
        Self { app, url }
    }

    /// The address by which the server is reached.
    fn url(&self) -> anyhow::Result<&str> {
        self.url.as_deref().context(
            "the server's address is not known, because it was not started yet: start it, or give \
             its address with --url",
        )
    }

    /// A one-time enrolment token.
    pub async fn enrol_token(&self, label: &str, hours: u32) -> anyhow::Result<String> {
        let valid = Duration::from_secs(u64::from(hours) * 3600);
        let by = command_line();
        let token = enrol::make_token(&self.app, self.url()?, label, valid, &by).await?;
        Ok(token.to_text())
    }

    /// Many one-time enrolment tokens.
    pub async fn enrol_tokens(&self, count: usize) -> anyhow::Result<Vec<String>> {
        let mut tokens = Vec::with_capacity(count);
        for _ in 0..count {
            tokens.push(self.enrol_token("", 24).await?);
        }
        Ok(tokens)
    }

    /// A token for an agent on the server's own machine, which reaches it however it is named.
    pub async fn local_enrol_token(&self) -> anyhow::Result<String> {
        let url = &self.app.local_url;
        let by = command_line();
        let token = enrol::make_token(&self.app, url, "this machine", LOCAL_TOKEN, &by).await?;
        Ok(token.to_text())
    }

    /// The address by which this machine itself reaches the server.
    pub fn local_url(&self) -> &str {
        &self.app.local_url
    }

    /// What the server knows of the agent with a certificate (its SHA-256, lower-case hexadecimal)
    /// that trusts a certificate authority (PEM). One that trusts another cannot reach this server.
    pub async fn agent(
        &self,
        certificate_sha256: &str,
        ca_pem: &str,
    ) -> anyhow::Result<AgentStanding> {
        if !pki::der_of(ca_pem).is_ok_and(|der| der == self.app.keys.ca_der) {
            return Ok(AgentStanding::Unknown);
        }
        let device = devices::ever_by_certificate(&self.app.db, certificate_sha256).await?;
        Ok(match device {
            None => AgentStanding::Unknown,
            Some(device) if device.removed_at.is_some() => AgentStanding::Removed,
            Some(_) => AgentStanding::Enrolled,
        })
    }

    /// A one-time link for setting an administrator's password.
    pub async fn setup_link(&self) -> anyhow::Result<String> {
        self.url()?;
        people::setup_link(&self.app).await
    }

    /// One line for each patch whose files could not be downloaded: the first thousand.
    pub async fn list_downloads(&self) -> anyhow::Result<Vec<String>> {
        let listed = downloads::list(&self.app.db, &Page::first(MAX_PAGE)).await?;
        let lines = listed.rows.into_iter().map(|it| {
            let next = match it.failed.retry_at {
                Some(at) => format!("next try at {}", time(at)),
                None => "not tried before the count is reset".to_owned(),
            };
            let (patch, tries) = (it.failed.patch.to_string(), it.failed.tries.to_string());
            let line = [
                &patch,
                &it.title,
                &it.version,
                &tries,
                &it.failed.cause,
                &next,
            ];
            line.map(String::as_str).join("\t")
        });
        Ok(lines.collect())
    }

    /// What the server's files take, in a sentence.
    pub async fn storage(&self) -> anyhow::Result<String> {
        Ok(Storage::of(&self.app).await?.to_string())
    }

    /// Resets download counts, by the patches' ids; gives how many there were.
    pub async fn reset_downloads(&self, patches: &[i64]) -> anyhow::Result<u64> {
        let patches: Vec<PatchId> = patches.iter().copied().map(PatchId).collect();
        reset::reset(&self.app, &patches, &command_line())
            .await
            .map_err(said)
    }

    /// One line for each package version in quarantine: the first thousand.
    pub async fn list_quarantine(&self) -> anyhow::Result<Vec<String>> {
        let listed = quarantine::list(&self.app.db, &Page::first(MAX_PAGE)).await?;
        let lines = listed.rows.into_iter().map(|it| {
            let sha256 = it.file.map(|file| file.sha256).unwrap_or_default();
            let id = it.package.to_string();
            let line = [&id, &it.shown_id, &it.version, &sha256, &it.cause];
            line.map(String::as_str).join("\t")
        });
        Ok(lines.collect())
    }

    /// Releases a package version from quarantine: the file with this SHA-256 is accepted.
    pub async fn release_quarantined(
        &self,
        id: i64,
        sha256: &str,
        reason: &str,
    ) -> anyhow::Result<()> {
        catalog::quarantine::release(&self.app, PackageId(id), sha256, reason, &command_line())
            .await
            .map_err(said)
    }

    /// Has a package version in quarantine looked at again.
    pub async fn retry_quarantined(&self, id: i64) -> anyhow::Result<()> {
        catalog::quarantine::look_again(&self.app, PackageId(id), &command_line())
            .await
            .map_err(said)
    }

    /// The feed's address, who may read it, and a line a key.
    pub async fn show_feed(&self) -> anyhow::Result<Vec<String>> {
        feed::refresh(&self.app).await?;
        let readers = if self.app.feed.is_open() {
            "everybody may read it"
        } else {
            "those with a key may read it"
        };
        let mut lines = vec![format!(
            "{}{}/: {} package versions; {readers}",
            self.url()?,
            feed::PATH,
            self.app.feed.len()
        )];
        for key in feed::keys::list(&self.app).await.map_err(said)? {
            let may = feed::keys::may(key.can_push);
            lines.push(format!("{}  {may}  made by {}", key.name, key.created_by));
        }
        Ok(lines)
    }

    /// A line for each of the feed's package versions that came last.
    pub async fn list_feed_packages(&self) -> anyhow::Result<Vec<String>> {
        let page = Page::first(MAX_PAGE);
        let listed = feed_packages::list(&self.app.db, None, &page).await?;
        let lines = listed.rows.into_iter().map(|it| {
            let from = it.provenance.original();
            let from = from.map_or(&it.added_by, |original| &original.source);
            let shown = if it.listed { "" } else { "hidden" };
            let how = it.provenance.key();
            let line = [&it.package, &it.version, how, from, shown].join("\t");
            line.trim_end().to_owned()
        });
        Ok(lines.collect())
    }

    /// Has a package brought into the feed with its installers inside, and waits for what comes of it;
    /// gives that in a sentence, or why not as an error.
    pub async fn internalize(&self, id: &str, version: Option<&str>) -> anyhow::Result<String> {
        let app = &self.app;
        let by = command_line();
        let asked = feed::ask::internalize(app, id, version, &by)
            .await
            .map_err(said)?;
        feed::ask::outcome(app, &asked).await
    }

    /// A line for each package version that was to come into the feed and did not: the first thousand.
    pub async fn list_feed_refused(&self) -> anyhow::Result<Vec<String>> {
        let listed = feed_refusals::list(&self.app.db, &Page::first(MAX_PAGE)).await?;
        let lines = listed.rows.into_iter().map(|it| {
            let next = match it.retry_at {
                Some(at) => format!("next try at {}", time(at)),
                None => "not tried again by itself".to_owned(),
            };
            [it.shown_id, it.version, it.source, it.why, next].join("\t")
        });
        Ok(lines.collect())
    }

    /// Makes a key of the feed; gives its secret.
    pub async fn make_feed_key(
        &self,
        name: &str,
        can_push: bool,
        days: u32,
    ) -> anyhow::Result<String> {
        feed::keys::make(&self.app, name, can_push, days, &command_line())
            .await
            .map_err(said)
    }

    /// Takes a key of the feed away; says so, and when a server that runs does.
    pub async fn revoke_feed_key(&self, name: &str) -> anyhow::Result<String> {
        feed::keys::revoke(&self.app, name, &command_line())
            .await
            .map_err(said)?;
        Ok(followed(&format!(
            "the key '{name}' opens nothing any more"
        )))
    }

    /// Lets everybody read the feed, or only those with a key; says so, and when a server that runs does.
    pub async fn set_feed_open(&self, is_open: bool) -> anyhow::Result<String> {
        feed::keys::set_open(&self.app, is_open, &command_line())
            .await
            .map_err(said)?;
        Ok(followed(if is_open {
            "everybody who reaches the feed reads it"
        } else {
            "only those with a key read the feed"
        }))
    }

    /// Tells what the fleet's counts are, line by line, whenever they change.
    pub async fn watch(self, tell: impl Fn(&str)) {
        let mut changed = self.app.changed.subscribe();
        let mut shown = Vec::new();
        loop {
            match self.summary().await {
                Ok(lines) => {
                    for line in lines.iter().filter(|line| !shown.contains(*line)) {
                        tell(line);
                    }
                    shown = lines;
                }
                Err(error) => tracing::debug!("{error:#}"),
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
            if matches!(
                changed.recv().await,
                Err(tokio::sync::broadcast::error::RecvError::Closed)
            ) {
                return;
            }
        }
    }

    /// What the fleet's counts are, and how its first devices are, line by line.
    pub async fn summary(&self) -> anyhow::Result<Vec<String>> {
        let totals = devices::totals(&self.app.db, &DeviceFilter::default()).await?;
        let listed = devices::list(
            &self.app.db,
            &DeviceFilter::default(),
            devices::DeviceSort::default(),
            &Page::first(3),
        )
        .await?;
        let mut lines = vec![format!(
            "{}, {} and {} missing",
            counted(totals.devices, "device", "devices"),
            counted(totals.missing_os, "OS patch", "OS patches"),
            counted(
                totals.missing_third_party,
                "third party patch",
                "third party patches"
            ),
        )];
        for device in listed.rows {
            let status = device
                .scan_status
                .map_or("no scan yet", |status| status.label());
            let note = match (device.scan_cause.as_str(), device.inventory_note.as_str()) {
                ("", "") => String::new(),
                (cause, note) => format!(
                    " ({}{}{note})",
                    cause,
                    if cause.is_empty() || note.is_empty() {
                        ""
                    } else {
                        "; "
                    }
                ),
            };
            let refused = device
                .refusal
                .map(|it| format!("; the server refuses {}: {}", it.what.label(), it.cause));
            let refused = refused.unwrap_or_default();
            lines.push(format!(
                "  {}: {status}{note}{refused}",
                device.host.hostname
            ));
        }
        Ok(lines)
    }
}

/// What is so now, and when a server that runs takes it over.
fn followed(what: &str) -> String {
    let seconds = feed::FOLLOWS_WITHIN.as_secs();
    format!("{what}; a server that runs follows within {seconds} seconds")
}

/// An error as a person at the command line reads it.
pub(crate) fn said(error: ApiError) -> anyhow::Error {
    anyhow::anyhow!(error.message())
}
