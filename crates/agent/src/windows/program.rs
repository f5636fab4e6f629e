//! The program that the service runs, with the rights of the system: a copy where only
//! administrators may write.
//!
//! As for the data folder, Wine does not show who may write where.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use windows_registry::LOCAL_MACHINE;

use super::access::{self, Trusted, WRITES};
use super::data_folder::{check_place, look};
use super::log_file;
use super::registry::{open, text};
use super::security::current_user;

/// Where Windows says that programs are. A program's environment is its user's to change.
const FOLDERS: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion";
/// How long the program of a service that was stopped may be in use.
const IN_USE: Duration = Duration::from_secs(30);
/// The pause between two tries to replace it.
const TRY_EVERY: Duration = Duration::from_millis(100);

/// Where the service's copy of this program is, or will be.
pub(super) fn place() -> Result<PathBuf> {
    let program = std::env::current_exe().context("cannot tell this program's path")?;
    let name = program.file_name().context("this program has no name")?;
    Ok(folder()?.join(name))
}

/// The folder of that copy.
pub(super) fn folder() -> Result<PathBuf> {
    let programs = open(LOCAL_MACHINE, FOLDERS)
        .and_then(|key| text(&key, "ProgramFilesDir"))
        .context("cannot tell where this machine's programs are")?;
    Ok(PathBuf::from(programs).join("Fleetmend"))
}

/// Checks that nobody but administrators can write where the program goes, before anything is
/// changed. The folder is made where it is not there.
pub(super) fn check(place: &Path) -> Result<()> {
    let trusted = Trusted {
        user: current_user().context("cannot tell the current user")?,
    };
    let folder = place.parent().context("a program lies in a folder")?;
    let mut above: Vec<&Path> = folder.ancestors().skip(1).collect();
    above.reverse();
    for it in above {
        check_place(it, &trusted)?;
    }
    if let Err(error) = fs::create_dir(folder)
        && error.kind() != io::ErrorKind::AlreadyExists
    {
        return Err(error).with_context(|| format!("cannot make {}", folder.display()));
    }
    for it in [folder, place] {
        if it == place && !place.exists() {
            continue;
        }
        let access = look(it)?;
        let owner = (!trusted.has(&access.owner)).then_some(access.owner.as_str());
        if let Some(who) = owner.or_else(|| access.stranger(&trusted, WRITES)) {
            bail!(
                "{} can be changed by {}: the service would run what they put there with the \
                 rights of the system. Take that right away, or remove it, and try again",
                it.display(),
                access::name(who)
            );
        }
    }
    Ok(())
}

/// Copies this program to its place, unless it runs from there. The service must not run.
pub(super) fn copy_to(place: &Path) -> Result<()> {
    if runs_from(place)? {
        return Ok(());
    }
    let program = std::env::current_exe()?;
    let folder = place.parent().context("a program lies in a folder")?;
    let mut copy = tempfile::NamedTempFile::new_in(folder)?;
    io::copy(&mut File::open(program)?, copy.as_file_mut())?;
    copy.as_file().sync_all()?;
    let mut copy = copy.into_temp_path();
    let deadline = Instant::now() + IN_USE;
    // A service that has said that it stopped is about to end, and no earlier.
    while let Err(error) = copy.persist(place) {
        if Instant::now() > deadline {
            return Err(error.error).with_context(|| format!("cannot write {}", place.display()));
        }
        copy = error.path;
        std::thread::sleep(TRY_EVERY);
    }
    Ok(())
}

/// Removes the copy and its folder, as far as nothing else is in it and nobody uses it. A log of the
/// service is there where it was refused its data folder.
pub(super) fn remove(place: &Path) {
    let is_gone = runs_from(place).is_ok_and(|it| !it) && fs::remove_file(place).is_ok();
    if is_gone && let Some(folder) = place.parent() {
        let _ = fs::remove_file(folder.join(log_file::NAME));
        let _ = fs::remove_dir(folder);
    }
}

fn runs_from(place: &Path) -> Result<bool> {
    let program = std::env::current_exe().context("cannot tell this program's path")?;
    let own = fs::canonicalize(program).context("cannot tell this program's path")?;
    Ok(fs::canonicalize(place).is_ok_and(|place| place == own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_copied_below_program_files_and_removed() {
        let place = place().unwrap();
        assert!(
            place.starts_with(r"C:\Program Files\Fleetmend"),
            "{place:?}"
        );
        check(&place).unwrap();
        copy_to(&place).unwrap();
        check(&place).unwrap();
        copy_to(&place).unwrap();
        let own = fs::metadata(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(fs::metadata(&place).unwrap().len(), own.len());
        remove(&place);
        assert!(!place.exists());
    }
}
