//! What the administrator's commands do about installed applications and matches, without the network.

use anyhow::bail;
use fleetmend_model::DeviceId;
use fleetmend_reconcile::{Answer, State};
use fleetmend_store::applications::{self, ListedApplication};
use fleetmend_store::{Page, devices, overrides as kept};

use crate::api::application_devices::ApplicationDeviceBody;
use crate::api::applications::ApplicationBody;
use crate::api::overrides::OverrideBody;
use crate::api::time;
use crate::console::counted;
use crate::handle::{Handle, said};
use crate::missing::application_devices::{self, HavingDevice};
use crate::missing::explain::{self, Explanation};
use crate::missing::index;
use crate::missing::overrides::{self, Given, Preview};
use crate::output::Output;
use crate::people::command_line;
use crate::whole_list::whole;

impl Handle {
    /// Why the applications of a device whose name has a text in it are what they are taken for, in
    /// sentences. The device is named by its number or its host name.
    pub async fn explain(&self, device: &str, application: &str) -> anyhow::Result<Vec<String>> {
        self.read_catalog().await?;
        let device = self.device(device).await?;
        let found = explain::find(&self.app, device, application)
            .await
            .map_err(said)?;
        if found.is_empty() {
            bail!("the device has no application with '{application}' in its name");
        }
        let mut lines = Vec::new();
        for id in found {
            let it = explain::explain(&self.app, device, id)
                .await
                .map_err(said)?;
            lines.extend(sentences(&it));
        }
        Ok(lines)
    }

    /// One line for each application, or each with a state or with a text in its name or package: what
    /// most devices have first.
    pub async fn list_applications(
        &self,
        state: Option<&str>,
        text: Option<&str>,
        output: Output,
    ) -> anyhow::Result<Vec<String>> {
        if let Some(state) = state
            && State::from_key(state).is_none()
        {
            let all: Vec<&str> = State::ALL.iter().map(|it| it.key()).collect();
            bail!("'{state}' is no state: {}", all.join(", "));
        }
        let db = &self.app.db;
        let rows = whole(async |page| applications::list(db, state, text, page).await).await?;
        let line = |it: ListedApplication| {
            let devices = it.answer.group_devices.to_string();
            let number = it.answer.software.to_string();
            let fields = [
                &devices,
                &it.name,
                &it.version,
                &it.publisher,
                &it.answer.state,
                &it.answer.package,
                &it.answer.why,
                &number,
            ];
            fields.map(String::as_str).join("\t")
        };
        output.lines(rows, ApplicationBody::of_all, line)
    }

    /// One line for each device that has an application, by the device's number: number, host name, system
    /// type, and what it has of the application.
    pub async fn list_application_devices(
        &self,
        application: u32,
        output: Output,
    ) -> anyhow::Result<Vec<String>> {
        self.read_fleet().await?;
        let read = async |page: &Page| {
            let found = application_devices::of(&self.app, application, page).await?;
            Ok(found.page)
        };
        let rows = whole(read).await.map_err(said)?;
        let line = |it: HavingDevice| {
            let installed = it.installed.iter();
            let installed = installed.map(|it| format!("{} {}", it.name, it.version));
            let installed = installed.collect::<Vec<_>>().join(", ");
            let (id, host) = (it.device.id.to_string(), it.device.host.hostname);
            let system_type = it.device.system_type.key();
            [&id, &host, system_type, &installed].join("\t")
        };
        output.lines(rows, ApplicationDeviceBody::from, line)
    }

    /// One line for each override that is in force, the latest first.
    pub async fn list_overrides(&self, output: Output) -> anyhow::Result<Vec<String>> {
        let db = &self.app.db;
        let rows = whole(async |page| kept::list(db, false, page).await).await?;
        let line = |it: kept::Override| {
            let says = overrides::says(&it.what);
            let (by, at) = (&it.created_by, time(it.created_at));
            format!("{}\t{says}\t{by}\t{at}", it.id)
        };
        output.lines(rows, OverrideBody::from, line)
    }

    /// What an override would change, in sentences.
    pub async fn preview_override(&self, given: &Given<'_>) -> anyhow::Result<Vec<String>> {
        self.read_fleet().await?;
        let preview = overrides::preview(&self.app, given).await.map_err(said)?;
        Ok(changes(&preview))
    }

    /// Makes an override; gives its number. A server that runs matches all devices anew.
    pub async fn add_override(&self, given: &Given<'_>) -> anyhow::Result<i64> {
        // What is said of a registered version is said of one that devices have.
        if given.decision == "version" {
            self.read_fleet().await?;
        } else {
            self.read_catalog().await?;
        }
        overrides::add(&self.app, given, &command_line())
            .await
            .map_err(said)
    }

    /// What taking an override back would change, in sentences.
    pub async fn preview_override_removal(&self, id: i64) -> anyhow::Result<Vec<String>> {
        self.read_fleet().await?;
        let preview = overrides::preview_removal(&self.app, id).await;
        Ok(changes(&preview.map_err(said)?))
    }

