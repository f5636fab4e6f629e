//! What Chocolatey itself noted about what it installed: one folder a package below `lib`, with
//! the package's nuspec in it, and one a version below `.chocolatey`, with a file `.pin` where it is
//! pinned.

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use fleetmend_model::inventory::{ChocolateyRecord, Part, Unread};
use fleetmend_versions::nuget::Version;

use super::nuspec;

/// How many packages are read at most.
const MAX_PACKAGES: usize = 5000;
/// How much of a nuspec is read, in bytes. Id and version come first.
const MAX_NUSPEC: u64 = 256 * 1024;

/// The records below Chocolatey's folder, in the order of their ids, and what could not be read. A
/// machine without Chocolatey has none.
pub(crate) fn records(chocolatey: &Path) -> (Vec<ChocolateyRecord>, Vec<Unread>) {
    let mut records = Vec::new();
    let mut unread = Vec::new();
    let mut leave = |key: String, cause: String| {
        unread.push(Unread {
            part: Part::Chocolatey,
            user: String::new(),
            key,
            cause,
        });
    };
    match packages(chocolatey) {
        Ok((packages, has_more)) => {
            for package in packages {
                let name = package.file_name().unwrap_or_default().to_string_lossy();
                match record(&package) {
                    Ok(record) => records.extend(record),
                    Err(cause) => leave(name.into_owned(), cause),
                }
            }
            if has_more {
                leave(
                    String::new(),
                    format!("there are more than {MAX_PACKAGES} packages"),
                );
            }
        }
        Err(cause) => leave(String::new(), cause),
    }
    for it in &mut records {
        // What may be pinned is treated so: it stays as it is.
        it.pinned = is_pinned(chocolatey, it).unwrap_or_else(|cause| {
            leave(it.id.clone(), cause);
            true
        });
    }
    records.sort_by(|a, b| (&a.id, &a.version).cmp(&(&b.id, &b.version)));
    (records, unread)
}

/// The packages' folders, and whether there are more. Chocolatey itself is one of them: where it is
/// there, so is `lib`.
fn packages(chocolatey: &Path) -> Result<(Vec<PathBuf>, bool), String> {
    let lib = chocolatey.join("lib");
    let failed = |error: Error| format!("the folder {} cannot be read: {error}", lib.display());
    let entries = match fs::read_dir(&lib) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if chocolatey.join("choco.exe").is_file() {
                return Err(format!("the folder {} is gone", lib.display()));
            }
            return Ok((Vec::new(), false));
        }
        Err(error) => return Err(failed(error)),
    };
    let mut packages = Vec::new();
    for entry in entries {
        if packages.len() >= MAX_PACKAGES {
            return Ok((packages, true));
        }
        packages.push(entry.map_err(failed)?.path());
    }
    Ok((packages, false))
}

/// A package's record; `None` where the folder is none of a package, or gone meanwhile.
fn record(package: &Path) -> Result<Option<ChocolateyRecord>, String> {
    if !package.is_dir() {
        return Ok(None);
    }
    let failed = |path: &Path, error: Error| format!("{} cannot be read: {error}", path.display());
    let entries = match fs::read_dir(package) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(package, error)),
    };
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .take(MAX_PACKAGES)
        .map(|file| file.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|it| it.eq_ignore_ascii_case("nuspec"))
        })
        .collect();
    files.sort();
    let mut cause = None;
    for path in files {
        match read_nuspec(&path) {
            Ok(Some(record)) => return Ok(Some(record)),
            Ok(None) => cause = Some(format!("{} names no package", path.display())),
            Err(error) => cause = Some(failed(&path, error)),
        }
    }
    cause.map_or(Ok(None), Err)
}

fn read_nuspec(path: &Path) -> Result<Option<ChocolateyRecord>, Error> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_NUSPEC).read_to_end(&mut bytes)?;
    Ok(nuspec::parse(&String::from_utf8_lossy(&bytes)))
}

/// Whether Chocolatey was told to leave a package as it is. Of the folders that may be the version's the
/// first counts that is there. Source: `GetStorePath` in Chocolatey's
/// `ChocolateyPackageInformationService.cs`.
fn is_pinned(chocolatey: &Path, record: &ChocolateyRecord) -> Result<bool, String> {
    let mut names = vec![record.version.clone()];
    if let Ok(version) = Version::parse_any(&record.version) {
        names.insert(0, version.to_string());
        let numbers = version.numbers().map(|it| it.to_string()).join(".");
        let prerelease = version.prerelease().map(|it| format!("-{it}"));
        names.push(numbers + &prerelease.unwrap_or_default());
    }
    for version in names {
        let name = format!("{}.{version}", record.id);
        let folder = chocolatey.join(".chocolatey").join(name);
        if is_there(&folder)?.is_some_and(|it| it.is_dir()) {
            return Ok(is_there(&folder.join(".pin"))?.is_some_and(|it| it.is_file()));
        }
    }
    Ok(false)
}

