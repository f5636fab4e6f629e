//! Package sources as they lie in a repository: a folder with a nuspec, its scripts, and what the
//! nuspec's `<files>` take from elsewhere.

use std::path::{Component, Path, PathBuf};

use anyhow::Context as _;
use fleetmend_chocolatey::decode;
use fleetmend_chocolatey::nuspec::{Nuspec, parse_nuspec};
use fleetmend_chocolatey::script::{MAX_SCRIPT, Script, is_script};

/// The deepest nesting of folders looked into.
const MAX_DEPTH: usize = 16;
/// The largest nuspec read, in bytes.
const MAX_NUSPEC: u64 = 4 * 1024 * 1024;

/// What a package would hold if it were packed.
pub struct PackageFolder {
    pub nuspec: Nuspec,
    /// Paths inside of the package, with `/`.
    pub paths: Vec<String>,
    pub scripts: Vec<Script>,
}

/// All nuspec files below a folder, sorted.
pub fn find(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = files_below(root, 0)?;
    found.retain(|path| has_extension(path, "nuspec"));
    found.sort();
    Ok(found)
}

/// Reads the package of a nuspec.
pub fn read(nuspec: &Path) -> anyhow::Result<PackageFolder> {
    let length = std::fs::metadata(nuspec)?.len();
    anyhow::ensure!(length <= MAX_NUSPEC, "the nuspec is too large");
    let bytes = std::fs::read(nuspec)?;
    let folder = nuspec.parent().context("a file without a folder")?;
    let mut files: Vec<(String, PathBuf)> = Vec::new();
    let listed = listed_files(&decode(&bytes));
    if listed.is_empty() {
        add(&mut files, folder, "", &mut |_| true)?;
    }
    for entry in listed {
        entry.add_to(&mut files, folder)?;
    }
    files.sort();
    files.dedup_by(|left, right| left.0.eq_ignore_ascii_case(&right.0));
    let mut scripts = Vec::new();
    for (path, file) in files.iter().filter(|(path, _)| is_script(path)) {
        // One byte more than is analysed: enough to be refused.
        let mut bytes = std::fs::read(file).with_context(|| format!("cannot read {path}"))?;
        bytes.truncate(MAX_SCRIPT + 1);
        scripts.push(Script {
            path: path.clone(),
            bytes,
        });
    }
    Ok(PackageFolder {
        nuspec: parse_nuspec(&bytes)?,
        paths: files.into_iter().map(|(path, _)| path).collect(),
        scripts,
    })
}

/// `<file src="…" target="…" />` of a nuspec.
struct Listed {
    source: String,
    target: String,
}

impl Listed {
    fn add_to(&self, files: &mut Vec<(String, PathBuf)>, folder: &Path) -> anyhow::Result<()> {
        let source = self.source.replace('\\', "/");
        let target = self.target.replace('\\', "/");
        let target = target.trim_matches('/');
        let is_pattern = source.contains('*');
        let fixed = match source.find('*') {
            Some(at) => source[..at].rsplit_once('/').map_or("", |(fixed, _)| fixed),
            None => source.as_str(),
        };
        let Some(base) = find_ignoring_case(folder, fixed) else {
            return Ok(());
        };
        if is_pattern {
            let deep = source.contains("**");
            let extension = source.rsplit_once("*.").map(|(_, end)| end.to_lowercase());
            return add(files, &base, target, &mut |path| {
                (deep || !path.contains('/'))
                    && extension
                        .as_ref()
                        .is_none_or(|end| path.to_lowercase().ends_with(&format!(".{end}")))
            });
        }
        if base.is_file() {
            let name = source.rsplit('/').next().unwrap_or(&source);
            let same = |path: &str| {
                let end = |text: &str| text.rsplit_once('.').map(|(_, end)| end.to_lowercase());
                end(path).is_some() && end(path) == end(name)
            };
            // NuGet takes the target for a file's name where its extension is the source's.
            let path = match target {
                "" => name.to_owned(),
                target if same(target) => target.to_owned(),
                folder => format!("{folder}/{name}"),
            };
            files.push((path, base));
            return Ok(());
        }
        Ok(())
    }
}

/// The entries of `<files>`, without those in comments.
fn listed_files(nuspec: &str) -> Vec<Listed> {
    let mut text = String::new();
    let mut rest = nuspec;
    while let Some((before, behind)) = rest.split_once("<!--") {
        text.push_str(before);
        rest = behind.split_once("-->").map_or("", |(_, behind)| behind);
    }
    text.push_str(rest);
    let attribute = |tag: &str, name: &str| {
        let (_, behind) = tag.split_once(&format!("{name}="))?;
        let quote = behind.chars().next()?;
        behind[1..].split(quote).next().map(str::to_owned)
    };
    text.split("<file ")
        .skip(1)
        .filter_map(|behind| {
            let tag = behind.split('>').next()?;
            Some(Listed {
                source: attribute(tag, "src")?,
                target: attribute(tag, "target").unwrap_or_default(),
            })
        })
        .collect()
}

/// Adds the files below a folder under a path in the package.
fn add(
    files: &mut Vec<(String, PathBuf)>,
    folder: &Path,
    target: &str,
    takes: &mut dyn FnMut(&str) -> bool,
) -> anyhow::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for file in files_below(folder, 0)? {
        let Ok(relative) = file.strip_prefix(folder) else {
            continue;
        };
        let relative = relative.to_string_lossy().replace('\\', "/");
        if takes(&relative) {
            let path = if target.is_empty() {
                relative
            } else {
                format!("{target}/{relative}")
            };
            files.push((path, file));
        }
    }
    Ok(())
}

fn files_below(folder: &Path, depth: usize) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if depth > MAX_DEPTH {
        return Ok(found);
    }
    for entry in std::fs::read_dir(folder)
        .with_context(|| format!("cannot read the folder {}", folder.display()))?
    {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if entry.file_name() != ".git" {
                found.extend(files_below(&entry.path(), depth + 1)?);
            }
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// A path below a folder, found as Windows would.
fn find_ignoring_case(folder: &Path, path: &str) -> Option<PathBuf> {
    let mut found = folder.to_owned();
    for part in Path::new(path).components() {
        match part {
            Component::ParentDir => {
                found.pop();
            }
            Component::Normal(name) => {
                let name = name.to_string_lossy();
                let entry = std::fs::read_dir(&found)
                    .ok()?
                    .filter_map(Result::ok)
                    .find(|entry| {
                        entry
                            .file_name()
                            .to_string_lossy()
                            .eq_ignore_ascii_case(&name)
                    })?;
                found = entry.path();
            }
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir => return None,
        }
    }
    Some(found)
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension()
        .is_some_and(|it| it.eq_ignore_ascii_case(extension))
}
