//! From a patch to a release: the installers are fetched, checked against the package's own
//! checksums, opened, stored by digest, and signed for.

use std::sync::Arc;

use fleetmend_chocolatey::nupkg::{Limits, Nupkg};
use fleetmend_model::detection::Detection;
use fleetmend_model::patch::PatchType;
use fleetmend_model::recipe::{FileOrigin, InstallerKind, Recipe, RecipeFile, Verdict};
use fleetmend_model::release::{Action, AptUpgrade, Release, ReleaseFile, RunInstaller};
use fleetmend_model::{PackageId, ReleaseId};
use fleetmend_store::packages::{self, Package};
use fleetmend_store::patches::Patch;
use fleetmend_store::products::{self, Product};
use fleetmend_store::{files, releases};
use fleetmend_trust::sign_release;

use super::analyse::{self, deployable};
use super::fetch::{self, FetchError, Fetched};
use super::folder::MAX_NUPKG;
use super::msi;
use crate::app::App;

/// The largest installer, in bytes.
const MAX_INSTALLER: u64 = 8 * 1024 * 1024 * 1024;

/// Why there is no release.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// Another try may help.
    #[error("{0}")]
    Again(String),
    /// Only a person, or another version of the package, helps.
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

/// The release for a patch; made if there is none.
pub async fn release_for(app: &Arc<App>, patch: &Patch) -> Result<ReleaseId, MirrorError> {
    let known = releases::find(&app.db, patch.patch_type, &name(patch), &patch.version).await?;
    if let Some(known) = known {
        return Ok(known.id);
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
            store(app, patch.patch_type, &release, &[]).await
        }
        (PatchType::ThirdParty, Some(package)) => mirror(app, package).await,
        (PatchType::ThirdParty, None) => Err(MirrorError::Never(
            "the package is not in the catalog any more".to_owned(),
        )),
    }
}

/// Whether a release can be had without anything being fetched.
pub async fn is_at_hand(app: &App, patch: &Patch) -> anyhow::Result<bool> {
    Ok(patch.patch_type == PatchType::Os
        || releases::find(&app.db, patch.patch_type, &name(patch), &patch.version)
            .await?
            .is_some())
}

/// A Linux package is named with its architecture: the same version of another one is another
/// release.
fn name(patch: &Patch) -> String {
    match patch.patch_type {
        PatchType::ThirdParty => patch.name.clone(),
        PatchType::Os => format!("{}:{}", patch.name, patch.architecture),
    }
}

async fn mirror(app: &Arc<App>, id: PackageId) -> Result<ReleaseId, MirrorError> {
    let package = packages::get(&app.db, id)
        .await?
        .ok_or_else(|| MirrorError::Never("the package is not in the catalog any more".into()))?;
    if let Some((_, cause)) = &package.quarantine {
        return Err(MirrorError::Never(format!(
            "the version is in quarantine: {cause}"
        )));
    }
    deployable(package.analysis.as_ref()).map_err(MirrorError::Never)?;
    let recipe = package
        .analysis
        .as_ref()
        .filter(|analysis| analysis.verdict == Verdict::Ready)
        .and_then(|analysis| analysis.recipe.clone())
        .ok_or_else(|| MirrorError::Never("the package has no recipe".to_owned()))?;
    let mut mirrored = Vec::new();
    for file in &recipe.files {
        let fetched = match fetch_file(app, &package, file).await {
            Ok(fetched) => fetched,
            Err(error) => return Err(refused(app, &package, error).await?),
        };
        mirrored.push((file, fetched));
    }
    let (release, known) = make_release(app, &package, &recipe, &mirrored)?;
    let files: Vec<_> = mirrored.into_iter().map(|(_, fetched)| fetched).collect();
    let release = store(app, PatchType::ThirdParty, &release, &files).await?;
    let mut tx = app.db.begin().await?;
    products::upsert_many(&mut tx, &known).await?;
    tx.commit().await?;
    Ok(release)
}

/// A digest that is wrong puts the version in quarantine; the last good version stays on offer.
async fn refused(
    app: &Arc<App>,
    package: &Package,
    error: FetchError,
) -> Result<MirrorError, MirrorError> {
    if matches!(error, FetchError::Mismatch { .. }) {
        analyse::quarantine(app, package, &error).await?;
        return Ok(MirrorError::Never(format!(
            "{error}: it was not run, and is in quarantine"
        )));
    }
    Ok(match error {
        FetchError::Unreachable { .. } | FetchError::Disk { .. } => {
            MirrorError::Again(error.to_string())
        }
        FetchError::Status { status, .. } if status >= 500 || status == 429 => {
            MirrorError::Again(error.to_string())
        }
        _ => MirrorError::Never(error.to_string()),
    })
}

