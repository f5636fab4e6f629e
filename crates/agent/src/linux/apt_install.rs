//! Upgrading one package to one version, and nothing that would remove another.
//!
//! When the time is over, `apt-get` and what it started are asked to end (SIGTERM) and never
//! killed: dpkg torn by force may leave a package whose files are half old, half new. What does
//! not end then is left to itself and said so; the next try waits for its lock.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use fleetmend_model::release::{Action, AptUpgrade};

use super::apt::{self, Apt, failed, failed_run};
use super::apt_error::{self, output_tail, telling_lines};
use super::apt_offers::{Step, step};
use super::apt_update::lock_held;
use super::command::{self, AtLimit, Ending, Ran};
use super::earlier::Mark;
use super::{NEEDS_ROOT, dpkg, host};
use crate::platform::{PlatformError, RunResult};

/// How long a download may take.
const DOWNLOAD_LIMIT: Duration = Duration::from_hours(1);
/// How long a simulation may take.
const SIMULATION_LIMIT: Duration = Duration::from_mins(5);
/// How long a package manager has to end after it was asked to.
const GRACE: Duration = Duration::from_secs(30);
/// The pause between two tries at a lock for which APT does not wait itself.
const LOCK_PAUSE: Duration = Duration::from_secs(1);
/// What a person reads while a lock is waited for.
const WAITS: &str = "waits for the package manager's lock";
const INSTALLS: &str = "installs";
/// Where dpkg keeps the steps of a run that has not ended; empty else.
const DPKG_UPDATES: &str = "/var/lib/dpkg/updates";
/// The conffiles that the administrator changed stay; the others are replaced. Source: dpkg(1).
const KEEP_CONFFILES: [&str; 2] = ["--force-confdef", "--force-confold"];

/// Downloads what the upgrade needs into APT's cache.
pub(super) fn prepare(apt: &Apt, action: &Action, is_root: bool) -> Result<(), PlatformError> {
    let Action::AptUpgrade(upgrade) = action else {
        return Ok(());
    };
    let what = format!("downloading {} {}", upgrade.package, upgrade.version);
    if !is_root {
        return Err(failed(&what, NEEDS_ROOT));
    }
    let wanted = argument(upgrade).map_err(|why| failed(&what, &why))?;
    let start = Instant::now();
    loop {
        let rest = DOWNLOAD_LIMIT.saturating_sub(start.elapsed());
        let mut command = apt.get()?;
        command.args([
            "install",
            "--download-only",
            "-y",
            "--only-upgrade",
            &wanted,
        ]);
        let ran = apt.run(&what, command, rest)?;
        if ran.success() {
            return Ok(());
        }
        if lock_held(&ran.output).is_none() || rest <= LOCK_PAUSE {
            return Err(match known_cause(&ran.output, upgrade) {
                Some(cause) => failed(&what, &cause),
                None => failed_run(&what, &ran),
            });
        }
        thread::sleep(LOCK_PAUSE);
    }
}

/// Installs the upgrade. Success is APT's own exit code 0.
pub(super) fn run(
    apt: &Apt,
    action: &Action,
    is_root: bool,
    mark: &Mark,
    limit: Duration,
    progress: &dyn Fn(&str),
) -> RunResult {
    let refused = |cause: String| RunResult {
        cause,
        ..RunResult::default()
    };
    let Action::AptUpgrade(upgrade) = action else {
        return refused(
            "the release is a Windows installer, and this machine runs Linux".to_owned(),
        );
    };
    if !is_root {
        return refused(NEEDS_ROOT.to_owned());
    }
    let wanted = match argument(upgrade) {
        Ok(wanted) => wanted,
        Err(cause) => return refused(cause),
    };
    let restart_was_due = host::restart_pending(Path::new(host::RUN)).is_some();
    let mut run = Run {
        apt,
        mark,
        end: Instant::now() + limit,
        progress,
        output: String::new(),
    };
    let ended = run
        .finish_interrupted()
        .and_then(|()| run.check(upgrade, &wanted))
        .and_then(|()| run.install(&wanted));
    let output = output_tail(&run.output);
    match ended {
        Err(cause) => RunResult {
            cause,
            output,
            ..RunResult::default()
        },
        Ok(ran) => RunResult {
            exit_code: ran.code(),
            success: ran.success(),
            restart_due: !restart_was_due && host::restart_pending(Path::new(host::RUN)).is_some(),
            cause: if ran.success() {
                String::new()
            } else {
                cause(&ran, upgrade, limit)
            },
            output,
        },
    }
}