/// What is at a path; that it cannot be told is an error.
fn is_there(path: &Path) -> Result<Option<fs::Metadata>, String> {
    match fs::metadata(path) {
        Ok(it) => Ok(Some(it)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!(
            "whether it is pinned cannot be read: {}: {error}",
            path.display()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_package_folder_with_a_readable_nuspec_is_a_record() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &[u8]| {
            let path = folder.path().join("lib").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let nuspec = |id: &str| {
            format!("<package><metadata><id>{id}</id><version>1.2</version></metadata></package>")
        };
        write("zip/zip.nuspec", nuspec("zip").as_bytes());
        write("app/App.NUSPEC", nuspec("App").as_bytes());
        write("app/tools/other.nuspec", nuspec("other").as_bytes());
        write("broken/broken.nuspec", b"\xff\xfe<");
        write("empty/readme.txt", nuspec("no").as_bytes());
        write("file.nuspec", nuspec("no").as_bytes());
        let (records, unread) = records(folder.path());
        let ids: Vec<_> = records.into_iter().map(|it| (it.id, it.version)).collect();
        let expected = [("App", "1.2"), ("zip", "1.2")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(ids, expected);
        // A nuspec that is being written is no package that was removed.
        let left: Vec<_> = unread.iter().map(|it| (it.part, it.key.as_str())).collect();
        assert_eq!(left, [(Part::Chocolatey, "broken")]);
    }

    #[test]
    fn a_lib_that_is_gone_or_closed_from_chocolatey_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(records(folder.path()), (Vec::new(), Vec::new()));
        fs::write(folder.path().join("choco.exe"), "").unwrap();
        let (found, unread) = records(folder.path());
        assert_eq!((found.len(), unread.len()), (0, 1));
        assert!(unread[0].key.is_empty() && unread[0].cause.ends_with("is gone"));
        // No folder at all.
        fs::write(folder.path().join("lib"), "").unwrap();
        let (_, unread) = records(folder.path());
        assert!(unread[0].cause.contains("cannot be read"), "{unread:?}");
    }

    #[test]
    fn a_package_is_pinned_by_a_file_of_its_very_version() {
        let cases: &[(&str, &[&str], bool)] = &[
            ("1.2", &["app.1.2.0/.pin"], true),
            ("1.2", &["app.1.2.0/.files"], false),
            ("1.2", &["app.1.1.0/.pin"], false),
            ("1.2", &["apps.1.2.0/.pin"], false),
            // As older generations of Chocolatey write it.
            ("1.2", &["app.1.2/.pin"], true),
            ("1.2", &["app.1.2.0.0/.pin"], true),
            ("1.2-rc1", &["app.1.2.0.0-rc1/.pin"], true),
            // What is there as the present one writes it counts alone.
            ("1.2", &["app.1.2.0/.files", "app.1.2/.pin"], false),
            ("1.2.3.4", &["app.1.2.3.4/.pin"], true),
            ("new", &["app.new/.pin"], true),
            ("1.2", &[], false),
        ];
        for (version, files, expected) in cases {
            let folder = tempfile::tempdir().unwrap();
            let write = |path: String, text: &str| {
                let path = folder.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            };
            let nuspec = format!("<metadata><id>app</id><version>{version}</version></metadata>");
            write("lib/app/app.nuspec".to_owned(), &nuspec);
            for it in *files {
                write(format!(".chocolatey/{it}"), "");
            }
            let (found, _) = records(folder.path());
            assert_eq!(found.len(), 1, "{version}");
            assert_eq!(found[0].pinned, *expected, "{version} {files:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_package_whose_pin_cannot_be_read_is_told_and_counts_as_pinned() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for id in ["app", "zip"] {
            let nuspec = format!("<metadata><id>{id}</id><version>1.2</version></metadata>");
            write(&format!("lib/{id}/{id}.nuspec"), &nuspec);
        }
        // A link to itself leads nowhere, also for root.
        let loops = folder.path().join(".chocolatey/app.1.2.0");
        fs::create_dir(folder.path().join(".chocolatey")).unwrap();
        std::os::unix::fs::symlink(&loops, &loops).unwrap();
        let (found, unread) = records(folder.path());
        let pins: Vec<_> = found.iter().map(|it| (it.id.as_str(), it.pinned)).collect();
        assert_eq!(pins, [("app", true), ("zip", false)]);
        let left: Vec<_> = unread.iter().map(|it| (it.part, it.key.as_str())).collect();
        assert_eq!(left, [(Part::Chocolatey, "app")]);
        let begins = "whether it is pinned cannot be read: ";
        assert!(unread[0].cause.starts_with(begins), "{unread:?}");
    }

    #[test]
    fn a_machine_without_chocolatey_has_no_records() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(records(folder.path()), (Vec::new(), Vec::new()));
    }
}