async fn fetch_file(
    app: &App,
    package: &Package,
    file: &RecipeFile,
) -> Result<Fetched, FetchError> {
    match &file.origin {
        FileOrigin::Url { url } => {
            // Without a checksum only TLS says where the bytes come from.
            if file.checksum.is_none() && !url.starts_with("https://") {
                return Err(FetchError::Address {
                    url: fetch::shown(url),
                });
            }
            fetch::file(
                &app.http,
                url,
                MAX_INSTALLER,
                file.checksum.as_ref(),
                &app.blobs,
            )
            .await
        }
        FileOrigin::Embedded { path } => {
            let disk = |error| FetchError::Disk {
                url: path.clone(),
                error,
            };
            let sha256 = package.content_sha256.as_deref().unwrap_or_default();
            let bytes = app.blobs.read(sha256, MAX_NUPKG).map_err(disk)?;
            let nupkg = Nupkg::read(&bytes, &Limits::default())
                .map_err(|error| disk(std::io::Error::other(error)))?;
            let content = nupkg
                .get(path)
                .map_err(|error| disk(std::io::Error::other(error)))?;
            fetch::keep(path, &content, file.checksum.as_ref(), &app.blobs)
        }
    }
}

fn make_release(
    app: &App,
    package: &Package,
    recipe: &Recipe,
    mirrored: &[(&RecipeFile, Fetched)],
) -> Result<(Release, Vec<Product>), MirrorError> {
    let mut detection = Detection {
        names: recipe.software_name.iter().cloned().collect(),
        display_version: package.version.clone(),
        ..Detection::default()
    };
    let mut known = Vec::new();
    if recipe.kind == InstallerKind::Msi {
        for (_, fetched) in mirrored {
            let file = app
                .blobs
                .get(&fetched.sha256)
                .map_err(anyhow::Error::from)?;
            let msi = msi::properties(std::io::BufReader::new(file))
                .map_err(|why| MirrorError::Never(format!("the installer is {why}")))?;
            if detection.names.is_empty() {
                detection.names.push(msi.product_name.clone());
            }
            // With one file a bitness there is one product code each; the version tells then.
            detection.product_code = (mirrored.len() == 1).then(|| msi.product_code.clone());
            detection.upgrade_code.clone_from(&msi.upgrade_code);
            detection.display_version.clone_from(&msi.product_version);
            known.push(Product {
                package: package.id.clone(),
                product_code: msi.product_code,
                upgrade_code: msi.upgrade_code,
                product_name: msi.product_name,
                product_version: msi.product_version,
                publisher: msi.manufacturer,
            });
        }
    }
    if detection.names.is_empty() {
        detection.names.push(format!("{}*", package.title));
    }
    let files = mirrored
        .iter()
        .map(|(file, fetched)| ReleaseFile {
            name: file_name(&file.origin, recipe.kind),
            sha256: fetched.sha256.clone(),
            length: fetched.length,
            bitness: file.bitness,
        })
        .collect();
    let release = Release {
        package: package.id.clone(),
        version: package.version.clone(),
        title: package.title.clone(),
        action: Action::RunInstaller(RunInstaller {
            kind: recipe.kind,
            files,
            arguments: recipe.arguments.clone(),
            exit_codes: recipe.exit_codes.clone(),
            detection,
        }),
    };
    Ok((release, known))
}

/// A name that every Windows file system takes, with the ending that the kind needs.
fn file_name(origin: &FileOrigin, kind: InstallerKind) -> String {
    let text = match origin {
        FileOrigin::Embedded { path } => path.as_str(),
        FileOrigin::Url { url } => url.split(['?', '#']).next().unwrap_or_default(),
    };
    let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
    let ending = match kind {
        InstallerKind::Msi => ".msi",
        InstallerKind::Exe => ".exe",
    };
    let plain: String = last
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-_.+".contains(c) {
                c
            } else {
                '_'
            }
        })
        .take(120)
        .collect();
    let stem = plain.trim_matches('.');
    let lower = stem.to_lowercase();
    match lower.strip_suffix(ending) {
        Some(stem_lower) if !stem_lower.is_empty() => stem.to_owned(),
        _ => format!(
            "{}{ending}",
            if stem.is_empty() { "installer" } else { stem }
        ),
    }
}

async fn store(
    app: &App,
    patch_type: PatchType,
    release: &Release,
    fetched: &[Fetched],
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
    tx.commit().await?;
    Ok(id)
}
