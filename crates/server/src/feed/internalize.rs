//! Makes of a package that downloads its installers one that has them inside, and takes that into the
//! feed: from the files that its script names, checked as for a release, and proven to do the same.

use std::io::{self, Write};
use std::sync::Arc;

use anyhow::Context as _;
use fleetmend_chocolatey::internalize::{self, Local, PackError, Plan, Refused};
use fleetmend_chocolatey::nupkg::{Limits, NupkgIn};
use fleetmend_chocolatey::script::{self, Extension};
use fleetmend_model::Millis;
use fleetmend_model::recipe::{Analysis, FileOrigin, Recipe};
use fleetmend_store::blobs::Blobs;
use fleetmend_store::feed_packages::{Making, Original, Provenance, PutIn};
use fleetmend_store::file_reader::FileReader;
use fleetmend_store::packages::Package;
use ring::digest::{Context, SHA256};

use super::add::{AddError, Added, add_incoming};
use super::incoming::{self, Incoming};
use crate::app::App;
use crate::catalog::extensions;
use crate::catalog::fetch::shown;
use crate::catalog::folder::MAX_NUPKG;
use crate::catalog::mirror::{self, MirrorError};
use crate::catalog::package_files::PackageFiles;
use crate::people::Actor;

/// The program, for the record of what it made.
const PROGRAM: &str = concat!("Fleetmend ", env!("CARGO_PKG_VERSION"));

