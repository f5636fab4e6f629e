//! Packages that stayed out of the feed are looked at again when what that was decided on is another.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use fleetmend_model::{PackageId, SourceId};
use fleetmend_store::feed_refusals::{self, Decided};
use fleetmend_store::packages::{self, Package};
use fleetmend_store::sources::{self, Source};
use fleetmend_trust::hex;

use super::bring;
use crate::app::App;
use crate::jobs;
use crate::text_digest::text_digest;

/// Refusals in one read.
const BATCH: u32 = 1_000;

/// A digest of what is decided on whether a package comes into the feed: what its source offers and may
/// do, what its scripts were found to do, and whether it is in quarantine.
pub(super) fn basis(package: &Package, source: &Source) -> String {
    let text = |it: Option<&String>| it.cloned().unwrap_or_default();
    let analysis = package.analysis.as_ref().map(serde_json::to_string);
    // Of one that is tried again, its own time says when.
    let is_given_up = package
        .problem
        .as_ref()
        .is_some_and(|it| it.retry_at.is_none());
    let parts = [
        package.content_location.clone(),
        text(package.content_hash.as_ref()),
        text(package.content_sha256.as_ref()),
        analysis.and_then(Result::ok).unwrap_or_default(),
        text(package.quarantine.as_ref().map(|(_, cause)| cause)),
        source.settings.internalize.to_string(),
        source.private_hosts.join(" "),
        is_given_up.to_string(),
    ];
    hex(&text_digest(parts.iter().map(String::as_str)))
}

/// Has those brought whose grounds are other ones than when they were refused.
pub async fn enqueue(app: &Arc<App>) -> anyhow::Result<()> {
    let sources: HashMap<SourceId, Source> = sources::list(&app.db)
        .await?
        .into_iter()
        .map(|it| (it.id, it))
        .collect();
    let mut after = PackageId(0);
    loop {
        let some = feed_refusals::decided(&app.db, after, BATCH).await?;
        let Some(last) = some.last() else {
            return Ok(());
        };
        after = last.package;
        let rows: Vec<PackageId> = some.iter().map(|it| it.package).collect();
        let packages = packages::get_many(&app.db, &rows).await?;
        let packages: HashMap<_, _> = packages.into_iter().map(|it| (it.row, it)).collect();
        let is_other = |it: &&Decided| {
            packages.get(&it.package).is_some_and(|package| {
                let source = sources.get(&package.source);
                source.is_some_and(|source| it.basis.as_ref() != Some(&basis(package, source)))
            })
        };
        let others: Vec<&Decided> = some.iter().filter(is_other).collect();
        if others.is_empty() {
            continue;
        }
        let mut tx = app.db.begin().await?;
        for it in others {
            let kind = bring::kind(it.is_asked_for);
            jobs::enqueue(&mut tx, kind, it.package.0, app.now()).await?;
        }
        tx.commit().await?;
        app.jobs_due.notify_one();
    }
}

/// Those of some packages that stayed out of the feed.
pub async fn refused_of(app: &App, some: &HashSet<PackageId>) -> anyhow::Result<Vec<Package>> {
    if some.is_empty() {
        return Ok(Vec::new());
    }
    let mut refused = Vec::new();
    let mut after = PackageId(0);
    loop {
        let next = feed_refusals::decided(&app.db, after, BATCH).await?;
        let Some(last) = next.last() else { break };
        after = last.package;
        let rows = next.iter().map(|it| it.package);
        refused.extend(rows.filter(|it| some.contains(it)));
    }
    Ok(packages::get_many(&app.db, &refused).await?)
}
