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
    /// Why this is not what a package would hold.
    pub problem: Option<&'static str>,
}

/// The script by which a package installs.
const INSTALL_SCRIPT: &str = "tools/chocolateyInstall.ps1";

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
    let text = without_comments(&decode(&bytes));
    let listed = listed_files(&text);
    // A list without entries packs nothing.
    let is_listed = text.contains("<files");
    let lists_any = !listed.is_empty();
    if !is_listed {
        add(&mut files, folder, "", &|_| true)?;
    }
    for entry in listed {
        entry.add_to(&mut files, folder)?;
    }
    let has_script = find_ignoring_case(folder, INSTALL_SCRIPT).is_some();
    let problem = (lists_any && files.is_empty() && has_script)
        .then_some("the nuspec's <files> match no file, but there is tools/chocolateyInstall.ps1");
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
        problem,
    })
}

/// `<file src="…" target="…" exclude="…" />` of a nuspec.
struct Listed {
    source: String,
    target: String,
    /// Patterns of files that are left out, with `;` between them.
    exclude: String,
}

impl Listed {
    fn add_to(&self, files: &mut Vec<(String, PathBuf)>, folder: &Path) -> anyhow::Result<()> {
        let source = self.source.replace('\\', "/");
        let source = source.trim_start_matches("./");
        let target = self.target.replace('\\', "/");
        let target = target.trim_matches('/');
        let (fixed, pattern) = match source.find(['*', '?']) {
            Some(at) => source[..at]
                .rsplit_once('/')
                .map_or(("", source), |(fixed, _)| {
                    (fixed, &source[fixed.len() + 1..])
                }),
            None => (source.trim_end_matches('/'), "**"),
        };
        let Some(base) = find_ignoring_case(folder, fixed) else {
            return Ok(());
        };
        let excluded: Vec<String> = self.exclude.split(';').map(as_pattern).collect();
        let takes = |path: &str| !excluded.iter().any(|it| is_match(it, &path.to_lowercase()));
        if base.is_file() {
            let name = source.rsplit('/').next().unwrap_or(source);
            if takes(source) {
                files.push((path_in_package(name, target), base));
            }
            return Ok(());
        }
        let pattern = as_pattern(pattern);
        let is_wanted = |path: &str| {
            let whole = if fixed.is_empty() {
                path.to_owned()
            } else {
                format!("{fixed}/{path}")
            };
            is_match(&pattern, &path.to_lowercase()) && takes(&whole)
        };
        add(files, &base, target, &is_wanted)
    }
}