/// Why a package was not internalized.
#[derive(Debug, thiserror::Error)]
pub enum InternalizeError {
    /// It cannot be: only another version of it, or a person, helps.
    #[error("{0}")]
    Refused(String),
    /// Another try may help; no sooner than then, where that is said.
    #[error("{cause}")]
    Again {
        /// What was wrong.
        cause: String,
        /// When.
        at: Option<Millis>,
    },
    /// The feed does not take it.
    #[error(transparent)]
    Add(#[from] AddError),
}

impl From<Refused> for InternalizeError {
    fn from(why: Refused) -> Self {
        Self::Refused(why.to_string())
    }
}

impl From<PackError> for InternalizeError {
    fn from(error: PackError) -> Self {
        if error.is_of_package() {
            return Self::Refused(format!("it cannot be packed anew: {error}"));
        }
        anyhow::Error::from(error)
            .context("a package cannot be made")
            .into()
    }
}

impl From<anyhow::Error> for InternalizeError {
    fn from(error: anyhow::Error) -> Self {
        Self::Add(AddError::Internal(error))
    }
}

impl From<MirrorError> for InternalizeError {
    fn from(error: MirrorError) -> Self {
        match error {
            MirrorError::Again { cause, .. } => Self::Again { cause, at: None },
            MirrorError::Later { cause, at } => Self::Again {
                cause,
                at: Some(at),
            },
            MirrorError::Refused(cause) | MirrorError::Never(cause) => Self::Refused(cause),
            MirrorError::Internal(error) => error.into(),
        }
    }
}

/// Takes a package of the catalog into the feed with its installers inside. Doing it again gives the
/// same bytes, and a feed that has them changes nothing.
pub async fn internalize(
    app: &Arc<App>,
    package: &Package,
    original: Original,
    actor: &Actor,
) -> Result<Added, InternalizeError> {
    let old = Arc::new(Old::open(app, &original.sha256).await?);
    let recipe = old.analysis.recipe.clone();
    internalize::addresses(&old.analysis)?;
    let locals = download(app, package, recipe.as_ref()).await?;
    let (blobs, from) = (app.blobs.clone(), Arc::clone(&old));
    let made = tokio::task::spawn_blocking(move || make(&blobs, &from, &locals));
    let (incoming, plan) = made.await.map_err(anyhow::Error::from)??;
    let files = plan.files.into_iter().map(|it| PutIn {
        path: it.path,
        url: shown(&it.local.url),
        sha256: it.local.sha256,
        length: it.local.length,
    });
    let making = Making {
        program: PROGRAM.to_owned(),
        files: files.collect(),
    };
    let provenance = Provenance::Internalized(original, making);
    Ok(add_incoming(app, incoming, provenance, actor).await?)
}

/// The package as its source has it, analysed as it is now.
struct Old {
    nupkg: NupkgIn<FileReader>,
    extensions: Vec<Arc<Extension>>,
    analysis: Analysis,
}

impl Old {
    async fn open(app: &Arc<App>, sha256: &str) -> anyhow::Result<Self> {
        let reader = app.blobs.reader(sha256)?;
        let opened = tokio::task::spawn_blocking(move || NupkgIn::open(reader, &Limits::default()));
        let nupkg = opened.await?.context("the package cannot be read")?;
        let extensions = extensions::of(app, nupkg.nuspec()).await?.loaded;
        let analysed = tokio::task::spawn_blocking(move || {
            let analysis = script::analyse_with(&nupkg, extensions.clone());
            Self {
                nupkg,
                extensions,
                analysis,
            }
        });
        Ok(analysed.await?)
    }
}

/// Gets the files that the scripts download.
async fn download(
    app: &Arc<App>,
    package: &Package,
    recipe: Option<&Recipe>,
) -> Result<Vec<Local>, InternalizeError> {
    let mut from = PackageFiles::of(app, package).await?;
    let mut room = MAX_NUPKG;
    let mut locals: Vec<Local> = Vec::new();
    let mut had = Vec::new();
    for file in recipe.into_iter().flat_map(Recipe::all_files) {
        let FileOrigin::Url { url } = &file.origin else {
            continue;
        };
        if from.instead_of(file).is_some() {
            return Err(InternalizeError::Refused(format!(
                "a person accepted another file than the one that it names for {}: its script would \
                 refuse that file",
                shown(url)
            )));
        }
        // One file for both architectures is one.
        if had.contains(&(url, &file.checksum)) {
            continue;
        }
        had.push((url, &file.checksum));
        let known = locals.iter().find(|it| it.url == *url);
        from.leave_room(room.saturating_add(known.map_or(0, |it| it.length)));
        // Of the file that was signed for, and not of what stands there by now.
        let fetched = match from.fetched_before(file).await? {
            Some(known) => known,
            None => mirror::fetch(app, package, &from, file).await?,
        };
        let local = Local {
            url: url.clone(),
            sha256: fetched.sha256,
            length: fetched.length,
        };
        match locals.iter().find(|it| it.url == *url) {
            None => {
                room = room.saturating_sub(local.length);
                locals.push(local);
            }
            Some(known) if *known == local => {}
            Some(_) => {
                return Err(InternalizeError::Refused(format!(
                    "{} was another file when it was downloaded once more",
                    shown(url)
                )));
            }
        }
    }
    Ok(locals)
}

/// Makes the package on the disk, and proves that it does what the old one did.
fn make(blobs: &Blobs, old: &Old, locals: &[Local]) -> Result<(Incoming, Plan), InternalizeError> {
    let inside: u64 = locals.iter().map(|it| it.length).sum();
    if inside > MAX_NUPKG {
        return Err(InternalizeError::Refused(format!(
            "its installers have {inside} bytes, and a package may have {MAX_NUPKG} at most"
        )));
    }
    blobs
        .check_room(inside)
        .context("a package cannot be stored")?;
    let (extensions, analysis) = (|| old.extensions.clone(), &old.analysis);
    let plan = internalize::plan_of(&old.nupkg, extensions(), analysis, locals)?;
    let file = blobs.incoming().context("a package cannot be stored")?;
    let file = internalize::pack(&old.nupkg, &plan, |sha256| blobs.get(sha256), file)?;
    let reader = file.reopen().and_then(FileReader::new);
    let reader = reader.context("a package cannot be read")?;
    let packed = NupkgIn::open(reader.clone(), &Limits::default()).map_err(|error| {
        InternalizeError::Refused(format!("what came of it is no usable package: {error}"))
    })?;
    internalize::verify(&packed, extensions(), analysis, &plan)?;
    check_files(&packed, &plan)?;
    Ok((incoming::of_file(file, reader)?, plan))
}

/// The files in the package are those that were downloaded, byte for byte.
fn check_files(packed: &NupkgIn<FileReader>, plan: &Plan) -> anyhow::Result<()> {
    for file in &plan.files {
        let mut digest = Digest(Context::new(&SHA256));
        packed.copy_to(&file.path, &mut digest)?;
        let found = fleetmend_trust::hex(digest.0.finish().as_ref());
        anyhow::ensure!(
            found == file.local.sha256,
            "{} was damaged when it was put into the package",
            file.path
        );
    }
    Ok(())
}

/// Keeps nothing of what is written but its digest.
struct Digest(Context);

impl Write for Digest {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
