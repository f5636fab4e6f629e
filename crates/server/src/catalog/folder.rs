//! Reads a folder of .nupkg files. A file that is as it was is not read again.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use fleetmend_chocolatey::nupkg::{Limits, NupkgIn};
use fleetmend_chocolatey::nuspec::Nuspec;
use fleetmend_model::Millis;
use fleetmend_store::file_reader::FileReader;
use fleetmend_store::packages::NewPackage;
use fleetmend_store::source_pages::KnownPage;
use fleetmend_store::sources::Source;

use super::digest;
use super::feed::{Page, Position, Step, fits, left_out};
use super::metadata::{self, Metadata};

/// The most files that are looked at.
const MAX_FILES: usize = 100_000;
/// The largest nupkg, in bytes.
pub const MAX_NUPKG: u64 = 2 * 1024 * 1024 * 1024;

/// Looks at the files of a folder and hands each over with how far that is; gives their number.
/// `take` says whether to go on.
pub fn read(
    source: &Source,
    known: Vec<KnownPage>,
    began_at: Millis,
    take: impl Fn(Step, Position) -> bool,
) -> anyhow::Result<u64> {
    let mut known: HashMap<_, _> = known.into_iter().map(|it| (it.url.clone(), it)).collect();
    let files = files(Path::new(&source.settings.location))?;
    let mut at = Position::at_files(began_at, files.len() as u64);
    for path in files {
        at.pages += 1;
        at.entries += 1;
        let known = known.remove(&path.display().to_string());
        if !take(step(source, &path, known), at.clone()) {
            break;
        }
    }
    Ok(at.entries)
}

/// The folder's packages.
fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = Vec::new();
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
        if is_package {
            files.push(path);
        }
    }
    Ok(files)
}

fn step(source: &Source, path: &Path, known: Option<KnownPage>) -> Step {
    let state = fs::metadata(path).ok().map(|it| state(&it));
    if let Some(known) = known
        && known.etag == state
        && state.is_some()
    {
        return Step { known, page: None };
    }
    let mut page = Page::default();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut note = |error| page.left_out.push(left_out(&name, &format!("{error:#}")));
    // One that cannot be read, as it is still being copied, is looked at again the next time, and what
    // it was before is not gone.
    let is_readable = match open(path) {
        Ok((nuspec, sha256)) => {
            let location = path.display().to_string();
            match described(source, &nuspec, location, &sha256) {
                Ok(package) => page.packages.push(package),
                Err(error) => note(error),
            }
            true
        }
        Err(error) => {
            note(error);
            false
        }
    };
    page.is_unreadable = !is_readable;
    let known = KnownPage {
        url: path.display().to_string(),
        etag: state.filter(|_| is_readable),
        entries: 1,
        ..KnownPage::default()
    };
    Step {
        known,
        page: Some(page),
    }
}

/// What is another text after every change of a file: not even setting its time back hides one.
fn state(file: &fs::Metadata) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let (seconds, nanos) = (file.ctime(), file.ctime_nsec());
        format!("{} {} {seconds}.{nanos:09}", file.len(), file.ino())
    }
    #[cfg(not(unix))]
    {
        format!("{} {:?}", file.len(), file.modified().ok())
    }
}

/// A nupkg's manifest, and the SHA-256 of all of it.
fn open(path: &Path) -> anyhow::Result<(Nuspec, String)> {
    let reader = FileReader::new(File::open(path)?)?;
    if reader.length() > MAX_NUPKG {
        bail!("it is larger than {MAX_NUPKG} bytes");
    }
    let nupkg = NupkgIn::open(reader.clone(), &Limits::default())?;
    let sha256 = digest::sha256(reader)?;
    Ok((nupkg.nuspec().clone(), sha256))
}

/// A package as its manifest describes it; an error where its source is for a generation of
/// Chocolatey that cannot read its version.
pub fn described(
    source: &Source,
    nuspec: &Nuspec,
    location: String,
    sha256: &str,
) -> anyhow::Result<NewPackage> {
    fits(source.settings.dialect, &nuspec.version).map_err(anyhow::Error::msg)?;
    let metadata = Metadata {
        published: None,
        summary: nuspec.summary.clone(),
        tags: nuspec.tags.clone(),
        dependencies: metadata::ids(nuspec.dependencies.clone()),
    };
    Ok(NewPackage {
        source: source.id,
        id: nuspec.id.clone(),
        version: nuspec.version.clone(),
        normalized: nuspec.normalised.to_string(),
        prerelease: nuspec.normalised.is_prerelease(),
        title: nuspec.title.clone().unwrap_or_else(|| nuspec.id.clone()),
        authors: nuspec.authors.clone().unwrap_or_default(),
        project_url: nuspec.project_url.clone().unwrap_or_default(),
        metadata: metadata.to_json(),
        content_location: location,
        content_hash: Some(format!("sha256:{sha256}")),
        listed: true,
    })
}