/// Where a file that is named without wildcards is put: NuGet takes the target for a file's name
/// where its extension is the source's.
fn path_in_package(name: &str, target: &str) -> String {
    let extension = |text: &str| text.rsplit_once('.').map(|(_, end)| end.to_lowercase());
    match target {
        "" => name.to_owned(),
        file if extension(file).is_some() && extension(file) == extension(name) => file.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

/// A pattern of a nuspec in lower case with `/`. NuGet takes `*.*` for every file, and a folder for
/// all below it.
fn as_pattern(text: &str) -> String {
    let text = text.trim().replace('\\', "/").to_lowercase();
    let text = text.trim_start_matches("./");
    match text.strip_suffix("*.*") {
        Some(folder) => format!("{folder}*"),
        None if text.ends_with('/') => format!("{text}**"),
        None => text.to_owned(),
    }
}

/// Whether a path matches a pattern: `*` and `?` stand for what has no `/`, `**` for anything, and
/// `**/` for any folders or none.
fn is_match(pattern: &str, path: &str) -> bool {
    let Some(first) = pattern.chars().next() else {
        return path.is_empty();
    };
    let behind = |text: &str, wide: bool, rest: &str| {
        let end = if wide { None } else { text.find('/') };
        let end = end.unwrap_or(text.len());
        let mut places = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        places.any(|at| at <= end && is_match(rest, &text[at..]))
    };
    if let Some(rest) = pattern.strip_prefix("**/") {
        return is_match(rest, path)
            || path
                .match_indices('/')
                .any(|(at, _)| is_match(rest, &path[at + 1..]));
    }
    if let Some(rest) = pattern.strip_prefix("**") {
        return behind(path, true, rest);
    }
    let rest = &pattern[first.len_utf8()..];
    match (first, path.chars().next()) {
        ('*', _) => behind(path, false, rest),
        (_, None) => false,
        (wanted, Some(found)) => {
            (wanted == found || wanted == '?' && found != '/')
                && is_match(rest, &path[found.len_utf8()..])
        }
    }
}

fn without_comments(nuspec: &str) -> String {
    let mut text = String::new();
    let mut rest = nuspec;
    while let Some((before, behind)) = rest.split_once("<!--") {
        text.push_str(before);
        rest = behind.split_once("-->").map_or("", |(_, behind)| behind);
    }
    text.push_str(rest);
    text
}

/// The entries of `<files>`.
fn listed_files(text: &str) -> Vec<Listed> {
    let attribute = |tag: &str, name: &str| {
        let (_, behind) = tag.split_once(&format!("{name}="))?;
        let quote = behind.chars().next()?;
        behind[1..].split(quote).next().map(str::to_owned)
    };
    text.split("<file")
        .skip(1)
        .filter(|behind| behind.starts_with(char::is_whitespace))
        .filter_map(|behind| {
            let tag = behind.split('>').next()?;
            Some(Listed {
                source: attribute(tag, "src")?,
                target: attribute(tag, "target").unwrap_or_default(),
                exclude: attribute(tag, "exclude").unwrap_or_default(),
            })
        })
        .collect()
}

/// Adds the files below a folder under a path in the package.
fn add(
    files: &mut Vec<(String, PathBuf)>,
    folder: &Path,
    target: &str,
    takes: &dyn Fn(&str) -> bool,
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

#[cfg(test)]
mod tests {
    use super::{as_pattern, is_match};

    #[test]
    fn patterns_take_what_nuget_takes() {
        for (pattern, path, is_taken) in [
            ("*.*", "a", true),
            ("*.*", "a.ps1", true),
            ("*.*", "sub/a.ps1", false),
            (r"**\*.*", "sub/a.ps1", true),
            (r"**\*.*", "a.ps1", true),
            ("**", "sub/a.ps1", true),
            (r"**\*.PS1", "sub/deep/a.ps1", true),
            (r"**\*.ps1", "sub/a.psm1", false),
            ("*.ps1", "sub/a.ps1", false),
            ("a?.ps1", "ab.ps1", true),
            ("a?.ps1", "a/.ps1", false),
            (r"tools\", "tools/sub/a.ps1", true),
            (r"tools\*", "tools/a.ps1", true),
            ("", "a.ps1", false),
        ] {
            let found = is_match(&as_pattern(pattern), path);
            assert_eq!(found, is_taken, "{pattern} {path}");
        }
    }

    #[test]
    fn a_list_of_files_without_entries_packs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let tools = folder.path().join("tools");
        std::fs::create_dir(&tools).unwrap();
        std::fs::write(tools.join("chocolateyInstall.ps1"), "net user evil").unwrap();
        let nuspec = folder.path().join("a.nuspec");
        for (files, scripts) in [
            ("", 1),
            ("<files></files>", 0),
            ("<files />", 0),
            (r#"<files><!-- <file src="tools\**" /> --></files>"#, 0),
            (
                r#"<files><file src="tools\**" target="tools" /></files>"#,
                1,
            ),
        ] {
            let text = format!(
                "<package><metadata><id>a</id><version>1.0</version></metadata>{files}</package>"
            );
            std::fs::write(&nuspec, text).unwrap();
            let found = super::read(&nuspec).unwrap();
            assert_eq!(found.scripts.len(), scripts, "{files}");
            assert_eq!(found.problem, None, "{files}");
        }
    }
}
