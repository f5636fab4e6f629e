//! Files that a person carries away: whole, and on the disk, under their name, or not there at all.

use std::fs;
use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

/// A file that comes to this path once it is whole. Until then it stands beside it, called so that
/// whoever finds one knows what it is a part of. Who may read it is said as on Unix: `0o600` is its owner
/// alone. An error where something stands there that is no file: a device, a pipe or a link would be gone.
#[cfg_attr(not(unix), expect(unused_variables, reason = "folders say it"))]
pub fn beside(path: &Path, mode: u32) -> io::Result<NamedTempFile> {
    may_replace(path)?;
    let no_name = || io::Error::new(io::ErrorKind::InvalidInput, "it names no file");
    let name = path.file_name().ok_or_else(no_name)?.to_string_lossy();
    let prefix = format!("{name}.");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".part");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    builder
        .tempfile_in(folder(path))
        .map_err(|error| without_name(&error))
}

/// Puts it in its place. It can be carried away when this returns.
pub fn put(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    may_replace(path)?;
    file.persist(path)?;
    #[cfg(unix)]
    fs::File::open(folder(path))?.sync_all()?;
    Ok(())
}

/// Whether there is nothing at a path but a file, or why not.
fn may_replace(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?.file_type(),
    };
    let what = if found.is_file() {
        return Ok(());
    } else if found.is_symlink() {
        "a symbolic link: name what it leads to"
    } else if found.is_dir() {
        "a folder: name a file in it"
    } else {
        "a device, a pipe or the like: name a file, and copy that there"
    };
    Err(io::Error::other(format!("it is {what}")))
}

/// The cause alone: the name that a file has until it is whole is nobody's.
fn without_name(error: &io::Error) -> io::Error {
    let text = error.to_string();
    let cause = text.split(" at path ").next().unwrap_or_default();
    io::Error::new(error.kind(), cause.to_owned())
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn what_is_not_whole_never_has_the_name_and_what_was_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.tar");
        std::fs::write(&path, "the last one").unwrap();
        let mut file = beside(&path, 0o600).unwrap();
        file.write_all(b"half").unwrap();
        let name = file.path().file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("catalog.tar."), "{name}");
        assert_eq!(file.path().extension(), Some("part".as_ref()));
        drop(file);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "the last one");
        let mut file = beside(&path, 0o600).unwrap();
        file.write_all(b"the next one").unwrap();
        put(file, &path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "the next one");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        beside(Path::new("/"), 0o600).unwrap_err();
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_never_replaced_and_an_error_names_nothing_made_up() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("real.tar"), "the last one").unwrap();
        std::os::unix::fs::symlink("real.tar", at("link")).unwrap();
        std::os::unix::fs::symlink("nowhere", at("dangling")).unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        for (name, expected) in [
            ("link", "a symbolic link"),
            ("dangling", "a symbolic link"),
            ("folder", "a folder"),
            ("socket", "a device, a pipe or the like"),
        ] {
            let before = std::fs::symlink_metadata(at(name)).unwrap().file_type();
            let error = beside(&at(name), 0o600).unwrap_err().to_string();
            assert!(error.contains(expected), "{name}: {error}");
            // Nor if it comes there while the file is written.
            let file = NamedTempFile::new_in(folder.path()).unwrap();
            let error = put(file, &at(name)).unwrap_err().to_string();
            assert!(error.contains(expected), "{name}: {error}");
            let after = std::fs::symlink_metadata(at(name)).unwrap().file_type();
            assert_eq!(before, after, "{name}");
        }
        assert_eq!(
            std::fs::read_to_string(at("real.tar")).unwrap(),
            "the last one"
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 5);
        let error = beside(&at("none/x.tar"), 0o600).unwrap_err();
        assert_eq!(error.to_string(), "No such file or directory (os error 2)");
    }
}