/// One run: what is left of its time, and what its programs wrote.
struct Run<'a> {
    apt: &'a Apt,
    mark: &'a Mark,
    end: Instant,
    progress: &'a dyn Fn(&str),
    output: String,
}

impl Run<'_> {
    fn rest(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// Ends what an earlier run of dpkg left half done; APT refuses to work before that. If it
    /// cannot be ended, APT says in its own words whether that is in the way.
    fn finish_interrupted(&mut self) -> Result<(), String> {
        while let Some(what) = interrupted()? {
            (self.progress)(&format!(
                "dpkg has not ended its work on {what}: ends that first"
            ));
            let program = command::find_program("dpkg").ok_or("there is no dpkg")?;
            let mut command = command::command(&program);
            apt::never_ask(&mut command);
            command.args(KEEP_CONFFILES).args(["--configure", "-a"]);
            let ran = self.run(command)?;
            if !is_locked_for_dpkg(&ran.output) {
                self.output.push_str(&ran.output);
                return match ran.ending {
                    Ending::Exited(_) => Ok(()),
                    Ending::Stopped | Ending::LeftRunning => Err(format!(
                        "dpkg had not ended its work on {what}, and ending that took too long"
                    )),
                };
            }
            // Half done because another program is at it just now.
            if self.rest() <= LOCK_PAUSE {
                return Err(lock_cause(&ran.output));
            }
            (self.progress)(WAITS);
            thread::sleep(LOCK_PAUSE);
        }
        Ok(())
    }

    /// Refuses an upgrade that APT would not do, or only by removing other packages.
    fn check(&mut self, upgrade: &AptUpgrade, wanted: &str) -> Result<(), String> {
        let mut command = self.apt.simulate().map_err(|error| error.to_string())?;
        command.args(["install", "-y", "--only-upgrade", wanted]);
        let ran = self
            .apt
            .run(
                "simulating the upgrade",
                command,
                self.rest().min(SIMULATION_LIMIT),
            )
            .map_err(|error| error.to_string())?;
        let removed: Vec<&str> = ran
            .output
            .lines()
            .filter_map(|line| match step(line) {
                Some(Step::Remove(name)) => Some(name),
                _ => None,
            })
            .collect();
        let cause = if !removed.is_empty() {
            format!(
                "upgrading {} to {} would remove {}: it was not started",
                upgrade.package,
                upgrade.version,
                removed.join(", ")
            )
        } else if let Some(cause) = known_cause(&ran.output, upgrade) {
            cause
        } else if !ran.success() {
            apt_error::cause(&ran)
        } else {
            return Ok(());
        };
        self.output.push_str(&ran.output);
        Err(cause)
    }

    fn install(&mut self, wanted: &str) -> Result<Ran, String> {
        loop {
            let mut command = self.apt.get().map_err(|error| error.to_string())?;
            // APT's wait ends a little before the run's, so that it can say who holds the lock.
            let lock_wait = self.rest().as_secs() * 9 / 10;
            command.args(["install", "-y", "--only-upgrade", "--no-remove"]);
            for option in KEEP_CONFFILES {
                command.arg("-o").arg(format!("Dpkg::Options::={option}"));
            }
            command
                .arg("-o")
                .arg(format!("DPkg::Lock::Timeout={lock_wait}"))
                .arg(wanted);
            let ran = self.run(command)?;
            // The lock of APT's cache of packages is one that it does not wait for.
            if ran.success() || lock_held(&ran.output).is_none() || self.rest() <= LOCK_PAUSE * 2 {
                self.output.push_str(&ran.output);
                return Ok(ran);
            }
            (self.progress)(WAITS);
            thread::sleep(LOCK_PAUSE);
        }
    }

    /// Runs something that must not be torn.
    fn run(&self, mut command: Command) -> Result<Ran, String> {
        self.mark.put_on(&mut command);
        let mut waits = false;
        let mut on_line = |line: &str| {
            let is_wait = is_lock_wait(line);
            if is_wait != waits {
                waits = is_wait;
                (self.progress)(if is_wait { WAITS } else { INSTALLS });
            }
        };
        let at_limit = AtLimit::Leave(GRACE);
        command::run(command, &self.apt.data, self.rest(), at_limit, &mut on_line)
            .map_err(|error| format!("cannot start the package manager: {error}"))
    }
}

