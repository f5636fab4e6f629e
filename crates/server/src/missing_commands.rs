//! What the administrator's commands do about missing patches and held updates, without the network.

use fleetmend_model::Millis;
use fleetmend_store::holds::{self, Hold, HoldFilter};
use fleetmend_store::missing::{self, PatchFilter, PatchSort};
use fleetmend_store::{MAX_PAGE, Page};

use crate::api::time;
use crate::deployments;
use crate::handle::{Handle, said};
use crate::missing::published;
use crate::people::command_line;

impl Handle {
    /// One line for each missing patch and system type, by title: the first thousand that have a text in
    /// their title. `held`: only those that are held somewhere.
    pub async fn list_missing(
        &self,
        title: Option<&str>,
        held: bool,
    ) -> anyhow::Result<Vec<String>> {
        let filter = PatchFilter {
            title: title.map(str::to_owned),
            held: held.then_some(true),
            ..PatchFilter::default()
        };
        let page = Page::first(MAX_PAGE);
        let listed = missing::list(&self.app.db, &filter, PatchSort::Title, &page).await?;
        let lines = listed.rows.into_iter().map(|it| {
            let held = match (it.held_everywhere, it.held_devices) {
                (Some(hold), _) => format!("held everywhere: {}", hold.cause),
                (None, 0) => String::new(),
                (None, devices) => format!("held on {devices}"),
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
            ];
            line.join("\t").trim_end().to_owned()
        });
        Ok(lines.collect())
    }

    /// One line for each missing patch with its dates, by title: the first thousand that have a text in
    /// their title and were published on a day or later. What is not known is left empty.
    pub async fn list_patch_dates(
        &self,
        title: Option<&str>,
        published_since: Option<&str>,
    ) -> anyhow::Result<Vec<String>> {
        let filter = PatchFilter {
            title: title.map(str::to_owned),
            published_since: published::of("published-since", published_since).map_err(said)?,
            ..PatchFilter::default()
        };
        let page = Page::first(MAX_PAGE);
        let mut listed = missing::list(&self.app.db, &filter, PatchSort::Title, &page).await?;
        listed.rows.dedup_by_key(|it| it.patch.id);
        let shown = |at: Option<Millis>| at.map(time).unwrap_or_default();
        let lines = listed.rows.into_iter().map(|it| {
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
        });
        Ok(lines.collect())
    }

    /// One line for each patch that a device lacks, by title: the first thousand. The device is named by
    /// its number or its host name.
    pub async fn list_device_missing(&self, device: &str) -> anyhow::Result<Vec<String>> {
        let device = self.device(device).await?;
        let page = Page::first(MAX_PAGE);
        let listed = missing::of_device(&self.app.db, device, None, &page).await?;
        let lines = listed.rows.into_iter().map(|it| {
            let held = it.hold.as_ref().map(held).unwrap_or_default();
            let (patch, since) = (it.patch.id.to_string(), time(it.missing.since));
            let line = [
                &patch,
                &it.patch.title,
                &it.patch.version,
                &it.missing.grounds.installed_version,
                it.approval.key(),
                &since,
                &held,
            ];
            line.join("\t").trim_end().to_owned()
        });
        Ok(lines.collect())
    }

    /// One line for each held update: the last thousand.
    pub async fn list_holds(&self) -> anyhow::Result<Vec<String>> {
        let page = Page::first(MAX_PAGE);
        let listed = holds::list(&self.app.db, &HoldFilter::default(), &page).await?;
        let lines = listed.rows.into_iter().map(|it| {
            let place = it.hostname.as_deref().unwrap_or("everywhere");
            let (id, since) = (it.hold.id.to_string(), time(it.hold.since));
            let cause = held(&it.hold);
            [&id, &it.title, &it.version, place, &since, &cause].join("\t")
        });
        Ok(lines.collect())
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
