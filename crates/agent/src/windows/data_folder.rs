//! The agent's data folder: what is in it decides what runs with the rights of the system, so nobody
//! but the system and administrators may put anything into it, or another in its place.
//!
//! Everybody may make folders below `C:\ProgramData`, also before the agent does, and put files into
//! those that take their entries over from there. What is judged here is in [`super::access`], with
//! the entries of a real Windows. Wine makes up owner and entries from the mode of a Unix file, keeps
//! none of those that are set, knows no links, and runs services as the user who started it. What the
//! tests show there is that nothing stands in the agent's own way, and what is done with a folder
//! whose owner is told to be somebody else.

use std::fs;
use std::io;
use std::os::windows::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use windows_sys::Win32::Storage::FileSystem::FILE_ATTRIBUTE_REPARSE_POINT;

use super::access::{self, Access, REPLACES, Trusted};
use super::security;
use super::security::{apply, create_folder, current_user, describe, is_elevated};
use crate::files::FOLDER as FILES;

/// SY: the system; BA: administrators; FA: full access; OICI: what is in the folder as well.
const CLOSED_FOLDER: &str = "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";
const CLOSED_FILE: &str = "O:BAD:P(A;;FA;;;SY)(A;;FA;;;BA)";

/// Makes the folder if it is not there, and lets only the system and administrators into it.
/// Without an administrator's rights there is nothing to gain by the agent: then its own user is let
/// in as well.
pub fn protect(dir: &Path) -> Result<()> {
    let user = current_user().context("cannot tell the current user")?;
    if !is_elevated() {
        fs::create_dir_all(dir)?;
        let entries = format!("D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;{user})");
        return Ok(apply(dir, &entries)?);
    }
    if let Err(error) = security::own_as_administrators() {
        // Most programs with an administrator's rights have it so from the start.
        tracing::debug!("cannot make what the agent writes the administrators' own: {error}");
    }
    let trusted = Trusted { user };
    let dir = std::path::absolute(dir)?;
    let mut above: Vec<&Path> = dir.ancestors().skip(1).collect();
    above.reverse();
    for place in above {
        check_place(place, &trusted)?;
    }
    close(&dir, &trusted)
}

/// Checks that nobody can put something else in the place of what is in a folder. One that is not
/// there is made.
pub(super) fn check_place(place: &Path, trusted: &Trusted) -> Result<()> {
    if !exists(place)? {
        return make(place);
    }
    let access = look(place)?;
    if !trusted.has(&access.owner) {
        return replace_if_empty(place, &access.owner);
    }
    if let Some(who) = access.stranger(trusted, REPLACES) {
        bail!(
            "{} can be changed by {}, so what the agent keeps below it can be replaced: take that \
             right away, or use another folder",
            place.display(),
            access::name(who)
        );
    }
    Ok(())
}

fn close(dir: &Path, trusted: &Trusted) -> Result<()> {
    if !exists(dir)? {
        return make(dir);
    }
    let access = look(dir)?;
    if !trusted.has(&access.owner) {
        return replace_if_empty(dir, &access.owner);
    }
    if !(access.is_closed() && access.is_protected) {
        apply(dir, CLOSED_FOLDER).with_context(|| format!("cannot protect {}", dir.display()))?;
    }
    close_content(dir, trusted)
}

