//! How APT is called: which lists it uses, and that nothing of it asks, pages or runs for ever.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::apt_error;
use super::command::{self, AtLimit, Ran};
use crate::platform::PlatformError;

/// The system's package lists.
const SYSTEM_LISTS: &str = "/var/lib/apt/lists";
/// What lets APT run without root beside the system's own APT.
///
/// Source: apt.conf(5). `#clear` works in files only. The hooks refresh caches of the system.
const PRIVATE_HOOKS: &str = "#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Sandbox::User \"root\";
";

/// The machine's APT.
#[derive(Debug)]
pub(super) struct Apt {
    /// For the output of running programs, and the private lists.
    pub(super) data: PathBuf,
    is_private: bool,
}

/// Refuses a machine without APT.
pub(super) fn require() -> Result<PathBuf, PlatformError> {
    command::find_program("apt-get").ok_or_else(|| PlatformError::NoPackageManager {
        looked_for: "apt-get".to_owned(),
    })
}

impl Apt {
    pub(super) fn new(data: &Path, is_private: bool) -> Self {
        Self {
            data: data.to_owned(),
            is_private,
        }
    }

    /// `apt-get` on the lists that this agent refreshes.
    pub(super) fn get(&self) -> Result<Command, PlatformError> {
        let mut command = command::command(&require()?);
        never_ask(&mut command);
        if self.is_private {
            command.arg("-c").arg(self.private_configuration());
        }
        // Plain lines, however wide: no progress display.
        command.args(["-q", "-o", "Dpkg::Use-Pty=0", "-o", "APT::Color=0"]);
        Ok(command)
    }

    /// `apt-get --simulate`: needs neither root nor a lock, and changes nothing.
    pub(super) fn simulate(&self) -> Result<Command, PlatformError> {
        let mut command = self.get()?;
        command.args(["--simulate", "-o", "Debug::NoLocking=1"]);
        // Old versions, and the ones that would replace them, beside each name.
        command.args(["-o", "APT::Get::Show-Versions=1"]);
        Ok(command)
    }

    /// Runs a command that changes nothing which must not be torn.
    pub(super) fn run(
        &self,
        what: &str,
        command: Command,
        limit: Duration,
    ) -> Result<Ran, PlatformError> {
        command::run(command, &self.data, limit, AtLimit::Kill, &mut |_| ())
            .map_err(|error| failed(what, &error.to_string()))
    }

    /// Makes the private lists ready, from the system's where those are newer: the first refresh
    /// fetches less then, and without a network there is something to go on with.
    pub(super) fn prepare_lists(&self) -> Result<(), PlatformError> {
        if !self.is_private {
            return Ok(());
        }
        let folder = self.private_folder();
        let describe = |error: io::Error| {
            failed(
                "making package lists of the agent's own",
                &format!("{}: {error}", folder.display()),
            )
        };
        for partial in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(folder.join(partial)).map_err(describe)?;
        }
        fs::write(
            self.private_configuration(),
            configuration(&folder).map_err(describe)?,
        )
        .map_err(describe)?;
        // Lists that cannot be copied are fetched.
        let _ = copy_newer(Path::new(SYSTEM_LISTS), &folder.join("lists"));
        Ok(())
    }

    fn private_folder(&self) -> PathBuf {
        // APT takes a relative folder as one below the folder of its state.
        std::path::absolute(&self.data)
            .unwrap_or_else(|_| self.data.clone())
            .join("apt")
    }

    fn private_configuration(&self) -> PathBuf {
        self.private_folder().join("apt.conf")
    }
}

/// Sets what keeps packages' scripts and APT's hooks from asking anybody.
///
/// Source: debconf(7), apt-listchanges(1), needrestart's `NEEDRESTART_MODE` (`l`: list only) and
/// `NEEDRESTART_SUSPEND`, ucf(1).
pub(super) fn never_ask(command: &mut Command) {
    command.envs([
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("DEBCONF_NONINTERACTIVE_SEEN", "true"),
        ("APT_LISTCHANGES_FRONTEND", "none"),
        ("APT_LISTBUGS_FRONTEND", "none"),
        ("NEEDRESTART_MODE", "l"),
        ("NEEDRESTART_SUSPEND", "1"),
        ("UCF_FORCE_CONFFOLD", "1"),
        ("PAGER", "cat"),
    ]);
}

/// A failure that may be none later.
pub(super) fn not_now(what: &str, why: &str) -> PlatformError {
    PlatformError::NotNow {
        what: what.to_owned(),
        why: why.to_owned(),
    }
}

/// A failure of an APT command, by its own words.
pub(super) fn failed_run(what: &str, ran: &Ran) -> PlatformError {
    failed(what, &apt_error::cause(ran))
}

pub(super) fn failed(what: &str, why: &str) -> PlatformError {
    PlatformError::Failed {
        what: what.to_owned(),
        why: why.to_owned(),
    }
}

fn configuration(folder: &Path) -> io::Result<String> {
    let path = folder
        .to_str()
        .filter(|path| !path.contains(['"', '\n', '\\']));
    let Some(path) = path else {
        return Err(io::Error::other(
            "its name has characters that APT's configuration cannot hold",
        ));
    };
    Ok(format!(
        "Dir::State::lists \"{path}/lists/\";\nDir::Cache \"{path}/cache/\";\n{PRIVATE_HOOKS}"
    ))
}

/// Copies the files that the target lacks or has older, with their times: APT asks servers for
/// what changed since then.
fn copy_newer(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if !metadata.is_file() || entry.file_name() == "lock" {
            continue;
        }
        let time = metadata.modified()?;
        let target = to.join(entry.file_name());
        if fs::metadata(&target)
            .and_then(|it| it.modified())
            .is_ok_and(|own| own >= time)
        {
            continue;
        }
        let mut name = OsString::from(".new-");
        name.push(entry.file_name());
        let new = to.join(name);
        fs::copy(entry.path(), &new)?;
        fs::File::options()
            .write(true)
            .open(&new)?
            .set_modified(time)?;
        fs::rename(&new, &target)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_newer_lists_are_copied_and_keep_their_time() {
        use std::time::SystemTime;
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let write = |folder: &Path, name: &str, text: &str, seconds: u64| {
            let path = folder.join(name);
            fs::write(&path, text).unwrap();
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            fs::File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_modified(time)
                .unwrap();
        };
        for (name, own, system, wanted) in [
            ("missing", None, Some(20), "system"),
            ("older", Some(10), Some(20), "system"),
            ("newer", Some(30), Some(20), "own"),
            ("same", Some(20), Some(20), "own"),
            ("extra", Some(10), None, "own"),
        ] {
            if let Some(seconds) = own {
                write(to.path(), name, "own", seconds);
            }
            if let Some(seconds) = system {
                write(from.path(), name, "system", seconds);
            }
            copy_newer(from.path(), to.path()).unwrap();
            assert_eq!(
                fs::read_to_string(to.path().join(name)).unwrap(),
                wanted,
                "{name}"
            );
        }
        let copied = fs::metadata(to.path().join("older"))
            .unwrap()
            .modified()
            .unwrap();
        assert_eq!(copied, SystemTime::UNIX_EPOCH + Duration::from_secs(20));
    }

    #[test]
    fn a_folder_that_the_configuration_cannot_name_is_refused() {
        assert!(configuration(Path::new("/var/lib/fleet mend/apt")).is_ok());
        assert!(configuration(Path::new("/a\";Dir::State \"/")).is_err());
    }
}
