//! Reads a folder of .nupkg files, whether they lie in it or, as `nuget add` and Chocolatey put them, in
//! folders by id and version. A file that is as it was is not read again.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

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
    let files: Vec<_> = found
        .files
        .into_iter()
        .map(|path| {
            let state = fs::metadata(&path).ok().map(|it| state(&it));
            let known = known.remove(&path.display().to_string());
            Seen { path, state, known }
        })
        .collect();
    let closed: HashSet<&Path> = found.not_looked_into.iter().map(|it| &*it.0).collect();
    // What a folder had before that is not looked into is not gone.
    let (kept, gone): (Vec<_>, Vec<_>) = known
        .into_values()
        .partition(|it| Path::new(&it.url).ancestors().any(|it| closed.contains(it)));
    let changed = files.iter().filter(|it| !it.is_as_it_was());
    let lost = changed.filter_map(|it| it.known.as_ref()).chain(&gone);
    // Of what such a file had another copy is to be known now.
    let lost: HashSet<String> = lost.map(|it| it.first_id.clone()).collect();
    for file in files {
        at.pages += 1;
        at.entries += 1;
        if !take(step(source, root, file, &lost), at.clone()) {
            return Ok(at.entries);
        }
    }
    let is_told = |it: &KnownPage| closed.contains(Path::new(&it.url));
    let kept = kept.into_iter().filter(|it| !is_told(it));
    let kept = kept.map(|known| Step { known, page: None });
    let told = found.not_looked_into.iter();
    for step in kept.chain(told.map(|(folder, why)| told_of(root, folder, why))) {
        at.pages += u64::from(step.page.is_some());
        if !take(step, at.clone()) {
            return Ok(at.entries);
        }
    }
    Ok(at.entries)
}

/// A file as it is now and as it was the last time.
struct Seen {
    path: PathBuf,
    /// Absent where it cannot be told.
    state: Option<String>,
    known: Option<KnownPage>,
}

impl Seen {
    fn is_as_it_was(&self) -> bool {
        let before = self.known.as_ref().and_then(|it| it.etag.as_ref());
        before.is_some() && before == self.state.as_ref()
    }
}

/// A folder that is not looked into.
fn told_of(root: &Path, folder: &Path, why: &str) -> Step {
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

/// A file, read unless it is as it was. Of what another file `lost` every copy is read.
fn step(source: &Source, root: &Path, file: Seen, lost: &HashSet<String>) -> Step {
    let is_as_it_was = file.is_as_it_was();
    let Seen { path, state, known } = file;
    let known = known.unwrap_or_default();
    if is_as_it_was && !lost.contains(&known.first_id) {
        return Step { known, page: None };
    }
    let mut page = Page::default();
    let name = shown(root, &path);
    let mut first_id = known.first_id;
    let mut note = |error| page.left_out.push(left_out(&name, &format!("{error:#}")));
    // One that cannot be read, as it is still being copied, is looked at again the next time, and what
    // it was before is not gone.
    let is_readable = match open(&path) {
        Ok((nuspec, sha256)) => {
            first_id = format!("{} {}", nuspec.id.to_lowercase(), nuspec.normalised);
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
        first_id,
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use fleetmend_model::SourceId;
    use fleetmend_store::sources::{ReadNote, Settings, SourceKind};

    use super::*;

    #[test]
    fn what_lies_in_a_folder_that_is_not_looked_into_is_kept_and_the_folder_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c/d");
        fs::create_dir_all(&deep).unwrap();
        let known = |path: PathBuf| KnownPage {
            url: path.display().to_string(),
            ..KnownPage::default()
        };
        let kept = known(deep.join("e/tool.1.0.nupkg"));
        let gone = known(folder.path().join("a/b/c/dd/tool.1.0.nupkg"));
        let source = Source {
            id: SourceId(1),
            kind: SourceKind::Folder,
            settings: Settings::new(&folder.path().display().to_string(), "folder"),
            user_name: None,
            sealed_password: None,
            private_hosts: Vec::new(),
            last_read: ReadNote::default(),
        };
        let steps = Mutex::new(Vec::new());
        let all = vec![kept.clone(), known(deep.clone()), gone];
        let read = read(&source, all, Millis(1), |step, at| {
            steps.lock().unwrap().push((step, at.pages));
            true
        });
        assert_eq!(read.unwrap(), 0);
        let steps = steps.into_inner().unwrap();
        let found: Vec<_> = steps
            .iter()
            .map(|(step, pages)| (step.known.url.as_str(), step.page.is_some(), *pages))
            .collect();
        let deep = deep.display().to_string();
        assert_eq!(found, [(&*kept.url, false, 0), (&*deep, true, 1)]);
    }
}
