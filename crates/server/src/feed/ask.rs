//! A person asks for a package in the feed with its installers inside.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use fleetmend_model::PackageId;
use fleetmend_store::feed_refusals;
use fleetmend_store::packages::{self, Package};
use fleetmend_store::sources::OWN;
use tokio::time::Instant;

use super::take_in::is_made_of_it;
use crate::app::App;
use crate::catalog::{dependency, offered};
use crate::error::ApiError;
use crate::people::Actor;
use crate::{jobs, journal};

/// How often is looked what came of it.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// How long it may take to begin: a server that runs takes it up within a second or so, unless it is
/// busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The catalog's row.
    pub row: PackageId,
    /// The package's id, as its source writes it.
    pub id: String,
    /// Its version, as its source writes it.
    pub version: String,
}

/// Has a package of the catalog brought into the feed with its installers inside, whatever its source
/// is set to. Without a version the newest that can be used is meant.
pub async fn internalize(
    app: &Arc<App>,
    id: &str,
    version: Option<&str>,
    actor: &Actor,
) -> Result<Asked, ApiError> {
    let id = id.trim();
    let package = find(app, id, version.map(str::trim)).await?;
    if package.source == OWN {
        return Err(ApiError::Conflict(format!(
            "{} {} was pushed into this feed, where a version never changes: push another version",
            package.shown_id, package.version
        )));
    }
    let subject = format!("{} {}", package.shown_id, package.version);
    let now = app.now();
    let mut tx = app.db.begin().await.map_err(anyhow::Error::from)?;
    journal::record(&mut tx, actor, "internalize_package", &subject, "", now).await?;
    feed_refusals::reset(&mut tx, package.row)
        .await
        .map_err(anyhow::Error::from)?;
    jobs::enqueue(&mut tx, jobs::Kind::Internalize, package.row.0, now).await?;
    tx.commit().await.map_err(anyhow::Error::from)?;
    app.jobs_due.notify_one();
    Ok(Asked {
        row: package.row,
        id: package.shown_id,
        version: package.version,
    })
}

/// A version of the source that the package is taken from.
async fn find(app: &App, id: &str, version: Option<&str>) -> Result<Package, ApiError> {
    let source = offered::source_of(app, id).await?;
    let source = source
        .ok_or_else(|| ApiError::Missing(format!("no source has a package of the id '{id}'")))?;
    let versions = packages::versions(&app.db, source, id).await;
    let mut versions = versions.map_err(anyhow::Error::from)?.into_iter();
    match version.filter(|it| !it.is_empty()) {
        Some(version) => {
            let is_it = |it: &Package| {
                it.version.eq_ignore_ascii_case(version)
                    || it.normalized.eq_ignore_ascii_case(version)
            };
            versions.find(is_it).ok_or_else(|| {
                ApiError::Missing(format!(
                    "the source that {id} is taken from has no version {version} of it"
                ))
            })
        }
        None => versions
            .find(dependency::is_usable)
            .ok_or_else(|| ApiError::Missing(format!("no version of {id} can be used: name one"))),
    }
}

/// Waits for what comes of it: a sentence, or an error that says why not.
pub async fn outcome(app: &App, asked: &Asked) -> anyhow::Result<String> {
    let name = format!("{} {}", asked.id, asked.version);
    let (began, mut has_begun) = (Instant::now(), false);
    loop {
        let is_over = !jobs::is_open(app, jobs::Kind::Internalize, asked.row.0).await?;
        if is_over {
            return match why_not(app, asked.row).await? {
                None => Ok(format!("{name} is in the feed")),
                Some(why) if why.is_empty() => bail!("{name} is not in the feed"),
                Some(why) => bail!("{name} is not in the feed: {why}"),
            };
        }
        has_begun =
            has_begun || jobs::is_worked_on(app, jobs::Kind::Internalize, asked.row.0).await?;
        if !has_begun && began.elapsed() > PATIENCE {
            bail!("{}", jobs::not_begun("done"));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Why the feed does not have a package, as far as that is known; nothing where it has it, made of the
/// nupkg that the catalog has.
async fn why_not(app: &App, row: PackageId) -> anyhow::Result<Option<String>> {
    if let Some(package) = packages::get(&app.db, row).await?
        && is_made_of_it(app, &package).await? == Some(true)
    {
        return Ok(None);
    }
    // What failed as a whole did so after the last refusal.
    if let Some(error) = jobs::last_error(app, jobs::Kind::Internalize, row.0).await? {
        return Ok(Some(error));
    }
    let refusal = feed_refusals::get(&app.db, row).await?;
    Ok(Some(refusal.map_or_else(String::new, |it| it.why)))
}
