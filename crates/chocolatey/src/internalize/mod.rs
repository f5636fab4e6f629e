//! Internalizing: a package whose scripts would download their installers becomes one that has them
//! inside. Its scripts stay as they are but for the addresses, each of which becomes the path of a file
//! of the package; Chocolatey copies such a file where it would have downloaded it, and checks it
//! against the same checksum. The files have a folder of their own: none lies where it is copied to.
//! The script that uninstalls is not changed, and may still download something.
//!
//! Nothing is taken on trust: the changed scripts are analysed again, and what they do must be what the
//! old ones did, file for file. What differs in anything else is refused.
//!
//! Source: Chocolatey's `Get-ChocolateyWebFile`, which copies what is neither http nor ftp.

mod content_types;
mod encoding;
mod names;
mod pack;
mod proof;
mod rewrite;

use std::io::{Read, Seek};
use std::sync::Arc;

use fleetmend_model::recipe::{Analysis, Fetches};

use crate::nupkg::NupkgIn;
use crate::script::{self, Extension, Package, Script};

pub use pack::{PackError, pack};

/// A file that was downloaded for a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// Its address, as the recipe names it.
    pub url: String,
    /// Its SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Its length in bytes.
    pub length: u64,
}

/// A file with its place in the package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Where it comes from and what it is.
    pub local: Local,
    /// Its path in the package, with `/`.
    pub path: String,
}

/// How a package is changed.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The scripts that change, with their new bytes.
    pub scripts: Vec<Script>,
    /// The files that are put in.
    pub files: Vec<Placed>,
}

/// Why a package is not internalized, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

impl Refused {
    fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// The addresses that a package's scripts install from, each once; or why it cannot be internalized.
pub fn addresses(analysis: &Analysis) -> Result<Vec<String>, Refused> {
    match analysis.fetches() {
        Fetches::Files(urls) => Ok(urls),
        Fetches::Nothing => Err(Refused::new("it downloads nothing")),
        Fetches::Unknown(why) => Err(Refused::new(why)),
    }
}

/// What internalizing changes in a package, with these files at hand: one for each of [`addresses`].
///
/// `extensions` are those that the analysis was made with. What the plan gives was analysed again.
fn plan(package: &Package<'_>, analysis: &Analysis, locals: &[Local]) -> Result<Plan, Refused> {
    let wanted = addresses(analysis)?;
    let mut placed: Vec<Placed> = Vec::new();
    let folder = names::folder(package)?;
    for url in &wanted {
        let local = locals
            .iter()
            .find(|it| it.url == *url)
            .ok_or_else(|| Refused::new(format!("{url} was not downloaded")))?;
        let path = names::path(&folder, url, analysis, &placed);
        placed.push(Placed {
            local: local.clone(),
            path,
        });
    }
    let mut scripts = Vec::new();
    for script in package
        .scripts
        .iter()
        .filter(|it| !script::is_uninstall_script(&it.path))
    {
        if let Some(bytes) = rewrite::script(script, &placed)? {
            scripts.push(Script {
                path: script.path.clone(),
                bytes,
            });
        }
    }
    let plan = Plan {
        scripts,
        files: placed,
    };
    let found = script::analyse_scripts(&changed(package, &plan));
    proof::prove(analysis, &plan.files, &found)?;
    Ok(plan)
}

/// The package as the plan makes it.
fn changed<'p>(package: &Package<'p>, plan: &Plan) -> Package<'p> {
    let mut changed = package.clone();
    for script in &plan.scripts {
        if let Some(old) = changed.scripts.iter_mut().find(|it| it.path == script.path) {
            *old = script.clone();
        }
    }
    for file in &plan.files {
        changed.paths.extend(names::with_mark(&file.path));
    }
    changed
}

/// The same for an opened nupkg.
pub fn plan_of<R: Read + Seek + Clone>(
    nupkg: &NupkgIn<R>,
    extensions: Vec<Arc<Extension>>,
    analysis: &Analysis,
    locals: &[Local],
) -> Result<Plan, Refused> {
    let package = script::package_of(nupkg, extensions)
        .map_err(|finding| Refused::new(format!("{}: {}", finding.file, finding.what)))?;
    plan(&package, analysis, locals)
}

/// Whether a packed package does what the one that it was made of does, with the files of the plan in
/// place of addresses: the proof over the bytes that clients get.
pub fn verify<R: Read + Seek + Clone>(
    packed: &NupkgIn<R>,
    extensions: Vec<Arc<Extension>>,
    analysis: &Analysis,
    plan: &Plan,
) -> Result<(), Refused> {
    let found = script::analyse_with(packed, extensions);
    proof::prove(analysis, &plan.files, &found)
}
