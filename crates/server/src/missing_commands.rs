//! What the administrator's commands do about missing patches and held updates, without the network.

use std::collections::{HashMap, HashSet};

use fleetmend_model::Millis;
use fleetmend_store::devices;
use fleetmend_store::holds::{self, Hold, HoldFilter, ListedHold};
use fleetmend_store::missing::{self, DevicePatch, MissingPatch, PatchFilter};

use crate::api::devices::DevicePatchBody;
use crate::api::holds::ListedHoldBody;
use crate::api::missing::MissingPatchBody;
use crate::api::time;
use crate::catalog::readiness;
use crate::deployments;
use crate::handle::{Handle, said};
use crate::missing::age::{Age, OLD_DAYS};
use crate::missing::published;
use crate::missing::query::PatchQuery;
use crate::output::Output;
use crate::people::command_line;
use crate::whole_list::whole;

impl Handle {
    /// One line for each missing patch and system type.
    pub async fn list_missing(
        &self,
        query: &PatchQuery,
        output: Output,
    ) -> anyhow::Result<Vec<String>> {
        let rows = self.missing(&query.filter()?, query).await?;
        self.patch_lines(rows, output, missing_line).await
    }

    /// One line for each missing patch with its dates, also for those that no device lacks any more where
    /// one was found to have it. What is not known is left empty.
    pub async fn list_patch_dates(
        &self,
        query: &PatchQuery,
        output: Output,
    ) -> anyhow::Result<Vec<String>> {
        let filter = PatchFilter {
            with_fixed: true,
            ..query.filter()?
        };
        let mut rows = self.missing(&filter, query).await?;
        if output == Output::Text {
            let mut shown = HashSet::new();
            rows.retain(|it| shown.insert(it.patch.id));
        }
        self.patch_lines(rows, output, dates_line).await
    }

    async fn patch_lines(
        &self,
        rows: Vec<MissingPatch>,
        output: Output,
        text: fn(MissingPatch) -> String,
    ) -> anyhow::Result<Vec<String>> {
        let why_not = match output {
            Output::Json => {
                let patches = rows.iter().map(|it| &it.patch);
                readiness::of_patches(&self.app, patches).await?
            }
            Output::Text => HashMap::new(),
        };
        output.lines(rows, |it| MissingPatchBody::of(it, &why_not), text)
    }

    async fn missing(
        &self,
        filter: &PatchFilter,
        query: &PatchQuery,
    ) -> anyhow::Result<Vec<MissingPatch>> {
        let (db, sort) = (&self.app.db, query.order()?);
        Ok(whole(async |page| missing::list(db, filter, sort, page).await).await?)
    }

    /// One line for each patch that a device lacks, by title. The device is named by its number or its host
    /// name; what a query says of system types, hosts, fixes and the order does not count.
    pub async fn list_device_missing(
        &self,
        device: &str,
        query: &PatchQuery,
        output: Output,
    ) -> anyhow::Result<Vec<String>> {
        let device = self.device(device).await?;
        let (db, filter) = (&self.app.db, query.filter()?);
        let known = devices::get(db, device).await?;
        let age = known.map(|it| Age::of(&self.app, &it)).unwrap_or_default();
        let rows = whole(async |page| missing::of_device(db, device, &filter, page).await).await?;
        let body = |row| DevicePatchBody::of(row, &age);
        output.lines(rows, body, |row| device_line(row, &age))
    }

    /// One line for each held update, the latest first.
    pub async fn list_holds(&self, output: Output) -> anyhow::Result<Vec<String>> {
        let (db, filter) = (&self.app.db, HoldFilter::default());
        let rows = whole(async |page| holds::list(db, &filter, page).await).await?;
        let line = |it: ListedHold| {
            let place = it.hostname.as_deref().unwrap_or("everywhere");
            let (id, since) = (it.hold.id.to_string(), time(it.hold.since));
            let cause = held(&it.hold);
            [&id, &it.title, &it.version, place, &since, &cause].join("\t")
        };
        output.lines(rows, ListedHoldBody::from, line)
    }

    /// Releases a held update: it is offered again.
    pub async fn release_hold(&self, id: i64, reason: &str) -> anyhow::Result<()> {
        deployments::holds::release::release(&self.app, id, reason, &command_line())
            .await
            .map_err(said)
    }
}

fn held(hold: &Hold) -> String {
    let word = match (hold.confirmed_at, hold.device) {
        (None, _) => "not known yet",
        (Some(_), Some(_)) => "held",
        (Some(_), None) => "held everywhere",
    };
    format!("{word}: {}", hold.cause)
}

fn missing_line(it: MissingPatch) -> String {
    let held = match (it.held_everywhere, it.held_devices) {
        (Some(hold), _) => format!("held everywhere: {}", hold.cause),
        (None, 0) => String::new(),
        (None, devices) => format!("held on {devices}"),
    };
    let old = match it.old_answers {
        0 => String::new(),
        devices => format!("{devices} not scanned for {OLD_DAYS} days"),
    };
    let (patch, affected) = (it.patch.id.to_string(), it.affected.to_string());
    let line = [
        &patch,
        &it.patch.title,
        &it.patch.version,
        it.system_type.key(),
        it.approval.key(),
        &affected,
        &held,
        &old,
    ];
    line.join("\t").trim_end().to_owned()
}

fn dates_line(it: MissingPatch) -> String {
    let shown = |at: Option<Millis>| at.map(time).unwrap_or_default();
    let published = it.dates.published.as_deref().and_then(published::at);
    [
        it.patch.id.to_string(),
        it.patch.title,
        it.patch.version,
        shown(published),
        shown(it.dates.seen),
        shown(it.dates.mirrored),
        time(it.patch.first_seen),
        shown(it.dates.first_fixed),
        shown(it.dates.last_fixed),
    ]
    .join("\t")
}

fn device_line(it: DevicePatch, age: &Age) -> String {
    let held = it.hold.as_ref().map(held).unwrap_or_default();
    let (patch, since) = (it.patch.id.to_string(), time(it.missing.since));
    let as_of = age.scanned_at.map(time).unwrap_or_default();
    let failure = age.scan_failure.as_ref();
    let failure = failure.map(|(at, cause)| format!("the scan at {} failed: {cause}", time(*at)));
    let line = [
        &patch,
        &it.patch.title,
        &it.patch.version,
        &it.missing.grounds.installed_version,
        it.approval.key(),
        &since,
        &held,
        &as_of,
        &failure.unwrap_or_default(),
    ];
    line.join("\t").trim_end().to_owned()
}
