//! Finds the .nupkg files of a folder and of those below it.

use std::fs::{self, DirEntry, FileType};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// How far a folder is looked into.
pub struct Bounds {
    /// How many folders below it: `id/version/` are two.
    pub depth: usize,
    /// How many files and folders in all.
    pub entries: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            depth: 3,
            entries: 500_000,
        }
    }
}

/// What is in a folder.
#[derive(Debug, Default)]
pub struct Found {
    /// Everything that is called as a package is.
    pub files: Vec<PathBuf>,
    /// Folders that were not looked into, and why.
    pub not_looked_into: Vec<(PathBuf, String)>,
}

/// Finds what is called as a package is, in a folder and in those below it. Links to folders are not followed,
/// and what a system or a file server keeps in a folder for itself is passed over. Only the first of
/// the folders that lie too deep is named.
pub fn walk(root: &Path, bounds: &Bounds) -> anyhow::Result<Found> {
    let mut found = Found::default();
    let mut waiting = vec![(root.to_owned(), 0)];
    let (mut entries, mut is_too_deep) = (0, false);
    while let Some((folder, depth)) = waiting.pop() {
        let listed = match list(&folder, bounds.entries + 1) {
            Ok(listed) => listed,
            Err(error) if depth == 0 => {
                return Err(error).with_context(|| format!("cannot read {}", root.display()));
            }
            // It was there when the one above it was read.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => {
                let why = format!("it cannot be read: {error}");
                found.not_looked_into.push((folder, why));
                continue;
            }
        };
        entries += listed.len();
        if entries > bounds.entries {
            bail!("{} has more than {} files", root.display(), bounds.entries);
        }
        let Sorted { files, folders } = sort(listed, &mut found.not_looked_into);
        found.files.extend(files);
        let mut below = folders.into_iter().map(|path| (path, depth + 1));
        if depth < bounds.depth {
            waiting.extend(below);
        } else if !is_too_deep && let Some((path, _)) = below.next() {
            is_too_deep = true;
            let why = format!(
                "it is not looked into, nor is anything else that lies more than {} folders deep",
                bounds.depth
            );
            found.not_looked_into.push((path, why));
        }
    }
    Ok(found)
}

/// The entries of a folder, each with what it is.
type Listed = Vec<(PathBuf, io::Result<FileType>)>;

fn list(folder: &Path, most: usize) -> io::Result<Listed> {
    let kind = |entry: io::Result<DirEntry>| {
        let entry = entry.map_err(|error| match error.kind() {
            // The folder itself was there.
            ErrorKind::NotFound => io::Error::other(error),
            _ => error,
        })?;
        Ok((entry.path(), entry.file_type()))
    };
    fs::read_dir(folder)?.take(most).map(kind).collect()
}

/// What is in one folder.
struct Sorted {
    /// Everything that is called as a package is.
    files: Vec<PathBuf>,
    /// What is to be looked into.
    folders: Vec<PathBuf>,
}

/// Sorts the entries of a folder. One of which nobody can say what it is may be a folder that is not
/// looked into; the others are what they are.
fn sort(listed: Listed, not_looked_into: &mut Vec<(PathBuf, String)>) -> Sorted {
    let (packages, others): (Vec<_>, Vec<_>) =
        listed.into_iter().partition(|(path, _)| is_package(path));
    let mut folders = Vec::new();
    for (path, kind) in others {
        if is_passed_over(&path) {
            continue;
        }
        match kind {
            Ok(kind) if kind.is_dir() => folders.push(path),
            Ok(_) => {}
            // It was taken away since the folder was listed.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => not_looked_into.push((path, format!("it cannot be read: {error}"))),
        }
    }
    Sorted {
        files: packages.into_iter().map(|it| it.0).collect(),
        folders,
    }
}

/// Whether it is called as a package is.
fn is_package(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("nupkg"))
}

