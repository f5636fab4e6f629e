//! Files that a person carries away: whole, and on the disk, under their name, or not there at all.

use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

/// A file that comes to this path once it is whole. Until then it stands beside it, called so that
/// whoever finds one knows what it is a part of. Who may read it is said as on Unix: `0o600` is its owner
/// alone.
#[cfg_attr(not(unix), expect(unused_variables, reason = "folders say it"))]
pub fn beside(path: &Path, mode: u32) -> io::Result<NamedTempFile> {
    let no_name = || io::Error::new(io::ErrorKind::InvalidInput, "it names no file");
    let name = path.file_name().ok_or_else(no_name)?.to_string_lossy();
    let prefix = format!("{name}.");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".part");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    builder.tempfile_in(folder(path))
}

/// Puts it in its place. It can be carried away when this returns.
pub fn put(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    file.persist(path)?;
    #[cfg(unix)]
    std::fs::File::open(folder(path))?.sync_all()?;
    Ok(())
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
}
