//! Things that are dear to make, made once and kept in the target directory.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The target directory of this build, found from the test program's own place in it.
///
/// `CARGO_TARGET_DIR` alone would not do: the directory may come from a configuration file.
pub fn target_dir() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file())
        .map_or_else(
            || std::env::temp_dir().join("fleetmend-target"),
            Path::to_path_buf,
        )
}

/// Gives the cached file or folder of this name, and makes it when it is not there.
///
/// `make` writes to the path that it is given; only when it succeeded does the result get its
/// name, so a run that was killed in between leaves nothing half made. Runs at the same moment
/// wait for each other. The name must change with everything that the content depends on.
pub fn get_or_make(name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let folder = target_dir().join("e2e-cache");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let path = folder.join(name);
    let lock = File::create(folder.join(format!("{name}.lock")))?;
    lock.lock()?;
    if path.exists() {
        return Ok(path);
    }
    let unfinished = folder.join(format!("{name}.unfinished"));
    remove(&unfinished)?;
    if let Err(error) = make(&unfinished) {
        let _ = remove(&unfinished);
        return Err(error.context(format!("cannot make {name} for the tests")));
    }
    fs::rename(&unfinished, &path)?;
    Ok(path)
}

fn remove(path: &Path) -> Result<()> {
    if path.is_dir() {
        fs::remove_dir_all(path)?;
    } else if path.exists() {
        fs::remove_file(path)?;
    }
    Ok(())
}