/// Whether a folder is a system's or file server's own: snapshots, recycle bins and the like, in which
/// packages would be found that are gone.
fn is_passed_over(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(['.', '$', '#', '@', '~'])
        || name == "lost+found"
        || name == "System Volume Information"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(root: &Path, found: &Found) -> Vec<String> {
        let mut names: Vec<_> = found
            .files
            .iter()
            .map(|it| it.strip_prefix(root).unwrap().display().to_string())
            .collect();
        names.sort();
        names
    }

    fn put(root: &Path, path: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    #[test]
    fn packages_are_found_flat_and_by_id_and_version_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for path in [
            "top.1.0.nupkg",
            "readme.txt",
            "deep/1.0.0/deep.1.0.0.nupkg",
            "deep/1.0.0/deep.nuspec",
            "a/b/c/three.1.0.NUPKG",
            "a/b/c/d/four.1.0.nupkg",
            "a/b/c/e/five.1.0.nupkg",
            ".snapshot/old.1.0.nupkg",
            "$RECYCLE.BIN/gone.1.0.nupkg",
        ] {
            put(root, path);
        }
        let found = walk(root, &Bounds::default()).unwrap();
        assert_eq!(
            names(root, &found),
            [
                "a/b/c/three.1.0.NUPKG",
                "deep/1.0.0/deep.1.0.0.nupkg",
                "top.1.0.nupkg"
            ]
        );
        let told = &found.not_looked_into;
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].1.contains("more than 3 folders deep"), "{told:?}");
    }

    #[test]
    fn an_entry_of_which_nobody_can_say_what_it_is_hides_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        put(root, "below/file.txt");
        let kind_of = |name: &str| fs::symlink_metadata(root.join(name)).map(|it| it.file_type());
        let refused = || Err(io::Error::from(ErrorKind::PermissionDenied));
        let listed = vec![
            (root.join("below"), kind_of("below")),
            (root.join("gone"), kind_of("gone")),
            (root.join("closed"), refused()),
            (root.join(".snapshot"), refused()),
            (root.join("one.1.0.nupkg"), refused()),
            (root.join("two.1.0.nupkg"), kind_of("two.1.0.nupkg")),
        ];
        let mut not_looked_into = Vec::new();
        let Sorted { files, folders } = sort(listed, &mut not_looked_into);
        assert_eq!(
            files,
            [root.join("one.1.0.nupkg"), root.join("two.1.0.nupkg")]
        );
        assert_eq!(folders, [root.join("below")]);
        let told: Vec<_> = not_looked_into.into_iter().map(|it| it.0).collect();
        assert_eq!(told, [root.join("closed")]);
    }

    #[cfg(unix)]
    #[test]
    fn links_to_folders_are_not_followed_and_links_to_packages_are_packages() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        put(root, "id/1.0/id.1.0.nupkg");
        std::os::unix::fs::symlink(root, root.join("id/loop")).unwrap();
        std::os::unix::fs::symlink("id/1.0/id.1.0.nupkg", root.join("link.nupkg")).unwrap();
        let found = walk(root, &Bounds::default()).unwrap();
        assert_eq!(names(root, &found), ["id/1.0/id.1.0.nupkg", "link.nupkg"]);
        assert!(found.not_looked_into.is_empty());
    }

    #[test]
    fn more_than_can_be_looked_at_is_an_error_and_no_half_folder() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "a/b/c.1.0.nupkg");
        put(folder.path(), "d.1.0.nupkg");
        let bounds = |entries| Bounds { depth: 3, entries };
        let found = walk(folder.path(), &bounds(4)).unwrap();
        assert_eq!(found.files.len(), 2);
        let error = walk(folder.path(), &bounds(3)).unwrap_err().to_string();
        assert!(error.contains("more than 3 files"), "{error}");
        let error = walk(&folder.path().join("none"), &bounds(3)).unwrap_err();
        assert!(error.to_string().starts_with("cannot read "), "{error}");
    }
}
