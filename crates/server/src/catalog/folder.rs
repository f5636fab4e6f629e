//! Reads a folder of .nupkg files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use fleetmend_chocolatey::nupkg::{Limits, Nupkg};
use fleetmend_chocolatey::nuspec::Nuspec;
use fleetmend_model::SourceId;
use fleetmend_store::packages::NewPackage;

use super::feed::{Page, left_out};

/// The most files that are looked at.
const MAX_FILES: usize = 100_000;
/// The largest nupkg, in bytes.
pub const MAX_NUPKG: u64 = 2 * 1024 * 1024 * 1024;

/// The packages in the folder, and why files cannot be read.
pub fn read(source: SourceId, folder: &Path) -> anyhow::Result<Page> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut page = Page::default();
    for (count, entry) in entries.enumerate() {
        if count >= MAX_FILES {
            bail!("{} has more than {MAX_FILES} files", folder.display());
        }
        let path = entry
            .with_context(|| format!("cannot read {}", folder.display()))?
            .path();
        let is_package = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("nupkg"));
        if !is_package {
            continue;
        }
        match package(source, &path) {
            Ok(package) => page.packages.push(package),
            Err(error) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                page.left_out.push(left_out(&name, &format!("{error:#}")));
            }
        }
    }
    Ok(page)
}

fn package(source: SourceId, path: &PathBuf) -> anyhow::Result<NewPackage> {
    let length = fs::metadata(path)?.len();
    if length > MAX_NUPKG {
        bail!("it is larger than {MAX_NUPKG} bytes");
    }
    let bytes = fs::read(path)?;
    let nupkg = Nupkg::read(&bytes, &Limits::default())?;
    let sha256 = fleetmend_trust::digest_hex(&bytes);
    let location = path.display().to_string();
    Ok(described(source, nupkg.nuspec(), location, &sha256))
}

/// A package as its manifest describes it.
pub fn described(source: SourceId, nuspec: &Nuspec, location: String, sha256: &str) -> NewPackage {
    NewPackage {
        source,
        id: nuspec.id.clone(),
        version: nuspec.version.clone(),
        normalized: nuspec.normalised.to_string(),
        prerelease: nuspec.normalised.is_prerelease(),
        title: nuspec.title.clone().unwrap_or_else(|| nuspec.id.clone()),
        authors: nuspec.authors.clone().unwrap_or_default(),
        project_url: nuspec.project_url.clone().unwrap_or_default(),
        metadata: serde_json::json!({ "summary": nuspec.summary, "tags": nuspec.tags }).to_string(),
        content_location: location,
        content_hash: Some(format!("sha256:{sha256}")),
        listed: true,
    }
}