    /// Takes an override back. A server that runs matches all devices anew.
    pub async fn remove_override(&self, id: i64) -> anyhow::Result<()> {
        overrides::remove(&self.app, id, &command_line())
            .await
            .map_err(said)
    }

    /// Commands see the catalog and the devices as the database has them; a server that runs in this
    /// process keeps its own in step.
    async fn read_fleet(&self) -> anyhow::Result<()> {
        if self.app.ingest.is_taken() {
            return Ok(());
        }
        index::load(&self.app).await
    }

    /// [`Self::read_fleet`], without devices.
    async fn read_catalog(&self) -> anyhow::Result<()> {
        if self.app.ingest.is_taken() {
            return Ok(());
        }
        index::load_catalog(&self.app).await
    }

    pub(crate) async fn device(&self, named: &str) -> anyhow::Result<DeviceId> {
        if let Ok(id) = named.parse() {
            return Ok(DeviceId(id));
        }
        let found = devices::named(&self.app.db, named, 2).await?;
        match found[..] {
            [] => bail!("there is no device '{named}'"),
            [one] => Ok(one),
            _ => bail!("several devices are called '{named}': name one by its number"),
        }
    }
}

fn sentences(it: &Explanation) -> Vec<String> {
    let software = &it.software;
    let by = match software.publisher.as_str() {
        "" => String::new(),
        publisher => format!(" by {publisher}"),
    };
    let (state, why) = it.told();
    let mut lines = vec![
        format!("{} {}{by}", software.name, software.version),
        format!("  {}: {why}", state.label()),
    ];
    if let Some((alone, why)) = it.alone() {
        lines.push(format!("  alone: {}: {why}", alone.label()));
    }
    if let Some(found) = &it.found {
        let (evidence, confidence) = (found.evidence.key(), found.confidence.key());
        lines.push(format!(
            "  package {}, by {evidence}, {confidence}",
            found.package
        ));
    }
    let others = it.candidates.iter();
    let chosen = it.found.as_ref().map(|it| it.package.as_str());
    let is_open = it.answer.as_ref().map(Answer::state) == Some(State::Review);
    for other in others.filter(|it| is_open || Some(it.package.as_str()) != chosen) {
        lines.push(format!("  may be {}: {}", other.package, other.why));
    }
    if let Some(record) = &it.record {
        let version = &record.version;
        let pinned = if record.pinned { ", pinned" } else { "" };
        lines.push(format!(
            "  Chocolatey recorded {} {version}{pinned}",
            record.id
        ));
    }
    if let Some(row) = &it.missing {
        lines.push(format!(
            "  missing {} {} since {}: {}",
            row.patch.name,
            row.patch.version,
            time(row.missing.since),
            row.missing.grounds.reason
        ));
    }
    if let Some((at, cause)) = it
        .kept
        .as_ref()
        .and_then(|it| Some((it.seen_at?, &it.unread.cause)))
    {
        lines.push(format!("  last seen {}, not read since: {cause}", time(at)));
    }
    if let Some(at) = it.scanned_at {
        lines.push(format!("  as of {}", time(at)));
    }
    if let Some((at, cause)) = &it.device.scan_failure {
        lines.push(format!("  the scan at {} failed: {cause}", time(*at)));
    }
    if let Some(it) = &it.device.refusal {
        let (what, at, cause) = (it.what.label(), time(it.at), &it.cause);
        lines.push(format!("  the server refused {what} at {at}: {cause}"));
    }
    lines
}

fn changes(preview: &Preview) -> Vec<String> {
    let mut lines = vec![format!(
        "it is for {}; the answer changes for {} on {}",
        counted(preview.applications, "application", "applications"),
        preview.changed,
        counted(preview.devices, "device", "devices"),
    )];
    lines.extend(preview.turns.iter().map(|it| {
        format!(
            "  {} becomes {}: {} on {}",
            it.before.key(),
            it.after.key(),
            counted(it.applications, "application", "applications"),
            counted(it.devices, "device", "devices"),
        )
    }));
    let shown = |(state, package): &(State, String)| format!("{} {package}", state.key());
    lines.extend(preview.changes.iter().map(|it| {
        let (before, after) = (shown(&it.before), shown(&it.after));
        let (before, after) = (before.trim_end(), after.trim_end());
        let devices = counted(it.devices, "device", "devices");
        format!(
            "  {} {}, {devices}: {before} becomes {after}",
            it.name, it.version
        )
    }));
    for (what, patches) in preview.patches() {
        if !patches.is_empty() {
            lines.push(format!("{what}:"));
        }
        lines.extend(patches.iter().map(|it| {
            let devices = counted(it.devices, "device", "devices");
            format!("  {} {}, {devices}", it.package, it.available)
        }));
    }
    lines
}