/// What others put in while the folder was open to them is theirs, and the agent must not go by it.
fn close_content(dir: &Path, trusted: &Trusted) -> Result<()> {
    let files = dir.join(FILES);
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            match close_entry(&path, trusted) {
                Ok(()) if fs::symlink_metadata(&path)?.is_dir() => folders.push(path),
                Ok(()) => {}
                // The files of releases can be had again.
                Err(error) if path.starts_with(&files) => {
                    tracing::warn!("{error:#}: it is removed");
                    fs::remove_dir_all(&path)
                        .or_else(|_| fs::remove_file(&path))
                        .with_context(|| format!("cannot remove {}", path.display()))?;
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

fn close_entry(path: &Path, trusted: &Trusted) -> Result<()> {
    let access = look(path)?;
    if !trusted.has(&access.owner) {
        bail!(
            "{} belongs to {}, who is no administrator: look what it is and move it away",
            path.display(),
            access::name(&access.owner)
        );
    }
    if access.is_closed() {
        return Ok(());
    }
    let is_folder = fs::symlink_metadata(path)?.is_dir();
    let description = if is_folder {
        CLOSED_FOLDER
    } else {
        CLOSED_FILE
    };
    apply(path, description).with_context(|| format!("cannot protect {}", path.display()))
}

/// A folder that somebody else made has nothing to lose if it is empty. It is made anew rather than
/// taken over: who has it open keeps the rights with which he opened it.
fn replace_if_empty(dir: &Path, owner: &str) -> Result<()> {
    match fs::remove_dir(dir) {
        Ok(()) => make(dir),
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => bail!(
            "{} belongs to {}, who is no administrator, and is not empty: look what is in it and \
             move it away",
            dir.display(),
            access::name(owner)
        ),
        Err(error) => Err(error).with_context(|| {
            format!(
                "{} belongs to {}, who is no administrator, and cannot be removed",
                dir.display(),
                access::name(owner)
            )
        }),
    }
}

fn make(dir: &Path) -> Result<()> {
    create_folder(dir, CLOSED_FOLDER).with_context(|| format!("cannot make {}", dir.display()))
}

/// Whether something is there. A link is no folder of the agent's, wherever it leads.
fn exists(path: &Path) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(it) if it.file_attributes() & FILE_ATTRIBUTE_REPARSE_POINT != 0 => bail!(
            "{} is a link to another place: use the folder that it leads to",
            path.display()
        ),
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot look at {}", path.display())),
    }
}

/// Who owns something that is there and who gets in.
pub(super) fn look(path: &Path) -> Result<Access> {
    exists(path)?;
    let text =
        describe(path).with_context(|| format!("cannot read who may change {}", path.display()))?;
    Access::read(&text).with_context(|| {
        format!(
            "who may change {} is not understood: {text}",
            path.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(dir: &Path) -> usize {
        fs::read_dir(dir).unwrap().count()
    }

    #[test]
    fn a_protected_folder_is_open_to_the_agent_itself() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("above").join("data");
        protect(&dir).unwrap();
        fs::create_dir(dir.join("files")).unwrap();
        for file in [dir.join("before"), dir.join("files").join("inside")] {
            fs::write(&file, "x").unwrap();
        }
        protect(&dir).unwrap();
        fs::write(dir.join("after"), "x").unwrap();
        for file in [
            dir.join("before"),
            dir.join("files").join("inside"),
            dir.join("after"),
        ] {
            assert_eq!(fs::read_to_string(&file).unwrap(), "x");
        }
        assert_eq!(length(&dir), 3);
    }

    fn trusted(user: &str) -> Trusted {
        Trusted {
            user: user.to_owned(),
        }
    }

    #[test]
    fn an_empty_folder_of_somebody_else_is_made_anew_and_any_other_refused() {
        let folder = tempfile::tempdir().unwrap();
        let own = trusted(&current_user().unwrap());
        // To this one, what the test makes is somebody else's.
        let other = trusted("S-1-5-21-1-2-3-1001");
        for act in [close, check_place] {
            let dir = folder.path().join("data");
            fs::create_dir(&dir).unwrap();
            act(&dir, &other).unwrap();
            fs::write(dir.join("identity.json"), "x").unwrap();
            let refused = act(&dir, &other).unwrap_err().to_string();
            assert!(refused.contains("is not empty"), "{refused}");
            assert!(!refused.contains('\n'), "{refused}");
            assert_eq!(fs::read_to_string(dir.join("identity.json")).unwrap(), "x");
            act(&dir, &own).unwrap();
            fs::remove_dir_all(&dir).unwrap();
        }
    }

    #[test]
    fn of_what_somebody_else_put_in_only_the_files_of_releases_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        let other = trusted("S-1-5-21-1-2-3-1001");
        let job = dir.join(FILES).join("7");
        fs::create_dir_all(&job).unwrap();
        fs::write(job.join("setup.exe"), "x").unwrap();
        close_content(dir, &other).unwrap();
        assert_eq!(length(dir), 0);
        fs::write(dir.join("state.json"), "x").unwrap();
        let refused = close_content(dir, &other).unwrap_err().to_string();
        assert!(refused.contains("state.json belongs to"), "{refused}");
        assert_eq!(length(dir), 1);
    }
}
