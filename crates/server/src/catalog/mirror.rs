//! From a patch to a release: the installers are fetched, checked against the package's own
//! checksums, opened, stored by digest, and signed for.

use std::sync::Arc;
use std::time::Duration;

use fleetmend_model::patch::PatchType;
use fleetmend_model::recipe::RecipeFile;
use fleetmend_model::release::{Action, AptUpgrade, Release};
use fleetmend_model::{Millis, PackageId, ReleaseId};
use fleetmend_store::packages::{self, Package};
use fleetmend_store::patches::Patch;
use fleetmend_store::{files, installer_versions, products, releases};
use fleetmend_trust::{digest_hex, sign_release};

use super::fetch::FetchError;
use super::package_files::PackageFiles;
use super::release::Facts;
use super::store_file::Fetched;
use super::{quarantine, readiness, release, schedule};
use crate::app::App;
use crate::feed::bring;
use crate::jobs;

/// Why there is no release.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// Another try may help.
    #[error("{cause}")]
    Again {
        /// What was wrong.
        cause: String,
        /// Bytes that this try brought and that the next one need not ask for.
        gained: u64,
    },
    /// A host wants to be left alone, or another process is at it: this was no try.
    #[error("{cause}")]
    Later {
        /// Why.
        cause: String,
        /// Until when.
        at: Millis,
    },
    /// What is asked for cannot be had from where the package says: only a person helps.
    #[error("{0}")]
    Refused(String),
    /// There is nothing to be had, or it must not be used: only another version of the package, or a
    /// person who looked at it, helps.
    #[error("{0}")]
    Never(String),
    /// The server itself.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl From<fleetmend_store::Error> for MirrorError {
    fn from(error: fleetmend_store::Error) -> Self {
        Self::Internal(error.into())
    }
}

/// How long a package that is to be looked at first is waited for.
const LOOK: Duration = Duration::from_secs(60);

/// The release for a patch; made if there is none.
pub async fn release_for(app: &Arc<App>, patch: &Patch) -> Result<ReleaseId, MirrorError> {
    if let Some(known) = known(app, patch).await? {
        return Ok(known);
    }
    match (patch.patch_type, patch.package) {
        (PatchType::Os, _) => {
            let release = Release {
                package: name(patch),
                version: patch.version.clone(),
                title: patch.title.clone(),
                action: Action::AptUpgrade(AptUpgrade {
                    package: patch.name.clone(),
                    architecture: patch.architecture.clone(),
                    version: patch.version.clone(),
                }),
            };
            store(
                app,
                patch.patch_type,
                &release,
                None,
                &[],
                &Facts::default(),
            )
            .await
        }
        (PatchType::ThirdParty, Some(package)) => mirror(app, package).await,
        (PatchType::ThirdParty, None) => Err(MirrorError::Never(
            "the package is not in the catalog any more".to_owned(),
        )),
    }
}

/// Whether a release can be had without anything being fetched.
pub async fn is_at_hand(app: &App, patch: &Patch) -> anyhow::Result<bool> {
    Ok(patch.patch_type == PatchType::Os || known(app, patch).await?.is_some())
}

/// The release that was made for a patch: of the package as it is now, not of another source's or of
/// one that was explained otherwise.
async fn known(app: &App, patch: &Patch) -> anyhow::Result<Option<ReleaseId>> {
    let made_from = match (patch.patch_type, patch.package) {
        (PatchType::Os, _) => None,
        (PatchType::ThirdParty, None) => return Ok(None),
        (PatchType::ThirdParty, Some(id)) => {
            let package = packages::get(&app.db, id).await?;
            let usable = package.filter(|it| readiness::why_not(it).is_none());
            match usable.as_ref().and_then(made_from) {
                Some(made_from) => Some(made_from),
                None => return Ok(None),
            }
        }
    };
    let (name, version) = (name(patch), &patch.version);
    let found = releases::find(
        &app.db,
        patch.patch_type,
        &name,
        version,
        made_from.as_deref(),
    );
    let Some(found) = found.await? else {
        return Ok(None);
    };
    // Of one whose files are not here any more they are fetched again.
    let files = releases::files(&app.db, found.id).await?;
    let is_whole = files.iter().all(|it| app.blobs.has(&it.sha256));
    Ok(is_whole.then_some(found.id))
}

/// What tells a package's release from that of another: its bytes, and what they were explained to
/// be. Nothing where it was not looked at.
fn made_from(package: &Package) -> Option<String> {
    let recipe = package.analysis.as_ref()?.recipe.as_ref()?;
    let recipe = serde_json::to_vec(recipe).ok()?;
    let sha256 = package.content_sha256.as_ref()?;
    Some(format!("{sha256} {}", digest_hex(&recipe)))
}

/// A Linux package is named with its architecture: the same version of another one is another
/// release.
fn name(patch: &Patch) -> String {
    match patch.patch_type {
        PatchType::ThirdParty => patch.name.clone(),
        PatchType::Os => format!("{}:{}", patch.name, patch.architecture),
    }
}