/// What dpkg left half done, in words; `None` when nothing is.
fn interrupted() -> Result<Option<String>, String> {
    let text = dpkg::read(Path::new(dpkg::STATUS_FILE)).map_err(|error| error.to_string())?;
    let names = dpkg::interrupted(&text).map_err(|error| error.to_string())?;
    if !names.is_empty() {
        return Ok(Some(names.join(", ")));
    }
    let has_journal = std::fs::read_dir(DPKG_UPDATES)
        .into_iter()
        .flatten()
        .flatten()
        .any(|it| {
            it.file_name()
                .to_str()
                .is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        });
    Ok(has_journal.then(|| "what its journal holds".to_owned()))
}

/// The upgrade as an argument of `apt-get install`. Names come from devices: one that APT could
/// take for something else than a package and its version is refused.
///
/// Source: Debian Policy, 5.6.1 'Source', 5.6.8 'Architecture', 5.6.12 'Version'.
fn argument(upgrade: &AptUpgrade) -> Result<String, String> {
    let AptUpgrade {
        package,
        architecture,
        version,
    } = upgrade;
    let is_lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let starts_right = |text: &str| {
        text.bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric())
    };
    let is_package = starts_right(package)
        && package
            .bytes()
            .all(|byte| is_lower(byte) || b"+-.".contains(&byte));
    let is_architecture = starts_right(architecture)
        && architecture
            .bytes()
            .all(|byte| is_lower(byte) || byte == b'-');
    let is_version = starts_right(version)
        && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+-:~".contains(&byte))
        // An argument that ends so is one for removal.
        && !version.ends_with('-');
    if is_package && is_architecture && is_version {
        Ok(format!("{package}:{architecture}={version}"))
    } else {
        Err(format!(
            "'{package}:{architecture}' '{version}' is no package and version of Debian"
        ))
    }
}

/// Failures that a person understands better in other words than APT's.
fn known_cause(output: &str, upgrade: &AptUpgrade) -> Option<String> {
    let AptUpgrade {
        package, version, ..
    } = upgrade;
    let errors = || output.lines().filter_map(|line| line.strip_prefix("E: "));
    let any = |test: &dyn Fn(&str) -> bool| errors().any(test);
    if any(&|it| it.starts_with("Version '") && it.ends_with("was not found")) {
        return Some(format!(
            "version {version} of {package} is no longer in the archives that this machine knows: \
             scan it again to see what they offer"
        ));
    }
    if any(&|it| {
        it.starts_with("Unable to locate package") || it.contains("has no installation candidate")
    }) {
        return Some(format!(
            "the package {package} is in none of the archives that this machine knows"
        ));
    }
    if any(&|it| it.starts_with("Held packages were changed"))
        || output.contains("The following held packages will be changed:")
    {
        let held = listed(output, "The following held packages will be changed:");
        let names = if held.is_empty() {
            package.clone()
        } else {
            held.join(" ")
        };
        return Some(format!(
            "{names} is held on this machine: release it with 'apt-mark unhold {names}' to \
             upgrade it"
        ));
    }
    if any(&|it| it.starts_with("Packages were downgraded")) {
        return Some(format!(
            "this machine has a newer version of {package} than {version}"
        ));
    }
    None
}

/// The names in one of APT's indented lists, without the versions behind them.
fn listed<'a>(output: &'a str, title: &str) -> Vec<&'a str> {
    output
        .lines()
        .skip_while(|line| line.trim() != title)
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

fn cause(ran: &Ran, upgrade: &AptUpgrade, limit: Duration) -> String {
    if let Some(cause) = known_cause(&ran.output, upgrade) {
        return cause;
    }
    if let Some(words) = lock_held(&ran.output) {
        return lock_cause(words);
    }
    let seconds = limit.as_secs();
    let (end, told) = (ran.ending, telling_lines(&ran.output));
    let told = if told.is_empty() {
        told
    } else {
        format!(": {told}")
    };
    match end {
        Ending::Exited(_) => apt_error::cause(ran),
        Ending::Stopped => format!("it took longer than {seconds} s and was stopped{told}"),
        Ending::LeftRunning => format!(
            "it took longer than {seconds} s and still runs; ending it by force could damage the \
             system{told}"
        ),
    }
}

