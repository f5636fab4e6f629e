//! Versions whose files are not what they should be: kept from everything, until a person accepts the
//! file that was found, or has it looked at again.

use std::sync::Arc;

use fleetmend_model::PackageId;
use fleetmend_model::recipe::Checksum;
use fleetmend_store::Tx;
use fleetmend_store::packages::Package;
use fleetmend_store::quarantine::{self, Accepted, Held, WrongFile};

use super::fetch::FetchError;
use super::known::renew;
use super::offered;
use super::wrong_answer::{self, Outcome};
use crate::app::App;
use crate::error::ApiError;
use crate::people::Actor;
use crate::{jobs, journal};

/// The longest reason, in characters.
const LONGEST_REASON: usize = 1000;

/// Puts a version in quarantine because of a file: from now on the last good one is offered instead.
pub async fn put(
    app: &Arc<App>,
    package: &Package,
    file: &WrongFile,
    named: &Checksum,
    cause: &str,
) -> anyhow::Result<()> {
    tracing::warn!(
        "{} {} is in quarantine: {cause}",
        package.shown_id,
        package.version
    );
    let now = app.now();
    let mut tx = app.db.begin().await?;
    quarantine::put(&mut tx, package.row, cause, file, named, now).await?;
    // The version that is the latest now may not have been looked at yet.
    jobs::enqueue(&mut tx, jobs::Kind::FetchPackages, 0, now).await?;
    tx.commit().await?;
    app.jobs_due.notify_one();
    renew(app).await
}

/// Puts a version in quarantine if an error says that a file of it is not the one that is `named`; where a
/// site gave the file, by the rule of [`wrong_answer`]. Whether it is there now.
pub async fn is_put(
    app: &Arc<App>,
    package: &Package,
    error: &FetchError,
    named: &Checksum,
) -> anyhow::Result<bool> {
    let cause = error.to_string();
    match error {
        FetchError::Mismatch(file) => {
            put(app, package, file, named, &cause).await?;
            Ok(true)
        }
        FetchError::Wrong { file, is_text } => {
            let taken = wrong_answer::take(app, package, file, *is_text, named, &cause);
            Ok(taken.await? == Outcome::Quarantined)
        }
        _ => Ok(false),
    }
}

/// Lets a version out: from now on the file that was found counts as the right one, and no other.
/// `sha256` is that of the file that the person saw; if another was found meanwhile, nothing is done.
pub async fn release(
    app: &App,
    id: PackageId,
    sha256: &str,
    reason: &str,
    actor: &Actor,
) -> Result<(), ApiError> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(ApiError::Bad(
            "field 'reason' is empty: say why the file is right although its digest is not"
                .to_owned(),
        ));
    }
    if reason.chars().count() > LONGEST_REASON {
        return Err(ApiError::Bad(format!(
            "field 'reason' is longer than {LONGEST_REASON} characters"
        )));
    }
    let mut tx = app.db.begin().await.map_err(anyhow::Error::from)?;
    let held = held(&mut tx, id).await?;
    let name = name(&held);
    let file = held.file.ok_or_else(|| {
        ApiError::Conflict(format!(
            "which file of {name} was wrong is not known: have it looked at again"
        ))
    })?;
    if !file.sha256.eq_ignore_ascii_case(sha256.trim()) {
        return Err(ApiError::Conflict(format!(
            "the file that was found for {name} has the SHA-256 {}: look at that one first",
            file.sha256
        )));
    }
    let accepted = Accepted {
        named: held.named,
        file: file.file,
        sha256: file.sha256,
        by: actor.name.clone(),
        at: app.now(),
        reason: reason.to_owned(),
    };
    let after = format!(
        "{reason}; accepted {} with the SHA-256 {} instead of {}",
        accepted.file, accepted.sha256, accepted.named
    );
    quarantine::accept(&mut tx, id, &accepted)
        .await
        .map_err(anyhow::Error::from)?;
    let_out(app, tx, id, (actor, "release_quarantined", &name, &after)).await?;
    Ok(())
}

/// Lets a version out as long as its files are what they should be: they are fetched and checked
/// anew, the nupkg at once and the installers when it is deployed.
pub async fn look_again(app: &App, id: PackageId, actor: &Actor) -> Result<(), ApiError> {
    let mut tx = app.db.begin().await.map_err(anyhow::Error::from)?;
    let name = name(&held(&mut tx, id).await?);
    let_out(app, tx, id, (actor, "retry_quarantined", &name, "")).await?;
    Ok(())
}

async fn held(tx: &mut Tx, id: PackageId) -> Result<Held, ApiError> {
    quarantine::get(tx, id)
        .await
        .map_err(anyhow::Error::from)?
        .ok_or_else(|| ApiError::Missing(format!("no package version {id} is in quarantine")))
}

fn name(held: &Held) -> String {
    format!("{} {}", held.shown_id, held.version)
}

/// Ends a version's quarantine, with the line of the audit log that says who did what to which package
/// and what came of it.
async fn let_out(
    app: &App,
    mut tx: Tx,
    id: PackageId,
    (actor, action, name, after): (&Actor, &str, &str, &str),
) -> anyhow::Result<()> {
    let now = app.now();
    let subject = format!("package {name}");
    journal::record(&mut tx, actor, action, &subject, after, now).await?;
    quarantine::end(&mut tx, id, now).await?;
    jobs::enqueue(&mut tx, jobs::Kind::FetchPackages, 0, now).await?;
    jobs::enqueue(&mut tx, jobs::Kind::Rematch, 0, now).await?;
    tx.commit().await?;
    app.jobs_due.notify_one();
    app.touch();
    Ok(())
}

/// The versions that are offered while others of the package are in quarantine.
pub async fn offered_instead(
    app: &App,
    held: &[Held],
) -> Result<Vec<Option<String>>, fleetmend_store::Error> {
    let ids: Vec<&str> = held.iter().map(|it| it.shown_id.as_str()).collect();
    let latest = offered::of(app, &ids).await?;
    let of = |held: &Held| {
        let id = held.shown_id.to_lowercase();
        latest
            .iter()
            .find(|it| it.id == id)
            .map(|it| it.version.clone())
    };
    Ok(held.iter().map(of).collect())
}