/// When it will be known what a package does that is to be looked at yet, or anew: its analysis is of
/// an earlier program, or its source has other bytes.
async fn looked_at_by(app: &App, package: &Package) -> anyhow::Result<Option<Millis>> {
    if package.analysis.is_some() || package.quarantine.is_some() {
        return Ok(None);
    }
    let retry_at = match &package.problem {
        None => Some(app.now()),
        Some(problem) => problem.retry_at,
    };
    let Some(retry_at) = retry_at else {
        return Ok(None);
    };
    let mut tx = app.db.begin().await?;
    jobs::enqueue(&mut tx, jobs::Kind::FetchPackages, 0, retry_at).await?;
    tx.commit().await?;
    app.jobs_due.notify_one();
    Ok(Some(retry_at.max(app.now()) + LOOK))
}

async fn mirror(app: &Arc<App>, id: PackageId) -> Result<ReleaseId, MirrorError> {
    let package = packages::get(&app.db, id)
        .await?
        .ok_or_else(|| MirrorError::Never("the package is not in the catalog any more".into()))?;
    if let Some(why) = readiness::why_not(&package) {
        return Err(match looked_at_by(app, &package).await? {
            Some(at) => MirrorError::Later { cause: why, at },
            None => MirrorError::Never(why),
        });
    }
    let (recipe, kind) = package
        .analysis
        .as_ref()
        .and_then(|analysis| analysis.deployable().ok())
        .ok_or_else(|| MirrorError::Never("the package has no recipe".to_owned()))?;
    let from = PackageFiles::of(app, &package).await?;
    let mut mirrored = Vec::new();
    for file in &recipe.files {
        mirrored.push(fetch(app, &package, &from, file).await?);
    }
    let files = mirrored.clone();
    let (blobs, of, recipe) = (app.blobs.clone(), package.clone(), recipe.clone());
    // Installers are read for it.
    let made = tokio::task::spawn_blocking(move || {
        let mirrored: Vec<_> = recipe.files.iter().zip(mirrored).collect();
        release::make(&blobs, &of, &recipe, kind, &mirrored)
    });
    let (release, facts) = made.await.map_err(anyhow::Error::from)??;
    bring::enqueue(app, package.row).await?;
    let made_from = made_from(&package);
    store(
        app,
        PatchType::ThirdParty,
        &release,
        made_from,
        &files,
        &facts,
    )
    .await
}

/// Gets a file of a package, or says whether another try may help.
pub async fn fetch(
    app: &Arc<App>,
    package: &Package,
    from: &PackageFiles<'_>,
    file: &RecipeFile,
) -> Result<Fetched, MirrorError> {
    match from.fetch(file).await {
        Ok(fetched) => Ok(fetched),
        Err(error) => Err(refused(app, package, file, error).await?),
    }
}

/// What a fetch that failed comes to. A version that is in quarantine because of it is replaced by the
/// last good one.
async fn refused(
    app: &Arc<App>,
    package: &Package,
    file: &RecipeFile,
    error: FetchError,
) -> Result<MirrorError, MirrorError> {
    let cause = error.to_string();
    if let Some(named) = &file.checksum
        && quarantine::is_put(app, package, &error, named).await?
    {
        return Ok(MirrorError::Never(format!(
            "{cause}: it was not run, and is in quarantine"
        )));
    }
    let again = |gained| MirrorError::Again {
        cause: cause.clone(),
        gained,
    };
    Ok(match error {
        FetchError::Unreachable { .. } | FetchError::Disk { .. } | FetchError::Wrong { .. } => {
            again(0)
        }
        FetchError::BrokeOff { gained, .. } => again(gained),
        FetchError::Status { status, .. } if schedule::may_differ_later(status) => again(0),
        FetchError::Paused { until, .. } => MirrorError::Later { cause, at: until },
        FetchError::Busy { .. } => MirrorError::Later {
            cause,
            at: schedule::after_busy(app.now()),
        },
        FetchError::Internal(error) => MirrorError::Internal(error),
        _ => MirrorError::Refused(cause),
    })
}

/// Signs a release and stores it with its files and what they say of themselves, all or nothing.
async fn store(
    app: &App,
    patch_type: PatchType,
    release: &Release,
    made_from: Option<String>,
    fetched: &[Fetched],
    facts: &Facts,
) -> Result<ReleaseId, MirrorError> {
    let envelope = sign_release(release, &app.keys.release).map_err(anyhow::Error::from)?;
    let digest = envelope
        .payload_digest()
        .ok_or_else(|| anyhow::anyhow!("a statement that was just signed cannot be read"))?;
    let json = serde_json::to_string(&envelope).map_err(anyhow::Error::from)?;
    let now = app.now();
    let mut tx = app.db.begin().await?;
    for file in fetched {
        files::insert(&mut tx, &file.sha256, file.length, now).await?;
    }
    let id = releases::insert(&mut tx, patch_type, release, &digest, &json, now).await?;
    if let Some(made_from) = made_from {
        releases::add_origin(&mut tx, id, &made_from).await?;
    }
    products::upsert_many(&mut tx, &facts.products).await?;
    for version in &facts.versions {
        installer_versions::upsert(&mut tx, version).await?;
    }
    tx.commit().await?;
    Ok(id)
}
