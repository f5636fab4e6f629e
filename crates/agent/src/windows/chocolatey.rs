//! What Chocolatey itself noted about what it installed: one folder a package below `lib`, with
//! the package's nuspec in it.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use fleetmend_model::inventory::ChocolateyRecord;

use super::nuspec;

/// How many packages are read at most.
const MAX_PACKAGES: usize = 5000;
/// How much of a nuspec is read, in bytes. Id and version come first.
const MAX_NUSPEC: u64 = 256 * 1024;

/// The records below Chocolatey's folder, in the order of their ids. A machine without Chocolatey
/// has none; a folder that cannot be read is passed over.
pub(crate) fn records(chocolatey: &Path) -> Vec<ChocolateyRecord> {
    let Ok(packages) = fs::read_dir(chocolatey.join("lib")) else {
        return Vec::new();
    };
    let mut records: Vec<_> = packages
        .flatten()
        .take(MAX_PACKAGES)
        .filter_map(|package| record(&package.path()))
        .collect();
    records.sort_by(|a, b| (&a.id, &a.version).cmp(&(&b.id, &b.version)));
    records
}

fn record(package: &Path) -> Option<ChocolateyRecord> {
    let mut files: Vec<PathBuf> = fs::read_dir(package)
        .ok()?
        .flatten()
        .take(MAX_PACKAGES)
        .map(|file| file.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|it| it.eq_ignore_ascii_case("nuspec"))
        })
        .collect();
    files.sort();
    files.iter().find_map(|path| {
        let mut bytes = Vec::new();
        File::open(path)
            .ok()?
            .take(MAX_NUSPEC)
            .read_to_end(&mut bytes)
            .ok()?;
        nuspec::parse(&String::from_utf8_lossy(&bytes))
    })
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
        let ids: Vec<_> = records(folder.path())
            .into_iter()
            .map(|it| (it.id, it.version))
            .collect();
        let expected = [("App", "1.2"), ("zip", "1.2")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(ids, expected);
    }

    #[test]
    fn a_machine_without_chocolatey_has_no_records() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(records(folder.path()), []);
    }
}
