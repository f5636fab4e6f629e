//! Reads a folder of .nupkg files, whether they lie in it or, as `nuget add` and Chocolatey put them, in
//! folders by id and version. A file that is as it was is not read again.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::bail;
use fleetmend_chocolatey::nupkg::{Limits, NupkgIn};
use fleetmend_chocolatey::nuspec::Nuspec;
use fleetmend_model::Millis;
use fleetmend_store::file_reader::FileReader;
use fleetmend_store::packages::NewPackage;
use fleetmend_store::source_pages::KnownPage;
use fleetmend_store::sources::Source;

use super::feed::{Page, Position, Step, fits, left_out};
use super::folder_walk::{self, Bounds};
use super::metadata::{self, Metadata};
use super::{digest, regular};

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
    let root = Path::new(&source.settings.location);
    let mut known: HashMap<_, _> = known.into_iter().map(|it| (it.url.clone(), it)).collect();
    let found = folder_walk::walk(root, &Bounds::default())?;
    let mut at = Position::at_files(began_at, found.files.len() as u64);
    for path in found.files {
        at.pages += 1;
        at.entries += 1;
        let known = known.remove(&path.display().to_string());
        if !take(step(source, root, &path, known), at.clone()) {
            return Ok(at.entries);
        }
    }
    for (folder, why) in found.not_looked_into {
        at.pages += 1;
        // What it had before is not gone.
        let within = known.extract_if(|url, _| Path::new(url).starts_with(&folder));
        let kept = within.map(|(_, known)| Step { known, page: None });
        for step in kept.chain([told(root, &folder, &why)]) {
            if !take(step, at.clone()) {
                return Ok(at.entries);
            }
        }
    }
    Ok(at.entries)
}

/// A folder that is not looked into.
fn told(root: &Path, folder: &Path, why: &str) -> Step {
    let mut page = Page::default();
    page.left_out.push(left_out(&shown(root, folder), why));
    Step {
        known: KnownPage {
            url: folder.display().to_string(),
            ..KnownPage::default()
        },
        page: Some(page),
    }
}

/// A path below a source's folder, for a person.
fn shown(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    below.display().to_string()
}

fn step(source: &Source, root: &Path, path: &Path, known: Option<KnownPage>) -> Step {
    let state = fs::metadata(path).ok().map(|it| state(&it));
    if let Some(known) = known
        && known.etag == state
        && state.is_some()
    {
        return Step { known, page: None };
    }
    let mut page = Page::default();
    let name = shown(root, path);
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
    let reader = FileReader::new(regular::open(path)?)?;
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
