//! Removing a source.

use fleetmend_model::SourceId;
use fleetmend_store::source_use::{self, SourceUse};
use fleetmend_store::sources::{self, Source, SourceKind};

use super::super::offered::order_and_offers;
use super::super::priority::choose;
use super::existing;
use crate::app::App;
use crate::console::{counted, stored};
use crate::error::ApiError;
use crate::people::Actor;
use crate::{jobs, journal};

/// What removing a source means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consequences {
    /// What hangs on it.
    pub uses: SourceUse,
    /// Packages that are taken from it now, and that another source has as well: they are taken
    /// from there.
    pub elsewhere: u64,
}

impl Consequences {
    /// In sentences.
    pub fn sentences(&self) -> Vec<String> {
        let it = &self.uses;
        let go_on = it.open_jobs.saturating_sub(it.jobs_without_files);
        let mut all = vec![format!(
            "{} of it {} forgotten.",
            counted(it.versions, "package version", "package versions"),
            if it.versions == 1 { "is" } else { "are" },
        )];
        all.push(format!(
            "{}, which {} lack now, {} not offered any more, unless another source has them.",
            counted(it.patches, "patch", "patches"),
            counted(it.devices, "device", "devices"),
            if it.patches == 1 { "is" } else { "are" },
        ));
        if self.elsewhere > 0 {
            all.push(format!(
                "{} {} taken from another source from then on.",
                counted(self.elsewhere, "package", "packages"),
                if self.elsewhere == 1 { "is" } else { "are" },
            ));
        }
        all.push(format!(
            "{} made of its packages {} with {} files.",
            counted(it.releases, "release that was", "releases that were"),
            if it.releases == 1 { "stays" } else { "stay" },
            if it.releases == 1 { "its" } else { "their" },
        ));
        all.push(format!(
            "{} for its packages {} on; {} {} no files yet and will end as a failed download.",
            counted(go_on, "open deploy job", "open deploy jobs"),
            if go_on == 1 { "goes" } else { "go" },
            it.jobs_without_files,
            if it.jobs_without_files == 1 {
                "has"
            } else {
                "have"
            },
        ));
        all.push("Jobs and approvals stay as history.".to_owned());
        all
    }
}

async fn removable(app: &App, id: SourceId) -> Result<Source, ApiError> {
    let source = existing(&app.db, id).await?;
    if source.kind == SourceKind::Own {
        return Err(ApiError::Conflict(
            "this server's own feed cannot be removed: switch it off, and nothing of it is offered"
                .to_owned(),
        ));
    }
    Ok(source)
}

/// What removing a source would mean now.
pub async fn consequences(app: &App, id: SourceId) -> Result<Consequences, ApiError> {
    removable(app, id).await?;
    let mut tx = app.db.read().await.map_err(stored)?;
    let uses = source_use::of(&mut tx, id).await.map_err(stored)?;
    let (order, offers) = order_and_offers(&mut tx, None).await.map_err(stored)?;
    let elsewhere = choose(&order, &offers).filter(|it| it.own.source == id && it.all.len() > 1);
    Ok(Consequences {
        elsewhere: elsewhere.count() as u64,
        uses,
    })
}

/// Removes a source with its packages, and notes who did. Releases, jobs and approvals stay.
pub async fn remove(app: &App, id: SourceId, actor: &Actor) -> Result<(), ApiError> {
    let source = removable(app, id).await?;
    let now = app.now();
    let mut tx = app.db.begin().await.map_err(stored)?;
    sources::delete(&mut tx, id).await.map_err(stored)?;
    let (subject, location) = (format!("source {id}"), &source.settings.location);
    journal::record(&mut tx, actor, "remove_source", &subject, location, now).await?;
    jobs::enqueue(&mut tx, jobs::Kind::FetchPackages, 0, now).await?;
    jobs::enqueue(&mut tx, jobs::Kind::Rematch, 0, now).await?;
    tx.commit().await.map_err(stored)?;
    app.jobs_due.notify_one();
    app.touch();
    Ok(())
}