fn lock_cause(words: &str) -> String {
    let holder = words
        .find("process ")
        .or_else(|| words.find("pid "))
        .map_or("", |at| &words[at..]);
    let holder = holder
        .lines()
        .next()
        .unwrap_or_default()
        .trim_end_matches('.');
    let by = if holder.is_empty() {
        "another program"
    } else {
        holder
    };
    format!("the package manager's lock was held by {by} all the time")
}

/// Whether APT says that it waits, e.g. `Waiting for cache lock: Could not get lock …`.
fn is_lock_wait(line: &str) -> bool {
    line.contains("Waiting for cache lock")
}

/// Whether dpkg says that another program works: it does not wait itself.
fn is_locked_for_dpkg(output: &str) -> bool {
    output.lines().any(|line| {
        line.starts_with("dpkg: error: dpkg ") && line.contains("locked by another process")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upgrade(package: &str, architecture: &str, version: &str) -> AptUpgrade {
        AptUpgrade {
            package: package.to_owned(),
            architecture: architecture.to_owned(),
            version: version.to_owned(),
        }
    }

    #[test]
    fn only_what_is_a_package_and_a_version_becomes_an_argument() {
        for (package, architecture, version, is_right) in [
            ("libstdc++6", "amd64", "1:12.2.0-14+deb12u1~bpo", true),
            ("g++", "all", "1+", true),
            ("--purge", "amd64", "1", false),
            ("-o", "amd64", "1", false),
            ("a b", "amd64", "1", false),
            ("a", "amd64", "1-", false),
            ("a", "amd64", "-1", false),
            ("a", "", "1", false),
            ("a", "amd64", "1 b", false),
            ("a", "amd64=2", "1", false),
            ("A", "amd64", "1", false),
            ("", "amd64", "1", false),
            ("a", "amd64", "", false),
            ("a*", "amd64", "1", false),
            ("../a", "amd64", "1", false),
        ] {
            let argument = argument(&upgrade(package, architecture, version));
            assert_eq!(
                argument.is_ok(),
                is_right,
                "{package}:{architecture}={version}"
            );
        }
        assert_eq!(
            argument(&upgrade("a1", "amd64", "2:3")).unwrap(),
            "a1:amd64=2:3"
        );
    }

    #[test]
    fn well_known_failures_are_told_in_plain_words() {
        let upgrade = upgrade("tool", "all", "2.0-1");
        for (output, wanted) in [
            (
                "E: Version '2.0-1' for 'tool' was not found\n",
                "no longer in the archives",
            ),
            (
                "E: Unable to locate package tool:all\n",
                "in none of the archives",
            ),
            (
                "E: Package 'tool' has no installation candidate\n",
                "in none of the archives",
            ),
            (
                "The following held packages will be changed:\n   tool (1 => 2)\nE: Held packages \
                 were changed and -y was used without --allow-change-held-packages.\n",
                "tool is held on this machine: release it with 'apt-mark unhold tool'",
            ),
            (
                "E: Packages were downgraded and -y was used without --allow-downgrades.",
                "newer",
            ),
        ] {
            let cause = known_cause(output, &upgrade).unwrap();
            assert!(cause.contains(wanted), "{cause}");
        }
        assert_eq!(known_cause("E: something else\n", &upgrade), None);
    }

    #[test]
    fn dpkgs_words_on_its_lock_are_told_from_failures_of_packages() {
        for (output, is_locked) in [
            (
                "dpkg: error: dpkg frontend lock was locked by another process with pid 12\n",
                true,
            ),
            (
                "dpkg: error: dpkg frontend is locked by another process\n",
                true,
            ),
            (
                "dpkg: error: dpkg database lock was locked by another process with pid 1\n",
                true,
            ),
            (
                "dpkg: error processing package lockfile-progs (--configure):\n x\n",
                false,
            ),
            ("", false),
        ] {
            assert_eq!(is_locked_for_dpkg(output), is_locked, "{output}");
        }
    }

    #[test]
    fn a_lock_names_who_holds_it() {
        for (words, wanted) in [
            (
                "Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 12 (apt)",
                "the package manager's lock was held by process 12 (apt) all the time",
            ),
            (
                "dpkg: error: dpkg frontend lock was locked by another process with pid 12\nNote:",
                "the package manager's lock was held by process with pid 12 all the time",
            ),
            (
                "E: ?",
                "the package manager's lock was held by another program all the time",
            ),
        ] {
            assert_eq!(lock_cause(words), wanted);
        }
    }
}
